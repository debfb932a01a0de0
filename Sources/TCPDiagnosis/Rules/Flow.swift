// Rules about an open connection: missing frames, closed windows, rejected segments, keep-alives, and devices on the
// path.

import TCPMachine
import TCPModel
import TCPTimeline

extension Rule {
    /// Not a loss on the network: the receiver acknowledged octets that the capture lacks.
    static let captureGap = Rule(.captureGap) { c in
        guard c.isOver else { return nil }
        // Octets captured after their own ACK are not missing: only their order in the capture is wrong.
        let missed = c.connection.missedBytes - min(c.connection.missedBytes, c.file.lateOctets)
        guard missed > 0 else { return nil }
        return Verdict(
            message: c.lacksPlain
                ? "the capture has only the SYNs, FINs and RSTs of this connection, as with a filter on these flags: it lacks the"
                    + " \(counted(missed, "octet")) of text that \(verb(missed, "was", "were")) acknowledged"
                : "the capture lacks \(counted(missed, "octet")) that the receiver acknowledged: frames were not"
                    + " captured, but nothing was lost on the network",
            frames: [c.file.gap], evidence: [.init("missed_bytes", .number(Int64(clamping: missed)))])
    }

    /// RFC 9293 3.8.6.1.
    static let zeroWindowStall = Rule(.zeroWindowStall) { c in
        let end = c.connection.isEnded ? c.connection.lastTime : c.now
        let (client, server) = (c.file[.originator].closedWindow, c.file[.responder].closedWindow)
        let side: Side = client.stall(until: end) > server.stall(until: end) ? .originator : .responder
        let stall = (side == .originator ? client : server).stall(until: end)
        let (lasted, probes) = (stall.lasted, stall.probes)
        guard lasted >= Span.second else { return c.shutInPieces(until: end) }
        let isShut = c.file[side].closedWindow.isClosed && !c.connection.isEnded
        var message =
            "\(c.name(side)) kept its receive window closed for \(words(lasted))\(isShut ? " and still does" : ""): the process does not read,"
            + " and the peer has data to send (\(counted(probes, "probe")))"
        var evidence: [Finding.Evidence] = [.init("shut", .span(lasted)), .init("probes", .number(Int64(probes)))]
        if isShut, let socket = c.kernel?[side].socket {
            message +=
                "; \(counted(socket.receiveQueue, "octet")) \(verb(socket.receiveQueue, "is", "are")) waiting to be read"
            evidence.append(.init("rx_queue", .number(Int64(socket.receiveQueue))))
            message += c.troubleWords(side)
            evidence += c.troubleEvidence(side)
        }
        return Verdict(
            side: side, message: message, frames: [Sighting(frame: stall.frame, time: c.connection.firstTime)],
            evidence: evidence)
    }

    /// RFC 9293 3.7.4 and 3.8.6.3: two algorithms that each make sense alone, but combine badly.
    static let nagleDelay = Rule(.nagleDelay) { c in
        // Once or twice may be chance, as may a few among many segments that were not held back.
        guard c.isOver else { return nil }
        func waits(_ side: Side) -> UInt32 {
            let (count, others) = (c.file[side].smallWrites.count, c.file[side].smallWrites.others)
            return count >= 3 && count >= others ? count : 0
        }
        guard
            var verdict = Verdict.ofBoth(
                c, \.smallWrites.first, waits,
                { side, count in
                    "\(c.name(side)) held back small segments \(count) times until a delayed ACK came,"
                        + " \(words(c.file[side].smallWrites.total)) in all (Nagle's algorithm): it should set TCP_NODELAY, or write"
                        + " related data with one call"
                })
        else { return nil }
        for side in [Side.originator, .responder] where waits(side) > 0 {
            let name: StaticString = side == .originator ? "orig_waited" : "resp_waited"
            verdict.evidence.append(.init(name, .span(c.file[side].smallWrites.total)))
        }
        return verdict
    }

