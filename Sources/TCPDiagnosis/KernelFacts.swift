// What the kernel reported about a connection, in the form in which rules need it.

import TCPMachine
public import TCPModel
import TCPTimeline

extension Circumstances {
    /// What tracepoints reported about one side; nil if there were none.
    func trace(_ side: Side) -> TracedFacts? {
        guard let trace = kernel?[side].trace, trace.isTraced else { return nil }
        return trace
    }

    /// Whether the kernel at the other end has received a side's FIN, captured or not, as shown by its socket's states.
    func hasArrivedFin(of side: Side) -> Bool {
        let states: [TCPState] = [.closeWait, .lastAck, .closing]
        if let entered = trace(side.other)?.entered, states.contains(where: { entered.contains(.init($0)) }) {
            return true
        }
        guard let state = kernel?[side.other].socket?.state else { return false }
        return state == .timeWait || states.contains(state)
    }

    /// Whether the client's kernel ever had the connection open, captured or not.
    var wasOpened: Bool {
        kernel?.originator.wasOpen == true || trace(.originator)?.entered.contains(.init(.established)) == true
    }

    /// When the kernel sent or accepted this side's RST that ended the connection, if the capture lacks that RST.
    func uncapturedReset(of side: Side) -> Timestamp? {
        let facts = connection.facts
        guard facts.contains(.reset), facts.contains(.originatorReset) == (side == .originator),
            !file[side].firstReset.isSeen
        else { return nil }
        return file.uncapturedReset
    }

    /// Whether the kernel reported that a RST, sent or accepted before this time, ended a side's socket.
    func endedByReset(_ side: Side, before time: Timestamp) -> Bool {
        guard let trace = trace(side) else { return false }
        if trace.wasReset || [.connectionReset, .brokenPipe].contains(trace.errno) { return true }
        // A segment that finds no socket is answered after the socket's end.
        guard let resetTime = trace.resetTime, trace.resetReason != .noSocket else { return false }
        return resetTime <= time
    }

    /// `had closed its socket`, or, if the kernel closed it at the end of the process, `had exited, which closed its socket`.
    func closedWords(_ side: Side) -> String {
        kernel?[side].wasClosedByExit == true ? "had exited, which closed its socket" : "had closed its socket"
    }

    /// `; the RST was not captured`, if that is the case.
    func uncapturedWords(_ side: Side) -> String {
        uncapturedReset(of: side) == nil ? "" : "; the RST was not captured"
    }

    /// `uncapturedWords`, followed by the errors that programs get because of the RST.
    func resetWords(_ side: Side) -> String { uncapturedWords(side) + resetErrnoWords(side) }

    /// `; lab-client gets ECONNRESET` for each side whose program got an error that the RST of `side` can have caused,
    /// which excludes errors reported before it.
    func resetErrnoWords(_ side: Side) -> String { errnoWords(since: resetTime(side)) }

    /// When a side sent its RST.
    private func resetTime(_ side: Side) -> Timestamp? {
        uncapturedReset(of: side) ?? (file[side].reset.isSeen ? file[side].reset.time : nil)
    }

    /// The kernel's reason for the RST of one side.
    func resetReason(_ side: Side) -> KernelWord? { trace(side)?.resetReason }

    /// Whether the socket tables were read and no process ever held this side's socket: accept() was not called for it.
    func wasNeverAccepted(_ side: Side) -> Bool {
        guard let view = kernel?[side] else { return false }
        return view.unacceptedSince != nil || (view.isRead && view.socket?.inode ?? 0 == 0)
    }

    /// `; lab-client gets ECONNRESET` for each side whose program got an error from the kernel.
    var errnoWords: String { errnoWords(since: nil) }

    /// As `errnoWords`, for errors reported at `start` or later.
    private func errnoWords(since start: Timestamp?) -> String {
        [Side.originator, .responder].compactMap { side in
            guard let error = errno(side, since: start)?.name, hears(side) else { return nil }
            return "; \(name(side)) gets \(error)"
        }.joined()
    }

