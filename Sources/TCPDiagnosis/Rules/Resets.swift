// RST autopsy: who sent the RST, and why.
//
// The wire distinguishes two kinds. A RST without ACK answers a segment with ACK for a nonexistent connection (RFC 9293
// 3.10.7.1). One with ACK answers a segment without (a SYN), or is an abort by the process or its kernel: RFC 9293 shows
// an abort without ACK (3.10.5), but Linux and the BSDs set it. Only the kernel knows the cause of an abort.

import TCPMachine
import TCPModel
import TCPTimeline

extension Rule {
    /// Text arrived for a socket that was closed: the peer's next write fails with EPIPE.
    static let resetAfterClose = Rule(.resetAfterClose) { c in
        // No process had closed: the FIN was forged.
        guard c.forgedFin == nil else { return nil }
        if let verdict = c.abortedAfterClose ?? c.closedUncaptured { return verdict }
        guard let side = c.resetter ?? c.resetterAfterClose, c.file[side].fin.isSeen, c.answersAfterFin(side) else {
            return nil
        }
        // Text that arrived while the side still read was acknowledged; text that crossed its FIN came too late as
        // well.
        let octets = c.unacknowledged(side.other)
        guard octets > 0 else { return nil }
        let peer = c.file[side.other]
        // Text that was only retransmitted, or crossed the FIN, was sent before its sender knew of the FIN.
        let wasSentBefore = peer.textAfterPeerFin == 0
        return Verdict(
            side: side,
            message:
                "\(c.name(side)) \(c.closedWords(side)) (frame \(c.file[side].fin.frame)); \(c.name(side.other))"
                + (wasSentBefore
                    ? " had already sent \(counted(octets, "octet")), which arrived too late"
                    : " still sent \(counted(octets, "octet"))")
                + ", and \(side == .originator ? "the client" : "the server")'s kernel answered with RST:"
                + " \(verb(octets, "it is", "they are")) lost"
                + (peer.fin.isSeen ? "" : ", and the next write fails with EPIPE")
                + c.uncapturedWords(side),
            frames: [c.file[side].fin, c.file[side].resetAnswers, c.file[side].reset],
            evidence: [.init("octets_lost", .number(octets))]
                + (c.uncapturedReset(of: side) == nil ? [] : c.resetEvidence(side)))
    }

    /// RFC 9293 3.5.1: half-open connections.
    static let halfOpenPeer = Rule(.halfOpenPeer) { c in
        if let challenge = c.staleChallenge, challenge.isTimeWait != true { return c.staleSocket(challenge) }
        guard let side = c.resetter, !c.file[side].resetHadAck, !c.file[side].fin.isSeen, c.wasSynchronized(side),
            c.file[side].resetAnswers.isSeen, !c.connection.facts.contains(.refused), c.disownedReset == nil,
            c.file[side].answersWithReset, !c.mayHaveClosedUnseen(side),
            c.found.isDisjoint(with: [.rstIgnored, .middlebox])
        else { return nil }
        if let backscatter = c.backscatter(side) { return backscatter }
        if let unaccepted = c.unaccepted(side) { return unaccepted }
        let cause =
            c.socketEnd(side).map {
                "whose socket the kernel of \(c.name(side)) had dropped \(words(c.file[side].reset.time.since($0))) earlier"
            }
            ?? "that \(c.name(side)) no longer knows: it was restarted, its socket was dropped silently, a NAT on the path"
            + " forgot the connection, or "
            + (c.mayHaveClosedBefore(side)
                ? "it had closed before the capture began" : "it had aborted, and that RST was not captured")
        return Verdict(
            side: side,
            message:
                "\(c.name(side.other)) sent a segment on a connection \(cause)\(c.lostWords(side.other))\(c.resetErrnoWords(side))",
            frames: [c.file[side].resetAnswers, c.file[side].reset],
            evidence: c.lostEvidence(side.other) + c.resetEvidence(side))
    }

