// The filter language of `tcptrace sockets` and `kill`: port, host and pid, combined with and, or, not and parentheses.

public import TCPModel

/// An invalid filter, as a sentence that names the offending word.
public struct SocketFilterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence.
    public var description: String
}

/// Selects sockets. `and` and `or` have equal precedence and associate to the left, `not` binds tightest, as in
/// pcap-filter(7).
public struct SocketFilter: Sendable {
    /// The end of a socket that a condition refers to. `src` is the local end and `dst` the remote one.
    enum End: Sendable {
        case either
        case local
        case remote
    }

    indirect enum Condition: Sendable {
        case port(End, UInt16)
        case host(End, IPAddress)
        case pid(Int32)
        case not(Condition)
        case and(Condition, Condition)
        case or(Condition, Condition)

        /// Whether the condition depends on the socket's holders.
        var namesProcesses: Bool {
            switch self {
            case .pid: true
            case .port, .host: false
            case .not(let inner): inner.namesProcesses
            case .and(let left, let right), .or(let left, let right): left.namesProcesses || right.namesProcesses
            }
        }
    }

    /// Nil accepts every socket.
    let condition: Condition?
    /// The words as typed.
    let words: [String]

    /// Parses filter words; no words accept every socket. With `portsAreLocal`, `port N` refers to the local end only.
    public init(words: [String], portsAreLocal: Bool = false) throws(SocketFilterError) {
        self.words = words
        var parser = SocketFilterParser(words: words, portsAreLocal: portsAreLocal)
        condition = try parser.parse()
    }

    /// Whether the owners of sockets are needed to evaluate the filter.
    var namesProcesses: Bool { condition?.namesProcesses ?? false }

    /// Whether the filter accepts a socket that is held by these processes.
    public func accepts(_ socket: KernelSocket, processes: [ProcessIdentity]) -> Bool {
        condition.map { Self.holds($0, socket, processes) } ?? true
    }

    private static func holds(_ condition: Condition, _ socket: KernelSocket, _ processes: [ProcessIdentity]) -> Bool {
        switch condition {
        case .port(let end, let port): matches(end, socket) { $0.port == port }
        case .host(let end, let address): matches(end, socket) { $0.address == address }
        case .pid(let pid): processes.contains { $0.pid == pid }
        case .not(let inner): !holds(inner, socket, processes)
        case .and(let left, let right): holds(left, socket, processes) && holds(right, socket, processes)
        case .or(let left, let right): holds(left, socket, processes) || holds(right, socket, processes)
        }
    }

    private static func matches(_ end: End, _ socket: KernelSocket, _ test: (SocketAddress) -> Bool) -> Bool {
        switch end {
        case .local: test(socket.local)
        case .remote: test(socket.remote)
        case .either: test(socket.local) || test(socket.remote)
        }
    }
}

/// A recursive-descent parser over the words.
private struct SocketFilterParser {
    private var words: [String] = []
    private var position = 0
    private let portsAreLocal: Bool
    /// The words of the latest `port`, `host` or `pid`, so that `port 80 or 443` works.
    private var latestPrimitive: [String] = []

    private static let depthLimit = 100
    /// A longer filter is a mistake; evaluating it recurses once per condition.
    private static let mostConditions = 1000
    private var conditions = 0

    init(words: [String], portsAreLocal: Bool) {
        self.portsAreLocal = portsAreLocal
        for word in words.joined(separator: " ").split(whereSeparator: \.isWhitespace) {
            var rest = word
            while let bracket = rest.firstIndex(where: { $0 == "(" || $0 == ")" }) {
                if rest.startIndex < bracket { self.words.append(String(rest[..<bracket])) }
                self.words.append(String(rest[bracket]))
                rest = rest[rest.index(after: bracket)...]
            }
            if !rest.isEmpty { self.words.append(String(rest)) }
        }
    }

    mutating func parse() throws(SocketFilterError) -> SocketFilter.Condition? {
        if words.isEmpty { return nil }
        let condition = try expression(depth: 0)
        if let word = peek { throw isBeginning(word) ? connectiveMissing(before: word) : unexpected(word) }
        return condition
    }

    private var peek: String? { position < words.count ? words[position] : nil }

    private mutating func take(_ choices: String...) -> Bool {
        guard let word = peek, choices.contains(word.lowercased()) else { return false }
        position += 1
        return true
    }

    private mutating func expression(depth: Int) throws(SocketFilterError) -> SocketFilter.Condition {
        guard depth < Self.depthLimit else { throw SocketFilterError(description: "filter: nested too deeply") }
        var left = try term(depth: depth)
        while true {
            if take("and", "&&") {
                left = .and(left, try term(depth: depth))
            } else if take("or", "||") {
                left = .or(left, try term(depth: depth))
            } else {
                return left
            }
        }
    }