    /// The kernel acknowledged the octets, so the wire looks normal: only the receive queue shows it.
    static let unreadText = Rule(.unreadText) { c in
        // A closed window has already been reported.
        guard !c.found.contains(.zeroWindowStall) else { return nil }
        for side in [Side.originator, .responder] {
            guard let view = c.kernel?[side], view.isPresent, let socket = view.socket, socket.inode != 0,
                let span = view.unreadSpan
            else { continue }
            // No process could read it before the connection was accepted.
            let wait = span.latest.since(max(span.since, view.firstAccepted ?? span.since))
            // A process that still sends is at work.
            guard wait >= Circumstances.patience, c.file[side].lastText.time < span.since else { continue }
            return Verdict(
                side: side,
                message:
                    "\(c.name(side)) has read nothing for \(words(wait)), and \(counted(socket.receiveQueue, "octet"))"
                    + " \(verb(socket.receiveQueue, "waits", "wait")) in its receive queue: the kernel acknowledged"
                    + " \(verb(socket.receiveQueue, "it", "them")), but the process is not reading\(c.troubleWords(side))",
                frames: [c.file[side.other].lastText],
                evidence: [.init("rx_queue", .number(Int64(socket.receiveQueue))), .init("unread", .span(wait))]
                    + c.troubleEvidence(side))
        }
        return nil
    }

    /// RFC 2923 2.1: packets too big for a link vanish, because the router's ICMP error is filtered or was never sent.
    static let mtuBlackHole = Rule(.mtuBlackHole) { c in
        for side in [Side.originator, .responder] {
            let large = c.file[side].large
            if let verdict = c.tooBigHere(side) ?? c.foundByPieces(side) { return verdict }
            // Three retransmissions were lost, the peer is there, and nothing else explains it.
            guard large.sendings > 3, !large.arrived, large.missed.isSeen, c.file.pathMTU?.side != side,
                !c.file[side.other].closedWindow.isClosed, c.trace(side.other)?.drops ?? 0 == 0
            else { continue }
            return Verdict(
                side: side,
                message:
                    "\(c.name(side)) sent the same \(large.length) octets \(large.sendings) times in"
                    + " \(words(large.last.time.since(large.first.time))) without success, while smaller segments arrive: a router drops"
                    + " packets larger than its link's MTU, and its ICMP error (packet too big) does not arrive here",
                frames: [large.first, large.missed, large.last],
                evidence: [
                    .init("octets", .number(Int64(large.length))), .init("sendings", .number(Int64(large.sendings))),
                ])
        }
        return nil
    }

    /// RFC 5961 3.2, 4.2, 5.2: a segment that is almost acceptable is answered, but not obeyed.
    static let challengeAck = Rule(.challengeAck) { c in
        guard c.isOver || !c.connection.isEnded else { return nil }
        if let syn = c.first(.synInsideConnection), !c.openedAnother(syn.sighting, from: syn.sender) {
            return Verdict(
                side: syn.sender.other,
                message:
                    "a SYN arrived on the open connection; under RFC 5961 it is answered with a challenge ACK and otherwise ignored",
                frames: [syn.sighting])
        }
        if let ack = c.first(.blindAck) {
            return Verdict(
                side: ack.sender.other,
                message:
                    "an ACK arrived for octets that were never sent; under RFC 5961 it is answered with a challenge ACK and dropped",
                frames: [ack.sighting])
        }
        return nil
    }

    /// RFC 5961 3.2.
    static let rstIgnored = Rule(.rstIgnored) { c in
        guard c.isOver || !c.connection.isEnded else { return nil }
        guard let reset = c.first(.resetNotExact) ?? c.first(.resetIgnored) else { return c.unheededReset }
        guard !c.connection.facts.contains(.reset) || c.file.seen.contains(.resetNotExact) else { return nil }
        // Which number was due could only be seen from text and ACKs, which the capture lacks.
        guard !c.lacksPlain || c.connection.outcome == .noAnswer else { return nil }
        // The receiver's kernel did obey it, or the segments before it were dropped by a firewall rule.
        guard !c.isObeyed(reset), !c.mayBeObeyed(reset) else { return nil }
        // The finding on its true sender says so, too.
        guard c.resetInVain?.side != reset.sender else { return nil }
        // In SYN-SENT, the receiver checks what a RST acknowledges, not its sequence number.
        let answersSyn = reset.sender == .responder && c.connection.outcome == .noAnswer
        return Verdict(
            side: reset.sender.other,
            message: answersSyn
                ? "a RST from \(c.name(reset.sender)) does not acknowledge the SYN, so its receiver ignores it (RFC 9293 3.10.7.3)"
                : "a RST from \(c.name(reset.sender)) does not have the sequence number expected next, so its receiver ignores it"
                    + " (RFC 5961 3.2)", frames: [reset.sighting])
    }

