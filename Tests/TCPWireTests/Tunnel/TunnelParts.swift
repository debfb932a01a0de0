// Tunnel headers from which tests build frames.

import TCPModel
import TCPWire

/// A UDP datagram from port 40000 to `port` around `content`.
func udp(_ port: Int, _ content: [UInt8], from source: Int = 40000, length: Int? = nil) -> [UInt8] {
    big16(source) + big16(port) + big16(length ?? content.count + 8) + [0, 0] + content
}

/// An IPv4 packet around `content`.
func inIPv4(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { ipv4(content.count, protocol: number) + content }

/// An IPv6 packet around `content`.
func inIPv6(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { ipv6(content.count, next: number) + content }

private let inner4 = inIPv4(6, tcp(flags: 0x002, options: hex("020405b4 0101 0402")) + Array("hello".utf8))
private let inner6 = inIPv6(6, tcp() + Array("hello".utf8))
private let innerFrame = ethernet() + inner4
private let taggedFrame = ethernet(0x8100) + hex("0005 86dd") + inner6

/// IP packets with a single tunnel, over IPv4 or IPv6, around a TCP segment of five octets. Damage to them is a decode
/// error.
let ipTunnels: [(name: String, tunnel: Tunnel, packet: [UInt8])] = [
    ("IPv4 in IPv4", .ipip, inIPv4(4, inner4)),
    ("IPv6 in IPv4", .sixInFour, inIPv4(41, inner6)),
    ("IPv4 in IPv6", .ipip, inIPv6(4, inner4)),
    ("IPv6 in IPv6", .ipip, inIPv6(41, inner6)),
    ("GRE", .gre, inIPv4(47, hex("0000 0800") + inner4)),
    ("GRE, all fields", .gre, inIPv4(47, hex("b000 86dd 00000000 00000001 00000002") + inner6)),
    ("GRE, Ethernet", .gre, inIPv6(47, hex("2000 6558 00000001") + taggedFrame)),
    ("GRE, MPLS", .gre, inIPv4(47, hex("0000 8847 00010140") + inner4)),
    ("GRE, WCCP", .gre, inIPv4(47, hex("0000 883e 00000000") + inner4)),
    ("GRE, WCCP 1", .gre, inIPv4(47, hex("0000 883e") + inner4)),
    ("GRE, PPTP", .gre, inIPv4(47, hex("3081 880b 0020 0001 00000001 00000002 ff03 0021") + inner4)),
    ("GRE, PPTP, short", .gre, inIPv4(47, hex("3001 880b 0020 0001 00000001 21") + inner4)),
    ("GRE, 802.11 of Aruba", .gre, inIPv4(47, hex("0000 8240") + wireless("8802", "0000") + snap + inner4)),
    ("ERSPAN I", .erspan, inIPv4(47, hex("0000 88be") + innerFrame)),
    ("ERSPAN II", .erspan, inIPv4(47, hex("1000 88be 00000001 1000 0000 00000000") + taggedFrame)),
    ("ERSPAN III", .erspan, inIPv4(47, hex("1000 22eb 00000001 2000 0000 00000000 0000 0000") + innerFrame)),
    (
        "ERSPAN III, subheader", .erspan,
        inIPv4(47, hex("1000 22eb 00000001 2000 0000 00000000 0000 0001 0000000000000000") + innerFrame)
    ),
    ("ERSPAN III, IP", .erspan, inIPv4(47, hex("1000 22eb 00000001 2000 0000 00000000 0000 0800") + inner4)),
]

/// The same kind of packets over UDP. Damage turns them into other traffic, since any UDP datagram may look like a
/// tunnel.
let udpTunnels: [(name: String, tunnel: Tunnel, packet: [UInt8])] = [
    ("VXLAN", .vxlan, inIPv4(17, udp(4789, hex("08000000 00000100") + innerFrame))),
    ("VXLAN, Linux's port", .vxlan, inIPv6(17, udp(8472, hex("08000000 00000100") + taggedFrame))),
    ("VXLAN-GPE", .vxlan, inIPv4(17, udp(4790, hex("0c000001 00000100") + inner4))),
    ("VXLAN-GPE, IPv6", .vxlan, inIPv4(17, udp(4790, hex("0c000002 00000100") + inner6))),
    ("VXLAN-GPE, NSH", .vxlan, inIPv4(17, udp(4790, hex("0c000004 00000100 0fc2 0201 00000000") + inner4))),
    ("L2TP", .l2tp, inIPv4(17, udp(1701, hex("0002 0001 0002 ff03 0021") + inner4))),
    (
        "L2TP, all fields", .l2tp,
        inIPv6(17, udp(1701, hex("4a02 0000 0001 0002 0000 0000 0003 000000 ff03 0057") + inner6))
    ),
    ("VXLAN-GPE, Ethernet", .vxlan, inIPv4(17, udp(4790, hex("0c000003 00000100") + innerFrame))),
    ("Geneve", .geneve, inIPv4(17, udp(6081, hex("0000 6558 00000100") + innerFrame))),
    ("Geneve, options, IPv6", .geneve, inIPv6(17, udp(6081, hex("0240 86dd 00000100 01028001 00000001") + inner6))),
    ("GTP-U", .gtp, inIPv4(17, udp(2152, hex("30ff") + big16(inner4.count) + hex("00000001") + inner4))),
    (
        "GTP-U, extensions", .gtp,
        inIPv4(
            17,
            udp(
                2152,
                hex("34ff") + big16(inner6.count + 16) + hex("00000001 00000085 01000085 02000000 000000 00")
                    + inner6))
    ),
    ("Teredo", .teredo, inIPv4(17, udp(3544, inner6))),
    ("Teredo, origin", .teredo, inIPv4(17, udp(40001, hex("0000 1234 01020304") + inner6, from: 3544))),
    (
        "Teredo, authentication and origin", .teredo,
        inIPv4(17, udp(3544, hex("0001 0202 6162 6364 0000000000000000 00 0000 1234 01020304") + inner6))
    ),
    (
        "AYIYA", .ayiya,
        inIPv4(17, udp(5072, hex("4251 1129 00000000") + [UInt8](repeating: 7, count: 36) + inner6))
    ),
    ("AYIYA, IPv4", .ayiya, inIPv4(17, udp(5072, hex("0000 0104 00000000 07") + inner4))),
    ("CAPWAP, 802.3", .capwap, inIPv4(17, udp(5247, hex("00100200 00000000") + innerFrame))),
    ("CAPWAP, 802.11", .capwap, inIPv6(17, udp(5247, hex("00100300 00000000") + wireless("0801") + snap + inner4))),
    (
        "CAPWAP, 802.11 as Cisco has it", .capwap,
        inIPv4(
            17,
            udp(
                40001, hex("00200320 00000000 04bf2300 00000000") + wireless("1108", sequence: "7630") + snap + inner4,
                from: 5247))
    ),
    (
        "CAPWAP with the radio's address", .capwap,
        inIPv4(
            17, udp(5247, hex("00200310 00000000 06020000 00000200") + wireless("0802") + snap6 + inner6))
    ),
    ("GRE in UDP", .gre, inIPv4(17, udp(4754, hex("0000 0800") + inner4))),
]

/// The link type that matches an IP packet's version.
func link(_ packet: [UInt8]) -> LinkType { (packet.first ?? 0) >> 4 == 6 ? .ipv6 : .ipv4 }
