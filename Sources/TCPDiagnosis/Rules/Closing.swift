// Rules about orderly closing: in one direction only, not at all, or without a process left to finish it.

import TCPMachine
import TCPModel
import TCPTimeline

extension Rule {
    /// RFC 9293 3.6, case 1: CLOSE means "I have no more to send"; the other direction stays open.
    static let halfClose = Rule(.halfClose) { c in
        for side in [Side.originator, .responder] where !c.connection.isSelfConnect {
            let octets = c.file[side].textAfterPeerFin
            // A side that answers text with a RST did not mean to continue reading.
            let closer = c.file[side.other]
            guard octets > 0, c.isOver || c.state(side) == .closeWait, closer.reset.frame <= closer.fin.frame,
                // If the process has closed, the kernel answers with a RST, which may not be captured; an ACK shows
                // that the process still reads.
                c.file[side].isTextAfterPeerFinHeard,
                c.uncapturedReset(of: side.other) == nil
            else { continue }
            return Verdict(
                side: side.other,
                message: "\(c.name(side.other)) closed only its sending side (shutdown); \(c.name(side)) sent"
                    + " \(counted(octets, "octet")) after that",
                frames: [c.file[side.other].fin, c.file[side].lastText],
                evidence: [.init("octets_after_fin", .number(Int64(clamping: octets)))])
        }
        return nil
    }

    /// Only the application's close() ends CLOSE-WAIT: there is no timer for it.
    static let closeWaitLeak = Rule(.closeWaitLeak) { c in
        for side in [Side.originator, .responder] where c.state(side) == .closeWait {
            let fin = c.file[side.other].fin
            let age = c.age(ofFinOf: side.other, bySocketOf: side)
            // A side that still sends is not idle.
            let idle = min(age.span, c.file[side].lastText.isSeen ? c.since(c.file[side].lastText) : age.span)
            guard idle >= c.closingPatience(side), !c.connection.facts.contains(.reset) else { continue }
            if let view = c.kernel?[side], view.unacceptedSince != nil { continue }
            // A FIN that never arrived is no reason to close: the kernel's state shows that, or the FIN is not
            // acknowledged.
            if let view = c.kernel?[side], view.isPresent, view.contradiction == .established { continue }
            guard
                c.kernel?[side].socket?.state == .closeWait
                    || c.file[side.other].isFinAcknowledged && !c.mayHaveClosedUnseen(side)
                        && !c.mayHaveClosedBefore(side) && !c.isGone(side)
            else { continue }
            var cause = ""
            var evidence: [Finding.Evidence] = [.init(fin.isSeen ? "since_fin" : "since_fin_least", .span(age.span))]
            if let view = c.kernel?[side], view.isPresent, let socket = view.socket {
                // The FIN counts as one octet until it is read.
                switch socket.receiveQueue {
                case 0 where c.hasReadTheEnd(side):
                    cause = "; the process has read the end of the stream: close() is missing"
                case 0:
                    cause =
                        "; all octets have been read: close() is missing (the kernel does not show whether read() has returned 0, the end of"
                        + " the stream)"
                case 1: cause = "; the end of the stream is still unread: the process is not reading"
                default:
                    cause =
                        "; \(counted(socket.receiveQueue - 1, "octet")) and the end of the stream are still unread: the process is not reading"
                }
                evidence.append(.init("rx_queue", .number(Int64(socket.receiveQueue))))
                evidence.append(.init("inode", .number(Int64(clamping: socket.inode))))
                if view.sharerCount > 0 { evidence.append(.init("shared_by", .number(Int64(view.sharerCount)))) }
            }
            return Verdict(
                side: side,
                message:
                    "\(c.name(side)) has not closed its socket \(age.words): CLOSE_WAIT lasts until \(c.closersWords(side)) close()\(cause)"
                    + c.troubleWords(side),
                frames: [fin], evidence: evidence + c.troubleEvidence(side))
        }
        return nil
    }

