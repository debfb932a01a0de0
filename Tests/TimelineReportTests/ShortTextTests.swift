// Words and rows that fit in a few machine words, compared with the plain way of writing them.

import SeededRandom
import TCPModel
import Testing

@testable import TimelineReport

@Suite struct ShortTextTests {
    private func text(_ make: (inout OutputBuffer) -> Void) -> String {
        var buffer = OutputBuffer()
        make(&buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    private func row(_ make: (inout ShortText) -> Void) -> String { text { ShortText.append(to: &$0, make) } }

    /// A span by the definition, with long division: three significant digits, or four for milliseconds unless compact.
    private func reference(_ span: UInt64, compact: Bool) -> String {
        let (exponent, digits, unit): (Int, Int, String) =
            switch span {
            case ..<1_000: (0, 3, "ns")
            case ..<999_500: (3, 3, "us")
            case ..<999_500_000: (6, compact ? 3 : 4, "ms")
            default: (9, 3, "s")
            }
        func power(_ exponent: Int) -> UInt64 { (0..<exponent).reduce(1) { power, _ in power * 10 } }
        let whole = span / power(exponent)
        var decimals = min(exponent, max(0, digits - String(whole).count))
        if exponent == 3 && span % 1_000 == 0 { decimals = 0 }
        var step = power(exponent - decimals)
        var value = (span + step / 2) / step
        if decimals > 0 && String(value).count > digits {
            decimals -= 1
            step *= 10
            value = (span + step / 2) / step
        }
        let scale = power(decimals)
        guard decimals > 0 else { return "\(value)\(unit)" }
        let fraction = String(value % scale)
        return "\(value / scale).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)\(unit)"
    }

    @Test func spansAreRoundedAsTheRuleSays() {
        var random = SplitMix(seed: 44)
        for _ in 0..<20_000 {
            // All magnitudes are equally likely, and so are the edges between them.
            let bits = UInt64.random(in: 0..<60, using: &random)
            var span = UInt64.random(in: 0...(1 << bits), using: &random)
            if Bool.random(using: &random) { span = span / 1_000 * 1_000 }
            if let edge = [999, 999_499, 999_500, 9_999_500, 99_995_000, 999_499_999].randomElement(using: &random),
                UInt8.random(in: 0..<8, using: &random) == 0
            {
                span = UInt64(edge + Int.random(in: -2...2, using: &random))
            }
            for compact in [false, true] {
                #expect(
                    text { $0.append(span: Int64(span), compact ? .compact : .measured) }
                        == reference(span, compact: compact),
                    "\(span) \(compact)")
            }
        }
    }

    /// An IPv6 address with some zero groups, adjacent or not.
    private func address(_ random: inout SplitMix) -> IPAddress {
        func half() -> UInt64 {
            (0..<4).reduce(0) { half, _ in half << 16 | (Bool.random(using: &random) ? random.next() & 0xffff : 0) }
        }
        return IPAddress(high: half(), low: half())
    }

    @Test func addressesNumbersAndLiteralsAtEveryPlace() {
        var random = SplitMix(seed: 44)
        var column = AddressText()
        for _ in 0..<5_000 {
            let isV4 = Bool.random(using: &random)
            let end = SocketAddress(
                isV4 ? IPAddress(v4: UInt32.random(in: 0 ... .max, using: &random)) : address(&random),
                UInt16.random(in: 0 ... .max, using: &random))
            // Now and then the address equals the previous one in the column.
            if Bool.random(using: &random) { column.become(end.address) }
            let number = UInt64.random(in: 0...(1 << UInt64.random(in: 0..<64, using: &random)), using: &random)
            let columns = Int.random(in: 0...8, using: &random)
            let literal: StaticString =
                [
                    "", "a", "SF", "RST", "open", "reset", "closed", "refused", "no answer", "half-open",
                    "half-closed", "seventeen letters",
                ].randomElement(using: &random) ?? ""
            let shown = row {
                $0.append(end, &column)
                $0.append(literal)
                $0.append(number: number, rightIn: columns)
                $0.append(number: number)
                $0.append(ShortWord(0x2d))
            }
            let digits = "\(number)"
            let spaces = String(repeating: " ", count: max(0, columns - digits.count))
            #expect(shown == text { $0.append(end) } + "\(literal)\(spaces)\(digits)\(digits)-")
        }
    }

    @Test func whatDoesNotFitIsLeftOut() {
        let shown = row { row in
            for _ in 0..<40 { row.append("0123456") }
        }
        #expect(shown.utf8.count <= 192 && shown.utf8.count >= 176)
        #expect(shown == String((0..<40).flatMap { _ in "0123456" }.prefix(shown.utf8.count)))
        #expect(row { $0.pad(to: 500) }.utf8.count == ShortText.capacity)
        #expect(row { $0.append(span: -1, rightIn: 6) } == "     -")
        // Three of the longest addresses fit; a row has two. The fourth one is left out entirely.
        let end = SocketAddress(IPAddress(high: .max, low: .max), .max)
        let longest = "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"
        var column = AddressText()
        let three = row { row in
            for _ in 0..<4 { row.append(end, &column) }
        }
        #expect(three == longest + longest + longest)
    }

    @Test func bytesAreSetWhereTheyAre() {
        let shown = row {
            $0.append("0123456789abcdef")
            $0.set(0x58, at: 0)
            $0.set(0x59, at: 7)
            $0.set(0x5a, at: 9)
        }
        #expect(shown == "X123456Y8Zabcdef")
    }
}
