// A scenario file: one TCP situation, its segments, what must be known after each of them, and its timeline.

import Exchanges
import Foundation
import TCPModel

/// A line of a scenario file that cannot be parsed.
struct ScenarioError: Error, CustomStringConvertible {
    var line: Int
    var description: String
}

/// One connection of a scenario: its ends, and the initial sequence numbers that relative numbers count from.
struct ScenarioConnection {
    var notation = ExchangeNotation(
        client: SocketAddress(IPAddress(192, 0, 2, 1), 40000), server: SocketAddress(IPAddress(198, 51, 100, 2), 80),
        clientISN: 1_000_000, serverISN: 5_000_000)

    var key: FlowKey { FlowKey(FourTuple(source: notation.client, destination: notation.server)) }
    var isSelfConnect: Bool { notation.client == notation.server }
}

/// One line of a scenario that describes an event.
struct ScenarioStep {
    enum Kind {
        /// A segment of a connection, to be put into frames as `frame` says.
        case segment(Segment, connection: Int, frame: FrameWords)
        /// An ICMP error about the last segment of the client (`toClient`) or else of the server, sent to that end.
        case icmp(type: UInt8, code: UInt8, toClient: Bool, connection: Int)
        /// The kernel reports the socket of the client (`client`) or else of the server in this state; nil: it is gone.
        case kernel(client: Bool, state: TCPState?, connection: Int)
        /// A segment that was sent but is missing from the capture.
        case notCaptured
    }
    var kind: Kind
    /// Nanoseconds since the first segment.
    var time: Int64
    /// The line's index in the file.
    var line: Int
    /// The line up to `|`.
    var left: String
    /// The words after `|`; nil if the line has no `|` yet.
    var expected: [String]?
    /// The text after `#`.
    var comment: String
}

/// A parsed scenario file.
struct ScenarioFile {
    /// The file's name without `.scenario`; `id` is the case's id in it, such as `H1`.
    var name: String
    var id: String
    var lines: [String]
    var connections: [Int: ScenarioConnection] = [:]
    var steps: [ScenarioStep] = []
    /// The lines such as `= 1 closed SF ShADadFf 31`, by connection.
    var endings: [Int: (line: Int, words: [String])] = [:]
    /// The text timeline below `---- text`.
    var text = ""

    static let textMark = "---- text"
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Scenarios")

    var url: URL { Self.folder.appendingPathComponent(name + ".scenario") }