    /// On Linux, an orphan's FIN-WAIT-2 ends silently after tcp_fin_timeout (60 s).
    static let orphanFinWait2 = Rule(.orphanFinWait2) { c in
        for side in [Side.originator, .responder] {
            let end = c.file.dropped.first { event in
                guard case .dropped(let from) = event.kind else { return false }
                return event.side == side && from == .finWait2
            }
            let fin = c.file[side].fin
            let age = c.age(ofFinOf: side, bySocketOf: side)
            // A socket that has received the peer's FIN was not waiting for it: the capture lacks that FIN.
            if let end, !c.hasArrivedFin(of: side.other), !c.endedByReset(side, before: end.time) {
                let waited = fin.isSeen ? end.time.since(fin.time) : age.span
                if end.isEarly { return c.endedEarly(side, after: waited) }
                return Verdict(
                    side: side,
                    message:
                        "\(c.name(side))'s socket waited \(words(waited)) in FIN_WAIT_2 without an owner and was then"
                        + " dropped silently: the peer is left in \(c.stateFacing(end).displayName)", frames: [fin])
            }
            guard c.state(side) == .finWait2, let view = c.kernel?[side], view.isPresent,
                view.socket?.state == .finWait2, view.socket?.inode == 0, age.span >= Circumstances.patience
            else { continue }
            return Verdict(
                side: side,
                message:
                    "\(c.name(side)) sent its FIN \(age.moment), and no process owns its socket any more:"
                    + " it waits in FIN_WAIT_2 for the peer's FIN until a timer drops it silently (tcp_fin_timeout)",
                frames: [fin])
        }
        return nil
    }

    /// RFC 1337: an endpoint in TIME-WAIT answers any segment with an ACK, and a peer that no longer has the connection
    /// answers that ACK with a RST.
    static let timeWaitAssassination = Rule(.timeWaitAssassination) { c in
        guard !c.lacksPlain, c.found.isDisjoint(with: [.resetAfterClose, .middlebox]) else { return nil }
        for side in [Side.originator, .responder] where !c.connection.isSelfConnect {
            let record = c.file[side]
            let lasted = record.timeWaitReset.time.since(record.timeWait.time)
            // The kernel may still be in TIME_WAIT, if net.ipv4.tcp_rfc1337 is 1 there.
            guard record.timeWaitReset.isSeen, record.timeWait.isSeen, c.state(side) == .closed,
                c.kernel?[side].outlivedState != .timeWait, lasted < PortUse.timeWait
            else { continue }
            let intruder = record.timeWaitIntruder
            let peer = c.name(side.other)
            let isOld = intruder.frame > record.timeWait.frame
            return Verdict(
                side: side,
                message:
                    "a RST ended the TIME_WAIT of \(c.name(side)) after \(words(lasted)) instead of 60s: "
                    + (isOld
                        ? "it answered a late segment from \(peer) with an ACK, which the peer's kernel, without a socket by then, answered with RST"
                        : "its last ACK reached \(peer) twice, or too late, when the peer's socket was already gone")
                    + "; its ports are free again while late segments may still arrive (net.ipv4.tcp_rfc1337 = 1 keeps TIME_WAIT)",
                frames: (isOld ? [intruder] : []) + [record.timeWaitAnswer, record.timeWaitReset],
                evidence: [.init("time_wait", .span(lasted))])
        }
        return nil
    }

