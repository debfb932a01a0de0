// Every tunnel: decoded whole, cut at every length, damaged, and nested.

import SeededRandom
import TCPModel
import TCPWire
import Testing

@Suite("Tunnels") struct TunnelTests {
    static let all = ipTunnels + udpTunnels

    @Test("the segment inside", arguments: all.indices)
    func fields(index: Int) throws {
        let (name, tunnel, packet) = Self.all[index]
        for padding in [0, 7] {
            let segment = try segment(packet + [UInt8](repeating: 0, count: padding), link(packet))
            #expect(segment.tunnel == tunnel, "\(name)")
            #expect(segment.tunnelDepth == 1, "\(name)")
            #expect(segment.sequence == SequenceNumber(1000), "\(name)")
            #expect(segment.payloadLength == 5, "\(name)")
            #expect(segment.remarks == [], "\(name)")
            #expect(segment.tuple.source.port == 49152, "\(name)")
            #expect([64, 63].contains(segment.hopLimit), "\(name)")
        }
    }

    @Test("a frame without tunnels names none")
    func none() throws {
        #expect(try segment(tcpFrame()).tunnel == .none)
        #expect(try segment(tcpFrame()).tunnelDepth == 0)
        #expect(Set(Tunnel.allCases.map { "\($0.name)" }).count == Tunnel.allCases.count)
    }

    @Test("cut at every length", arguments: all.indices)
    func truncation(index: Int) throws {
        let (name, _, packet) = Self.all[index]
        let isUDP = index >= ipTunnels.count
        let whole = try segment(packet, link(packet))
        for length in 0..<packet.count {
            for original in [length, packet.count] {
                do throws(DecodeError) {
                    switch try decode(Array(packet.prefix(length)), link(packet), original: original) {
                    case .segment(let part):
                        #expect(part.tuple == whole.tuple && part.sequence == whole.sequence, "\(name) \(length)")
                        #expect(part.payloadLength == whole.payloadLength, "\(name) \(length)")
                    case .other(let other):
                        // An 802.11 frame too short for LLC on the wire is not damaged; a length instead of a type is
                        // reported, as elsewhere.
                        let isShort = name.contains("802.11") && other == .lengthFrame && original == length
                        #expect(isUDP && other == .udp || isShort, "\(name) cut at \(length): \(other)")
                    case .fragment, .icmp, .aggregate, .text: Issue.record("\(name) cut at \(length): something else")
                    }
                } catch {
                    #expect(error.kind == .truncated && error.offset <= length, "\(name) cut at \(length): \(error)")
                    #expect(error.limitedBy == (original > length ? .capture : .frame), "\(name) \(length): \(error)")
                    #expect(!isUDP || [.ip, .ipv4, .ipv6].contains(error.layer), "\(name) \(length): \(error)")
                }
            }
        }
    }

    @Test("the outer packet ends before the inner one", arguments: ipTunnels.indices)
    func outerLength(index: Int) throws {
        var (name, _, packet) = ipTunnels[index]
        let isIPv4 = packet[0] >> 4 == 4
        // The outer length leaves room for only three octets after the outer header: no inner header fits.
        packet.replaceSubrange(isIPv4 ? 2..<4 : 4..<6, with: big16(isIPv4 ? 23 : 3))
        let error = try #require(failure(packet, link(packet)), "\(name)")
        #expect(error.kind == .truncated)
        #expect(error.limitedBy == .outerLength, "\(name): \(error)")
        #expect(error.available == 3)
    }

    @Test("GRE that carries something else, or nothing")
    func otherGRE() throws {
        let inner = inIPv4(6, tcp())
        for start in [
            "0000 0000", "0002 0800", "4000 0800", "0000 88cc", "2001 880b 0000 0001", "3001 0800 0000 0001 00000001",
            "3001 880b 0001 0001 00000001 c021", "1000 88be 00000000 30000000 00000000",
            "1000 22eb 00000000 10000000 00000000 00000000", "1000 22eb 00000000 20000000 00000000 00001000",
        ] {
            #expect(try other(inIPv4(47, hex(start) + inner), .ipv4) == .tunnel, "\(start)")
        }
        #expect(try other(inIPv4(47, hex("0000 6558") + ethernet(0x0806)), .ipv4) == .arp)
        #expect(try other(inIPv4(47, hex("0000 0800") + inIPv4(1, hex("0300"))), .ipv4) == .icmp)
    }

