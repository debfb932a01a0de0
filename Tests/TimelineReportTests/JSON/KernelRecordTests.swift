// `kernel` records: each has the fields that its source can know.

import TCPModel
import Testing

@testable import TCPTimeline
@testable import TimelineReport

@Suite struct KernelRecordTests {
    /// An event reads no table, so it does not have the numbers of the latest reading.
    @Test func anEventHasNoInodeAndNoQueues() {
        func record(_ source: KernelSource) -> String {
            let socket = KernelSocket(
                local: SocketAddress(.loopbackV4, 9500), remote: SocketAddress(.loopbackV4, 40000), state: .established,
                inode: 0)
            let server = ProcessIdentity(pid: 7, command: "lab-server", uid: 0)
            let event = KernelEvent(
                connection: ConnectionID(slot: 0), side: .responder, time: Timestamp(nanoseconds: 1),
                kind: .owner(server),
                socket: socket, process: server, source: source)
            var out = OutputBuffer()
            out.record("kernel") { $0.add(event) }
            return String(decoding: out.bytes, as: UTF8.self)
        }
        let told = record(.tracepoint)
        #expect(!told.contains("inode") && !told.contains("_queue") && told.contains("\"pid\":7"), "\(told)")
        let read = record(.sockDiag)
        #expect(read.contains("\"inode\":0") && read.contains("\"rx_queue\":0"), "\(read)")
    }
}
