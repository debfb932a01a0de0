// The sentences of the text timeline: heads, notes, and a connection's closing line.

import TCPMachine
import TCPModel
import TCPTimeline

extension TimelineWriter {
    /// Writes `TCP 1  127.0.0.1:35924 > 127.0.0.1:9500   lo   DATE TIME    COMMUNITY-ID`, then the names above the
    /// lanes.
    func writeHead(_ connection: Connection, _ kernel: KernelView?, prefix: UInt64?, _ out: inout OutputBuffer) {
        if style.color { out.append(Ink.strong) }
        // Colours take no columns.
        var start = out.count
        out.append("TCP ")
        out.append(number: connection.number)
        out.append("  ")
        out.append(connection.tuple.source)
        out.append(" > ")
        out.append(connection.tuple.destination)
        if connection.facts.contains(.rolesGuessed) { out.append(" ?") }
        if style.color {
            let columns = out.count - start
            out.append(Ink.off)
            start = out.count - columns
        }
        let place = text { appendPlace(connection, columns: out.count - start, &$0) }
        if out.count - start + TextColumns.count(place) <= layout.width {
            out.append(contentsOf: place)
        } else {
            // Two IPv6 addresses leave no room on a page of usual width.
            out.newline()
            if let prefix {
                out.append(number: prefix)
                out.append("|")
            }
            out.append(contentsOf: text { appendPlace(connection, columns: 0, &$0) })
        }
        out.newline()
        writeColumnHeads(connection, prefix: prefix, &out)
        writeHostNames(connection, prefix, &out)
        guard layout.form != .line else { return }
        writeProcesses(kernel, prefix, &out)
    }

    /// Appends where and when a connection was first seen, and its Community ID if there is room after this many
    /// columns. The buffer must be empty.
    private func appendPlace(_ connection: Connection, columns: Int, _ out: inout OutputBuffer) {
        let gap: StaticString = layout.form == .wide ? "   " : "  "
        let interface =
            interfaces.indices.contains(Int(connection.interface)) ? interfaces[Int(connection.interface)] : ""
        if !interface.isEmpty {
            out.append(gap)
            out.appendPrintable(interface)
        }
        if connection.tunnel != .none {
            out.append(gap)
            out.append("in ")
            out.append(connection.tunnel.name)
        }
        out.append(gap)
        // Even a narrow page has room for the time of day.
        let stamp = style.nanoseconds ? 29 : 26
        if layout.form == .line && columns + TextColumns.count(out.bytes) + stamp > layout.width {
            out.append(clock: connection.firstTime, nanoseconds: style.nanoseconds)
        } else {
            out.append(date: connection.firstTime, nanoseconds: style.nanoseconds)
        }
        let room = layout.width - columns - TextColumns.count(out.bytes) - 4
        if layout.form == .wide && room >= 12 {
            out.append("    ")
            let identity = out.count
            out.append(communityIDOf: connection.tuple)
            if out.count - identity > room {
                out.truncate(to: identity + room - 3)
                out.append("...")
            }
        }
    }

    /// `#  time  delta  client  127.0.0.1:35924    127.0.0.1:9500  server`, if the layout has columns.
    func writeColumnHeads(_ connection: Connection, prefix: UInt64?, _ out: inout OutputBuffer) {
        guard layout.form != .line else { return }
        let layout = layout(beside: prefix)
        let client = text { $0.append(connection.tuple.source) }
        let server = text { $0.append(connection.tuple.destination) }
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        line.put(rightAligned: "#", to: TimelineLayout.numberEdge)
        if layout.form == .wide && layout.timeWidth > 0 { line.put(rightAligned: "time", to: 5 + layout.timeWidth) }
        line.put(rightAligned: "delta", to: layout.deltaEdge)
        let guess = connection.facts.contains(.rolesGuessed)
        line.put(rightAligned: guess ? "client?" : "client", to: layout.stateEdge)
        line.pad(to: layout.stateEdge + 2)
        line.put(ascii: client)
        if connection.isSelfConnect {
            if Self.columns(of: prefix) + line.column + 47 <= layout.width {
                line.put("  (connected to itself: one socket, both roles)", columns: 47)
            } else {
                line.put("  (one socket, connected to itself)", columns: 35)
            }
        } else {
            if client.count + server.count + 2 > layout.lane {
                line.end(to: &out)
                line = Line(in: &out)
                putPrefix(prefix, &line)
            }
            line.put(rightAligned: server, to: layout.rightBar)
            line.put(guess ? "  server?" : "  server", columns: guess ? 9 : 8)
        }
        line.end(to: &out)
    }

