// Headers from which tests build frames. Every field has a default, since tests rarely care about most of them.

import TCPModel

/// An Ethernet II header with this type.
func ethernet(_ type: Int = 0x0800) -> [UInt8] { hex("020000000001 020000000002") + big16(type) }

/// An IPv4 header from 10.0.0.1 to 10.0.0.2 for `length` octets of payload.
func ipv4(
    _ length: Int, protocol number: UInt8 = 6, total: Int? = nil, fragment: Int = 0x4000, options: [UInt8] = []
) -> [UInt8] {
    let words = 5 + options.count / 4
    return [UInt8(0x40 | words), 0] + big16(total ?? length + words * 4) + hex("1c46") + big16(fragment)
        + [64, number, 0, 0] + hex("0a000001 0a000002") + options
}

/// An IPv6 header from 2001:db8::1 to 2001:db8::2 for `length` octets of payload.
func ipv6(_ length: Int, next: UInt8 = 6) -> [UInt8] {
    hex("6000 0000") + big16(length) + [next, 63] + hex("20010db8000000000000000000000001")
        + hex("20010db8000000000000000000000002")
}

/// A TCP header from port 49152 to 9500 with sequence 1000 and acknowledgment 2000.
func tcp(
    flags: Int = 0x010, options: [UInt8] = [], dataOffset: Int? = nil, window: Int = 502, urgent: Int = 0
) -> [UInt8] {
    let words = dataOffset ?? 5 + options.count / 4
    return big16(49152) + big16(9500) + big32(1000) + big32(2000) + big16(words << 12 | flags) + big16(window)
        + hex("fe28") + big16(urgent) + options
}

/// A whole frame: Ethernet, IPv4, TCP with these options, and `payload` octets of text.
func tcpFrame(options: [UInt8] = [], flags: Int = 0x010, payload: Int = 0) -> [UInt8] {
    let inner = tcp(flags: flags, options: options) + [UInt8](repeating: 0x61, count: payload)
    return ethernet() + ipv4(inner.count) + inner
}

/// An 802.11 header with this frame control; `rest` follows its sequence control.
func wireless(_ control: String, _ rest: String = "", sequence: String = "3000") -> [UInt8] {
    hex(control + "2c00 020000000001 020000000002 020000000003" + sequence + rest)
}

/// The LLC and SNAP headers before IPv4.
let snap = hex("aaaa03 000000 0800")
/// The LLC and SNAP headers before IPv6.
let snap6 = hex("aaaa03 000000 86dd")

/// One subframe of an A-MSDU, padded to a multiple of four octets.
func subframe(_ content: [UInt8], length: Int? = nil) -> [UInt8] {
    let bytes = hex("020000000001 020000000002") + big16(length ?? content.count) + content
    return bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
}

