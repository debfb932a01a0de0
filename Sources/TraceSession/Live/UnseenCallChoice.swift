// Which connect() calls of this host, of which no segment was captured, the end of a live trace tells.

import TCPModel
import TCPTimeline

/// The choice among them: on a busy host there are always calls that go another way than what is traced.
struct UnseenCallChoice {
    let filter: String
    /// None = all.
    let interfaces: [String]
    /// Whether no connection was captured at all.
    let isSilent: Bool
    /// Calls that began later are no part of the trace.
    var end: Timestamp?
    /// Whether this network namespace has an address.
    let isLocal: (IPAddress) -> Bool

    /// Whether the filter names ports: all that passes it is asked for.
    private var hasPorts: Bool { !portsNamed(in: filter).isEmpty }

    func tells(_ call: UnseenCall) -> Bool {
        if let end, call.began > end { return false }
        guard UnseenCallWords.passes(filter, call) else { return false }
        if call.hadNoPort { return true }
        if isSilent && (hasPorts || !call.isAnswered) { return true }
        return call.hasFailed && isLocal(call.local.address) && isExpected(call)
    }

    /// Whether its SYN should have been captured, as far as its ends tell: which interface it leaves by is not known.
    private func isExpected(_ call: UnseenCall) -> Bool {
        if interfaces.isEmpty || interfaces.contains("any") { return true }
        if isLocal(call.remote.address) { return interfaces.contains("lo") }
        return hasPorts && interfaces != ["lo"]
    }
}