    private func writeProcesses(_ kernel: KernelView?, _ prefix: UInt64?, _ out: inout OutputBuffer) {
        guard let kernel else { return }
        let client = text { $0.append(processOf: kernel.originator) }
        let server = text { $0.append(processOf: kernel.responder) }
        guard !client.isEmpty || !server.isEmpty else { return }
        let layout = layout(beside: prefix)
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        line.pad(to: layout.stateEdge + 2)
        line.put(client)
        if !server.isEmpty { line.put(rightAligned: server, to: layout.rightBar) }
        line.end(to: &out)
    }
}

extension OutputBuffer {
    /// Appends `lab-client[7511]`, with `was` before it once the socket is closed (unless `tellsPast` is false). If the
    /// process is not known, appends that of the listener: with `listens` while the connection is not accepted (or `one
    /// of 2 listeners` if several share the address), or with `accepted` if it was accepted but its socket was not
    /// seen. Allocates no String, because it is called for each connection of a flood.
    mutating func append(processOf view: KernelSideView, tellsPast: Bool = true) {
        if let process = view.process {
            if !view.isOwned && tellsPast { append("was ") }
            append(process)
        } else if view.socket != nil && view.listenerCount > 1 {
            // There is no telling in whose queue the connection waits.
            append("one of ")
            append(number: view.listenerCount)
            append(" listeners")
        } else if let listener = view.listenerProcess {
            append(listener)
            // If several processes hold the listener, any of them may have accepted it.
            append(view.hasAnswered && view.listenerSharerCount == 0 ? " accepted" : " listens")
        }
    }

    /// Appends `lab-client[7511] gave up`, or that the process ended, once it has closed a socket in SYN_SENT.
    fileprivate mutating func append(giverUp view: KernelSideView?) {
        if let process = view?.trace.openingGivenUp?.by ?? view?.process {
            append(process)
        } else {
            append("the client")
        }
        append(view?.wasClosedByExit == true ? " ended" : " gave up")
    }

    private mutating func append(_ process: ProcessIdentity) {
        appendPrintable(process.command)
        append("[")
        append(number: UInt64(max(0, process.pid)))
        append("]")
    }
}

extension OutputBuffer {
    /// Appends that the capture lost frames at this point of the timeline; a live trace reports the loss after what it
    /// has printed.
    mutating func append(lostFrames count: UInt64) {
        append(number: count)
        append(count == 1 ? " frame was" : " frames were")
        append(" lost by the capture, here or a moment before: rows around may have holes")
    }

    /// Appends that segments are missing from the drawings.
    mutating func append(undrawnSegments count: UInt64) {
        append(number: count)
        append(count == 1 ? " segment" : " segments")
        append(" came after their connections had been drawn: what -w writes, replayed, has them")
    }
}