    /// The process ended with the socket open, or another process destroyed the socket (SOCK_DESTROY, as `ss -K` and
    /// `tcptrace kill` do).
    static let resetKilled = Rule(.resetKilled) { c in
        guard let side = c.resetter, let trace = c.trace(side), trace.resetTime != nil else { return nil }
        if trace.resetByEnding {
            // An unaccepted connection is not a socket of the process: the end of its listener is the cause.
            if trace.resetWithListener && c.wasNeverAccepted(side) { return nil }
            return Verdict(
                side: side,
                message: "\(c.processName(trace.resetProcess ?? c.kernel?[side].process)) exited with the socket"
                    + " open\(c.unreadWords(side)): its kernel sent the RST\(c.resetWords(side))",
                frames: [c.file[side].reset], evidence: c.resetEvidence(side))
        }
        // close() changes the connection's state before the RST is sent. Destroying a socket does not, and it reports
        // ECONNABORTED to the owner, which nothing else that ends a connection does.
        guard trace.resetReason == .tcpState else { return nil }
        let state = trace.resetState.flatMap { $0 == .closed ? nil : $0 }
        guard state != nil || trace.errno == .connectionAborted else { return nil }
        return Verdict(
            side: side,
            message:
                "\(c.processName(trace.resetProcess)) destroyed the socket of \(c.name(side))"
                + (state.map { " in \($0.displayName)" } ?? "") + " (SOCK_DESTROY)\(c.resetWords(side))",
            frames: [c.file[side].reset], evidence: c.resetEvidence(side))
    }

    /// Connections waiting in the accept queue are reset when their listener is closed.
    static let resetListenerClosed = Rule(.resetListenerClosed) { c in
        guard let side = c.sideResetWithListener, let trace = c.trace(side) else { return nil }
        return Verdict(
            side: side,
            message: "\(c.listenerEndWords(trace)) \(c.unacceptedWords(side))\(c.resetWords(side))",
            frames: [c.file[side].reset], evidence: c.unacceptedEvidence(side) + c.resetEvidence(side))
    }

    /// RFC 2525 2.17: close() with unread data must send a RST, or the peer would believe that the data was read.
    static let resetUnreadData = Rule(.resetUnreadData) { c in
        guard let side = c.resetter, let reason = c.resetReason(side), !c.found.contains(.resetKilled),
            ["TCP_ABORT_ON_CLOSE", "TCP_DISCONNECT_WITH_DATA"].contains(reason),
            // MPTCP gives this reason for every MP_FASTCLOSE, whatever was read.
            !c.file[side].isResetMultipath
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(c.name(side)) closed the socket with octets still unread\(c.unreadWords(side)): they are"
                + " lost\(c.resetWords(side))",
            frames: [c.file[side].reset], evidence: c.resetEvidence(side))
    }

    /// SO_LINGER with 0 seconds: close() discards unsent data and sends a RST. Linux gives TCP_STATE as the reason, as
    /// it does for connect() to AF_UNSPEC, which keeps the socket.
    static let resetLinger = Rule(.resetLinger) { c in
        guard let side = c.resetter, let trace = c.trace(side), trace.resetReason == .tcpState,
            c.found.isDisjoint(with: [.resetKilled, .resetListenerClosed])
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(c.name(side)) \(trace.abortWords): a RST \(c.hadClosed(side) ? "after its FIN" : "instead of a FIN"), and no"
                + " TIME_WAIT\(c.resetWords(side))",
            frames: [c.file[side].reset], evidence: c.resetEvidence(side))
    }

    /// A RST that no other rule explains.
    static let reset = Rule(.reset) { c in
        guard let side = c.resetter, c.isOver, c.found.isDisjoint(with: Circumstances.resetCauses),
            // A third party sent it, so no process here aborted anything.
            !c.found.contains(.middlebox), c.disownedReset == nil
        else { return nil }
        if !c.wasSynchronized(side) { return c.brokenOff(side) }
        if let verdict = c.doesNotWait(side) ?? c.fastClosed(side) { return verdict }
        if let reason = c.resetReason(side) {
            return Verdict(
                side: side, message: "\(c.name(side))'s kernel reset the connection: \(reason)\(c.resetWords(side))",
                frames: [c.file[side].reset], evidence: c.resetEvidence(side))
        }
        if c.uncapturedReset(of: side) != nil {
            return Verdict(
                side: side,
                message:
                    "\(c.name(side)) reset the connection: the kernel of \(c.name(side.other)) accepted its RST, which was not captured; only"
                    + " the sender's kernel knows why it was sent\(c.resetErrnoWords(side))",
                frames: [c.file[side].lastButReset], evidence: c.resetErrnoEvidence(side))
        }
        if !c.file[side].resetHadAck { return c.bareReset(side) }
        return Verdict(
            side: side,
            message:
                "\(c.name(side)) aborted the connection: it \(c.givenUpWords(side))closed with octets unread or with SO_LINGER 0, or was"
                + " killed"
                // Where keep-alives and retransmissions are not captured.
                + (c.lacksPlain ? ", or gave up on a peer that did not answer" : "")
                + "; only its kernel knows which",
            frames: [c.file[side].reset])
    }
}

