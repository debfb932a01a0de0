// Exchanges in the notation of tcpdump and packetdrill, played through a timeline.
//
//     > S 0:0                  the client sends a SYN; `.` is ACK, F FIN, R RST, P PSH
//     < S. 0:0 ack 1 win 100   the server answers
//     0.250 > P. 1:11 ack 1    at 250 ms after the start; without a time, 1 ms after the segment before
//
// Relative numbers count from each side's ISN.

import TCPMachine
import TCPModel
import TCPTimeline
import Testing

/// The three segments that open a connection.
let handshake = """
    > S 0:0
    < S. 0:0 ack 1
    > . 1:1 ack 1

    """

/// The time of the first segment.
let epoch = Timestamp(nanoseconds: 1_795_363_634_454_475_000)

final class Play {
    var timeline: Timeline
    var events: [SegmentEvent] = []
    var client = SocketAddress(.loopbackV4, 35924)
    var server = SocketAddress(.loopbackV4, 9500)
    var clientISN: UInt32 = 1000
    var serverISN: UInt32 = 5000
    /// Nanoseconds since `epoch`.
    var clock: Int64 = 0
    private var frame: UInt64 = 0
    /// Is told of every event, with the timeline as it left it.
    var observer: ((SegmentEvent, borrowing Timeline) -> Void)?

    init(seed: UInt64 = 1) { timeline = Timeline(seed: seed) }

    convenience init(_ text: String, clientISN: UInt32 = 1000, serverISN: UInt32 = 5000) {
        self.init()
        self.clientISN = clientISN
        self.serverISN = serverISN
        feed(text)
    }

    /// The event of the latest segment.
    var last: SegmentEvent { events[events.count - 1] }
    /// The connection of the latest segment, as it is now.
    var connection: Connection { timeline[last.connection] }
    /// The time of the latest segment.
    var now: Timestamp { epoch.advanced(by: clock) }

    /// How many connections began.
    var count: Int { events.filter { $0.isFirst }.count }

    @discardableResult
    func feed(_ text: String, retire: Bool = true) -> Play {
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

    func observe(_ segment: Segment, retire: Bool = true) {
        frame += 1
        let event = timeline.observe(segment, time: now, frame: frame)
        events.append(event)
        observer?(event, timeline)
        if retire, let old = event.replaced { timeline.retire(old) }
    }

    /// `> P. 1:11 ack 1 win 100 ws 7`
    func segment(_ words: [String]) -> Segment {
        let fromClient = words[0] == ">"
        let (own, other) = fromClient ? (clientISN, serverISN) : (serverISN, clientISN)
        let letters: [Character: TCPFlags] = ["S": .syn, "F": .fin, "R": .rst, "P": .psh, ".": .ack, "U": .urg]
        let flags = words[1].reduce(into: TCPFlags()) { $0.formUnion(letters[$1] ?? []) }
        let range = words[2].split(separator: ":").map { Int64($0) ?? 0 }
        let length = UInt32(range[1] - range[0])
        let out = FourTuple(source: client, destination: server)
        var segment = Segment(
            tuple: fromClient ? out : out.reversed,
            sequence: SequenceNumber(UInt32(truncatingIfNeeded: Int64(own) + range[0])), flags: flags, window: 65535,
            payloadLength: length, ipLength: 40 + length)
        var index = 3
        while index + 1 < words.count {
            let value = Int64(words[index + 1]) ?? 0
            switch words[index] {
            case "ack": segment.acknowledgment = SequenceNumber(UInt32(truncatingIfNeeded: Int64(other) + value))
            case "win": segment.window = UInt16(value)
            case "mss":
                segment.options.present.insert(.maximumSegmentSize)
                segment.options.maximumSegmentSize = UInt16(value)
            case "ws":
                segment.options.present.insert(.windowScale)
                segment.options.windowScale = UInt8(value)
            default: break
            }
            index += 2
        }
        return segment
    }
}
