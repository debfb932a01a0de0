// Plays exchanges through a timeline.
//
//     0.250 > P. 1:11 ack 1    at 250 ms after the start; without a time, 1 ms after the segment before

package import TCPModel
package import TCPTimeline

import TCPMachine

/// The three segments that open a connection.
package let handshake = """
    > S 0:0
    < S. 0:0 ack 1
    > . 1:1 ack 1

    """

/// The time of the first segment.
package let epoch = Timestamp(nanoseconds: 1_795_363_634_454_475_000)

package final class Play {
    package var timeline: Timeline
    package var events: [SegmentEvent] = []
    package var client = SocketAddress(.loopbackV4, 35924)
    package var server = SocketAddress(.loopbackV4, 9500)
    package var clientISN: UInt32 = 1000
    package var serverISN: UInt32 = 5000
    /// Nanoseconds since `epoch`.
    package var clock: Int64 = 0
    private var frame: UInt64 = 0
    /// Called for every event, with the timeline after that event.
    package var observer: ((SegmentEvent, borrowing Timeline) -> Void)?

    /// Called for every ICMP error that belongs to a connection, with the timeline after it.
    package var noticer: ((ICMPEvent, borrowing Timeline) -> Void)?

    package init(seed: UInt64 = 1, keepsStatistics: Bool = false) {
        timeline = Timeline(seed: seed, keepsStatistics: keepsStatistics)
    }

    package convenience init(_ text: String, clientISN: UInt32 = 1000, serverISN: UInt32 = 5000) {
        self.init()
        self.clientISN = clientISN
        self.serverISN = serverISN
        feed(text)
    }

    /// The event of the latest segment.
    package var last: SegmentEvent { events[events.count - 1] }
    /// The current state of the latest segment's connection.
    package var connection: Connection { timeline[last.connection] }
    /// The time of the latest segment.
    package var now: Timestamp { epoch.advanced(by: clock) }

    /// The number of connections that have begun.
    package var count: Int { events.filter { $0.isFirst }.count }

    @discardableResult
    package func feed(_ text: String, retire: Bool = true) -> Play {
        for line in text.split(separator: "\n") {
            var words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
            guard let first = words.first else { continue }
            if let seconds = Double(first) {
                clock = Int64((seconds * 1e9).rounded())
                words.removeFirst()
            } else if frame > 0 {
                clock += Span.millisecond
            }
            observe(segment(words), retire: retire)
        }
        return self
    }

    package func observe(_ segment: Segment, retire: Bool = true) {
        frame += 1
        let event = timeline.observe(segment, time: now, frame: frame)
        events.append(event)
        observer?(event, timeline)
        if retire, let old = event.replaced { timeline.retire(old) }
    }

    package func observe(_ error: ICMPError) {
        frame += 1
        if let event = timeline.observe(error, time: now, frame: frame) { noticer?(event, timeline) }
    }

    /// The segment that a line's words describe.
    package func segment(_ words: [String]) -> Segment {
        ExchangeNotation(client: client, server: server, clientISN: clientISN, serverISN: serverISN).segment(words)
    }

}

extension Timeline {
    /// Observes one segment as a trace does: a further copy of a known frame only yields an event.
    package mutating func observeOnce(
        _ segment: Segment, time: Timestamp, frame: UInt64, interface: UInt16 = 0, vantage: UInt32
    ) -> SegmentEvent {
        let tracked = trackOnce(
            segment, hash: flowHash.hash(segment.tuple), time: time, frame: frame, interface: interface,
            vantage: vantage)
        return event(of: tracked, segment, time: time, frame: frame)
    }
}

extension Connection {
    /// Zeek's connection history as text.
    package var historyText: String {
        String(decoding: (0..<history.count).map { history[$0] }, as: UTF8.self)
    }

    /// The states of originator and responder: `ESTABLISHED CLOSE_WAIT`.
    package var statesText: String {
        "\(endpoint(.originator).state.displayName) \(endpoint(.responder).state.displayName)"
    }
}
