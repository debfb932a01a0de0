// An exchange with the kernel's view beside it, and the findings about both.

import Exchanges
import TCPModel
import TCPTimeline

@testable import TCPDiagnosis

/// An open connection whose client and server have sent five octets each; the latest segment is at 6 ms.
let exchange =
    handshake + """
        > P. 1:6 ack 1
        < . 1:1 ack 6
        < P. 1:6 ack 6
        > . 6:6 ack 6

        """

/// A drop by a firewall rule on this host.
let byRule = SocketEvent.Kind.dropped(reason: "NETFILTER_DROP")

/// A reading that lists exactly these sockets.
private struct Reading: KernelSnapshot {
    var begin: Timestamp
    var sockets: [KernelSocket]
    var end: Timestamp { begin.advanced(by: Span.millisecond) }

    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        sockets.first { $0.local == local && $0.remote == remote && $0.state != .listen }
    }

    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket] {
        sockets.filter { $0.state == .listen && $0.local == address }
    }

    func listener(onPort port: UInt16) -> KernelSocket? {
        sockets.first { $0.state == .listen && $0.local.port == port }
    }

    func isLocal(_ address: IPAddress) -> Bool { address.isLoopback }
}

/// One connection on this host. Times are in milliseconds after its first segment.
final class KernelCase {
    let play = Play(keepsStatistics: true)
    private var join = KernelJoin()
    private var diagnosis = Diagnosis(isLive: true)
    private(set) var found: [Finding] = []

    init(_ text: String) { feed(text) }

    func feed(_ text: String) {
        play.observer = { [unowned self] event, timeline in
            diagnosis.observe(event)
            if event.isFirst { join.watch(event.connection, timeline) }
            if event.sender == .responder, event.segment.payloadLength > 0 || event.segment.flags.contains(.fin) {
                join.noteAnswer(event.connection, event.time)
            }
        }
        play.feed(text)
        play.observer = nil
    }

    /// Feeds an ICMP error from the server's host about the client's first segment.
    func icmp(type: UInt8, code: UInt8, from sender: IPAddress? = nil) {
        let error = ICMPError(
            sender: sender ?? play.server.address, quoted: play.connection.tuple,
            sequence: play.connection.firstSequence,
            type: type, code: code)
        if let event = play.timeline.observe(error, time: play.now, frame: 99) {
            diagnosis.observe(event, play.timeline.connections)
        }
    }

    var id: ConnectionID { play.last.connection }
    var view: KernelView? { join.view(id) }

    private func time(_ milliseconds: Double) -> Timestamp { epoch.advanced(by: Int64(milliseconds * 1e6)) }

    /// Whether events of dropped packets have endpoints, as from the programs, or not, as from perf.
    var tellsDropEnds = false

    /// The endpoints of an event on this side.
    private func ends(_ side: Side, _ kind: SocketEvent.Kind) -> (local: SocketAddress, remote: SocketAddress) {
        if case .dropped = kind, !tellsDropEnds { return (SocketAddress(.anyV4, 0), SocketAddress(.anyV4, 0)) }
        return side == .originator ? (play.client, play.server) : (play.server, play.client)
    }

    /// Feeds a tracepoint event.
    @discardableResult
    func event(
        _ milliseconds: Double, _ side: Side, _ kind: SocketEvent.Kind, socket: UInt64 = 0, pid: Int32 = 0,
        isEnding: Bool = false
    ) -> Self {
        let (local, remote) = ends(side, kind)
        var event = SocketEvent(
            time: time(milliseconds), kind: kind, socket: socket, local: local, remote: remote,
            isProcessContext: pid != 0, pid: pid,
            process: pid == 0 ? nil : ProcessIdentity(pid: pid, command: "p\(pid)", uid: 0))
        event.isProcessEnding = isEnding
        var said: [KernelEvent] = []
        join.take([event], now: time(milliseconds + 0.1), &play.timeline, &said, tellsAll: true)
        for event in said { diagnosis.observe(event, play.timeline.connections) }
        return self
    }