/// A challenge ACK with old numbers for a SYN, and the client's answer.
struct StaleChallenge {
    var ack: Sighting
    var reset: Sighting
    /// Whether the kernel reported that the SYN's timestamp was older than the latest one that TIME-WAIT had received
    /// (PAWS).
    var isOldStamp: Bool
    /// Whether the server was in TIME-WAIT (true) or still had a socket (false); nil if unknown.
    var isTimeWait: Bool?
}

extension SideRecord {
    /// Whether its RST may promptly answer a segment of a connection that it does not know. If not, the RST is an abort
    /// or was sent by a third party.
    fileprivate var answersWithReset: Bool {
        isResetFitting && isResetAnswering && reset.time.since(resetAnswers.time) <= Span.second
    }
}

extension TracedFacts {
    /// If one close() causes both, the socket is destroyed within this time after its RST, in nanoseconds.
    private static let closingTime = Span.millisecond

    /// What made the kernel abort with TCP_STATE: if the socket was destroyed with its RST, close(); if it lived on, a
    /// disconnect.
    fileprivate var abortWords: String {
        guard let resetTime, let destroyTime else {
            return "closed with SO_LINGER 0 (or, rarely, called connect() with AF_UNSPEC)"
        }
        return destroyTime.since(resetTime) <= Self.closingTime
            ? "closed with SO_LINGER 0" : "disconnected (connect() with AF_UNSPEC), and closed the socket later"
    }
}

extension Circumstances {
    /// Whether a side had sent its FIN, captured or not, before it aborted: shutdown() comes before a close() that
    /// resets.
    fileprivate func hadClosed(_ side: Side) -> Bool {
        let record = file[side]
        if record.fin.isSeen { return !record.reset.isSeen || record.fin.frame < record.reset.frame }
        // A FIN may wait behind unacknowledged text and be discarded by the abort, so the state alone does not prove
        // that it was sent.
        return trace(side)?.entered.contains(.init(.finWait2)) == true
    }

    /// The codes that explain a RST.
    static let resetCauses: Set<FindingCode> = [
        .refused, .resetAfterClose, .halfOpenPeer, .keepaliveDead, .resetKilled, .resetListenerClosed,
        .resetUnreadData, .resetLinger,
    ]

    /// The side that reset the connection, if a RST ended it after it was more than a refused SYN.
    var resetter: Side? {
        guard connection.facts.contains(.reset), !connection.facts.contains(.refused) else { return nil }
        let side: Side = connection.facts.contains(.originatorReset) ? .originator : .responder
        if let time = uncapturedReset(of: side) {
            return file[side].lastButReset.time.since(time) <= Self.sameFrame ? side : nil
        }
        // A side that carries on sending was not reset, nor did it reset the connection: the RST was forged or not
        // obeyed. Sending more RSTs does not count as carrying on: without a connection each segment is answered with
        // one (RFC 9293 3.10.7.1).
        return file[side].lastButReset.frame < file[side].reset.frame ? side : nil
    }

    /// How much later than its sender's event a frame may be captured that was sent before the event, in nanoseconds.
    private static let sameFrame = Span.millisecond

    /// The kernel's reasons for a RST that answers a segment for a socket that is closed but still exists.
    private static let answersOfClosed: Set<KernelWord> = ["TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA"]

