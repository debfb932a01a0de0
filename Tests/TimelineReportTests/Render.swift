// Runs an exchange through a report, as the sessions do, and returns the output.

import Exchanges
import Foundation
import TCPModel
import TCPTimeline
import TimelineReport

/// A reading that lists exactly these sockets; every loopback address is local.
struct Reading: KernelSnapshot {
    var begin: Timestamp
    var end: Timestamp
    var sockets: [KernelSocket]

    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        sockets.first { $0.local == local && $0.remote == remote && $0.state != .listen }
    }
    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket] {
        Array(sockets.filter { $0.state == .listen && $0.local.port == address.port }.prefix(1))
    }
    func isLocal(_ address: IPAddress) -> Bool { address.isLoopback }
}

/// The kernel's view at the end of an exchange.
struct KernelScene {
    var client: TCPState?
    var server: TCPState?
    var clientProcess = "lab-client"
    var serverProcess = "lab-server"
    /// Whether a process holds the client's socket.
    var clientIsOwned = true
    /// Octets that the client's socket has sent or queued without an ACK; its FIN counts as one.
    var clientQueue: UInt32 = 0
    /// Whether the sockets are read again 40 ms later, with the same result.
    var isSteady = false
}

final class Render {
    let play: Play
    var join = KernelJoin()
    var out = OutputBuffer()

    init(_ play: Play = Play()) { self.play = play }

    static func capture(_ interface: String = "lo") -> CaptureDescription {
        CaptureDescription(
            file: nil, interfaces: [.init(name: interface, linkType: .ethernet)], snapshotLength: 256, filter: "tcp",
            tool: "tcptrace")
    }

    /// Runs the exchange and returns the whole output.
    func run(
        _ text: String, _ first: some TraceReport, interface: String = "lo", scene: KernelScene? = nil
    ) -> String {
        var report = first
        report.begin(Self.capture(interface), at: epoch, &out)
        play.observer = { [self] event, timeline in
            if let old = event.replaced { report.finish(old, timeline.connections, nil, &out) }
            report.segment(event, timeline.connections, &out)
        }
        play.feed(text)
        play.observer = nil
        if let scene {
            for event in look(scene) { report.kernel(event, play.timeline.connections, &out) }
        }
        report.flush(
            now: play.now.advanced(by: Span.second), play.timeline.connections, scene == nil ? nil : join, &out)
        for id in play.timeline.remaining() {
            report.finish(id, play.timeline.connections, join.view(id), &out)
        }
        report.end(Self.capture(interface), CaptureCounts(), at: play.now, &out)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    private func look(_ scene: KernelScene) -> [KernelEvent] {
        let id = play.last.connection
        join.watch(id, play.timeline)
        let (a, b) = (play.client, play.server)
        var sockets = [KernelSocket(local: b, remote: SocketAddress(.anyV4, 0), state: .listen, inode: 9)]
        // A socket without a state is read once, so that its process is known, and is then gone.
        func add(_ state: TCPState?) {
            sockets.append(
                KernelSocket(
                    local: a, remote: b, state: scene.client ?? .established, transmitQueue: scene.clientQueue,
                    inode: scene.clientIsOwned ? 1 : 0))
            sockets.append(KernelSocket(local: b, remote: a, state: scene.server ?? .established, inode: 2))
        }
        add(nil)
        let time = play.now.advanced(by: Span.microsecond)
        var events = join.reconcile(Reading(begin: time, end: time, sockets: sockets), &play.timeline)
        if scene.isSteady {
            let later = time.advanced(by: 40 * Span.millisecond)
            events += join.reconcile(Reading(begin: later, end: later, sockets: sockets), &play.timeline)
        }
        events += join.assign(
            [
                1: ProcessIdentity(pid: 7511, command: scene.clientProcess, uid: 1000),
                2: ProcessIdentity(pid: 7410, command: scene.serverProcess, uid: 1000),
            ], time: time)
        return events
    }
}

/// The lines of an exchange's text timeline.
func ladder(
    _ text: String, width: Int = 100, verbosity: Int = 0, scene: KernelScene? = nil,
    _ change: (inout TextStyle) -> Void = { _ in }
) -> [String] {
    var style = TextStyle()
    style.width = width
    style.detail.verbosity = verbosity
    change(&style)
    return lines(Render().run(text, TextTimelineReport(style: style, order: .blocks), scene: scene))
}

func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}

/// The contract's sample: a server that closes 260 ms after the client, and an ACK delayed by 40 ms.
let sample = """
    0.000000 > S 0:0 win 65495 mss 65495 ws 10
    0.000022 < S. 0:0 ack 1 win 65483 mss 65495 ws 10
    0.000035 > . 1:1 ack 1 win 64
    0.000334 > P. 1:13 ack 1 win 64
    0.000343 < . 1:1 ack 13 win 64
    0.000362 < P. 1:18 ack 13 win 64
    0.000371 > . 13:13 ack 18 win 64
    0.000435 > F. 13:13 ack 18 win 64
    0.040927 < . 18:18 ack 14 win 64
    0.300640 < P. 18:21 ack 14 win 64
    0.300651 > . 14:14 ack 21 win 64
    0.300687 < F. 21:21 ack 14 win 64
    0.300698 > . 14:14 ack 22 win 64
    """