    /// A timer expired, or the socket was destroyed, and the peer does not know.
    static let silentClose = Rule(.silentClose) { c in
        for event in c.file.dropped {
            guard case .dropped(let from) = event.kind, from != .timeWait, from != .finWait2,
                !c.endsUnseen(event.side, from: from), !c.endedByReset(event.side, before: event.time)
            else { continue }
            // A RST of the connection that reuses the ports ended it; that connection's finding reports it.
            guard !c.connection.facts.contains(.replaced), !c.found.contains(.keepaliveDead) else { continue }
            // If nothing of a side was captured, there is no telling what it sent (its address may be translated).
            guard c.file[event.side].last.isSeen else { continue }
            // The side did send a FIN that the capture lacks.
            guard c.file[event.side].fin.isSeen || !c.hasArrivedFin(of: event.side) else { continue }
            // A SYN without an answer, or whose answer is lost, makes no connection; another finding reports that.
            guard from != .synSent || c.file[event.side.other].last.isSeen && c.ownTimeout == nil,
                !c.found.contains(.synAckLost)
            else { continue }
            if c.gaveUp(event.side) {
                let record = c.file[event.side]
                // If nothing of the peer was captured, there is no telling how long it has been silent.
                let heard = c.file[event.side.other].last
                // Segments that came after the socket's end were not heard by it.
                let isHeard = heard.isSeen && heard.time <= event.time
                let silence = max(0, event.time.since(isHeard ? heard.time : c.connection.firstTime))
                let peer = c.file[event.side.other]
                let closed = peer.closedWindow.probes > 0 ? peer.closedWindow.span(at: event.time) : nil
                let cause =
                    closed.map { "after the peer's window had been shut for \(words($0))" }
                    ?? "after \(heard.isSeen ? "" : "at least ")\(words(silence)) without a segment from the peer"
                // Linux retransmits for about 15 minutes, and probes a shut window for as long as it is answered. Without
                // text to be acknowledged, it may have been keep-alives.
                let isEarly =
                    [.established, .closeWait].contains(from) && (closed ?? silence) < 600 * Span.second
                    && c.trace(event.side)?.errno == .timedOut && !c.lacksPlain && (heard.isSeen || closed != nil)
                    && (closed != nil || c.inFlight(event.side) > 0)
                let icmp = c.file.icmp.flatMap { $0.side == event.side && !c.isNeighbourSilent($0) ? $0 : nil }
                return Verdict(
                    side: event.side,
                    message:
                        "\(c.name(event.side))'s kernel gave up the connection in \(from.displayName) \(cause)\(isEarly ? Circumstances.earlyWords : ""), and no packet says so:"
                        + c.beliefWords(event)
                        + (icmp.map { "; \(c.icmpWords($0)) had reported that its segments do not arrive" } ?? "")
                        + "\(c.inFlightWords(event.side))\(c.neighbourWords(event.side))\(c.dropWords(event.side.other))"
                        + c.giveUpWords(event.side),
                    frames: [record.lastText, record.last],
                    evidence: [.init("silence", .span(silence))] + c.inFlightEvidence(event.side) + c.errnoEvidence
                        + c.dropEvidence(event.side.other))
            }
            // If nothing of the peer was captured, there is no telling what it was sent, or what it answered.
            guard c.file[event.side.other].last.isSeen else { continue }
            return Verdict(
                side: event.side,
                message:
                    "the kernel dropped \(c.name(event.side))'s socket in \(from.displayName), and no packet said so:"
                    + "\(c.beliefWords(event))\(c.errnoWords)", frames: [c.file[event.side].last],
                evidence: c.errnoEvidence)
        }
        return nil
    }

