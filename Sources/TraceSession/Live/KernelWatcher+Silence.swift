// The closing remarks of a live trace on connections that it did not see.

import KernelSockets
import TCPModel
import TCPTimeline

extension KernelWatcher {
    /// Sentences for standard error on what was not captured, from the kernel's events and tables. Failed calls are
    /// always reported, everything else only if no connection was seen, or none of the command's.
    ///
    /// - Parameters:
    ///   - hasConnections: whether any connection was captured.
    ///   - end: the time after which calls are not part of the trace; nil if all are.
    ///   - change: the changes of the host's counters.
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
