// The states of each endpoint in the kernel's own trace and in tcptrace's output, and the differences.

import Foundation

/// One end of a connection, from its own side.
struct TracedEnd: Hashable {
    var local: String
    var remote: String

    var peer: TracedEnd { TracedEnd(local: remote, remote: local) }
}

/// A change of state; `from` is empty where the wire did not show it.
struct TracedStep: Equatable {
    var from: String
    var to: String
}

struct StateOracle {
    /// From sock:inet_sock_set_state as the kernel printed it.
    private(set) var kernel: [TracedEnd: [TracedStep]] = [:]
    /// Whether each step of `kernel` happened in an interrupt rather than in a system call.
    private var interrupts: [TracedEnd: [Bool]] = [:]
    /// From tcptrace's `kernel` records.
    private(set) var joined: [TracedEnd: [TracedStep]] = [:]
    /// From tcptrace's `state` records, without retracted ones: for each end, one list per connection, in order.
    private(set) var wire: [TracedEnd: [[TracedStep]]] = [:]
    /// The index of a connection's list in `wire`, by connection and end.
    private var places: [String: Int] = [:]
    /// Ends with a `state` record whose cause is the kernel, or with a retraction: marked as not seen on the wire.
    private(set) var marked: Set<TracedEnd> = []

    init(trace: String, json: String) throws {
        for line in trace.split(separator: "\n") { readTrace(line) }
        let records = try json.split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        for record in records where record["_path"] as? String == "state" { readState(record) }
        // Events of an older incarnation may be written after the first lines of the next one.
        for (_, record) in records.enumerated().filter({ $0.element["event"] as? String == "transition" }).sorted(by: {
            (Self.time($0.element), $0.offset) < (Self.time($1.element), $1.offset)
        }) {
            guard let end = Self.end(record) else { continue }
            joined[end, default: []].append(Self.step(record))
        }
    }

    private static func time(_ record: [String: Any]) -> Int { record["ts_ns"] as? Int ?? 0 }

    private mutating func readTrace(_ line: Substring) {
        var fields: [Substring: Substring] = [:]
        for word in line.split(separator: " ") {
            let pair = word.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { fields[pair[0]] = pair[1] }
        }
        guard let local = Self.address(fields["saddrv6"], fields["sport"]),
            let remote = Self.address(fields["daddrv6"], fields["dport"]), let from = Self.name(fields["oldstate"]),
            let to = Self.name(fields["newstate"])
        else { return }
        let end = TracedEnd(local: local, remote: remote)
        kernel[end, default: []].append(TracedStep(from: from, to: to))
        interrupts[end, default: []].append(Self.isInterrupt(line))
    }

    /// `<idle>-0 [001] ..s2. 17042.759419: inet_sock_set_state: ...`: the third flag shows hard and soft interrupts.
    private static func isInterrupt(_ line: Substring) -> Bool {
        let words = line.prefix { $0 != "=" }.split(separator: " ")
        guard let place = words.firstIndex(where: { $0.hasPrefix("[") && $0.hasSuffix("]") }), place + 1 < words.count
        else { return false }
        return "sShHzZ".contains(words[place + 1].dropFirst(2).first ?? ".")
    }

    /// The number of the kernel's steps of `end` that were not joined, provided that these happened in interrupts and
    /// all others were joined in order; nil if anything else differs.
    func withheld(_ end: TracedEnd) -> Int? {
        var rest = (joined[end] ?? [])[...]
        var count = 0
        for (step, isInterrupt) in zip(kernel[end] ?? [], interrupts[end] ?? []) {
            if rest.first == step {
                rest.removeFirst()
            } else if isInterrupt {
                count += 1
            } else {
                return nil
            }
        }
        return rest.isEmpty ? count : nil
    }

    private static func address(_ address: Substring?, _ port: Substring?) -> String? {
        guard let address, let port else { return nil }
        return "\(address.hasPrefix("::ffff:") ? address.dropFirst(7) : address) \(port)"
    }

    private static func name(_ state: Substring?) -> String? {
        switch state {
        case "TCP_CLOSE": "closed"
        case "TCP_SYN_RECV", "TCP_NEW_SYN_RECV": "syn_received"
        case "TCP_FIN_WAIT1": "fin_wait_1"
        case "TCP_FIN_WAIT2": "fin_wait_2"
        default: state.map { $0.dropFirst(4).lowercased() }
        }
    }

    /// A connection's records are in the order in which its states were learned; records of another incarnation may
    /// stand between them.
    private mutating func readState(_ record: [String: Any]) {
        guard let end = Self.end(record), let connection = record["uid"] as? String else { return }
        let step = Self.step(record)
        let key = "\(connection) \(end)"
        if places[key] == nil {
            places[key] = wire[end]?.count ?? 0
            wire[end, default: []].append([])
        }
        guard let place = places[key] else { return }
        if record["rule"] as? String == "retraction" {
            // A retraction revokes the inferred steps that led from its `to` state to its `from` state.
            let steps = wire[end]?[place] ?? []
            if let kept = steps.lastIndex(where: { $0.to == step.to }) { wire[end]?[place] = Array(steps[...kept]) }
            marked.insert(end)
            return
        }
        if record["cause"] as? String == "kernel" { marked.insert(end) }
        wire[end]?[place].append(step)
    }

    private static func step(_ record: [String: Any]) -> TracedStep {
        TracedStep(from: record["from"] as? String ?? "", to: record["to"] as? String ?? "")
    }

    /// The end that a record describes.
    private static func end(_ record: [String: Any]) -> TracedEnd? {
        guard let from = end(record, "orig"), let to = end(record, "resp") else { return nil }
        return record["endpoint"] as? String == "orig"
            ? TracedEnd(local: from, remote: to)
            : TracedEnd(local: to, remote: from)
    }

    private static func end(_ record: [String: Any], _ name: String) -> String? {
        guard let address = record["id.\(name)_h"] as? String, let port = record["id.\(name)_p"] as? Int else {
            return nil
        }
        return "\(address) \(port)"
    }

    /// The states that an end entered, as the kernel's events count them. They treat TIME_WAIT as a closed socket, so
    /// its end is no event; a host without a socket has no event either.
    func wireStates(_ end: TracedEnd) -> [String] { Self.states((wire[end] ?? []).flatMap(\.self)) }

    /// The same as `wireStates`, but only for the first connection of `end`.
    func firstWireStates(_ end: TracedEnd) -> [String] { Self.states(wire[end]?.first ?? []) }

    private static func states(_ steps: [TracedStep]) -> [String] {
        steps.filter {
            !($0.from == "time_wait" && $0.to == "closed") && !($0.from == "" && $0.to == "closed")
        }
        .map { $0.to == "time_wait" ? "closed" : $0.to }
    }

    func kernelStates(_ end: TracedEnd) -> [String] { (kernel[end] ?? []).map { $0.to } }
}
