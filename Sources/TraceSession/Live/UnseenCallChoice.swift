// Selects the connect() calls without any captured segment that the end of a live trace reports.

import TCPModel
import TCPTimeline

/// The criteria. On a busy host there are always calls that take another path than the traced one.
struct UnseenCallChoice {
    let filter: String
    /// Empty = all.
    let interfaces: [String]
    /// Whether no connection was captured at all.
    let isSilent: Bool
    /// The time after which calls are not part of the trace.
    var end: Timestamp?
    /// Whether this network namespace has an address.
    let isLocal: (IPAddress) -> Bool

    /// Whether the filter names ports: then the user wants everything that passes it.
    private var hasPorts: Bool { !portsNamed(in: filter).isEmpty }

    func tells(_ call: UnseenCall) -> Bool {
        if let end, call.began > end { return false }
        guard UnseenCallWords.passes(filter, call) else { return false }
        if call.hadNoPort { return true }
        if isSilent && (hasPorts || !call.isAnswered) { return true }
        return call.hasFailed && isLocal(call.local.address) && isExpected(call)
    }

    /// Whether the call's SYN should have been captured, judging by its addresses: the interface it leaves by is
    /// unknown.
    private func isExpected(_ call: UnseenCall) -> Bool {
        if interfaces.isEmpty || interfaces.contains("any") { return true }
        if isLocal(call.remote.address) { return interfaces.contains("lo") }
        return hasPorts && interfaces != ["lo"]
    }
}
