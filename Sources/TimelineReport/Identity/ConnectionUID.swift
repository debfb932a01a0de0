// A connection's `uid`: like Zeek's in look, but a function of the packets, so that two runs and two machines agree.

public import TCPTimeline

import TCPModel

/// `C` and 17 base-62 digits made from the four-tuple, the first segment's sequence number and its time.
public func connectionUID(_ connection: Connection) -> String {
    var message = addressOctets(connection.tuple.source.address) + addressOctets(connection.tuple.destination.address)
    for port in [connection.tuple.source.port, connection.tuple.destination.port] {
        message += [UInt8(port >> 8), UInt8(port & 0xff)]
    }
    let words = [
        UInt64(connection.firstSequence.rawValue), UInt64(bitPattern: connection.firstTime.nanoseconds),
    ]
    for word in words { message += (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - $0 * 8)) } }
    let digest = sha1(message)
    let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    var text = "C"
    for start in [0, 8] {
        var rest = digest[start..<(start + 8)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        for _ in 0..<(start == 0 ? 9 : 8) {
            text.append(alphabet[Int(rest % 62)])
            rest /= 62
        }
    }
    return text
}
