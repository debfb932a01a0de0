// Community ID v1: the flow's name that Zeek, Suricata, Wireshark and others agree on.

public import TCPModel
import TCPTimeline

/// `1:` and the base64 of SHA-1 over seed 0, the ordered addresses, the protocol (6), a zero octet and the ports.
public func communityID(_ tuple: FourTuple) -> String {
    let source = addressOctets(tuple.source.address)
    let destination = addressOctets(tuple.destination.address)
    let inOrder =
        source.lexicographicallyPrecedes(destination)
        || source == destination && tuple.source.port <= tuple.destination.port
    let (first, second) = inOrder ? (tuple.source, tuple.destination) : (tuple.destination, tuple.source)
    var message: [UInt8] = [0, 0]
    message += addressOctets(first.address) + addressOctets(second.address) + [6, 0]
    for port in [first.port, second.port] { message += [UInt8(port >> 8), UInt8(port & 0xff)] }
    return "1:" + base64(sha1(message))
}

/// 4 octets for IPv4, 16 for IPv6, in network order.
func addressOctets(_ address: IPAddress) -> [UInt8] {
    ((address.isV4 ? 12 : 0)..<16).map { address.byte($0) }
}

/// Base64 with padding (RFC 4648 4).
func base64(_ octets: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: octets.count, by: 3) {
        let group = octets[start..<min(start + 3, octets.count)]
        let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32((3 - group.count) * 8)
        for index in 0..<4 {
            text.append(index <= group.count ? alphabet[Int(bits >> UInt32(18 - index * 6) & 63)] : "=")
        }
    }
    return text
}