    /// The error that the kernel reported to a side's program, unless that was before `start`.
    private func errno(_ side: Side, since start: Timestamp?) -> LinuxErrno? {
        guard let trace = trace(side), let code = trace.errno else { return nil }
        // The clocks of frames and events may differ slightly.
        if let start, let time = trace.errnoTime, start.since(time) > Span.millisecond { return nil }
        return code
    }

    /// Whether there is a process to inform: not after it has closed.
    private func hears(_ side: Side) -> Bool { kernel?[side].orphanSince == nil || !file[side].fin.isSeen }

    /// `errnoWords` as evidence.
    var errnoEvidence: [Finding.Evidence] { errnoEvidence(since: nil) }

    /// `resetErrnoWords` as evidence.
    func resetErrnoEvidence(_ side: Side) -> [Finding.Evidence] { errnoEvidence(since: resetTime(side)) }

    private func errnoEvidence(since start: Timestamp?) -> [Finding.Evidence] {
        var evidence: [Finding.Evidence] = []
        if let name = errno(.originator, since: start)?.name {
            evidence.append(.init("orig_errno", .text("\(name)")))
        }
        if let name = errno(.responder, since: start)?.name {
            evidence.append(.init("resp_errno", .text("\(name)")))
        }
        return evidence
    }

    /// Whether the kernel gave up for lack of an answer: it reported that to the program or, as events may be missing,
    /// the socket vanished with its retransmission timer running and octets in flight.
    func gaveUp(_ side: Side) -> Bool {
        if let errno = trace(side)?.errno {
            return [.timedOut, .hostUnreachable, .networkUnreachable].contains(errno)
        }
        // That timer always runs while a SYN is unanswered, so it proves nothing.
        if trace(side)?.openingClosed != nil { return false }
        guard let socket = kernel?[side].socket else { return false }
        return [.retransmission, .persist].contains(socket.timer) && socket.transmitQueue > 0
    }

    /// How long the client's program waited for an answer to its SYN before it closed the socket itself, in
    /// nanoseconds; nil if it did not.
    var ownTimeout: Int64? {
        guard let trace = trace(.originator), trace.errno == nil, let closed = trace.openingClosed,
            file[.originator].syn.isSeen
        else { return nil }
        return max(0, closed.time.since(file[.originator].syn.time))
    }

    /// The first sighting of an anomaly, with its sender. Nil if the receiver's kernel dropped that segment for its
    /// checksum, because then the anomaly is just damage.
    func first(_ anomaly: Anomalies) -> (sender: Side, sighting: Sighting)? {
        // Nearly always there is none, and then nothing of the file is copied.
        file.seen.isDisjoint(with: anomaly) ? nil : sighting(of: anomaly)
    }

    @inline(never) private func sighting(of anomaly: Anomalies) -> (sender: Side, sighting: Sighting)? {
        guard let found = file.first(anomaly),
            trace(found.sender.other)?.isDamaged(capturedAt: found.sighting.time) != true
        else { return nil }
        return found
    }

    /// `; curl[7] closed the socket of its own accord after 503ms`.
    var ownTimeoutWords: String {
        guard let ownTimeout else { return "" }
        let process = processName(trace(.originator)?.openingClosed?.by)
        guard let error = trace(.originator)?.icmpErrorTime else {
            return "; \(process) closed the socket of its own accord after \(words(ownTimeout))"
        }
        return
            "; an ICMP error came \(words(max(0, error.since(file[.originator].syn.time)))) after the SYN (a firewall's REJECT, or a router's),"
            + " which connect() reports, and \(process) closed the socket after \(words(ownTimeout))"
    }

    /// `ownTimeout` as evidence.
    var ownTimeoutEvidence: [Finding.Evidence] { ownTimeout.map { [.init("own_timeout", .span($0))] } ?? [] }

    /// Octets that a side had sent or queued and that were not acknowledged as of the latest reading.
    func inFlight(_ side: Side) -> UInt32 { kernel?[side].socket?.unacknowledgedText ?? 0 }

