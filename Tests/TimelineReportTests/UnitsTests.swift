// Numbers, time spans, dates, and names of flows and connections.

import Exchanges
import Foundation
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

private func text(_ make: (inout OutputBuffer) -> Void) -> String {
    var buffer = OutputBuffer()
    make(&buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
}

private func communityID(_ tuple: FourTuple) -> String { text { $0.append(communityIDOf: tuple) } }

@Suite struct UnitsTests {
    @Test(arguments: [
        (0, "0ns"), (1, "1ns"), (999, "999ns"), (1_000, "1us"), (22_000, "22us"), (22_500, "22.5us"),
        (999_400, "999us"), (999_999, "1.000ms"), (1_020_000, "1.020ms"), (9_999_499, "9.999ms"),
        (9_999_999, "10.00ms"), (40_492_000, "40.49ms"), (99_999_999, "100.0ms"), (300_698_000, "300.7ms"),
        (999_999_999, "1.00s"), (1_000_000_000, "1.00s"), (1_020_000_000, "1.02s"), (9_996_000_000, "10.0s"),
        (60_000_000_000, "60.0s"), (99_990_000_000, "100s"),
        (100_000_000_000, "100s"), (3_600_000_000_000, "3600s"), (-22_000, "-22us"),
    ])
    func spans(_ nanoseconds: Int64, _ expected: String) {
        #expect(text { $0.append(span: nanoseconds) } == expected)
    }

    @Test(arguments: [(40_492_000, "40.5ms"), (300_698_000, "301ms"), (1_024_000, "1.02ms"), (22_000, "22us")])
    func compactSpans(_ nanoseconds: Int64, _ expected: String) {
        #expect(text { $0.append(span: nanoseconds, .compact) } == expected)
    }

    /// Rows are written in machine words and sentences as strings, by the same rule.
    @Test func wordsAndStringsAreTheSame() {
        var value = 1.0
        while value < 9e18 {
            for style in [SpanStyle.measured, .compact, .sentence, .prose] {
                for nanoseconds in [Int64(value), -Int64(value)] {
                    #expect(text { $0.append(span: nanoseconds, style) } == spanText(nanoseconds, style))
                }
            }
            value *= 1.19
        }
    }

    @Test func noSpanBelowAThousandSecondsHasMoreDigitsThanItsColumnHolds() {
        var value = 1.0
        while value < 999e9 {
            for nanoseconds in [Int64(value), Int64(value) + 1, Int64(value) - 1] where nanoseconds >= 0 {
                #expect(text { $0.append(span: nanoseconds) }.utf8.count <= 7)
                let shown = text { $0.append(span: nanoseconds, .compact) }
                #expect(shown.filter { $0.isNumber }.count <= 3, "\(nanoseconds): \(shown)")
                #expect(shown.utf8.count <= 6, "\(nanoseconds): \(shown)")
            }
            value *= 1.37
        }
        #expect(text { $0.append(span: .min) }.hasPrefix("-"))
        #expect(text { $0.append(span: .max) }.hasSuffix("s"))
    }

    @Test func fixedPointIsExact() {
        #expect(text { $0.append(fixed: 1_795_363_634_454_475_001, decimals: 9, digits: 9) } == "1795363634.454475001")
        #expect(text { $0.append(fixed: 1, decimals: 9, digits: 6) } == "0.000000")
        #expect(text { $0.append(fixed: -1_500_000_000, decimals: 9, digits: 3) } == "-1.500")
        #expect(text { $0.append(fixed: .min, decimals: 9, digits: 9) } == "-9223372036.854775808")
    }

    @Test func secondsAreTheSameOnTheShortWay() {
        for nanoseconds: Int64 in [
            0, 1, 999_999_999, 1_000_000_000, 99_999_999_999_999_999, 100_000_000_000_000_000, -1, .min, .max,
        ] {
            #expect(
                text { $0.append(seconds: nanoseconds) }
                    == text { $0.append(fixed: nanoseconds, decimals: 9, digits: 9) })
        }
    }

    @Test func numbersAroundEveryPowerOfTen() {
        var power: UInt64 = 1
        for _ in 0..<20 {
            for number in [power &- 1, power, power &+ 1, power &* 5 &+ 3, .max] {
                #expect(text { $0.append(number: number) } == String(number))
                for digits in 0...24 {
                    let digitsOnly = String(number)
                    let zeros = String(repeating: "0", count: max(0, digits - digitsOnly.count))
                    #expect(text { $0.append(unsigned: number, minimumDigits: digits) } == zeros + digitsOnly)
                }
            }
            power &*= 10
        }
        #expect(text { $0.append(number: Int64.min) } == String(Int64.min))
    }

    @Test func appendingAcrossTheEndOfTheRoomKeepsWhatWasThere() {
        var buffer = OutputBuffer()
        var expected = ""
        for number in 0..<500 {
            buffer.append(number: number)
            buffer.append("-")
            buffer.append(repeating: 0x2e, count: number % 7)
            buffer.append(text: "text")
            expected += "\(number)-\(String(repeating: ".", count: number % 7))text"
        }
        let copy = buffer
        buffer.truncate(to: 5)
        buffer.append("x")
        #expect(String(decoding: buffer.bytes, as: UTF8.self) == expected.prefix(5) + "x")
        #expect(String(decoding: copy.bytes, as: UTF8.self) == expected)
    }

    @Test(arguments: ["0.0.0.0", "1.20.255.9", "255.255.255.255", "::1", "2001:db8::1:0:0:5"])
    func addressesAreAsTheirDescriptions(_ shown: String) throws {
        let octets = shown.split(separator: ".").compactMap { UInt8($0) }
        let six: [String: IPAddress] = [
            "::1": .loopbackV6, "2001:db8::1:0:0:5": IPAddress(high: 0x2001_0db8_0000_0000, low: 0x0001_0000_0000_0005),
        ]
        let address =
            octets.count == 4 ? IPAddress(octets[0], octets[1], octets[2], octets[3]) : try #require(six[shown])
        #expect(text { $0.append(address) } == shown)
        let end = SocketAddress(address, 9500)
        #expect(text { $0.append(end) } == end.description)
    }
}