/// The words of a note.
func noteWords(_ note: TimelineNote, _ kernel: KernelView?, _ writer: TimelineWriter) -> ArraySlice<UInt8> {
    writer.text {
        switch note {
        case .halfClosed(let sender, let time):
            $0.append("half-closed: ")
            let orphan = kernel?[sender.other].orphanSince
            if let orphan, time.map({ orphan <= $0 }) ?? true {
                // What is sent to the socket now is answered with a RST.
                $0.append(sender == .originator ? "server's" : "client's")
                $0.append(" socket has no owner")
            } else {
                $0.append(sender == .originator ? "client" : "server")
                $0.append(" may still send")
            }
        case .idle(let span):
            $0.append("idle for ")
            $0.append(span: span)
        case .midstream:
            $0.append("began before the capture: states assumed")
        case .elided(let rows, let segments):
            $0.append("... ")
            $0.append(number: rows)
            $0.append(rows == 1 ? " row, " : " rows, ")
            $0.append(number: segments)
            $0.append(segments == 1 ? " segment left out ..." : " segments left out ...")
        case .translated(let number):
            $0.append("same connection as TCP ")
            $0.append(number: number)
            $0.append(" (NAT)")
        case .redirected(let called):
            $0.append("client called ")
            $0.append(called)
            $0.append(" (redirected)")
        case .subflow(let token, let number):
            $0.append("MPTCP subflow ")
            if number > 0 {
                $0.append("of TCP ")
                $0.append(number: number)
                $0.append(", ")
            }
            $0.append("token ")
            $0.append(text: hexadecimal(token))
        case .notNeeded(let record):
            if record.kind == .tailLossProbe {
                $0.append("tail loss probe, nothing was lost")
            } else {
                $0.append("frame ")
                $0.append(number: record.frame)
                $0.append(" was not needed ")
                $0.append(record.spurious == .timestampEcho ? "(TSecr)" : "(D-SACK)")
            }
        case .kernel(let event):
            appendKernel(event, kernel, to: &$0)
        case .uncaptured(let event, let own, _):
            $0.append(event.side == .originator ? "kernel: client is " : "kernel: server is ")
            $0.append(own.displayName)
            $0.append(event.kind.missingWords)
        case .icmp(let event):
            for (index, part) in icmpWords(event, writer).enumerated() {
                if index > 0 { $0.append(" ") }
                $0.append(contentsOf: part)
            }
        }
    }
}

extension KernelEvent.Kind {
    /// The part of the event that the capture lacks, in words.
    fileprivate var missingWords: StaticString {
        guard case .uncaptured(_, _, let led) = self else { return "" }
        if led.isResetCaptured { return " by the RST" }
        return led.resetter != nil ? ", RST not captured" : ", not captured"
    }
}

private func appendKernel(_ event: KernelEvent, _ kernel: KernelView?, to buffer: inout OutputBuffer) {
    switch event.kind {
    case .state, .owner, .uncaptured: break
    case .notAccepted:
        buffer.append("kernel: not accepted, nobody owns it")
    case .accepted(let least, let most):
        buffer.append("kernel: ")
        buffer.append(accept: (least, most))
    case .dropped(let from):
        buffer.append("kernel: ")
        switch from {
        case .timeWait:
            buffer.append(
                event.isEarly
                    ? "TIME_WAIT socket is gone early (table full, reused or destroyed)" : "TIME_WAIT timer expired")
        case .finWait2:
            buffer.append(
                event.isEarly
                    ? "FIN_WAIT_2 socket is gone early (table full or destroyed)" : "FIN_WAIT_2 timed out, no packet")
        case .synSent where kernel?[event.side].trace.openingGivenUp != nil:
            buffer.append(giverUp: kernel?[event.side])
            buffer.append(": closed in SYN_SENT")
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait1, .closeWait, .closing,
            .lastAck:
            buffer.append(from.displayName)
            // Of a RST that was captured with the connection that has its ports now.
            let wasReset = kernel?[event.side].trace.wasReset == true
            buffer.append(wasReset ? " socket was ended by a RST" : " socket is gone, no packet")
        }
    case .contradiction(let state?, let wire) where event.isCorrected || wire == .closed:
        buffer.append(event.side == .originator ? "kernel: client is " : "kernel: server is ")
        buffer.append(state.displayName)
        buffer.append(", not ")
        buffer.append(wire.displayName)
    case .contradiction(.synReceived, .unseen):
        buffer.append("kernel: server is SYN_RECEIVED, SYN-ACK ")
        buffer.append(kernel?.originator.trace.drops ?? 0 > 0 ? "dropped" : "not captured")
    case .contradiction(let state, _):
        buffer.append("kernel says ")
        buffer.append(event.side == .originator ? "client: " : "server: ")
        if let state { buffer.append(state.displayName) } else { buffer.append("(no socket)") }
        appendAwaitedFin(event, to: &buffer)
    case .translated(let end):
        let (words, address): (StaticString, SocketAddress) =
            switch end {
            case .called(let address): ("kernel: client called ", address)
            case .client(let address): ("kernel: client is ", address)
            case .served(let address): ("kernel: server is ", address)
            case .caller(let address): ("kernel: server sees ", address)
            }
        buffer.append(words)
        buffer.append(address)
        buffer.append(" (NAT)")
    case .traced(let fact): appendTraced(fact, event, to: &buffer)
    }
}