    /// The kernel's state differs from the packets', and neither a timer nor a missing frame explains it.
    static let stateMismatch = Rule(.stateMismatch) { c in
        if let verdict = c.closedInVain { return verdict }
        guard let event = c.file.mismatch, let (kernel, wire, isAhead) = event.kind.difference,
            !(kernel == .synReceived && c.found.contains(.acceptDeferred)),
            // If nothing of a side was captured, there is no telling what it sent: its address may be translated on
            // this host.
            c.file[.originator].last.isSeen, c.file[.responder].last.isSeen
        else { return nil }
        let drop = c.trace(event.side).flatMap { $0.drops > 0 ? $0.dropReason : nil }
        // The segment that would have changed the state never reached TCP; the cause has a finding of its own.
        guard drop == nil || drop == .netfilterDrop, !c.isMismatchTold(event, kernel) else { return nil }
        // The kernel is ahead by an ACK, and the capture lacks ACKs.
        guard !c.lacksPlain || !wire.isLeftByAck else { return nil }
        let said = kernel.map { "\($0.displayName)" } ?? "no socket"
        let cause: String
        if isAhead {
            // For a connection older than the capture the state was assumed: a FIN may have come before.
            guard c.connection.facts.contains(.synSeen) || c.connection.facts.contains(.synAckSeen) else { return nil }
            cause = "segments were not captured"
        } else if c.hasQueuedFin(kernel, wire) {
            // The FIN was captured after all; it had only been queued (3.10.4).
            guard !c.file[event.side].fin.isSeen else { return nil }
            if let way = c.wayOut(of: event.side, before: event.time) {
                cause = "it has closed, and its segments were dropped on their way out: \(dropMeaning(way))"
            } else if c.inFlight(event.side) > 0 {
                // The FIN waits behind data that the peer has not acknowledged.
                return nil
            } else {
                cause =
                    "it has closed, but its FIN was not captured: a firewall rule on this host dropped it on its way out, or it is still"
                    + " waiting to be sent"
            }
        } else if let drop {
            cause = "the kernel dropped segments addressed to it: \(dropMeaning(drop))"
        } else if kernel == .synReceived && (wire == .established || wire == .closeWait) {
            cause =
                "it ignored the handshake's last ACK (TCP_DEFER_ACCEPT, or the accept queue was full), or that ACK was dropped between the"
                + " capture point and TCP"
        } else {
            cause = "segments were not captured, or were dropped between the capture point and TCP"
        }
        return Verdict(
            side: event.side,
            message:
                "the kernel reports \(said) for \(c.name(event.side)), but the packets show \(wire.displayName): \(cause)",
            frames: [c.file[event.side].last])
    }
}

extension Circumstances {
    /// `its process calls`, or `each of the 2 processes that hold the socket (lab-server[7410], worker[7411]) calls`.
    fileprivate func closersWords(_ side: Side) -> String {
        guard let view = kernel?[side], view.isPresent, view.sharerCount > 0, let process = view.process else {
            return "its process calls"
        }
        let all = names(of: [process] + view.sharers.map(\.process), count: view.sharerCount + 1)
        return "each of the \(view.sharerCount + 1) processes that hold the socket (\(all)) calls"
    }

    /// Whether another finding already explains why the kernel's state differs: a handshake whose answer was lost, an
    /// ICMP error that ended nothing, or a forged segment.
    fileprivate func isMismatchTold(_ event: KernelEvent, _ kernel: TCPState?) -> Bool {
        switch (event.side, kernel) {
        case (.originator, .synSent):
            isAnswerLost || found.contains(.synAckLost) || disownedReset?.side == .originator || file.icmp != nil
        case (.responder, .synReceived): connection.outcome == .noAnswer
        case (.responder, .listen): found.contains(.acceptQueueFull)
        default:
            disownedReset?.side == event.side || resetInVain?.side == event.side || forgedFin?.side == event.side
        }
    }

    /// The reason why a side's segments were dropped on their way out before the kernel's state began to differ, if
    /// they were. Such drops are counted for the receiving side. Segments dropped by their receiver are not meant:
    /// these were captured.
    fileprivate func wayOut(of side: Side, before time: Timestamp) -> KernelWord? {
        guard let trace = trace(side.other), trace.drops > 0, let reason = trace.dropReason,
            reason.mayBeOnTheWayOut, let since = trace.dropsSince, since <= time
        else { return nil }
        return reason
    }

