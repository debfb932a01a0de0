// The line that closes a connection in the text timeline.

import TCPMachine
import TCPModel
import TCPTimeline

/// Writes the line that summarizes a connection.
func writeClosing(
    _ connection: Connection, _ kernel: KernelView?, copies: UInt32, showsAnswers: Bool,
    _ statistics: ConnectionStatistics?, layout: TimelineLayout, prefix: UInt64?,
    _ out: inout OutputBuffer
) {
    let start = out.count
    if let prefix {
        out.append(number: prefix)
        out.append("| ")
    }
    let margin = out.count - start
    let outcome = connection.outcome
    if connection.hasFailed { out.append("=> ") }
    out.append(outcome.displayName)
    if connection.isOutcomeKernels { out.append("*") }
    let isLeftOut = !showsAnswers && connection.mayLackAnswer(kernel)
    if isLeftOut || outcome == .halfClosed && connection.mayLackFin { out.append(" in this capture") }
    out.append(" (")
    out.append(connection.zeekConnectionState)
    out.append(")")
    appendReason(connection, kernel, isLeftOut: isLeftOut, to: &out)
    appendTimes(connection, to: &out)
    appendAmounts(connection, statistics, countsPackets: layout.form == .wide, to: &out)
    if connection.history.count > 0 { out.append(", ") }
    for index in 0..<connection.history.count { out.append(byte: connection.history[index]) }
    if copies > 0 {
        out.append(", ")
        out.append(number: copies)
        out.append(copies == 1 ? " duplicate frame" : " duplicate frames")
    }
    out.fold(from: start, to: layout.width, margin: margin)
    out.newline()
}

/// Appends who ended the connection and how, or where it stands.
private func appendReason(
    _ connection: Connection, _ kernel: KernelView?, isLeftOut: Bool, to out: inout OutputBuffer
) {
    switch connection.outcome {
    case .closed:
        if !connection.isSelfConnect { appendCloser(connection, to: &out) }
        guard let closer = connection.closer, let view = kernel?[closer] else { break }
        if let process = view.exitedLatecomer {
            out.append(", whose process ")
            out.append(process)
            out.append(" ended")
        } else if view.wasClosedByExit {
            out.append(", whose process ended")
        }
    case .reset:
        appendCloser(connection, to: &out)
        out.append(" after ")
        out.append(span: connection.duration)
    case .refused: out.append("  connect() = ECONNREFUSED")
    case .noAnswer: appendNoAnswer(connection, kernel, isLeftOut: isLeftOut, to: &out)
    case .halfOpen, .halfClosed, .open, .partial: appendEnds(connection, kernel, to: &out)
    }
}

private func appendCloser(_ connection: Connection, to out: inout OutputBuffer) {
    out.append(" by ")
    out.append((connection.closer ?? .responder).roleName)
}

/// Appends how long the handshake took, and how long the connection lasted.
private func appendTimes(_ connection: Connection, to out: inout OutputBuffer) {
    if connection.handshakeTime >= 0 {
        out.append(", handshake ")
        out.append(span: connection.handshakeTime)
    } else if connection.openDelay >= 0 {
        // The ACK that completes the handshake was not captured.
        out.append(", SYN-ACK after ")
        out.append(span: connection.synAckDelay)
    }
    // A single segment has no duration, and a connection that did not close lasts longer than its segments.
    let outcome = connection.outcome
    guard outcome != .reset && outcome != .refused && connection.duration > 0 else { return }
    let isCaptured = outcome == .closed && !connection.isOutcomeKernels
    out.append(isCaptured ? ", lasted " : ", last segment after ")
    out.append(span: connection.duration)
}

/// Appends the octets of text, and the packets, of both sides.
private func appendAmounts(
    _ connection: Connection, _ statistics: ConnectionStatistics?, countsPackets: Bool, to out: inout OutputBuffer
) {
    let sides = (connection.counters[0], connection.counters[1])
    if sides.0.uniqueBytes + sides.1.uniqueBytes > 0 {
        out.append(", ")
        appendOctets(sides.0.uniqueBytes, captured: statistics?[.originator].uniqueBytes, to: &out)
        out.append(" > ")
        appendOctets(sides.1.uniqueBytes, captured: statistics?[.responder].uniqueBytes, to: &out)
        out.append(" <")
    }
    guard countsPackets else { return }
    out.append(", ")
    out.append(number: sides.0.packets)
    out.append("> ")
    out.append(number: sides.1.packets)
    out.append("< packets")
}

