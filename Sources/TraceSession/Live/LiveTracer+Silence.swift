// What the end of a live trace says of connections that it did not see.

import TCPModel
import TCPTimeline

extension LiveTracer {
    /// What the kernel's events and tables tell of what was not captured, in sentences for standard error: calls that failed always, all
    /// else where no connection was seen, or none of the command's.
    public var silence: [String] {
        guard let kernel, options.usesProcesses else { return [] }
        let isOfCommand = kernel.family != nil
        let isSilent = isOfCommand ? !kernel.join.hasSeenCommand : pipeline.timeline.connectionCount == 0
        let hasPorts = !portsNamed(in: options.effectiveFilter).isEmpty
        let choice = UnseenCallChoice(
            filter: options.effectiveFilter, interfaces: options.interfaces, isSilent: isSilent,
            end: pipeline.closedToNew, isLocal: kernel.isLocal)
        let calls = kernel.join.unseenCalls().filter { call in
            guard isOfCommand else { return choice.tells(call) }
            return kernel.callers.here.contains(call.process?.pid ?? 0)
                && (isSilent || call.hadNoPort || call.hasFailed)
        }
        var said = UnseenCallWords.sentences(calls, now: wallClockNow(), isLocal: kernel.isLocal)
        if isOfCommand && isSilent && calls.isEmpty, let change = host?.change {
            said += UnseenCallWords.sentences(noRoutes: change["IpOutNoRoutes"] + change["Ip6OutNoRoutes"])
        }
        if isOfCommand && isSilent && said.isEmpty && kernel.trace.isRunning && kernel.trace.counts.lost == 0
            && kernel.callers.here.isEmpty
        {
            said.append(
                kernel.callers.elsewhere.isEmpty
                    ? UnseenCallWords.nothingBegan(hasPorts: hasPorts) : UnseenCallWords.calledElsewhere)
        }
        guard isSilent && !isOfCommand else { return said }
        return said
            + SilentSockets.sentences(
                filter: options.effectiveFilter, interfaces: options.interfaces, besides: Set(calls.map(\.remote)))
    }
}
