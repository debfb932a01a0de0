// Ports held by TIME_WAIT in a live trace: the settings, and the kernel's own count if the traced one is high.

import KernelSockets
import TCPDiagnosis
import TCPModel

/// Answers the diagnosis's questions; costs nothing if there are none.
struct PortWatcher {
    /// Minimum time between two lists of sockets, in nanoseconds: each may cost tens of milliseconds.
    static let interval = Span.second

    private var tables = SocketTables()
    private var next: Int64 = 0

    /// The range from which connect() takes ports, in this network namespace; nil if it cannot be read.
    static func supply() -> PortSupply? {
        let range = SmallFile.line("/proc/sys/net/ipv4/ip_local_port_range")?.split(separator: " ") ?? []
        guard range.count == 2, let first = UInt16(range[0]), let last = UInt16(range[1]),
            let reuse = SmallFile.line("/proc/sys/net/ipv4/tcp_tw_reuse").flatMap({ UInt8($0) })
        else { return nil }
        return PortSupply(first: first, last: last, reuse: reuse)
    }

    /// Counts the sockets of the requested scopes, one destination port at a time.
    mutating func answer(_ diagnosis: inout Diagnosis, at now: Int64) {
        guard let question = diagnosis.portQuestions.first, now >= next else { return }
        next = now + Self.interval
        var snapshot = SocketSnapshot()
        let isRead: Bool
        do throws(KernelViewError) {
            try tables.read(into: &snapshot, wanted: nil, ports: [question.destination.port])
            isRead = true
        } catch {
            isRead = false
        }
        for scope in diagnosis.portQuestions where scope.destination.port == question.destination.port {
            let sockets = snapshot.sockets.filter {
                $0.local.address == scope.own && $0.remote == scope.destination
            }
            let timeWaits = sockets.count { $0.state == .timeWait }
            diagnosis.answerPorts(
                scope, isRead ? PortCount(timeWaits: timeWaits, others: sockets.count - timeWaits) : nil)
        }
    }
}
