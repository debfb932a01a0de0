// The kernel's measurements of a socket in human-readable form: what it is waiting for, then the path, then its
// history.

import TCPModel

/// Formats lines about one socket, to be shown below its row.
struct SocketInfoText {
    /// The maximum line width in columns; nil for no limit. Lines are broken between statements, never within one.
    var width: Int?

    private static let indent = 6

    /// The lines, each with its indentation.
    func lines(_ row: SocketRow) -> [String] {
        guard let details = row.details else { return [] }
        let groups =
            row.socket.state == .listen
            ? [Self.listener(row.socket, details)]
            : [
                Self.waiting(row.socket, details), details.info.map(Self.path) ?? [],
                details.info.map { Self.soFar($0, row.socket.state) } ?? [], Self.oddities(row.socket, details),
            ]
        return groups.flatMap(broken)
    }

    /// Joins the statements of a group into as few lines as the width allows.
    private func broken(_ statements: [String]) -> [String] {
        var lines: [String] = []
        for statement in statements {
            if let last = lines.last, last.utf8.count + 2 + statement.utf8.count + 1 <= width ?? .max {
                lines[lines.count - 1] += "; " + statement
            } else {
                if !lines.isEmpty { lines[lines.count - 1] += ";" }
                lines.append(String(repeating: " ", count: Self.indent) + statement)
            }
        }
        return lines
    }

    // MARK: Groups

    private static func listener(_ socket: KernelSocket, _ details: SocketDetails) -> [String] {
        var statements: [String] = []
        if let backlog = details.backlog {
            statements.append("accept queue: \(socket.receiveQueue) of \(backlog)")
        }
        if let drops = details.memory?.drops {
            statements.append(
                drops == 0
                    ? "nothing refused"
                    : "\(counted(drops, "SYN")) or \(drops == 1 ? "handshake" : "handshakes") refused")
        }
        return statements
    }

    /// What the socket is waiting for: its timer, data in flight, unsent data, and a closed window.
    private static func waiting(_ socket: KernelSocket, _ details: SocketDetails) -> [String] {
        var statements: [String] = []
        if let milliseconds = details.timerMilliseconds {
            var text = "\(timer(socket)) in \(span(milliseconds: milliseconds))"
            if details.timerCount > 0 {
                text += ", \(details.timerCount) \(details.timerCount == 1 ? "try" : "tries") so far"
            }
            statements.append(text)
        }
        guard let info = details.info else { return statements }
        let isOpen = socket.state != .synSent
        if let count = info.unacknowledged, count > 0 {
            var text = "\(counted(count, "segment")) not acknowledged"
            if let sacked = info.selectivelyAcknowledged, sacked > 0 { text += ", \(sacked) reported by SACK" }
            if let lost = info.lost, lost > 0 { text += ", \(lost) taken for lost" }
            if isOpen, let since = info.sinceAckReceived { text += ", no ACK for \(span(milliseconds: since))" }
            statements.append(text)
        }
        if let octets = info.notSentBytes, octets > 0 { statements.append(unsent(octets, socket.state)) }
        if isOpen, info.peerWindow == 0 { statements.append("the peer's window is 0") }
        return statements
    }

    /// The FIN is sent last and counts as one octet (tcp_send_fin of net/ipv4/tcp_output.c).
    private static func unsent(_ octets: UInt32, _ state: TCPState) -> String {
        guard [.finWait1, .lastAck, .closing].contains(state) else { return "\(counted(octets, "octet")) not sent yet" }
        return octets == 1 ? "the FIN not sent yet" : "\(counted(octets - 1, "octet")) and the FIN not sent yet"
    }

    private static func timer(_ socket: KernelSocket) -> String {
        switch socket.timer {
        case .none: "timer"
        // Linux reports the loss probe and the reordering timer with the same number.
        case .retransmission: "retransmission"
        // The same timer ends FIN_WAIT_2 of an ownerless socket (tcp_keepalive_timer of net/ipv4/tcp_timer.c).
        case .keepalive: socket.state == .finWait2 && socket.inode == 0 ? "end of FIN_WAIT_2" : "keep-alive"
        case .timeWait: "end"
        case .persist: "window probe"
        }
    }