    /// `; 4 octets that it had sent or queued were never acknowledged`.
    func inFlightWords(_ side: Side) -> String {
        let octets = inFlight(side)
        guard octets > 0 else { return "" }
        return
            "; \(counted(octets, "octet")) that it had sent or queued \(verb(octets, "was", "were")) never acknowledged"
    }

    /// `inFlight` as evidence.
    func inFlightEvidence(_ side: Side) -> [Finding.Evidence] {
        let octets = inFlight(side)
        return octets > 0 ? [.init("tx_queue", .number(Int64(octets)))] : []
    }

    /// What alone ends a connection sooner than Linux does by itself.
    static let earlyWords = " (so soon only with TCP_USER_TIMEOUT, or a lower net.ipv4.tcp_retries2)"

    /// The error that the program of a side gets after its kernel gave up.
    func giveUpWords(_ side: Side) -> String {
        let words = errnoWords
        if !words.isEmpty { return words }
        return hears(side)
            ? "; \(name(side)) gets ETIMEDOUT" : "; no process learns of it, as the socket had been closed"
    }

    /// `; the kernel dropped 3 segments for the server: SOCKET_FILTER, a filter on the socket (SO_ATTACH_FILTER)`;
    /// empty if it dropped none.
    func dropWords(_ side: Side) -> String {
        guard let trace = trace(side), trace.drops > 0, let reason = trace.dropReason,
            !Self.harmlessDrops.contains(reason.text)
        else { return "" }
        return "; the kernel dropped \(counted(trace.drops, "segment")) for \(name(side)): \(dropMeaning(reason))"
    }

    /// Legitimate drop reasons: they are consequences of what went wrong, not its cause.
    private static let harmlessDrops: Set<String> = [
        "TCP_INVALID_SYN", "TCP_RESET", "TCP_FLAGS", "NO_SOCKET", "TCP_OLD_SEQUENCE", "TCP_OLD_DATA",
    ]

    /// The dropped segments of a side as evidence.
    func dropEvidence(_ side: Side) -> [Finding.Evidence] {
        guard let trace = trace(side), trace.drops > 0, let reason = trace.dropReason else { return [] }
        return [.init("drop_reason", .text(reason.text)), .init("drops", .number(Int64(trace.drops)))]
    }

    /// Octets that one side had received and its program had not read as of the latest reading. Excludes the FIN, which
    /// counts as one octet in the queue until it is read.
    func unread(_ side: Side) -> UInt32 {
        guard let socket = kernel?[side].socket, socket.state != .listen else { return 0 }
        return socket.receiveQueue - (socket.state == .closeWait ? min(socket.receiveQueue, 1) : 0)
    }

    /// `; lab-server[7410] is stopped by a signal ...` if one side's process is unable to act; otherwise empty. A lack
    /// of descriptors matters only if the process should accept.
    func troubleWords(_ side: Side, accepting: Bool = false) -> String {
        guard let view = kernel?[side], let trouble = view.trouble, let process = view.process ?? view.listenerProcess
        else { return "" }
        return troubleWords(process, trouble, accepting: accepting)
    }

    /// As `troubleWords(_:accepting:)`, for one process.
    func troubleWords(_ process: ProcessIdentity, _ trouble: ProcessTrouble, accepting: Bool) -> String {
        let name = processName(process)
        switch trouble {
        case .stopped:
            return "; \(name) is stopped by a signal (Ctrl-Z, SIGSTOP): kill -CONT \(process.pid) lets it continue"
        case .traced: return "; \(name) is stopped by a debugger"
        case .noDescriptors:
            return accepting
                ? "; \(name) has no file descriptor left, so accept() fails with EMFILE: find out what it fails to close, or"
                    + " raise its limit (ulimit -n, LimitNOFILE)" : ""
        }
    }

    /// `troubleWords` as evidence.
    func troubleEvidence(_ side: Side, accepting: Bool = false) -> [Finding.Evidence] {
        switch kernel?[side].trouble {
        case .stopped: [.init("stopped_by", .text("signal"))]
        case .traced: [.init("stopped_by", .text("debugger"))]
        case .noDescriptors: accepting ? [.init("accept_errno", .text("EMFILE"))] : []
        case nil: []
        }
    }

