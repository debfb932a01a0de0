// The remark of `tcptrace sockets` on its list: one that is empty, or lacks the listener, is easily misread.

import TCPModel
import TimelineReport

extension SocketsRequest {
    /// A remark for standard error that no socket matches, or that matching listeners are left out; nil if neither is
    /// the case.
    func remark(on rows: [SocketRow]) -> String? {
        guard filter.condition != nil else { return nil }
        let accepted = rows.filter { filter.accepts($0.socket, processes: $0.processes) }
        let words = printable(filter.words.joined(separator: " "))
        if accepted.isEmpty { return "no socket matches \(words)" }
        if !states.isEmpty {
            return accepted.contains(where: shows)
                ? nil : "no socket that matches \(words) is in a requested state"
        }
        let listening = includesListeners ? 0 : accepted.count { $0.socket.state == .listen }
        guard listening > 0 else { return nil }
        let shown = accepted.count > listening
        return listening == 1
            ? "1 listening socket matches\(shown ? ", too" : ""): -a lists it"
            : "\(listening) listening sockets match\(shown ? ", too" : ""): -a lists them"
    }
}
