// The line after a connection's closing line: round trips, retransmissions with their reasons, closed windows. Only
// what is present.

import TCPModel
import TCPTimeline

/// Writes the line, or nothing if it would be empty.
func writeStatistics(
    _ statistics: ConnectionStatistics, _ connection: Connection, layout: TimelineLayout, prefix: UInt64?,
    _ out: inout OutputBuffer
) {
    let start = out.count
    if let prefix {
        out.append(number: prefix)
        out.append("| ")
    }
    out.append("  ")
    let margin = out.count - start
    appendRoundTrips(statistics, &out)
    for side in [Side.originator, .responder] {
        let words: StaticString =
            connection.isSelfConnect ? "socket" : side.roleName
        appendRetransmissions(
            statistics[side], words, showsLosses: statistics.showsLosses(of: side),
            separator: out.count - start > margin, &out)
        appendWindow(statistics[side], words, connection.lastTime, separator: out.count - start > margin, &out)
        appendBeyondWindow(statistics[side], words, separator: out.count - start > margin, &out)
    }
    guard out.count - start > margin else { return out.truncate(to: start) }
    out.fold(from: start, to: layout.width, margin: margin)
    out.newline()
}

private func appendRoundTrips(_ statistics: ConnectionStatistics, _ out: inout OutputBuffer) {
    let sides = [(Side.originator, " >" as StaticString), (.responder, " <")].filter { side, _ in
        statistics[side].roundTrip.count > 0 && statistics.measuresRoundTrips(of: side)
    }
    guard !sides.isEmpty else { return }
    out.append("RTT")
    for (side, arrow) in sides {
        let tally = statistics[side].roundTrip
        out.append(" ")
        out.append(span: tally.minimum)
        if tally.count > 1 {
            out.append("..")
            out.append(span: tally.maximum)
        }
        out.append(arrow)
    }
}

/// Appends the retransmissions with their reasons and, if the receiver's ACKs were captured, how many of them made up
/// for a loss.
private func appendRetransmissions(
    _ direction: DirectionStatistics, _ who: StaticString, showsLosses: Bool, separator: Bool, _ out: inout OutputBuffer
) {
    // A retransmitted SYN has its own rows and, if it stays unanswered, an outcome. Segments that fill a hole and were
    // sent after later ones count as retransmissions.
    let early = direction.count(.lostBeforeCapture)
    let total = direction.retransmissions - direction.count(.opening) + early
    let late = direction.count(.reordered)
    guard total > 0 || late > 0 else { return }
    if separator { out.append(", ") }
    out.append(who)
    if total > 0 {
        out.append(" sent ")
        out.append(number: total)
        out.append(" again (")
        let kinds: [(RetransmissionKind, StaticString)] = [
            (.fast, "fast"), (.timeout, "RTO"), (.timeoutOrProbe, "RTO or probe"), (.timeoutRecovery, "after RTO"),
            (.tailLossProbe, "loss probe"),
            (.acknowledged, "acked before"), (.pathMTU, "path MTU"), (.fastOpen, "not taken with SYN"),
            (.other, "other"),
        ]
        var isFirst = true
        for (kind, name) in kinds where direction.count(kind) > 0 {
            if !isFirst { out.append(", ") }
            isFirst = false
            out.append(number: direction.count(kind))
            out.append(" ")
            out.append(name)
        }
        if early > 0 {
            if !isFirst { out.append(", ") }
            out.append(number: early)
            out.append(" before the capture")
        }
        out.append(")")
        if showsLosses || direction.count(.pathMTU) >= total {
            out.append(": ")
            appendLosses(direction, of: total, &out)
        }
    }
    if late > 0 {
        out.append(total > 0 ? ", " : " ")
        out.append(number: late)
        out.append(" reordered")
    }
}

private func appendLosses(_ direction: DirectionStatistics, of total: UInt32, _ out: inout OutputBuffer) {
    let lost = direction.lost(openings: false)
    let spurious = direction.spurious - direction.spuriousOpenings
    if direction.count(.pathMTU) >= total {
        out.append("too big for the path")
    } else if lost == 0 {
        // The ACK for it may have been lost.
        let isProbe = direction.harmlessProbes >= spurious
        out.append(
            isProbe ? "nothing was lost" : total == 1 ? "the first copy had arrived" : "the first copies had arrived")
    } else {
        out.append(number: lost)
        out.append(" lost")
        if spurious > 0 {
            out.append(", ")
            out.append(number: spurious)
            out.append(" not needed")
        }
    }
}

private func appendBeyondWindow(
    _ direction: DirectionStatistics, _ who: StaticString, separator: Bool, _ out: inout OutputBuffer
) {
    guard direction.beyondWindowBytes > 0 else { return }
    if separator { out.append(", ") }
    out.append(who)
    out.append(" sent ")
    out.append(number: direction.beyondWindowBytes)
    out.append(" B beyond the window, dropped")
}

private func appendWindow(
    _ direction: DirectionStatistics, _ who: StaticString, _ end: Timestamp, separator: Bool, _ out: inout OutputBuffer
) {
    guard direction.closedWindow.episodes > 0 else { return }
    if separator { out.append(", ") }
    out.append(who)
    out.append("'s window was 0 for ")
    out.append(span: direction.closedWindow.total(until: end))
    if direction.closedWindow.episodes > 1 {
        out.append(" (")
        out.append(number: direction.closedWindow.episodes)
        out.append(" times)")
    }
}