    private mutating func term(depth: Int) throws(SocketFilterError) -> SocketFilter.Condition {
        guard depth < Self.depthLimit else { throw SocketFilterError(description: "filter: nested too deeply") }
        if take("not", "!") { return .not(try term(depth: depth + 1)) }
        if take("(") {
            let inner = try expression(depth: depth + 1)
            guard take(")") else { throw SocketFilterError(description: "filter: a ')' is missing") }
            return inner
        }
        conditions += 1
        guard conditions <= Self.mostConditions else {
            throw SocketFilterError(description: "filter: more than \(Self.mostConditions) conditions")
        }
        return try primitive()
    }

    private mutating func primitive() throws(SocketFilterError) -> SocketFilter.Condition {
        var end = SocketFilter.End.either
        let start = position
        if take("src", "local") { end = .local } else if take("dst", "remote") { end = .remote }
        if take("port") {
            latestPrimitive = Array(words[start..<position])
            if end == .either && portsAreLocal { end = .local }
            let word = try value(after: "port")
            guard let port = UInt16(word) else {
                throw SocketFilterError(description: "filter: '\(word)' is not a port number (0 to 65535)")
            }
            return .port(end, port)
        }
        if take("host") {
            latestPrimitive = Array(words[start..<position])
            let word = try value(after: "host")
            guard let address = IPAddress(numeric: word) else {
                throw SocketFilterError(
                    description: "filter: '\(word)' is not an IP address (names are not looked up here)")
            }
            return .host(end, address)
        }
        if end == .either && take("pid") {
            latestPrimitive = ["pid"]
            let word = try value(after: "pid")
            guard let pid = Int32(word), pid > 0 else {
                throw SocketFilterError(description: "filter: '\(word)' is not a process id")
            }
            return .pid(pid)
        }
        guard let word = peek else {
            let last = words.last ?? ""
            throw SocketFilterError(description: "filter: something is missing after '\(last)'")
        }
        // `port 80 or 443`: the same kind again. Its words are inserted, so that this branch is taken once per value.
        if start == position, !latestPrimitive.isEmpty, let first = word.unicodeScalars.first,
            first.properties.numericType != nil || word.contains(":")
        {
            words.insert(contentsOf: latestPrimitive, at: position)
            return try primitive()
        }
        throw unexpected(word)
    }

    private mutating func value(after name: String) throws(SocketFilterError) -> String {
        guard let word = peek else {
            throw SocketFilterError(description: "filter: '\(name)' needs a value after it")
        }
        position += 1
        return word
    }

    /// Whether a condition may start with this word.
    private func isBeginning(_ word: String) -> Bool {
        let beginnings: Set = ["port", "host", "pid", "src", "dst", "local", "remote", "not", "!", "("]
        return beginnings.contains(word.lowercased()) || UInt16(word) != nil || IPAddress(numeric: word) != nil
    }

    private func connectiveMissing(before word: String) -> SocketFilterError {
        SocketFilterError(description: "filter: 'or' or 'and' is missing before '\(word)'")
    }

    private func unexpected(_ word: String) -> SocketFilterError {
        if words.count > 1, words.allSatisfy({ UInt16($0) != nil }) {
            let ports = words.joined(separator: " or ")
            return SocketFilterError(
                description: "filter: '\(word)' is not understood on its own: write 'port \(ports)'")
        }
        if UInt16(word) != nil {
            return SocketFilterError(
                description: "filter: '\(word)' is not understood on its own: write 'port \(word)'")
        }
        if !word.isEmpty && word.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
            return SocketFilterError(description: "filter: '\(word)' is not a port number (0 to 65535)")
        }
        if let meant = meaning(ofSS: word) {
            return SocketFilterError(description: "filter: '\(word)' is a word of ss; here it is \(meant)")
        }
        if IPAddress(numeric: word) != nil {
            let end = position > 0 && ["src", "dst", "local", "remote"].contains(words[position - 1].lowercased())
            return SocketFilterError(
                description: "filter: '\(word)' is not understood on its own: write"
                    + " '\(end ? "\(words[position - 1]) " : "")host \(word)'")
        }
        return notUnderstood(word)
    }

    /// The form here of ss's `state close-wait` and `sport = :8088`; nil for other words.
    private func meaning(ofSS word: String) -> String? {
        let typed = [word] + words[(position + 1)...]
        let parts = typed.flatMap { $0.replacing("=", with: " = ").split(separator: " ") }
            .filter { !["=", "eq"].contains($0.lowercased()) }
        // A sign of its own may be all that is left.
        guard let first = parts.first else { return nil }
        switch first.lowercased() {
        case "state" where !portsAreLocal:
            let state = parts.dropFirst().first.flatMap { TCPState(named: String($0)) == nil ? nil : $0 }
            return "an option: --state \(state ?? "STATE")"
        case let end where end == "sport" || end == "dport":
            let port = parts.dropFirst().first.flatMap { UInt16($0.drop { $0 == ":" }) }
            return "\(end == "sport" ? "src" : "dst") port \(port.map { "\($0)" } ?? "N")"
        default: return nil
        }
    }

    private func notUnderstood(_ word: String) -> SocketFilterError {
        SocketFilterError(
            description: "filter: '\(word)' is not understood here; known are [src|dst|local|remote] port N, "
                + "[src|dst|local|remote] host ADDRESS, pid N, and, or, not, ( )")
    }
}
