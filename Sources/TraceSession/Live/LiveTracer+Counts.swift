// The counts of a live trace, as lines for standard error.

import KernelSockets
import TCPModel
import TCPTimeline

extension LiveTracer {
    /// The kernel's counters that changed during the trace, as lines for standard error; empty before the end.
    public var hostCounters: [String] {
        guard isFinished, let change = host?.change else { return [] }
        return hostLines(change, all: options.tellsAllCounters)
    }

    /// `-v`: how often sock_diag failed; nil if it never did.
    public var sockDiagFailures: String? {
        guard options.tellsAllCounters, let count = kernel?.faults.sockDiagFailures, count > 0 else { return nil }
        return "\(counted(count, "time")) sock_diag failed, and /proc/net/tcp was read"
    }

    /// `-v`: how many kernel events were read, were lost, and belong to no captured connection; nil without
    /// tracepoints.
    public var kernelCounts: String? {
        guard options.tellsAllCounters, let kernel, kernel.trace.isRunning else { return nil }
        let counts = kernel.trace.counts
        let joined = kernel.join.traceCounts
        return "\(counts.read) kernel events read, \(counts.lost) lost,"
            + (counts.withheld.map { " \($0) withheld by the kernel," } ?? "")
            + " \(joined.attached) joined, \(joined.unattached) unattached, \(joined.unknownDrops) drops of unknown sockets"
            + (counts.damaged > 0 ? ", \(counts.damaged) not understood" : "")
    }

    /// Sentences for standard error on connections given up early, captured frames that are not TCP, frames that were
    /// not written as they were captured, and what could not be learned from the kernel.
    public var tally: [String] {
        let remarks =
            switch output {
            case .some(let output): output.remarks
            case nil: [String]()
            }
        return forgotten.sentences(limit: options.liveTrackedLimit) + tallySentences(pipeline.tally) + remarks
            + (kernel?.faults.sentences ?? [])
    }

    /// Sentences for standard error on what was not captured, from the kernel's events and tables.
    public var silence: [String] {
        guard options.usesProcesses else { return [] }
        return kernel?.silence(
            options, hasConnections: pipeline.timeline.connectionCount > 0, end: pipeline.closedToNew, host?.change)
            ?? []
    }
}