    /// Every scenario's name, in order.
    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".scenario") }.map { String($0.dropLast(9)) }.sorted()
    }()

    init(named name: String) throws {
        let url = Self.folder.appendingPathComponent(name + ".scenario")
        try self.init(name: name, String(contentsOf: url, encoding: .utf8))
    }

    init(name: String, _ content: String) throws(ScenarioError) {
        self.name = name
        let head = name.prefix { $0 != "-" }
        id = String(head.prefix(1)) + String(Int(head.dropFirst().prefix { $0.isNumber }) ?? 0)
        var all = content.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let mark = all.firstIndex(of: Self.textMark) {
            text = all[(mark + 1)...].joined(separator: "\n")
            all.removeSubrange(mark...)
        }
        while all.last?.isEmpty == true { all.removeLast() }
        lines = all
        connections[1] = ScenarioConnection()
        var clock: Int64 = 0
        for (index, line) in lines.enumerated() {
            do {
                try read(line, index, &clock)
            } catch {
                throw ScenarioError(line: index + 1, description: "\(name):\(index + 1): \(error): \(line)")
            }
        }
    }

    private struct Unreadable: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    private mutating func read(_ line: String, _ index: Int, _ clock: inout Int64) throws(Unreadable) {
        let (code, comment) = Self.split(line, at: "#")
        let (left, right) = Self.split(code, at: "|")
        var words = left.split(separator: " ").map(String.init)
        guard let first = words.first else { return }
        switch first {
        case "connection":
            try readConnection(Array(words.dropFirst()))
            return
        case "=":
            guard words.count >= 2, let number = Int(words[1]) else { throw Unreadable("whose ending?") }
            endings[number] = (index, Array(words.dropFirst(2)))
            return
        default: break
        }
        if let time = Self.time(first, after: clock, isFirst: steps.isEmpty) {
            clock = time
            words.removeFirst()
        } else if !steps.isEmpty {
            clock += Span.millisecond
        }
        let kind = try readKind(words)
        steps.append(
            ScenarioStep(
                kind: kind, time: clock, line: index, left: left,
                expected: right.map { $0.split(separator: " ").map(String.init) }, comment: comment ?? ""))
    }

    private static func split(_ line: String, at mark: Character) -> (String, String?) {
        guard let place = line.firstIndex(of: mark) else { return (line, nil) }
        return (String(line[..<place]), String(line[line.index(after: place)...]))
    }

    /// A time in nanoseconds: `1.5` is in seconds from the start, `+0.2` after the line
    /// before, `-0.2` before it (a clock set back).
    private static func time(_ word: String, after clock: Int64, isFirst: Bool) -> Int64? {
        guard let seconds = Double(word) else { return nil }
        let span = Int64((seconds * 1e9).rounded())
        return word.hasPrefix("+") || word.hasPrefix("-") ? clock + span : span
    }

    /// Reads what follows `connection`, such as `2 isn 70 80` or `2 192.0.2.1:40001 > 198.51.100.2:80 isn 70 80`.
    private mutating func readConnection(_ words: [String]) throws(Unreadable) {
        guard let number = words.first.flatMap({ Int($0) }) else { throw Unreadable("connections have numbers") }
        var connection = connections[1] ?? ScenarioConnection()
        var rest = Array(words.dropFirst())
        if rest.count >= 3, rest[1] == ">" {
            guard let client = socketAddress(rest[0]), let server = socketAddress(rest[2]) else {
                throw Unreadable("no address")
            }
            (connection.notation.client, connection.notation.server) = (client, server)
            rest.removeFirst(3)
        }
        if rest.count == 3, rest[0] == "isn", let own = UInt32(rest[1]), let other = UInt32(rest[2]) {
            (connection.notation.clientISN, connection.notation.serverISN) = (own, other)
        } else if !rest.isEmpty {
            throw Unreadable("isn CLIENT SERVER")
        }
        connections[number] = connection
    }

    private func readKind(_ given: [String]) throws(Unreadable) -> ScenarioStep.Kind {
        var words = given
        guard let first = words.first else { throw Unreadable("nothing after the time") }
        if first == "lost" { return .notCaptured }
        var number = 1
        if let digit = first.first?.wholeNumberValue, first.count == 2 {
            number = digit
            words[0] = String(first.dropFirst())
        }
        guard let connection = connections[number] else { throw Unreadable("there is no connection \(number)") }
        if words[0] == "*" {
            guard words.count == 3, ["client", "server"].contains(words[1]) else { throw Unreadable("* SIDE STATE") }
            let state = words[2] == "gone" ? nil : TCPState(named: words[2])
            guard words[2] == "gone" || state != nil else { throw Unreadable("no such state") }
            return .kernel(client: words[1] == "client", state: state, connection: number)
        }
        guard words[0] == ">" || words[0] == "<", words.count >= 3 else { throw Unreadable("no direction") }
        if words[1] == "icmp" {
            guard words.count == 4, let type = UInt8(words[2]), let code = UInt8(words[3]) else {
                throw Unreadable("icmp TYPE CODE")
            }
            return .icmp(type: type, code: code, toClient: words[0] == "<", connection: number)
        }
        guard words[1].allSatisfy({ "SFRP.UEWe0".contains($0) }) else { throw Unreadable("no such flags") }
        let range = words[2].split(separator: ":").compactMap { Int64($0) }
        guard range.count == 2, range[0] <= range[1] else { throw Unreadable("no range of sequence numbers") }
        var frame = FrameWords()
        var plain = Array(words.prefix(3))
        var index = 3
        while index < words.count {
            let word = words[index]
            if let count = ExchangeNotation.words[word] {
                guard index + count < words.count else { throw Unreadable("\(word) wants a value") }
                plain += words[index...(index + count)]
                index += 1 + count
            } else if let count = frame.take(word, index + 1 < words.count ? words[index + 1] : nil) {
                index += 1 + count
            } else {
                throw Unreadable("'\(word)' means nothing")
            }
        }
        return .segment(connection.notation.segment(plain), connection: number, frame: frame)
    }

    private func socketAddress(_ text: String) -> SocketAddress? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon]
        let octets = host.split(separator: ".").compactMap { UInt8($0) }
        if octets.count == 4 { return SocketAddress(IPAddress(octets[0], octets[1], octets[2], octets[3]), port) }
        if host == "[::1]" { return SocketAddress(.loopbackV6, port) }
        // Besides [::1], the only IPv6 addresses in scenarios are [2001:db8::N], from the documentation prefix.
        guard host.hasPrefix("[2001:db8::"), host.hasSuffix("]"),
            let low = UInt64(host.dropFirst(11).dropLast(), radix: 16)
        else { return nil }
        return SocketAddress(IPAddress(high: 0x2001_0db8_0000_0000, low: low), port)
    }
}