    /// A program that has closed while its side has sent nothing new since, not even a FIN: the FIN waits behind
    /// unacknowledged data, or was dropped. An event shows this even where no reading can, as in another network
    /// namespace.
    fileprivate var closedInVain: Verdict? {
        for side in [Side.originator, .responder] {
            let (record, wire) = (file[side], state(side))
            guard let trace = trace(side), let closed = trace.closeTime, let kernelState = trace.state,
                kernel?[side].hasClosed(in: wire) == true, !record.fin.isSeen, record.last.isSeen, !lacksPlain,
                now.since(max(closed, record.lastText.time)) >= (isOver ? Span.second : Self.patience)
            else { continue }
            let octets = inFlight(side)
            let cause =
                wayOut(of: side, before: now).map {
                    ", and its segments were dropped on their way out: \(dropMeaning($0))"
                }
                ?? (octets > 0
                    ? ", but its FIN is waiting behind \(counted(octets, "octet")) that the peer has not acknowledged"
                    : ", but its FIN was not captured: it was dropped on its way out, or is waiting behind data that the peer has not acknowledged")
            return Verdict(
                side: side,
                message:
                    "the kernel reports \(kernelState.displayName) for \(name(side)), but the packets show \(wire.displayName): it has closed"
                    + cause + (kernel?[side].orphanSince == nil ? "" : "; no process owns the socket any more"),
                frames: [record.last], evidence: inFlightEvidence(side))
        }
        return nil
    }

    /// The state of the peer when a socket was dropped in FIN_WAIT_2. The peer had acknowledged the FIN, whatever it
    /// has sent since.
    fileprivate func stateFacing(_ end: KernelEvent) -> TCPState {
        let (peer, now) = (file[end.side.other], state(end.side.other))
        if peer.fin.isSeen && peer.fin.time <= end.time { return .lastAck }
        return now == .closed || now == .timeWait || now == .lastAck ? .closeWait : now
    }

    /// No timer ends FIN_WAIT_2 so soon: Linux keeps an ownerless socket in that state as a TIME_WAIT socket, for which
    /// there was no room (`tcp_time_wait`).
    fileprivate func endedEarly(_ side: Side, after waited: Int64) -> Verdict {
        Verdict(
            side: side,
            message:
                "\(name(side))'s socket left FIN_WAIT_2 after \(words(waited)), sooner than any timer ends it: this host had no room for"
                + " another TIME_WAIT socket, the form in which it keeps one without an owner (net.ipv4.tcp_max_tw_buckets"
                + (host.timeWaitOverflows.map { ", exceeded \(counted($0, "time")) in that period)" }
                    ?? "), or a process destroyed it")
                + "; anything that \(name(side.other)) still sends is answered with RST",
            frames: [file[side].fin],
            evidence: host.timeWaitOverflows.map { [.init("time_wait_overflows", .number(Int64(clamping: $0)))] } ?? [])
    }

    /// ` the peer still considers the connection open`, or until when it did.
    fileprivate func beliefWords(_ end: KernelEvent) -> String {
        let (reset, peers) = (file[end.side].reset, file[end.side.other].reset)
        guard reset.isSeen, reset.time >= end.time, !file[end.side].resetHadAck else {
            guard peers.isSeen, peers.time >= end.time else { return " the peer still considers the connection open" }
            return
                " the peer considered the connection open until it sent a RST itself, \(words(peers.time.since(end.time))) later"
        }
        return
            " the peer considered the connection open until one of its segments was answered with a RST, \(words(reset.time.since(end.time))) later"
    }

    /// Whether a socket may have ended by an ACK of its FIN in a capture that lacks ACKs, or by a RST that changed no
    /// state because the preceding segments are missing.
    fileprivate func endsUnseen(_ side: Side, from state: TCPState) -> Bool {
        guard lacksPlain, !gaveUp(side) else { return false }
        return file[side].fin.isSeen && state.isLeftByAck || file[side.other].reset.isSeen
    }

    /// How long ago a side sent its FIN. If that FIN was not captured, a lower bound from the state of the receiving
    /// socket.
    fileprivate func age(ofFinOf side: Side, bySocketOf other: Side) -> FinAge {
        let fin = file[side].fin
        if fin.isSeen { return FinAge(span: since(fin), missed: nil) }
        let view = kernel?[other]
        let wasOpen = view?.wasOpen == true || connection.endpoint(other).isLedByKernel
        return FinAge(
            span: now.since(view?.stateSince ?? connection.firstTime),
            missed: wasOpen ? "unseen by the capture" : "before the capture")
    }