/// Appends what the FIN of a socket waits for, if the socket has closed according to its kernel and the FIN was not
/// captured: it comes after all text (RFC 9293 3.10.4).
private func appendAwaitedFin(_ event: KernelEvent, to buffer: inout OutputBuffer) {
    guard case .contradiction(let kernel?, let wire) = event.kind, let socket = event.socket,
        kernel == .finWait1 && wire == .established || kernel == .lastAck && wire == .closeWait
    else { return }
    guard socket.unacknowledgedText > 0 else { return buffer.append(", FIN not seen yet") }
    buffer.append(", its FIN comes behind ")
    buffer.append(number: socket.unacknowledgedText)
    buffer.append(" B")
}

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
    let who: StaticString = connection.closer == .originator ? " by client" : " by server"
    switch outcome {
    case .closed:
        if !connection.isSelfConnect { out.append(who) }
        if let closer = connection.closer, kernel?[closer].wasClosedByExit == true {
            out.append(", whose process ended")
        }
    case .reset:
        out.append(who)
        out.append(" after ")
        out.append(span: connection.duration)
    case .refused: out.append("  connect() = ECONNREFUSED")
    case .noAnswer: appendNoAnswer(connection, kernel, isLeftOut: isLeftOut, to: &out)
    case .halfOpen, .halfClosed, .open, .partial:
        out.append(": client ")
        appendEnd(connection.originator.state, kernel?.originator, to: &out)
        out.append(", server ")
        appendEnd(connection.endpoint(.responder).state, kernel?.responder, to: &out)
    }
    if connection.handshakeTime >= 0 {
        out.append(", handshake ")
        out.append(span: connection.handshakeTime)
    } else if connection.openDelay >= 0 {
        // The ACK that completes the handshake was not captured.
        out.append(", SYN-ACK after ")
        out.append(span: connection.synAckDelay)
    }
    // A single segment has no duration, and a connection that did not close lasts longer than its segments.
    if outcome != .reset && outcome != .refused && connection.duration > 0 {
        let isCaptured = outcome == .closed && !connection.isOutcomeKernels
        out.append(isCaptured ? ", lasted " : ", last segment after ")
        out.append(span: connection.duration)
    }
    let sides = (connection.counters[0], connection.counters[1])
    if sides.0.uniqueBytes + sides.1.uniqueBytes > 0 {
        out.append(", ")
        appendOctets(sides.0.uniqueBytes, captured: statistics?[.originator].uniqueBytes, to: &out)
        out.append(" > ")
        appendOctets(sides.1.uniqueBytes, captured: statistics?[.responder].uniqueBytes, to: &out)
        out.append(" <")
    }
    if layout.form == .wide {
        out.append(", ")
        out.append(number: sides.0.packets)
        out.append("> ")
        out.append(number: sides.1.packets)
        out.append("< packets")
    }
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
        out.append(" after ")
        out.append(span: max(0, end.time.since(connection.firstTime)))
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
            "; it has no answer to any SYN, as by a filter, or nobody answered: firewall, host down, accept queue full")
    } else if attempts == 1, kernel?.originator.trace.openingClosed == nil {
        // The SYN was not retransmitted, as it would be after a second (RFC 6298 2.1).
        out.append("; filtered, host down, accept queue full, or the capture ended too soon")
    } else {
        out.append("; filtered, host down, or accept queue full")
    }
}