    /// As `resetAfterClose`, where neither the FIN nor the RST was captured: what the RST answered, and how much of
    /// that was lost, is unknown.
    fileprivate var closedUncaptured: Verdict? {
        guard let side = resetter, uncapturedReset(of: side) != nil, !file[side].fin.isSeen,
            let trace = trace(side), !trace.entered.isDisjoint(with: [.init(.finWait1), .init(.finWait2)]),
            trace.resetReason.map(Self.answersOfClosed.contains) == true
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side)) \(closedWords(side)); \(name(side.other)) still sent something, and"
                + " \(side == .originator ? "the client" : "the server")'s kernel answered with RST, so it is lost; neither the FIN nor the"
                + " RST was captured\(resetErrnoWords(side))",
            frames: [file[side.other].lastButReset], evidence: resetEvidence(side))
    }

    /// Whether the RST of a side that had sent its FIN answered a segment: it has no ACK (RFC 9293 3.10.7.1), or the
    /// kernel says so.
    fileprivate func answersAfterFin(_ side: Side) -> Bool {
        guard let time = uncapturedReset(of: side) else {
            return file[side].fin.frame < file[side].reset.frame && !file[side].resetHadAck
        }
        guard let reason = resetReason(side), file[side].fin.time <= time else { return false }
        return reason == .noSocket || Self.answersOfClosed.contains(reason)
    }

    /// A program that does not wait for the peer's FIN. Linux then sends a RST as soon as its own FIN is acknowledged
    /// (`tcp_rcv_state_process`), with the same reason as for text that arrives then; here there was no text.
    fileprivate func doesNotWait(_ side: Side) -> Verdict? {
        let (own, peer) = (file[side], file[side.other])
        guard resetReason(side) == "TCP_ABORT_ON_DATA", own.fin.isSeen, own.isFinAcknowledged,
            !own.reset.isSeen || own.fin.frame < own.reset.frame, peer.lastText.frame < own.fin.frame, !peer.fin.isSeen,
            unacknowledged(side.other) == 0
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side)) does not wait for the peer's FIN (TCP_LINGER2 below 0): its kernel answered the ACK of its own FIN with"
                + " RST\(resetWords(side))",
            frames: [own.fin, own.resetAnswers, own.reset], evidence: resetEvidence(side))
    }

    /// MPTCP ends a connection abruptly, on all its subflows, with MP_FASTCLOSE (RFC 8684 3.5).
    fileprivate func fastClosed(_ side: Side) -> Verdict? {
        guard file[side].isResetMultipath, resetReason(side) == "TCP_ABORT_ON_CLOSE" else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side)) ended the MPTCP connection abruptly (MP_FASTCLOSE): it closed with SO_LINGER 0 or with octets unread, which the"
                + " kernel does not distinguish for MPTCP\(resetWords(side))",
            frames: [file[side].reset], evidence: resetEvidence(side))
    }

    /// When the sender of a RST lost its socket, if its kernel reported that and another finding says why. Then there
    /// is nothing to guess.
    fileprivate func socketEnd(_ side: Side) -> Timestamp? {
        guard let end = file.dropped.last(where: { $0.side == side && $0.time <= file[side].reset.time }),
            found.contains(.keepaliveDead) || Rule.silentClose.judge(self)?.side == side
        else { return nil }
        return end.time
    }

    /// The side that answered with a RST after both sides had sent their FINs: that RST ends nothing any more, but what
    /// it answered is lost.
    var resetterAfterClose: Side? {
        guard connection.facts.contains([.originatorFin, .responderFin]), !connection.facts.contains(.reset) else {
            return nil
        }
        return [Side.originator, .responder].first {
            file[$0].reset.isSeen && file[$0].isResetFitting && file[$0].lastButReset.frame < file[$0].reset.frame
        }
    }

    /// A side that had sent a FIN and aborted while the peer's last text, followed by its FIN, was on its way.
    fileprivate var abortedAfterClose: Verdict? {
        guard let side = resetterAfterClose, file[side].resetHadAck, file[side].fin.frame < file[side].reset.frame,
            unacknowledged(side.other) > 0
        else { return nil }
        let how =
            switch resetReason(side)?.text {
            case "TCP_ABORT_ON_CLOSE": "then closed with octets unread"
            case "TCP_STATE": "then closed with SO_LINGER 0"
            default: "then aborted"
            }
        return Verdict(
            side: side,
            message:
                "\(name(side)) had shut down its sending side (frame \(file[side].fin.frame)) and \(how), which its kernel signals with"
                + " RST\(lostWords(side.other, sentBy: name(side.other)))\(resetErrnoWords(side))",
            frames: [file[side].fin, file[side].reset], evidence: lostEvidence(side.other) + resetEvidence(side))
    }

    /// A SYN met what was left of an older connection: that answers with an ACK of old numbers, the client's RST for
    /// this ACK ends it, and the SYN is sent again (RFC 9293 3.5.1, figure 9; RFC 5961 4.2). A TIME-WAIT answers a SYN
    /// that is not newer the same way (RFC 6191 2).
    var staleChallenge: StaleChallenge? {
        guard let ack = first(.unacceptableAck), ack.sender == .responder,
            let reset = first(.resetAnswersBadAck), reset.sender == .originator
        else { return nil }
        let isOld = trace(.responder)?.dropReason?.text == "TCP_RFC7323_TW_PAWS"
        return StaleChallenge(
            ack: ack.sighting, reset: reset.sighting, isOldStamp: isOld, isTimeWait: isOld ? true : metTimeWait)
    }

    /// Whether the server still had the previous connection in TIME-WAIT (true) or had a socket for it (false) when the
    /// SYN came; nil if its end is not in the capture, or it may have been over by then.
    private var metTimeWait: Bool? {
        guard let old = file.predecessor else { return nil }
        return switch old.responderState {
        case .timeWait: connection.firstTime.since(old.lastTime) < PortUse.timeWait ? true : nil
        case .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: false
        case .unseen, .closed, .listen, .synSent: nil
        }
    }

    /// `, and the SYN was sent again` if it was.
    func repeatedWords(_ challenge: StaleChallenge) -> String {
        file[.originator].lastSyn.frame > challenge.reset.frame ? ", and the SYN was sent again" : ""
    }

    /// The older connection still had a socket. Its owner is unknown, as a different socket answers now.
    fileprivate func staleSocket(_ challenge: StaleChallenge) -> Verdict {
        Verdict(
            side: .responder,
            message:
                "the server still had a socket from an older connection with these ports"
                + (challenge.isTimeWait == nil ? ", or was in TIME_WAIT after it" : "")
                + ": it answered the SYN with a challenge ACK of the old numbers, the client's RST ended it"
                + repeatedWords(challenge),
            frames: [file[.originator].syn, challenge.ack, challenge.reset])
    }

    /// A SYN-ACK that answers no SYN in the capture and that its receiver resets, because it had sent none.
    fileprivate func backscatter(_ side: Side) -> Verdict? {
        guard !connection.facts.contains(.synSeen), file[side.other].synAckCount > 0,
            file[side].resetAnswers.frame == file[side.other].lastSyn.frame
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side.other)) sent a SYN-ACK for a SYN that was not captured, and \(name(side)) answered it with RST: it had"
                + " sent no SYN (another host used its address), or its socket was already gone",
            frames: [file[side].resetAnswers, file[side].reset], evidence: resetEvidence(side))
    }

    /// The end of the handshake is answered with a RST: the server is there but may lack room for the connection, or
    /// have kept nothing of the SYN.
    fileprivate func unaccepted(_ side: Side) -> Verdict? {
        let record = file[side]
        guard side == .responder, socketEnd(side) == nil, record.synAckCount > 0,
            record.lastButReset.frame == record.lastSyn.frame,
            record.resetAnswers.time.since(record.lastSyn.time) <= Span.second
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side.other)) completed the handshake of a connection that \(name(side)) no longer knows: its accept queue"
                + " was full (net.ipv4.tcp_abort_on_overflow), its listener had been closed, the ACK does not match its SYN cookie, it was"
                + " restarted, or a NAT on the path forgot the connection"
                + "\(lostWords(side.other))\(resetErrnoWords(side))",
            frames: [record.lastSyn, record.resetAnswers, record.reset],
            evidence: lostEvidence(side.other) + resetEvidence(side))
    }

    /// A RST without ACK that answers no captured segment.
    fileprivate func bareReset(_ side: Side) -> Verdict? {
        let record = file[side]
        // It may answer something that was not captured, such as an ACK of its FIN, or be all that is known of the
        // connection.
        guard record.resetAnswers.isSeen || record.lastButReset.isSeen, !mayHaveClosedUnseen(side), !lacksPlain,
            found.isDisjoint(with: [.rstIgnored, .middlebox])
        else { return nil }
        if record.fin.isSeen, record.fin.frame < record.reset.frame, file[side.other].textAfterPeerFin == 0 {
            return Verdict(
                side: side,
                message:
                    "\(name(side)) had closed (frame \(record.fin.frame)) and reset the connection"
                    + (file[side.other].last.isSeen
                        ? " before \(name(side.other)) closed, although no text from \(name(side.other)) was captured after that"
                        : " later")
                    + ": \(side == .originator ? "the client" : "the server")'s socket was gone by then",
                frames: [record.fin, record.reset])
        }
        let pause = record.resetAnswers.isSeen ? record.reset.time.since(record.resetAnswers.time) : 0
        return Verdict(
            side: side,
            message:
                "\(name(side)) reset the connection with a RST without ACK"
                + (record.resetAnswers.isSeen
                    ? ", \(words(pause)) after the last segment from \(name(side.other))" : "")
                // RFC 9293 3.10.7.1: the answer for a nonexistent connection takes its number from the segment's ACK.
                + (record.isResetAnswering
                    ? ": a device on the path dropped the connection (a load balancer, firewall or NAT after an idle time), its host did"
                        + " not know the connection, or its host aborts connections this way"
                    : ": its host aborts connections this way (RFC 9293 3.10.5), or a device on the path dropped the connection (a load"
                        + " balancer, firewall or NAT)"),
            frames: [record.resetAnswers, record.reset])
    }

    /// `gave up on a peer that did not answer for 153s, despite 8 more segments, or it ` if the side had
    /// retransmitted in vain: once R2 is reached, the connection is closed (RFC 9293 3.8.3), and some hosts then send a
    /// RST.
    fileprivate func givenUpWords(_ side: Side) -> String {
        let (own, peer) = (file[side], file[side.other])
        guard own.unansweredRepeats > 1, peer.last.isSeen else { return "" }
        return "gave up on a peer that did not answer for \(words(own.reset.time.since(peer.last.time))), despite"
            + " \(counted(own.unansweredRepeats, "more segment")), or it "
    }

    /// How many octets were unread as of the latest reading, if any.
    func unreadWords(_ side: Side) -> String {
        let octets = unread(side)
        return octets > 0 ? " (\(counted(octets, "octet")) at the latest reading)" : ""
    }

    /// Why one side's kernel sent a RST, and the errors that programs get, as evidence.
    func resetEvidence(_ side: Side) -> [Finding.Evidence] {
        var evidence: [Finding.Evidence] = []
        if let reason = resetReason(side) { evidence.append(.init("reset_reason", .text(reason.text))) }
        if let process = trace(side)?.resetProcess {
            evidence.append(.init("pid", .number(Int64(process.pid))))
            evidence.append(.init("comm", .text(process.command)))
        }
        if unread(side) > 0 { evidence.append(.init("rx_queue", .number(Int64(unread(side))))) }
        return evidence + resetErrnoEvidence(side)
    }

    /// Whether the connection had been open at this side, or was before the capture began.
    func wasSynchronized(_ side: Side) -> Bool {
        if connection.openDelay >= 0 || !connection.facts.contains(.synSeen) { return true }
        // A RST from beyond the SYN: what lies between is not captured.
        let record = file[side]
        if lacksPlain && record.syn.isSeen && record.reset.isSeen && record.resetNumber > 1 && !record.resetAnswersNoAck
        {
            return true
        }
        // A side that has sent only a SYN is not open, whatever a server sends along with its SYN-ACK (RFC 7413), and
        // text in a SYN does not change that.
        if side == .originator && !connection.facts.contains(.originatorMoreThanSyn) { return false }
        return connection.counters[0].uniqueBytes > UInt64(file.synText) || connection.counters[1].uniqueBytes > 0
    }
}