    /// RFC 9293 3.8.4; Linux gives up after tcp_keepalive_probes.
    static let keepaliveDead = Rule(.keepaliveDead) { c in
        for side in [Side.originator, .responder] {
            let record = c.file[side]
            let isDropped = c.file.dropped.contains { $0.side == side } || c.uncapturedReset(of: side) != nil
            let silent = c.neighbourWords(side)
            if record.unansweredKeepAlives == 0, isDropped, c.keepAliveTimedOut(side) {
                return Verdict(
                    side: side,
                    message:
                        "\(c.name(side))'s kernel gave up: its keep-alives got no answer, and did not even reach the capture"
                        + (silent.isEmpty ? " (is the link down?)" : silent) + c.giveUpWords(side),
                    frames: [record.last], evidence: [.init("keepalives", .number(0))] + c.errnoEvidence)
            }
            // If the capture lacks everything from the peer, it may also lack the answers.
            guard record.unansweredKeepAlives > 0, record.reset.isSeen || isDropped, c.hasWaitedForKeepAlives(side),
                c.file[side.other].last.isSeen
            else { continue }
            let end = record.reset.isSeen ? record.reset : record.last
            let errno = c.errnoWords
            return Verdict(
                side: side,
                message:
                    "\(c.name(side)) gave up after \(counted(record.unansweredKeepAlives, "keep-alive")) without an answer: the peer"
                    + " or the path to it is dead\(silent)\(c.dropWords(side.other))"
                    + (errno.isEmpty ? "; the next call fails with ETIMEDOUT" : errno),
                frames: [record.firstKeepAlive, end],
                evidence: [.init("keepalives", .number(Int64(record.unansweredKeepAlives)))]
                    + c.dropEvidence(side.other) + c.errnoEvidence)
        }
        return nil
    }

    /// A RST whose hop limit differs from its supposed sender's other segments was made by a device on the path.
    static let middlebox = Rule(.middlebox) { c in
        for side in [Side.originator, .responder] {
            guard c.file[side].firstReset.isSeen, c.resetByRule != side else { continue }
            let record = c.file[side]
            let others = record.hopLimits.all
            guard record.resetHopLimit != 0, !record.hopLimits.contains(record.resetHopLimit), !record.isLinuxDefault,
                // Segments that may not pass a single router came from the link itself, and their RST may have, too.
                let lowest = others.first, lowest > 1
            else { continue }
            return Verdict(
                side: side,
                message:
                    "the RST in the name of \(c.name(side)) has hop limit \(record.resetHopLimit), but its other segments"
                    + " have \(others.map(String.init).joined(separator: " and ")): a device on the path sent it, or the route changed",
                frames: [record.firstReset],
                evidence: [
                    .init("hop_limit", .number(Int64(lowest))),
                    .init("reset_hop_limit", .number(Int64(record.resetHopLimit))),
                ])
        }
        return c.disowned ?? c.forgedReset ?? c.disownedInVain ?? c.forgedFinVerdict
    }
}