    @Test("a TCP header that an ICMP error in a tunnel quotes is no segment")
    func quoted() throws {
        let error = inIPv4(1, hex("0303 0000 00000000") + inIPv4(6, tcp()))
        guard case .icmp = try decode(inIPv4(4, error), .ipv4) else { return _ = Issue.record("no ICMP error") }
        guard case .icmp = try decode(inIPv4(17, udp(4789, hex("08000000 00000100") + ethernet() + error)), .ipv4)
        else { return _ = Issue.record("no ICMP error") }
    }

    @Test("a tunnel's port with something else behind it is UDP")
    func onlyUDP() throws {
        var random = SplitMix(seed: 7)
        for port in [2152, 3544, 4754, 4789, 4790, 5072, 6081, 8472] {
            for length in 0..<80 {
                let noise = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                #expect(try other(inIPv4(17, udp(port, noise)), .ipv4) == .udp)
                #expect(try other(inIPv4(17, udp(port, [UInt8](repeating: 0, count: length))), .ipv4) == .udp)
            }
        }
        for (name, _, packet) in udpTunnels where packet[0] == 0x45 {
            for length in [1, 7, 12] {
                var wrong = packet
                wrong.replaceSubrange(24..<26, with: big16(length))
                #expect(try other(wrong, .ipv4) == .udp, "\(name)")
            }
            var wrong = packet
            wrong.replaceSubrange(20..<24, with: hex("0035 1000"))
            #expect(try other(wrong, .ipv4) == .udp, "\(name)")
        }
        // The inner packet claims to be longer than the UDP datagram.
        let long = ipv4(500) + tcp()
        #expect(try other(inIPv4(17, udp(4789, hex("08000000 00000100") + ethernet() + long)), .ipv4) == .udp)
    }

    @Test("four in one another, and no more", arguments: 1...50)
    func nesting(depth: Int) throws {
        var (ipip, gre, vxlan) = (inIPv4(6, tcp()), inIPv4(6, tcp()), inIPv4(6, tcp()))
        for _ in 0..<depth {
            ipip = inIPv4(4, ipip)
            gre = inIPv4(47, hex("0000 0800") + gre)
            vxlan = inIPv4(17, udp(4789, hex("08000000 00000100") + ethernet() + vxlan))
        }
        if depth <= 4 {
            #expect(try segment(ipip, .ipv4).tunnelDepth == depth)
            #expect(try segment(gre, .ipv4).tunnelDepth == depth)
            #expect(try segment(vxlan, .ipv4).tunnelDepth == depth)
        } else {
            #expect(
                failure(ipip, .ipv4)
                    == DecodeError(
                        layer: .ipv4, kind: .malformed(.tooManyTunnels), offset: 100, needed: 5, available: 4,
                        limitedBy: .header))
            #expect(
                failure(gre, .ipv4)
                    == DecodeError(
                        layer: .gre, kind: .malformed(.tooManyTunnels), offset: 120, needed: 5, available: 4,
                        limitedBy: .header))
            #expect(try other(vxlan, .ipv4) == .udp)
        }
    }

    @Test("of several, the innermost is named")
    func innermost() throws {
        let inner = inIPv4(47, hex("0000 86dd") + inIPv6(6, tcp()))
        let segment = try segment(inIPv4(17, udp(4789, hex("08000000 00000100") + ethernet() + inner)), .ipv4)
        #expect(segment.tunnel == .gre)
        #expect(segment.tunnelDepth == 2)
        #expect(segment.tuple.source.address.description == "2001:db8::1")
    }

    @Test("damage, 100,000 times")
    func mutations() {
        var random = SplitMix(seed: 0x74_756e_6e65_6c73)
        for round in 0..<100_000 {
            var packet = Self.all[round % Self.all.count].packet
            let type = link(packet)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<packet.count, using: &random)
                packet[at] = [0, 1, 0x7f, 0xff, .random(in: 0...255, using: &random)][round / 7 % 5]
            }
            if round % 5 == 0 { packet.removeLast(Int.random(in: 0..<packet.count, using: &random)) }
            do throws(DecodeError) {
                if case .segment(let segment) = try decode(packet, type, original: round % 3 == 0 ? 70_000 : nil) {
                    let ok =
                        segment.tunnelDepth <= 4 && (segment.tunnel == .none) == (segment.tunnelDepth == 0)
                        && segment.headerLength >= 20
                    if !ok { Issue.record("\(packet): \(segment)") }
                }
            } catch {
                let ok =
                    error.offset >= 0 && error.offset <= packet.count && error.available >= 0
                    && (error.kind != .truncated || error.needed > error.available)
                if !ok || error.description.isEmpty { Issue.record("\(packet): \(error)") }
            }
        }
    }
}