    /// How long a side may leave the peer's FIN unanswered, in nanoseconds. If the peer's process still holds its
    /// socket, it has only shut down its sending side and waits for an answer, which may take longer.
    fileprivate func closingPatience(_ side: Side) -> Int64 {
        kernel?[side.other].isOwned == true ? Self.halfClosePatience : Self.patience
    }

    /// Whether the last thing that a side sent was acknowledged but not captured: it may have been its FIN.
    func mayHaveClosedUnseen(_ side: Side) -> Bool {
        file[side].unseen.frame > file[side].lastText.frame && kernel?[side].socket?.state != .closeWait
    }

    /// Whether the capture has only ACKs and RSTs of a side, so that its FIN may predate the capture.
    func mayHaveClosedBefore(_ side: Side) -> Bool {
        let record = file[side]
        return !record.syn.isSeen && !record.firstText.isSeen && !record.fin.isSeen
    }

    /// Whether a side has sent text that has neither been acknowledged nor retransmitted for longer than any initial
    /// timeout (RFC 6298 2.1): a socket that still existed would have retransmitted it.
    fileprivate func isGone(_ side: Side) -> Bool {
        unacknowledged(side) > 0 && since(file[side].lastText) >= 3 * Span.second
    }

    /// Whether an empty receive queue proves that read() has returned 0. Linux may merge a FIN into text that waits to
    /// be read, and reading that text then removes the FIN's octet, too. Only if there was no text at all must the end
    /// itself have been read.
    fileprivate func hasReadTheEnd(_ side: Side) -> Bool {
        connection.facts.contains(.synSeen) && !file[side.other].lastText.isSeen && file.synText == 0
    }

    /// Whether the kernel has closed its side and the FIN has not been sent yet.
    fileprivate func hasQueuedFin(_ kernel: TCPState?, _ wire: TCPState) -> Bool {
        switch wire {
        case .established: kernel == .finWait1
        case .closeWait: kernel == .lastAck || kernel == .closing
        // The FINs crossed, and the peer's was assumed to have come first.
        case .lastAck: kernel == .closing
        case .closed: kernel == .timeWait
        case .unseen, .listen, .synSent, .synReceived, .finWait1, .finWait2, .closing, .timeWait: false
        }
    }

    /// How long a state may last before it is reported, in nanoseconds: a server is allowed to think.
    static let patience = 5 * Span.second
    /// The same limit for answering a peer that has only shut down its sending side.
    static let halfClosePatience = 30 * Span.second
}

/// The age of a FIN.
private struct FinAge {
    /// The age in nanoseconds; a lower bound if the FIN was not captured.
    let span: Int64
    /// How the FIN was missed, in words, if it was not captured.
    let missed: String?

    /// When the FIN was sent, in words.
    var moment: String { missed ?? "\(TCPDiagnosis.words(span)) ago" }
    /// How long its receiver has left it unanswered, in words.
    var words: String {
        let span = TCPDiagnosis.words(span)
        return missed.map { "since the peer's FIN, which came \($0), at least \(span) ago" }
            ?? "\(span) after the peer's FIN"
    }
}

extension KernelEvent.Kind {
    /// The states according to the kernel and to the captured segments, and whether the capture lacks segments; nil if
    /// they do not differ.
    fileprivate var difference: (kernel: TCPState?, wire: TCPState, isAhead: Bool)? {
        switch self {
        case .contradiction(let kernel, let wire): (kernel, wire, false)
        case .uncaptured(let kernel, let wire, _): (kernel, wire, true)
        case .state, .owner, .notAccepted, .accepted, .dropped, .translated, .traced: nil
        }
    }
}

extension TCPState {
    /// Whether a bare ACK from the peer takes an endpoint out of this state (RFC 9293 3.3.2): the ACK of its SYN or
    /// FIN, or of text behind which a FIN is queued.
    fileprivate var isLeftByAck: Bool {
        switch self {
        case .synReceived, .established, .finWait1, .closing, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .finWait2, .closeWait, .timeWait: false
        }
    }
}
