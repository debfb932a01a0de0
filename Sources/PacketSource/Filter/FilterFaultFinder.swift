// Finds the word of a filter at which libpcap failed: libpcap says what is wrong, but not where.

import CPcap
import TCPModel

/// Looks for the first word after which no continuation makes a valid filter.
struct FilterFaultFinder {
    let text: String
    let message: String
    let linkType: LinkType

    /// The longest filter searched, in octets: each try is a compilation.
    private static let longest = 4096
    /// The most octets compiled in total, worth a few tenths of a second: every open bracket adds tries.
    private static let most = 16 << 20
    /// Possible continuations of an unfinished filter, most likely first.
    private static let operands = [
        "", "1", "tcp", "1.1.1.1", "host 1.1.1.1", "::1", "1-2", "00:00:00:00:00:00", "port 1", "255.0.0.0", "or tcp",
    ]

    /// The offending word as UTF-8 offsets; empty and at the end if something is missing there; nil if it is unknown.
    func range() -> Range<Int>? {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.longest else { return nil }
        let words = Self.words(bytes)
        if let quoted = quotedWord(words, bytes) { return quoted }
        guard message.contains("syntax error") || message.contains("illegal") else { return nil }
        guard
            let handle = try? CaptureHandle(linkType: linkType, snapshotLength: Int32(CaptureInterface.wholeFrame))
        else { return nil }
        // If a beginning can be continued, so can every shorter one: binary search finds the first that cannot.
        var good = 0
        var bad = words.count + 1
        var room = Self.most
        while bad - good > 1 {
            let middle = (good + bad) / 2
            let beginning = Self.withoutNames(words[..<middle], bytes)
            let canContinue = Self.canContinue(beginning, Self.openBrackets(words[..<middle], bytes), handle, &room)
            if room < 0 { return nil }
            if canContinue {
                good = middle
            } else {
                bad = middle
            }
        }
        return bad <= words.count ? words[bad - 1] : bytes.count..<bytes.count
    }

    /// The word that the message itself quotes: unknown host 'nosuch'.
    private func quotedWord(_ words: [Range<Int>], _ bytes: [UInt8]) -> Range<Int>? {
        guard message.contains("unknown") || message.contains("illegal") || message.contains("invalid") else {
            return nil
        }
        let parts = message.split(separator: "'", omittingEmptySubsequences: false)
        let candidates = parts.count >= 3 ? [parts[1]] : message.split(separator: " ").suffix(1)
        for candidate in candidates {
            let wanted = Array(candidate.utf8)
            if let found = words.last(where: { bytes[$0].elementsEqual(wanted) }) { return found }
            if let found = words.last(where: { Self.operand(bytes[$0]).elementsEqual(wanted) }) { return found }
        }
        return nil
    }

    /// A word without the backslash that lets a keyword be a name.
    private static func operand(_ word: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        word.first == UInt8(ascii: "\\") ? word.dropFirst() : word
    }

    /// Whether this beginning can be continued to a valid filter; `room` is negative afterwards if the search was given
    /// up.
    private static func canContinue(
        _ beginning: String, _ closers: [String], _ handle: borrowing CaptureHandle, _ room: inout Int
    ) -> Bool {
        func compiles(_ candidate: String) -> Bool {
            room -= candidate.utf8.count
            return Self.compiles(candidate, handle)
        }
        for operand in operands {
            let start = operand.isEmpty ? beginning : beginning + " " + operand
            if compiles(start + closers.joined()) { return true }
            // A comparison may be missing before any of the brackets is closed.
            for split in 0...closers.count {
                if room < 0 { return false }
                let candidate = start + closers[..<split].joined() + " = 0" + closers[split...].joined()
                if compiles(candidate) { return true }
            }
        }
        return false
    }

    /// The words joined by spaces, with names that libpcap would look up over the network replaced by a local one.
    private static func withoutNames(_ words: ArraySlice<Range<Int>>, _ bytes: [UInt8]) -> String {
        words.map { word in
            let text = String(decoding: bytes[word], as: UTF8.self)
            return isName(text) ? "localhost" : text
        }.joined(separator: " ")
    }

    /// Whether a word can only be a name of a host or network: neither a keyword, nor an address, nor a known port or
    /// protocol.
    private static func isName(_ word: String) -> Bool {
        guard word.utf8.contains(where: { UInt8(ascii: "g")...UInt8(ascii: "z") ~= $0 | 0x20 || $0 >= 0x80 }) else {
            return false
        }
        guard !word.hasPrefix("\\"), !word.hasPrefix("tcp"), !word.hasPrefix("icmp"),
            !FilterKeywords.all.contains(word[...])
        else { return false }
        var port: Int32 = 0
        var transport: Int32 = 0
        // word is NUL-terminated for the calls, which only read local tables.
        return unsafe pcap_nametoport(word, &port, &transport) == 0 && pcap_nametoproto(word) < 0
    }

    /// Whether libpcap accepts the syntax; other errors do not matter here.
    private static func compiles(_ candidate: String, _ handle: borrowing CaptureHandle) -> Bool {
        var program = unsafe bpf_program()
        // The handle is open; the program is freed if there is one.
        if unsafe pcap_compile(handle.pointer, &program, candidate, 0, 0xffff_ffff) == 0 {
            unsafe pcap_freecode(&program)
            return true
        }
        return !handle.message.contains("syntax error") && !handle.message.contains("illegal")
    }

    /// The closing brackets for those open at the end of these words, innermost first.
    private static func openBrackets(_ words: ArraySlice<Range<Int>>, _ bytes: [UInt8]) -> [String] {
        var open: [String] = []
        for word in words where word.count == 1 {
            switch bytes[word.lowerBound] {
            case UInt8(ascii: "("): open.append(")")
            case UInt8(ascii: "["): open.append("]")
            case UInt8(ascii: ")"), UInt8(ascii: "]"): _ = open.popLast()
            default: break
            }
        }
        return open.reversed()
    }

    /// Splits a filter into words and operators.
    static func words(_ bytes: [UInt8]) -> [Range<Int>] {
        var words: [Range<Int>] = []
        var at = 0
        while at < bytes.count {
            let start = at
            switch bytes[at] {
            case 0x09...0x0d, 0x20:
                at += 1
                continue
            case let byte where isOperator(byte):
                at += 1
                // && || != <= >= == << >>
                if at < bytes.count, "=&|<>".utf8.contains(bytes[at]),
                    bytes[at] == UInt8(ascii: "=") || bytes[at] == byte
                {
                    at += 1
                }
            default:
                at += 1
                while at < bytes.count, bytes[at] > 0x20, !isOperator(bytes[at]) { at += 1 }
            }
            words.append(start..<at)
        }
        return words
    }

    private static func isOperator(_ byte: UInt8) -> Bool { "()[]&|!=<>+*^%".utf8.contains(byte) }
}
