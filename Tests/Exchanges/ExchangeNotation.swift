// The notation for exchanges in tests, after tcpdump and packetdrill: one segment per line.
//
//     > S 0:0                  the client sends a SYN; `.` is ACK, F FIN, R RST, P PSH, U URG, E ECE, W CWR, e AE
//     < S. 0:0 ack 1 win 100   the server answers
//     > P. 1:11 ack 1          ten octets
//
// Relative numbers count from the sender's ISN, as in tcpdump; those in `sack 11:21` count from the other side's.

package import TCPModel

/// Parses lines into segments.
package struct ExchangeNotation {
    /// The client, whose segments begin with `>`.
    package var client: SocketAddress
    /// The server, whose segments begin with `<`.
    package var server: SocketAddress
    /// The client's ISN, from which its relative numbers count.
    package var clientISN: UInt32
    /// The server's ISN, from which its relative numbers count.
    package var serverISN: UInt32

    /// How many values follow each word; other words do not belong to the notation.
    package static let words = [
        "ack": 1, "win": 1, "mss": 1, "ws": 1, "sackOK": 0, "ts": 2, "sack": 1, "tfo": 1, "mptcp": 1, "md5": 0, "ao": 0,
        "urg": 1, "ttl": 1,
    ]

    /// A parser for exchanges between these two ends.
    package init(client: SocketAddress, server: SocketAddress, clientISN: UInt32, serverISN: UInt32) {
        self.client = client
        self.server = server
        self.clientISN = clientISN
        self.serverISN = serverISN
    }

    /// The segment of a line such as `> P. 1:11 ack 1 win 100 ws 7`, split into words.
    package func segment(_ words: [String]) -> Segment {
        let fromClient = words[0] == ">"
        let (own, other) = fromClient ? (clientISN, serverISN) : (serverISN, clientISN)
        let letters: [Character: TCPFlags] = [
            "S": .syn, "F": .fin, "R": .rst, "P": .psh, ".": .ack, "U": .urg, "E": .ece, "W": .cwr, "e": .ae,
        ]
        let flags = words[1].reduce(into: TCPFlags()) { $0.formUnion(letters[$1] ?? []) }
        let range = words[2].split(separator: ":").map { Int64($0) ?? 0 }
        let length = UInt32(range[1] - range[0])
        let out = FourTuple(source: client, destination: server)
        var segment = Segment(
            tuple: fromClient ? out : out.reversed, sequence: Self.number(range[0], from: own), flags: flags,
            window: 65535, payloadLength: length, ipLength: 40 + length)
        var index = 3
        while index < words.count {
            let count = Self.words[words[index]] ?? 1
            guard index + count < words.count else { break }
            apply(words[index], Array(words[(index + 1)...].prefix(count)), other: other, &segment)
            index += 1 + count
        }
        return segment
    }

    private static func number(_ relative: Int64, from base: UInt32) -> SequenceNumber {
        SequenceNumber(UInt32(truncatingIfNeeded: Int64(base) + relative))
    }

    private func apply(_ word: String, _ values: [String], other: UInt32, _ segment: inout Segment) {
        let value = values.first.flatMap { Int64($0) } ?? 0
        switch word {
        case "ack": segment.acknowledgment = Self.number(value, from: other)
        case "win": segment.window = UInt16(value)
        case "ttl": segment.hopLimit = UInt8(value)
        case "urg": segment.urgentPointer = UInt16(value)
        case "mss":
            segment.options.present.insert(.maximumSegmentSize)
            segment.options.maximumSegmentSize = UInt16(value)
        case "ws":
            segment.options.present.insert(.windowScale)
            segment.options.windowScale = UInt8(value)
        case "sackOK": segment.options.present.insert(.sackPermitted)
        case "ts":
            segment.options.present.insert(.timestamps)
            segment.options.timestampValue = UInt32(value)
            segment.options.timestampEchoReply = UInt32(values[1]) ?? 0
        case "sack":
            segment.options.present.insert(.sack)
            for (index, block) in values[0].split(separator: ",").prefix(4).enumerated() {
                let edges = block.split(separator: ":").map { Self.number(Int64($0) ?? 0, from: other) }
                segment.options.sackBlocks[index] = SACKBlock(left: edges[0], right: edges[1])
                segment.options.sackBlockCount = UInt8(index + 1)
            }
        case "tfo":
            segment.options.present.insert(.fastOpen)
            segment.options.fastOpenCookieLength = UInt8(value)
        case "mptcp":
            segment.options.present.insert(.multipath)
            segment.options.multipathSubtype = UInt8(value)
            segment.options.multipathSubtypes |= 1 << UInt16(value)
        case "md5": segment.options.present.insert(.md5Signature)
        case "ao": segment.options.present.insert(.authentication)
        default: break
        }
    }
}