    /// Feeds tracepoint events that are read together; all but the last have the same time.
    func events(_ milliseconds: Double, _ side: Side, _ kinds: [SocketEvent.Kind], last: Double) {
        let events = kinds.indices.map { index in
            let (local, remote) = ends(side, kinds[index])
            return SocketEvent(
                time: time(index == kinds.count - 1 ? last : milliseconds), kind: kinds[index], local: local,
                remote: remote)
        }
        var said: [KernelEvent] = []
        join.take(events, now: time(last + 0.1), &play.timeline, &said, tellsAll: true)
        for event in said { diagnosis.observe(event, play.timeline.connections) }
    }

    /// Feeds a reading of the tables, with the sockets' owners by inode.
    @discardableResult
    func read(_ milliseconds: Double, _ sockets: KernelSocket..., owners: [UInt64: Int32] = [:]) -> [KernelEvent] {
        read(milliseconds, all: sockets, owners: owners)
    }

    @discardableResult
    func read(_ milliseconds: Double, all sockets: [KernelSocket], owners: [UInt64: Int32] = [:]) -> [KernelEvent] {
        let events = join.reconcile(Reading(begin: time(milliseconds), sockets: sockets), &play.timeline)
        for event in events { diagnosis.observe(event, play.timeline.connections) }
        _ = join.assign(
            owners.mapValues { ProcessIdentity(pid: $0, command: "p\($0)", uid: 0) }, time: time(milliseconds))
        return events
    }

    /// Feeds the result of a look-up of the processes that hold these sockets.
    func hold(_ milliseconds: Double, _ holders: [UInt64: [Int32]], of pid: Int32) {
        _ = join.assign(
            holders: holders.mapValues {
                $0.map { SocketHolder(process: ProcessIdentity(pid: $0, command: "p\($0)", uid: 0), descriptor: 4) }
            }, of: pid, time: time(milliseconds))
    }

    /// Feeds that exactly these processes are stopped.
    func trouble(_ troubled: [Int32: ProcessTrouble]) { join.assign(troubled: troubled) }

    /// Feeds that this host's counters increased in the 100 ms that begin at this time.
    func count(_ milliseconds: Double, _ counts: [String: UInt64]) {
        diagnosis.host = HostCounterChange(
            from: time(milliseconds), to: time(milliseconds + 100),
            increases: counts.sorted { $0.key < $1.key }.map { .init(name: $0.key, count: $0.value) })
    }

    func client(_ state: TCPState, inode: UInt64 = 11, unacknowledged: UInt32 = 0) -> KernelSocket {
        KernelSocket(
            local: play.client, remote: play.server, state: state, transmitQueue: unacknowledged, inode: inode)
    }

    func server(_ state: TCPState, inode: UInt64 = 22) -> KernelSocket {
        KernelSocket(local: play.server, remote: play.client, state: state, inode: inode)
    }

    func listener(
        at address: SocketAddress? = nil, waiting: UInt32 = 0, backlog: UInt32? = nil, inode: UInt64 = 33
    ) -> KernelSocket {
        var socket = KernelSocket(
            local: address ?? play.server, remote: SocketAddress(.anyV4, 0), state: .listen, receiveQueue: waiting,
            inode: inode)
        socket.backlog = backlog
        return socket
    }

    /// Reviews the open connection at this time. Returns all findings so far.
    @discardableResult
    func review(_ milliseconds: Double) -> [FindingCode] {
        found += diagnosis.review(now: time(milliseconds), play.timeline.connections, join)
        return found.map { $0.code }
    }

    /// Concludes the connection as finished. Returns all findings so far.
    @discardableResult
    func conclude(_ milliseconds: Double) -> [FindingCode] {
        found += diagnosis.conclude(id, play.timeline.connections, view, now: time(milliseconds))
        return found.map { $0.code }
    }

    func message(_ code: FindingCode) -> String { found.first { $0.code == code }?.message ?? "" }
}