@Suite struct IdentityTests {
    private static func hex(_ octets: [UInt8]) -> String { octets.map { String(format: "%02x", $0) }.joined() }

    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "a49b2446a02c645bf419f995b67091253a04a259"
        ),
    ])
    func sha1OfTheStandardsMessages(_ message: String, _ digest: String) {
        #expect(Self.hex(sha1(Array(message.utf8))) == digest)
    }

    @Test func sha1OfAMillionTimesA() {
        #expect(
            Self.hex(sha1([UInt8](repeating: 0x61, count: 1_000_000))) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
    }

    @Test func shortDigestsAreSHA1() {
        var message = ShortDigest()
        var octets: [UInt8] = []
        for half in (0...27).map({ UInt16(truncatingIfNeeded: $0 &* 40503 &+ 7) }) {
            let digest = message.digest()
            let words = digest.indices.map { String(format: "%08x", digest[$0]) }.joined()
            #expect(words == Self.hex(sha1(octets)), "\(octets.count) octets")
            guard octets.count < 54 else { break }
            message.append(half)
            octets += [UInt8(half >> 8), UInt8(half & 0xff)]
        }
        #expect(octets.count == 54)
    }

    @Test func communityIDOfTheSpecification() {
        let tuple = FourTuple(
            source: SocketAddress(IPAddress(128, 232, 110, 120), 34855),
            destination: SocketAddress(IPAddress(66, 35, 250, 204), 80))
        #expect(communityID(tuple) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=")
        #expect(communityID(tuple.reversed) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=")
    }

    @Test func communityIDHasNoDirectionOnOneAddress() {
        let tuple = FourTuple(
            source: SocketAddress(.loopbackV4, 35924), destination: SocketAddress(.loopbackV4, 9500))
        #expect(communityID(tuple) == communityID(tuple.reversed))
        let six = FourTuple(source: SocketAddress(.loopbackV6, 35924), destination: SocketAddress(.loopbackV6, 9500))
        #expect(communityID(six) == communityID(six.reversed))
        #expect(communityID(six) != communityID(tuple))
    }

    @Test func uidIsAFunctionOfThePackets() {
        let one = Play(seed: 1).feed(handshake).connection
        let two = Play(seed: 99).feed(handshake + "> P. 1:11 ack 1").connection
        #expect(connectionUID(one.name) == connectionUID(two.name))
        #expect(connectionUID(one.name).wholeMatch(of: /C[0-9A-Za-z]{17}/) != nil)
        let other = Play()
        other.clientISN = 1001
        #expect(connectionUID(other.feed(handshake).connection.name) != connectionUID(one.name))
        let later = Play()
        later.clock = 1
        #expect(connectionUID(later.feed(handshake).connection.name) != connectionUID(one.name))
    }
}