/// Appends the final states of a connection that no captured segment ended.
private func appendEnds(_ connection: Connection, _ kernel: KernelView?, to out: inout OutputBuffer) {
    let (client, server) = (connection.originator.state, connection.endpoint(.responder).state)
    // The kernel knows of their end.
    if client == .closed && server == .closed { return out.append(" when last heard, both CLOSED now") }
    out.append(": client ")
    appendEnd(client, kernel?.originator, to: &out)
    out.append(", server ")
    appendEnd(server, kernel?.responder, to: &out)
}

/// Appends an end's final state.
private func appendEnd(_ state: TCPState, _ view: KernelSideView?, to out: inout OutputBuffer) {
    out.append(state.displayName)
    if view?.hasClosed(in: state) == true { out.append(" (has closed, FIN not captured)") }
}

/// Appends the octets of text by sequence number; those known only from ACKs or later segments were not captured.
private func appendOctets(_ octets: UInt64, captured: UInt64?, to out: inout OutputBuffer) {
    out.append(number: octets)
    out.append(" B")
    guard let captured, captured < octets else { return }
    out.append(" (")
    out.append(number: captured)
    out.append(" captured)")
}

/// Appends whether the accept queue is the reason why a listener does not answer.
private func appendQueue(of listener: KernelSocket, _ count: Int, to out: inout OutputBuffer) {
    if count > 1 {
        out.append("; ")
        out.append(number: count)
        guard listener.isFull else { return out.append(" listen, none of their queues was full") }
        out.append(" listen, the queue of one was full: it held ")
    } else {
        out.append("; a process listens, its queue held ")
    }
    out.append(number: listener.receiveQueue)
    out.append(listener.receiveQueue == 1 ? " connection" : " connections")
}

private func appendNoAnswer(
    _ connection: Connection, _ kernel: KernelView?, isLeftOut: Bool, to out: inout OutputBuffer
) {
    let sent = connection.counters[0]
    // A RST with which the client gave up is not a SYN. If the client carried on without a captured answer, its
    // segments are not all SYNs.
    let hasSynsAlone = !connection.facts.contains(.originatorMoreThanSyn)
    let attempts = hasSynsAlone ? sent.retransmissions + 1 : sent.packets
    out.append(": ")
    out.append(number: attempts)
    out.append(hasSynsAlone ? " SYN" : " segment")
    if attempts != 1 { out.append("s") }
    if let end = kernel?.originator.trace.openingGivenUp {
        out.append(", then ")
        out.append(giverUp: kernel?.originator)
        let isAfterError = kernel?.originator.wasClosedByExit == false && kernel?.originator.trace.icmpErrorTime != nil
        out.append(isAfterError ? " (" : " after ")
        out.append(span: max(0, end.time.since(connection.firstTime)))
        if isAfterError { out.append(")") }
    }
    if connection.isUnreachable, let kind = connection.icmpKind {
        out.append("; ICMP ")
        out.append(kind.displayName)
        if let name = kind.connectError(isIPv4: connection.tuple.source.address.isV4)?.name {
            out.append(", connect() = ")
            out.append(name)
        }
    } else if let kind = connection.icmpKind, kernel?.responder.answeredSyn != true {
        // The client continues regardless.
        out.append("; ICMP ")
        out.append(kind.displayName)
    } else if kernel?.responder.trace.resetReason == .noSocket {
        out.append("; nothing listens there, and no RST that says so was captured")
    } else if let reason = kernel?.dropReason {
        out.append(kernel?.responder.answeredSyn == true ? "; the answer was dropped here, " : "; dropped here, ")
        out.appendPrintable(reason.text)
    } else if kernel?.responder.answeredSyn == true {
        out.append("; the server's kernel answered, and that was not captured")
    } else if let listener = kernel?.responder.listener {
        appendQueue(of: listener, kernel?.responder.listenerCount ?? 1, to: &out)
    } else if kernel?.responder.hasNoSocket == true, kernel?.responder.isRead == true {
        out.append("; nothing listens there, and a firewall on this host drops it")
    } else if isLeftOut {
        out.append(
            "; it has no answer to any SYN, as by a filter, or nothing answered: firewall, host down, accept queue full"
        )
    } else if attempts == 1, kernel?.originator.trace.openingClosed == nil {
        // The SYN was not retransmitted, as it would be after a second (RFC 6298 2.1).
        out.append("; filtered, host down, accept queue full, or the capture ended too soon")
    } else {
        out.append("; filtered, host down, or accept queue full")
    }
}