    /// `lab-server[7410]`, or `its process`. Untrusted.
    func processName(_ process: ProcessIdentity?) -> String {
        process.map { "\($0.command)[\($0.pid)]" } ?? "its process"
    }

    /// `nginx[1703], nginx[1704] and 2 others`: the known processes out of `count` in total. Untrusted.
    func names(of processes: [ProcessIdentity], count: Int) -> String {
        let more = count - processes.count
        return processes.map { processName($0) }.joined(separator: ", ")
            + (more > 0 ? " and \(counted(more, "other"))" : "")
    }
}

/// The kernel's reason for dropping a packet (skb_drop_reason), with its meaning if known.
public func dropMeaning(_ reason: KernelWord) -> String {
    knownMeaning(of: reason).map { "\(reason.text), \($0)" } ?? reason.text
}

/// The meaning of a drop reason, if known: something rejected the packet, or there was no room for it.
func knownMeaning(of reason: KernelWord) -> String? {
    switch reason.text {
    case "SOCKET_FILTER": "a filter on the socket (SO_ATTACH_FILTER)"
    case "NETFILTER_DROP": "a firewall rule on this host (nftables, iptables)"
    case "TC_INGRESS": "a traffic control filter on the interface"
    case "IP_RPFILTER": "the reverse path filter: it came in on the wrong interface"
    case "IP_LOCAL_SOURCE": "it came from outside with one of this host's addresses as its source"
    case "IP_INVALID_SOURCE": "its source is not a valid sender address"
    case "IP_LOCALNET": "it came from outside with a loopback address"
    case "IP_INADDRERRORS": "it is addressed to another host, and this host does not forward it"
    case "IP_INVALID_DEST": "its destination is not a valid receiver address"
    case "IP_INNOROUTES", "IP_OUTNOROUTES": "there is no route for it"
    case "IPV6DISABLED": "IPv6 is disabled on the incoming interface"
    case "IP_INHDR": "its hop limit (TTL) was used up, or its IP header is broken"
    case "IP_CSUM": "its IP header's checksum is wrong: it was damaged on its way"
    case "TCP_CSUM": "its checksum is wrong: it was damaged on its way"
    case "PKT_TOO_BIG": "it is larger than the MTU of the outgoing link, and may not be fragmented"
    case "NEIGH_FAILED": "the next hop does not answer ARP or neighbour discovery"
    case "NEIGH_HH_FILLFAIL": "no link header could be made for it"
    case "NEIGH_QUEUEFULL": "too many packets already wait for the next hop's link address (ARP, neighbour discovery)"
    case "TC_EGRESS": "a traffic control filter on the outgoing interface"
    case "BPF_CGROUP_EGRESS": "an eBPF program of its process's control group"
    case "SECURITY_HOOK": "a security module"
    case "XFRM_POLICY": "an IPsec policy"
    case "TCP_MD5NOTFOUND": "the socket requires an MD5 signature, and it has none"
    case "TCP_MD5UNEXPECTED": "it has an MD5 signature, and the socket has no key for it"
    case "TCP_MD5FAILURE": "its MD5 signature is wrong"
    case "TCP_AONOTFOUND": "the socket requires a TCP-AO signature, and it has none"
    case "TCP_AOUNEXPECTED", "TCP_AOKEYNOTFOUND": "it has a TCP-AO signature, and the socket has no key for it"
    case "TCP_AOFAILURE": "its TCP-AO signature is wrong"
    case "TCP_LISTEN_OVERFLOW": "the accept queue is full"
    case "RECURSION_LIMIT": "it looped through this host's tunnels: one sends into another"
    case "SKB_GSO_SEG": "it could not be cut into segments for the interface"
    case "PSP_INPUT", "PSP_OUTPUT": "its PSP encryption does not match its connection"
    case "NOMEM", "PFMEMALLOC": "this host is short of memory"
    case "SOCKET_RCVBUFF", "PROTO_MEM": "no memory for it: the receive buffer is full"
    case "SOCKET_BACKLOG": "the process had the socket locked, and its backlog was full"
    default: nil
    }
}
