// Selects the processes that `tcptrace kill` may end, from socket rows alone, without touching any process.

import TCPModel
import TimelineReport

/// Why nothing was killed, as a message for the user.
struct KillRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    var description: String
}

/// The user's choice among the holders of the matching sockets.
struct KillChoice: Sendable {
    /// End only this one of the holders.
    var pid: Int32?
    /// End all of the holders.
    var all = false
    /// Processes that must never be ended, with the reason: the first process, this one, and its ancestors.
    var protected: [Int32: String] = [:]
}

enum KillPlan {
    /// The processes to end, given the rows that the filter matched.
    ///
    /// Holders of a listening socket take precedence: if there is one among the matches, processes that only have a
    /// connection are spared unless they are named (`pid`) or all are requested. Normally one process is ended; more
    /// require `all`.
    static func targets(_ rows: [SocketRow], _ choice: KillChoice) throws(KillRefusal) -> [ProcessIdentity] {
        guard !rows.isEmpty else { throw KillRefusal(description: "nothing holds it: there is no such socket") }
        let everyone = holders(rows)
        let listening = rows.filter { $0.socket.state == .listen }
        let targets: [ProcessIdentity]
        if let pid = choice.pid {
            targets = everyone.filter { $0.pid == pid }
            if targets.isEmpty {
                throw KillRefusal(description: "process \(pid) holds none of the matching sockets" + suffix(everyone))
            }
        } else {
            let relevant = choice.all || listening.isEmpty ? rows : listening
            let hidden = relevant.count { $0.holder == .unknown }
            if hidden > 0 {
                throw KillRefusal(
                    description: "cannot tell which process holds "
                        + (hidden == 1 ? "1 of the matching sockets" : "\(hidden) of the matching sockets")
                        + ": it belongs to another user or container, or has just changed; "
                        + "unless you are root, try with sudo")
            }
            targets = holders(relevant)
        }
        if targets.isEmpty { throw KillRefusal(description: withoutProcess(rows)) }
        for target in targets {
            if let reason = choice.protected[target.pid] {
                throw KillRefusal(description: "not ending \(name(target)): \(reason)")
            }
        }
        if targets.count > 1 && !choice.all {
            throw KillRefusal(
                description: "\(targets.count) processes hold it: \(list(targets)); "
                    + "choose one with --pid N, or end them all with --all")
        }
        return targets
    }

    /// `lab-server[7410]`, escaped.
    static func name(_ process: ProcessIdentity) -> String { "\(printable(process.command))[\(process.pid)]" }

    /// Several names as a list in prose.
    static func list(_ processes: [ProcessIdentity]) -> String { processes.map(name).joined(separator: ", ") }

    private static func holders(_ rows: [SocketRow]) -> [ProcessIdentity] {
        var seen: Set<Int32> = []
        return rows.flatMap(\.processes).sorted { $0.pid < $1.pid }.filter { seen.insert($0.pid).inserted }
    }

    private static func suffix(_ holders: [ProcessIdentity]) -> String {
        holders.isEmpty ? "" : "; they are held by \(list(holders))"
    }

    /// Describes the matches if no process is behind any of them, and what to do about it.
    private static func withoutProcess(_ rows: [SocketRow]) -> String {
        var counts: [(state: TCPState, count: Int)] = []
        for row in rows {
            if let index = counts.firstIndex(where: { $0.state == row.socket.state }) {
                counts[index].count += 1
            } else {
                counts.append((row.socket.state, 1))
            }
        }
        let states = counts.map { "\($0.count) in \($0.state.displayName)" }.joined(separator: ", ")
        var text = "no process holds it: \(states), kept only by the kernel"
        if rows.contains(where: { $0.socket.state == .timeWait }) {
            text += "; TIME_WAIT ends by itself after 60 s, and a server that sets SO_REUSEADDR can bind before that"
        }
        if rows.contains(where: { $0.socket.state == .finWait2 }) {
            text += "; FIN_WAIT_2 without a process ends after net.ipv4.tcp_fin_timeout (60 s), or when the peer closes"
        }
        if rows.contains(where: { $0.holder == .notAccepted }) {
            text += "; connections that are not accepted end with their listener's process: give its port"
        }
        return text
    }
}