    /// The path: round trips, timeout, windows, sizes.
    private static func path(_ info: TCPInfo) -> [String] {
        var statements: [String] = []
        if let roundTrip = info.measuredRoundTrip {
            var text = "RTT \(span(microseconds: roundTrip))"
            if let variation = info.measuredVariation { text += " varying by \(span(microseconds: variation))" }
            if let least = info.measuredMinimum { text += ", least \(span(microseconds: least))" }
            statements.append(text)
        }
        if let timeout = info.retransmissionTimeout, timeout > 0 {
            let doubled = info.backoff.map { $0 > 0 ? ", doubled \($0) \($0 == 1 ? "time" : "times")" : "" } ?? ""
            statements.append("RTO \(span(microseconds: timeout))\(doubled)")
        }
        if let window = info.congestionWindow {
            let threshold = info.knownThreshold.map { ", threshold \($0)" } ?? ""
            statements.append("congestion window \(window)\(threshold)")
        }
        if let window = info.peerWindow, window > 0 { statements.append("peer's window \(window)") }
        if let size = info.sendSegmentSize, size > 0 { statements.append("segments of \(size)") }
        if let size = info.pathMTU, size > 0 { statements.append("path MTU \(size)") }
        return statements
    }

    /// What the socket has done so far, and what held it up.
    private static func soFar(_ info: TCPInfo, _ state: TCPState) -> [String] {
        var statements: [String] = []
        if let sent = info.bytesSent {
            var text = "\(counted(sent, "octet")) sent"
            if let again = info.bytesRetransmitted, again > 0 { text += ", \(again) of them again" }
            if sent > 0, let since = info.sinceDataSent { text += ", the last \(span(milliseconds: since)) ago" }
            statements.append(text)
        }
        if let counted = info.bytesReceived {
            // The peer's FIN is included as one octet (tcp_rcv_nxt_update of net/ipv4/tcp_input.c).
            let hasFin = [.closeWait, .lastAck, .closing].contains(state)
            let received = hasFin ? counted - min(counted, 1) : counted
            var text = "\(received) received"
            if received > 0, let since = info.sinceDataReceived {
                text += ", the last \(span(milliseconds: since)) ago"
            }
            statements.append(text)
        }
        if let busy = info.busyTime, busy > 0 {
            var text = "\(span(microseconds: busy)) with something to send"
            if let held = info.windowLimitedTime, held > 0 {
                text += ", \(span(microseconds: held)) held up by the peer's window"
            }
            if let held = info.bufferLimitedTime, held > 0 {
                text += ", \(span(microseconds: held)) by its own send buffer"
            }
            statements.append(text)
        }
        return statements
    }

    /// Anything irregular, or not evident from the state alone.
    private static func oddities(_ socket: KernelSocket, _ details: SocketDetails) -> [String] {
        var statements: [String] = []
        // Without a process it was close(), and the peer's FIN shuts down receiving as well (tcp_fin of
        // net/ipv4/tcp_input.c).
        if details.isSendShutDown == true && socket.inode != 0 { statements.append("its program shut sending down") }
        if details.isReceiveShutDown == true && socket.state == .established {
            statements.append("its program shut receiving down")
        }
        if let count = details.info?.totalRetransmissions, count > 0 {
            var text = "\(count) \(count == 1 ? "segment" : "segments") retransmitted in its lifetime"
            if let spurious = details.info?.duplicatesReported, spurious > 0 {
                text += ", \(spurious) of them needlessly (D-SACK)"
            }
            statements.append(text)
        }
        if let count = details.info?.reorderingsSeen, count > 0 {
            statements.append("reordering seen \(counted(count, "time"))")
        }
        if let count = details.info?.outOfOrderIn, count > 0 { statements.append("\(count) came out of order") }
        if let drops = details.memory?.drops, drops > 0 {
            // sk_drops also counts duplicates and probes of a closed window.
            statements.append(
                "\(counted(drops, "segment")) discarded here (duplicates, probes, what did not fit: not necessarily lost)"
            )
        }
        return statements
    }

    private static func span(milliseconds: UInt32) -> String {
        spanText(Int64(milliseconds) * Span.millisecond, .compact)
    }

    private static func span(microseconds: some BinaryInteger) -> String {
        // Overflows only after 292 years, which is enough.
        spanText(Int64(clamping: microseconds).multipliedReportingOverflow(by: 1000).partialValue, .compact)
    }
}