/// Whole frames of every link type and every shape of IP, for tests that damage them.
let sampleFrames: [(name: String, link: LinkType, bytes: [UInt8])] = {
    let syn = tcp(flags: 0x002, options: hex("020405b4 0402 080a 00000001 00000000 01 030307"))
    let data = tcp(flags: 0x018, options: hex("0101080a 00000001 00000002")) + Array("hello".utf8)
    let sack = tcp(options: hex("0101080a 00000001 00000002 0101 0512 00000bb8 00000fa0 00001388 00001770"))
    let mixed = tcp(
        options: hex("1e0c 00 81 0102030405060708 22 0a 0102030405060708 fd08 f989 aabbccdd 1d04 0100 01 00"))
    let extensions =
        hex("2b 00 01 04 00000000") + hex("3c 00 00 00 00000000") + hex("2c 00 01 04 00000000")
        + hex("33 00 00 00 00000007") + hex("06 04 0000 00000001 00000002 000000000000000000000000")
    return [
        ("Ethernet, IPv4, SYN", .ethernet, ethernet() + ipv4(syn.count) + syn),
        ("Ethernet, IPv4, data", .ethernet, ethernet() + ipv4(data.count) + data),
        ("FDDI", .fddi, hex("50 000000000001 000000000002 aaaa03 000000 0800") + ipv4(syn.count) + syn),
        ("Ethernet, IPv6, SACK", .ethernet, ethernet(0x86dd) + ipv6(sack.count) + sack),
        (
            "Ethernet, two tags, IPv4 options", .ethernet,
            ethernet(0x88a8) + hex("0064 8100 0005 0800") + ipv4(mixed.count, options: hex("94040000")) + mixed
        ),
        (
            "Ethernet, IPv6 extensions", .ethernet,
            ethernet(0x86dd) + ipv6(extensions.count + syn.count, next: 0) + extensions + syn
        ),
        (
            "cooked v1", .linuxSLL,
            hex("0000 0304 0006 000000000000 0000 0800") + ipv4(syn.count) + syn
        ),
        (
            "cooked v1, tag", .linuxSLL,
            hex("0000 0001 0006 020000000001 0000 8100 0005 86dd") + ipv6(data.count) + data
        ),
        (
            "cooked v2", .linuxSLL2,
            hex("0800 0000 00000001 0304 03 06 000000000000 0000") + ipv4(data.count) + data
        ),
        ("NULL", .null, hex("02000000") + ipv4(data.count) + data),
        ("LOOP", .loop, hex("0000001e") + ipv6(syn.count) + syn),
        ("RAW, IPv4", .raw, ipv4(sack.count) + sack),
        ("RAW, IPv6", .rawBSD, ipv6(sack.count) + sack),
        ("RAW of OpenBSD", .rawOpenBSD, ipv4(syn.count) + syn),
        ("IPV4", .ipv4, ipv4(mixed.count) + mixed),
        ("IPV6", .ipv6, ipv6(mixed.count) + mixed),
        (
            "MPLS", .ethernet,
            ethernet(0x8847) + hex("00010040 0001c13f") + ipv4(data.count) + data
        ),
        (
            "MPLS pseudowire, control word", .ethernet,
            ethernet(0x8848) + hex("0001413f 00000000") + ethernet(0x8100) + hex("0005 0800") + ipv4(syn.count) + syn
        ),
        (
            "MPLS pseudowire", .ethernet,
            ethernet(0x8847) + hex("0001413f") + ethernet(0x86dd) + ipv6(syn.count) + syn
        ),
        (
            "PPPoE", .ethernet,
            ethernet(0x8864) + hex("1100 0001") + big16(data.count + 42) + hex("0057") + ipv6(data.count) + data
        ),
        ("PPP", .ppp, hex("ff03 0021") + ipv4(data.count) + data),
        ("PPP, short", .ppp, hex("21") + ipv4(data.count) + data),
        ("PPP with MPLS", .pppSerial, hex("ff03 0281 0001413f") + ipv4(data.count) + data),
        ("Cisco HDLC", .ciscoHDLC, hex("0f00 0800") + ipv4(data.count) + data),
        ("Cisco HDLC by its address", .pppSerial, hex("8f00 86dd") + ipv6(data.count) + data),
        ("PPPoE without Ethernet", .pppEther, hex("1100 0001 0100 0021") + ipv4(data.count) + data),
        (
            "SNAP", .ethernet,
            ethernet(8 + 20 + data.count) + hex("aaaa03 000000 0800") + ipv4(data.count) + data
        ),
        ("LLC", .ethernet, ethernet(3 + 20 + data.count) + hex("060603") + ipv4(data.count) + data),
        ("FabricPath", .ethernet, ethernet(0x8903) + hex("0000") + ethernet() + ipv4(data.count) + data),
        ("NSH", .ethernet, ethernet(0x894f) + hex("0fc2 0202 00000000") + ipv6(data.count) + data),
        (
            "NSH with contexts, Ethernet", .ethernet,
            ethernet(0x894f) + hex("0fc4 0203 00000000 0102030405060708") + ethernet() + ipv4(data.count) + data
        ),
        (
            "AH in IPv4", .ipv4,
            ipv4(24 + data.count, protocol: 51)
                + hex("06 04 0000 00000001 00000002 000000000000000000000000") + data
        ),
        ("ARCNET of RFC 1051, BSD", .arcnetBSD, hex("be50 f0") + ipv4(data.count) + data),
        ("ARCNET of RFC 1201, BSD", .arcnetBSD, hex("be50 d4 00 0001") + ipv4(data.count) + data),
        ("ARCNET, first fragment", .arcnetBSD, hex("be50 d4 01 0001") + ipv4(data.count) + data),
        ("ARCNET, exception", .arcnetBSD, hex("be50 d4 ff ffff d4 00 0001") + ipv4(data.count) + data),
        ("ARCNET of RFC 1051, Linux", .arcnetLinux, hex("be50 c300 f0") + ipv4(syn.count) + syn),
        ("ARCNET of RFC 1201, Linux, IPv6", .arcnetLinux, hex("be50 c300 c4 00 0001") + ipv6(data.count) + data),
        ("Juniper, Ethernet", .juniperEthernet, hex("4d4743 00") + ethernet() + ipv4(data.count) + data),
        (
            "Juniper with extensions, Ethernet", .juniperEthernet,
            hex("4d4743 80 0010 03010106010e01028c0004044c010000") + ethernet(0x86dd) + ipv6(data.count) + data
        ),
        ("Juniper without link header", .juniperEthernet, hex("4d4743 02 02000000") + ipv4(data.count) + data),
        ("Juniper, PPP", .juniperPPP, hex("4d4743 01 0021") + ipv4(data.count) + data),
        ("Juniper, Cisco HDLC", .juniperCiscoHDLC, hex("4d4743 01 0f00 86dd") + ipv6(data.count) + data),
        ("802.11", .wireless, wireless("0801") + snap + ipv4(data.count) + data),
        (
            "802.11, four addresses, QoS", .wireless,
            wireless("8803", "020000000004 0000") + snap + ipv4(syn.count) + syn
        ),
        ("802.11, HT control", .wireless, wireless("8882", "0000 00000000") + snap6 + ipv6(data.count) + data),
        ("radiotap", .radiotap, hex("0000 0900 02000000 00") + wireless("0802") + snap + ipv4(data.count) + data),
        (
            "radiotap, time, two maps, padding", .radiotap,
            hex("0000 1900 030000a0 00000000 00000000 0000000000000000 20")
                + wireless("8801", "0000 0000") + snap + ipv4(data.count) + data
        ),
        ("Prism", .prism, [UInt8](repeating: 0, count: 144) + wireless("0801") + snap + ipv4(data.count) + data),
        (
            "AVS", .avs,
            hex("80211001 00000040") + [UInt8](repeating: 0, count: 56) + wireless("0801") + snap
                + ipv4(data.count) + data
        ),
        (
            "AVS where Prism is", .prism,
            hex("80211002 0000000c 00000000") + wireless("0801") + snap + ipv4(data.count)
                + data
        ),
        ("VN-Tag", .ethernet, ethernet(0x8926) + hex("00000000 8100 0005 0800") + ipv4(data.count) + data),
        ("MAC in MAC", .ethernet, ethernet(0x88e7) + hex("00000001") + ethernet() + ipv4(data.count) + data),
    ]
}()