extension Circumstances {
    /// A window that was shut for most of the time, in pieces none of which lasted for a second.
    fileprivate func shutInPieces(until end: Timestamp) -> Verdict? {
        func stalls(_ side: Side) -> ClosedWindow.Stalls { file[side].closedWindow.stalls(until: end) }
        let side: Side = stalls(.originator).lasted > stalls(.responder).lasted ? .originator : .responder
        let all = stalls(side)
        guard all.lasted >= Span.second, all.lasted >= all.within / 2 else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side)) kept its receive window closed for \(words(all.lasted)) of \(words(all.within)), in \(all.count) pieces:"
                + " the process reads too slowly, and the peer has data to send (\(counted(all.probes, "probe")))",
            frames: [Sighting(frame: file[side].closedWindow.stall(until: end).frame, time: connection.firstTime)],
            evidence: [
                .init("shut", .span(all.lasted)), .init("times", .number(Int64(all.count))),
                .init("probes", .number(Int64(all.probes))),
            ])
    }

    /// This host is the router that drops the segments: its own kernel says so, whether or not the peer is heard.
    fileprivate func tooBigHere(_ side: Side) -> Verdict? {
        let large = file[side].large
        // The first one is lost on every narrower path: its sender then gets an ICMP error, and the next one is
        // smaller.
        guard large.sendings > 2, !large.arrived, file.pathMTU?.side != side,
            trace(side.other)?.dropReason == .packetTooBig
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side)) sent the same \(counted(large.length, "octet")) \(large.sendings) times in"
                + " \(words(large.last.time.since(large.first.time))) without success: this host drops packets larger than the MTU of the"
                + " outgoing link (PKT_TOO_BIG), and its ICMP error (packet too big) does not reach the sender",
            frames: [large.first, large.last],
            evidence: [
                .init("octets", .number(Int64(large.length))), .init("sendings", .number(Int64(large.sendings))),
            ] + dropEvidence(side.other))
    }

    /// A smaller piece of the same octets got through, after the whole had not: the sender found the limit by itself.
    fileprivate func foundByPieces(_ side: Side) -> Verdict? {
        let (large, piece) = (file[side].large, file[side].large.piece)
        guard piece.arrived.isSeen, isOver || since(piece.arrived) >= Self.patience, file.pathMTU?.side != side,
            !file[side.other].closedWindow.isClosed, trace(side.other)?.drops ?? 0 == 0
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(name(side)) sent the same \(piece.whole) octets \(piece.sendings) times in"
                + " \(words(piece.lastWhole.time.since(large.first.time))) without success, and the first \(counted(piece.length, "octet")) of"
                + " them arrived \(words(piece.arrived.time.since(large.first.time))) after the first attempt, sent alone: a router drops"
                + " packets larger than its link's MTU, and its ICMP error (packet too big) does not arrive here"
                // Otherwise the path may have been down for everything until then.
                + (large.missed.isSeen ? "" : "; or the path was down until then"),
            frames: [large.first, piece.lastWhole, piece.arrived],
            evidence: [
                .init("octets", .number(Int64(piece.whole))), .init("sendings", .number(Int64(piece.sendings))),
                .init("arrived", .number(Int64(piece.length))),
            ])
    }

    /// A RST that should have ended the connection but did not.
    fileprivate var unheededReset: Verdict? {
        guard file.seen.contains(.resetUnheeded), !connection.facts.contains(.reset),
            // A sender whose RST was lost is gone nevertheless; a side that carried on did not send the RST.
            let side = [Side.originator, .responder].first(where: {
                file[$0].firstReset.isSeen && file[$0].lastButReset.frame > file[$0].firstReset.frame
            })
        else { return nil }
        // Its receiver may have obeyed it and be gone.
        let isHeeded = file[side.other].last.frame < file[side].firstReset.frame
        return Verdict(
            side: side.other,
            message:
                "a RST in the name of \(name(side)) has the sequence number expected next, but "
                + (isHeeded
                    ? "\(name(side)) carried on: a third party sent it, and \(name(side.other)), silent since then, has most likely obeyed it"
                    : "both sides carried on: a third party sent it, and it never arrived or was dropped"),
            frames: [file[side].firstReset] + (isHeeded ? [file[side].lastButReset] : []))
    }

    /// Whether the kernel reported a RST to its receiver's program (ECONNRESET) at the same moment, although its number
    /// does not look like the next one.
    fileprivate func isObeyed(_ reset: (sender: Side, sighting: Sighting)) -> Bool {
        let receiver = trace(reset.sender.other)
        if let time = receiver?.tookResetTime, time.since(reset.sighting.time).magnitude < Self.sameMoment {
            return true
        }
        guard receiver?.errno == .connectionReset else { return false }
        return file.dropped.contains {
            $0.side == reset.sender.other && $0.time.since(reset.sighting.time).magnitude < Self.sameMoment
        }
    }

    /// Whether only a RST's number suggests that it was not obeyed: that number is at or beyond the end of everything
    /// captured from its sender, and the capture may lack what came before. A receiver that did not obey it would
    /// answer it (RFC 5961 3.2) or carry on; one that acknowledges exactly that number was about to accept it.
    fileprivate func mayBeObeyed(_ reset: (sender: Side, sighting: Sighting)) -> Bool {
        file[reset.sender].resetAhead.frame == reset.sighting.frame
            && !file[reset.sender].isResetAheadAnswered
            && file[reset.sender].lastButReset.frame < reset.sighting.frame
    }

    /// Whether a SYN inside this connection opened the next one, because this one did not answer it.
    fileprivate func openedAnother(_ syn: Sighting, from sender: Side) -> Bool {
        connection.facts.contains(.replaced) && file[sender.other].last.frame < syn.frame
    }

    /// The side that did not send the RST in its name: it is on this host, and its kernel reported no RST and still has
    /// the socket.
    var disownedReset: (side: Side, state: TCPState)? {
        guard let side = resetter, let view = kernel?[side], view.isLocal, view.trace.resetTime == nil else {
            return nil
        }
        // A later reading shows it, or else no event reported the socket's end.
        let lasting = view.trace.isTraced && isOver && view.isPresent ? view.trace.state : nil
        guard let state = view.outlivedState ?? lasting,
            [.synSent, .established, .closeWait, .finWait1, .finWait2].contains(state)
        else { return nil }
        return (side, state)
    }

    /// As `disownedReset`, for a RST that the receiver did not obey: the kernel of the supposed sender still has the
    /// socket open. Such a report is rare; without one, nothing of the file is copied.
    var resetInVain: (side: Side, state: TCPState)? { file.disowned == nil ? nil : disownedByReset }

    @inline(never) private var disownedByReset: (side: Side, state: TCPState)? {
        guard let event = file.disowned, case .contradiction(let state?, .closed) = event.kind,
            kernel?[event.side].isLocal == true, kernel?[event.side].trace.resetTime == nil, resetter != event.side,
            case let reset = file[event.side].firstReset, reset.isSeen, reset.time <= event.time
        else { return nil }
        return (event.side, state)
    }

    fileprivate var disownedInVain: Verdict? {
        guard let (side, state) = resetInVain else { return nil }
        let isIgnored = (first(.resetNotExact) ?? first(.resetIgnored))?.sender == side
        return Verdict(
            side: side,
            message:
                "the RST in the name of \(name(side)) was not sent by its TCP, which still had the socket in \(state.displayName):"
                + " a third party sent it"
                + (isIgnored
                    ? ", and \(name(side.other)) ignored it, because it does not have the sequence number expected next (RFC 5961 3.2)"
                    : ""),
            frames: [file[side].firstReset])
    }

    /// The side that did not send the FIN in its name: its kernel still has the socket open, and reported no close.
    var forgedFin: (side: Side, state: TCPState)? { file.disowned == nil ? nil : disownedByFin }

    @inline(never) private var disownedByFin: (side: Side, state: TCPState)? {
        guard let event = file.disowned, case .contradiction(let state?, let wire) = event.kind, wire.isAfterOwnFin,
            kernel?[event.side].isLocal == true, let trace = trace(event.side),
            case let fin = file[event.side].fin, fin.isSeen, fin.time <= event.time,
            // It closed later, if at all.
            trace.closeTime.map({ $0 > event.time }) ?? true
        else { return nil }
        return (event.side, state)
    }

    fileprivate var forgedFinVerdict: Verdict? {
        guard let (side, state) = forgedFin else { return nil }
        return Verdict(
            side: side,
            message:
                "the FIN in the name of \(name(side)) was not sent by its TCP, which still had the socket in \(state.displayName):"
                + " a third party sent it\(lostWords(side, sentBy: name(side)))",
            frames: [file[side].fin], evidence: lostEvidence(side))
    }

    /// A RST ended the receiver, which has answered with RSTs ever since, while the supposed sender carried on.
    fileprivate var forgedReset: Verdict? {
        guard let victim = resetter, !file[victim].resetHadAck else { return nil }
        let record = file[victim.other]
        guard record.firstReset.isSeen, record.isResetFitting,
            file[victim].lastButReset.frame < record.firstReset.frame,
            file[victim].firstReset.frame > record.firstReset.frame,
            file[victim].resetAnswers.frame > record.firstReset.frame,
            record.lastButReset.frame > record.firstReset.frame
        else { return nil }
        return Verdict(
            side: victim.other,
            message:
                "a RST in the name of \(name(victim.other)) ended \(name(victim))'s connection, but \(name(victim.other)) carried on: a third party sent it (a"
                + " device on the path, or another host with that address); \(name(victim)) has answered everything since then with RST"
                + "\(lostWords(victim.other, sentBy: name(victim.other)))\(errnoWords)",
            frames: [record.firstReset, record.lastButReset, file[victim].reset],
            evidence: lostEvidence(victim.other) + errnoEvidence)
    }

    /// The maximum distance in time between a frame and the events that it causes, in nanoseconds.
    private static var sameMoment: UInt64 { UInt64(10 * Span.millisecond) }

    /// The side, on whichever host, that did not send the RST in its name: a firewall rule on this host dropped the
    /// segment that the RST answers, and generated the RST.
    fileprivate var resetByRule: Side? {
        guard let side = resetter, let trace = trace(side), trace.resetTime == nil, let dropped = trace.ruleDropTime,
            file[side].resetAnswers.isSeen,
            file[side].reset.time.since(dropped).magnitude < Self.sameMoment
        else { return nil }
        return side
    }

    fileprivate var disowned: Verdict? {
        if disownedReset == nil, let side = resetByRule {
            return Verdict(
                side: side,
                message:
                    "the RST in the name of \(name(side)) was not sent by its TCP: a firewall rule on this host (nftables, iptables)"
                    + " rejected a segment with it\(lostWords(side.other, sentBy: name(side.other)))\(errnoWords)",
                frames: [file[side].resetAnswers, file[side].reset],
                evidence: lostEvidence(side.other) + dropEvidence(side) + errnoEvidence)
        }
        guard let (side, state) = disownedReset else { return nil }
        let isRule = trace(side)?.dropReason == .netfilterDrop
        return Verdict(
            side: side,
            message:
                "the RST in the name of \(name(side)) was not sent by its TCP, which still has the socket in"
                + " \(state.displayName): "
                + (isRule
                    ? "a firewall rule on this host (nftables, iptables) rejected a segment with it"
                    : "a firewall rule (REJECT) or a middlebox generated it")
                + "\(lostWords(side.other, sentBy: name(side.other)))\(errnoWords)",
            frames: [file[side].resetAnswers, file[side].reset],
            evidence: lostEvidence(side.other) + (isRule ? dropEvidence(side) : []) + errnoEvidence)
    }

    /// Whether a side that ended after keep-alives had waited for their answers: its kernel reported a timeout, or it
    /// sent more than one, or was silent for as long as an answer may take (RFC 6298 2.1). Otherwise the process ended
    /// the connection at that point.
    fileprivate func hasWaitedForKeepAlives(_ side: Side) -> Bool {
        if let reason = resetReason(side) { return reason == .keepaliveTimeout }
        // The socket was destroyed.
        if trace(side)?.errno == .connectionAborted { return false }
        let record = file[side]
        if record.unansweredKeepAlives > 1 { return true }
        let end =
            record.reset.isSeen
            ? record.reset.time : file.dropped.last { $0.side == side }?.time ?? uncapturedReset(of: side)
        return end.map { $0.since(record.lastKeepAlive.time) >= Span.second } ?? false
    }

    /// Whether the kernel shows that keep-alives ended the connection: by its RST reason, by ETIMEDOUT, or, as not
    /// every error is reported, by the socket going straight from open to CLOSED without a RST. A running keep-alive
    /// timer alone proves nothing, as it runs from the start.
    fileprivate func keepAliveTimedOut(_ side: Side) -> Bool {
        if let reason = resetReason(side) { return reason == .keepaliveTimeout }
        guard let socket = kernel?[side].socket, socket.timer == .keepalive, socket.transmitQueue == 0,
            let trace = trace(side)
        else { return false }
        if let errno = trace.errno { return errno == .timedOut }
        return !trace.wasReset && !trace.entered.contains(.init(.finWait1)) && !trace.entered.contains(.init(.lastAck))
    }
}

extension SideRecord {
    /// Whether the hop limits differ only because a kernel answers for a port with its default (64, 128, 255) while the
    /// open socket had its own TTL set. All are initial values, so there was no router in between.
    fileprivate var isLinuxDefault: Bool {
        func isInitial(_ limit: UInt8) -> Bool { limit == 64 || limit == 128 || limit == 255 }
        return isInitial(resetHopLimit) && hopLimits.all.allSatisfy(isInitial)
    }
}
