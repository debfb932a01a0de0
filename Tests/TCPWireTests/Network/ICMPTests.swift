// ICMP errors: what they quote, how much of it is needed, and which messages are not errors about a segment.

import SeededRandom
import TCPModel
import TCPWire
import Testing

/// An ICMP message from a router at 192.0.2.1 to 10.0.0.1.
private func icmp4(_ type: UInt8, _ code: UInt8, mtu: Int = 0, _ quote: [UInt8]) -> [UInt8] {
    var header = ipv4(8 + quote.count, protocol: 1)
    header.replaceSubrange(12..<20, with: hex("c0000201 0a000001"))
    return header + [type, code] + hex("0000 0000") + big16(mtu) + quote
}

private func icmp6(_ type: UInt8, _ code: UInt8, mtu: Int = 0, _ quote: [UInt8]) -> [UInt8] {
    ipv6(8 + quote.count, next: 58) + [type, code] + hex("0000") + big32(mtu) + quote
}

private func icmpError(_ bytes: [UInt8], _ link: LinkType = .raw, original: Int? = nil) throws(DecodeError)
    -> ICMPError?
{
    if case .icmp(let error) = try decode(bytes, link, original: original) { return error }
    return nil
}

@Suite("ICMP errors") struct ICMPTests {
    static let quote4: [UInt8] = ipv4(20, total: 60) + tcp(flags: 0x002).prefix(8)
    static let quote6: [UInt8] = ipv6(40) + tcp(flags: 0x002).prefix(20)

    @Test("what an IPv4 error says")
    func fields4() throws {
        let error = try #require(try icmpError(icmp4(3, 4, mtu: 1400, Self.quote4)))
        #expect(error.sender.description == "192.0.2.1")
        #expect(error.quoted.source.description == "10.0.0.1:49152")
        #expect(error.quoted.destination.description == "10.0.0.2:9500")
        #expect(error.sequence == SequenceNumber(1000))
        #expect((error.type, error.code) == (3, 4))
        #expect(error.kind == .packetTooBig)
        #expect(error.nextHopMTU == 1400)
        #expect(try icmpError(icmp4(3, 1, mtu: 1400, Self.quote4))?.nextHopMTU == 0)
    }

    @Test("what an IPv6 error says; extension headers in the quotation")
    func fields6() throws {
        let error = try #require(try icmpError(icmp6(2, 0, mtu: 1280, Self.quote6)))
        #expect(error.quoted.source.description == "[2001:db8::1]:49152")
        #expect(error.sequence == SequenceNumber(1000))
        #expect(error.kind == .packetTooBig && error.nextHopMTU == 1280)
        let chain: [UInt8] = ipv6(60, next: 0) + hex("06 00 01 04 00000000") + tcp().prefix(8)
        #expect(try icmpError(icmp6(1, 4, chain))?.kind == .portUnreachable)
        let first: [UInt8] = ipv6(60, next: 44) + hex("0600 0001 00000001") + tcp().prefix(8)
        #expect(try icmpError(icmp6(3, 0, first))?.kind == .hopLimitExceeded)
        let later: [UInt8] = ipv6(60, next: 44) + hex("0600 0009 00000001") + tcp().prefix(8)
        #expect(try icmpError(icmp6(3, 0, later)) == nil)
    }

    @Test("every type: errors are 3, 4, 5, 11 and 12, in ICMPv6 1 to 4")
    func types() throws {
        for type in 0...255 as ClosedRange<UInt8> {
            #expect(try (icmpError(icmp4(type, 0, Self.quote4)) != nil) == [3, 4, 5, 11, 12].contains(type))
            #expect(try (icmpError(icmp6(type, 0, Self.quote6)) != nil) == [1, 2, 3, 4].contains(type))
        }
        for kind in ICMPError.Kind.allCases where kind != .other {
            let found = (0...12 as ClosedRange<UInt8>).contains { type in
                (0...15 as ClosedRange<UInt8>).contains { code in
                    [true, false].contains { ICMPError.Kind(isIPv4: $0, type: type, code: code) == kind }
                }
            }
            #expect(found, "no type and code mean \(kind)")
        }
    }

    @Test("quotations of other things, or of too little, are other traffic")
    func others() throws {
        let quotes: [[UInt8]] = [
            ipv4(20, protocol: 17) + tcp(), ipv4(20, fragment: 0x0001) + tcp(), ipv4(20) + tcp().prefix(7), [], [0x45],
            ipv6(20) + tcp(), hex("44") + Array(Self.quote4.dropFirst()),
        ]
        for quote in quotes { #expect(try other(icmp4(3, 1, quote), .raw) == .icmp) }
        #expect(try other(icmp6(1, 0, ipv6(20, next: 17) + tcp()), .raw) == .icmp)
        #expect(try other(icmp6(1, 0, Array(Self.quote4)), .raw) == .icmp)
        // IP options shift the TCP header.
        #expect(
            try icmpError(icmp4(3, 3, ipv4(20, options: hex("94040000")) + tcp().prefix(8)))?.sequence
                == SequenceNumber(1000))
        // Octets that follow the ICMP message in the frame are not part of it.
        let short = icmp4(3, 1, Array(Self.quote4.dropLast(2)))
        #expect(try other(short + [0, 0], .raw) == .icmp)
    }

    @Test("cut anywhere: the same error, or other traffic, or a cut IP header")
    func truncation() throws {
        for whole in [icmp4(3, 3, Self.quote4), icmp6(1, 4, Self.quote6)] {
            let expected = try #require(try icmpError(whole))
            for length in 0..<whole.count {
                do throws(DecodeError) {
                    if let error = try icmpError(Array(whole.prefix(length)), original: whole.count) {
                        #expect(error == expected)
                    }
                } catch {
                    #expect(error.kind == .truncated)
                }
            }
        }
    }

    @Test("random damage: nothing traps")
    func mutations() {
        var random = SplitMix(seed: 58)
        let wholes = [
            icmp4(3, 3, Self.quote4), icmp6(1, 4, Self.quote6),
            icmp6(1, 4, ipv6(60, next: 0) + hex("06 00 01 04 00000000") + tcp()),
        ]
        var errors = 0
        var refused = 0
        for round in 0..<30_000 {
            var bytes = wholes[round % wholes.count]
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            if round % 4 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            do throws(DecodeError) {
                if case .icmp = try decode(bytes, .raw) { errors += 1 }
            } catch {
                refused += 1
            }
        }
        // Some damage leaves an error, and some leaves no packet: the decoder was reached behind its first check.
        #expect(errors > 3000 && refused > 3000, "\(errors) errors, \(refused) refused")
    }
}
