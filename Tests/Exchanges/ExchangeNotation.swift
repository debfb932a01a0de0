// The notation of exchanges in tests: tcpdump's and packetdrill's, a segment a line.
//
//     > S 0:0                  the client sends a SYN; `.` is ACK, F FIN, R RST, P PSH, U URG
//     < S. 0:0 ack 1 win 100   the server answers
//     > P. 1:11 ack 1          ten octets
//
// Relative numbers count from each side's ISN, as in tcpdump.

package import TCPModel

/// Makes segments of lines.
package struct ExchangeNotation {
    /// Whose segments begin with `>`.
    package var client: SocketAddress
    /// Whose segments begin with `<`.
    package var server: SocketAddress
    /// What the client's relative numbers count from.
    package var clientISN: UInt32
    /// What the server's relative numbers count from.
    package var serverISN: UInt32

    /// The notation for these two ends.
    package init(client: SocketAddress, server: SocketAddress, clientISN: UInt32, serverISN: UInt32) {
        self.client = client
        self.server = server
        self.clientISN = clientISN
        self.serverISN = serverISN
    }

    /// `> P. 1:11 ack 1 win 100 ws 7`
    package func segment(_ words: [String]) -> Segment {
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
            case "ts", "ecr":
                segment.options.present.insert(.timestamps)
                if words[index] == "ts" {
                    segment.options.timestampValue = UInt32(truncatingIfNeeded: value)
                } else {
                    segment.options.timestampEchoReply = UInt32(truncatingIfNeeded: value)
                }
            case "sack":
                // `sack 11:21`: octets of the other side.
                let ends = words[index + 1].split(separator: ":").map { Int64($0) ?? 0 }
                let block = Int(segment.options.sackBlockCount)
                segment.options.present.insert(.sack)
                segment.options.sackBlocks[block] = SACKBlock(
                    left: SequenceNumber(UInt32(truncatingIfNeeded: Int64(other) + ends[0])),
                    right: SequenceNumber(UInt32(truncatingIfNeeded: Int64(other) + ends[1])))
                segment.options.sackBlockCount += 1
            default: break
            }
            index += 2
        }
        return segment
    }
}
