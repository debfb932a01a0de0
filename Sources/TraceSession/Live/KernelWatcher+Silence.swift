// What the end of a live trace says of connections that it did not see.

import TCPModel
import TCPTimeline

extension KernelWatcher {
    /// What the kernel's events and tables tell of what was not captured, in sentences for standard error: calls that failed always, all
    /// else where no connection was seen, or none of the command's.
    ///
    /// - Parameters:
    ///   - hasConnections: whether any connection was captured.
    ///   - end: calls that began later are no part of the trace; nil = all are.
    ///   - change: what moved among the host's counters.
    func silence(
        _ options: TraceOptions, hasConnections: Bool, end: Timestamp?, _ change: HostCounterChange?
    ) -> [String] {
        let isOfCommand = family != nil
        let isSilent = isOfCommand ? !join.hasSeenCommand : !hasConnections
        let hasPorts = !portsNamed(in: options.effectiveFilter).isEmpty
        let choice = UnseenCallChoice(
            filter: options.effectiveFilter, interfaces: options.interfaces, isSilent: isSilent,
            end: end, isLocal: isLocal)
        let calls = join.unseenCalls().filter { call in
            guard isOfCommand else { return choice.tells(call) }
            return callers.here.contains(call.process?.pid ?? 0)
                && (isSilent || call.hadNoPort || call.hasFailed)
        }
        var said = UnseenCallWords.sentences(calls, now: wallClockNow(), isLocal: isLocal)
        if isOfCommand && isSilent && calls.isEmpty, let change {
            said += UnseenCallWords.sentences(noRoutes: change["IpOutNoRoutes"] + change["Ip6OutNoRoutes"])
        }
        if isOfCommand && isSilent && said.isEmpty && trace.isRunning && trace.counts.lost == 0
            && callers.here.isEmpty
        {
            said.append(
                callers.elsewhere.isEmpty
                    ? UnseenCallWords.nothingBegan(hasPorts: hasPorts) : UnseenCallWords.calledElsewhere)
        }
        guard isSilent && !isOfCommand else { return said }
        return said
            + SilentSockets.sentences(
                filter: options.effectiveFilter, interfaces: options.interfaces, besides: Set(calls.map(\.remote)))
    }
}
