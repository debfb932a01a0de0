// Rules about segments that were retransmitted or arrived late, based on the statistics' classification of each.

import TCPModel
import TCPTimeline

extension Rule {
    /// Retransmissions count as losses unless something shows that they were needless. So do segments that fill a hole
    /// and were sent after later ones: their first copy was lost before the capture. Unanswered SYNs have a finding of
    /// their own.
    static let retransmission = Rule(.retransmission) { c in
        guard c.isOver, let statistics = c.statistics, c.connection.outcome != .noAnswer else { return nil }
        // A SYN that was retransmitted because of what another finding reports was not lost on the way.
        let isSynTold =
            c.staleChallenge != nil || !c.found.isDisjoint(with: [.acceptQueueFull, .synAckLost, .acceptDeferred])
        func losses(_ side: Side) -> UInt32 {
            if c.lacksPlain {
                return isSynTold || side == .responder || !c.isAskedInVain ? 0 : statistics[side].lostOpenings
            }
            return statistics[side].lost(openings: !isSynTold)
        }
        return Verdict.ofBoth(c, \.repeated, losses) { side, count in
            let direction = statistics[side]
            var kinds: [(RetransmissionKind, String)] = [
                (.opening, "opening"), (.fast, "fast"), (.timeout, "after a timeout"),
                (.timeoutOrProbe, "after a timeout or as a probe"), (.timeoutRecovery, "following a timeout"),
                (.tailLossProbe, "as a probe"),
                // What triggered it were ACKs, which the capture may lack.
                (.other, statistics.hears(side.other) ? "early" : "for a reason that is not in this capture"),
            ]
            if isSynTold { kinds.removeFirst() }
            let early = direction.count(.lostBeforeCapture)
            let resized = direction.count(.pathMTU)
            let named =
                kinds.filter { direction.count($0.0) > 0 }.map { "\(direction.count($0.0)) \($0.1)" }
                + (early > 0 ? ["\(early) lost before the capture"] : [])
            // The counts by kind include needless ones.
            let spurious = direction.spurious - (isSynTold ? direction.spuriousOpenings : 0)
            let all = count + spurious
            // Segments split by a network card are a single frame here. The octets are those of all retransmissions.
            let octets = direction.repeatedBytes
            let isLarge = octets > UInt64(all) * 1460 && all == direction.retransmissions
            let what = isLarge ? "\(counted(all, "frame")) with \(octets) octets" : counted(all, "segment")
            return
                "\(c.name(side)) retransmitted \(what) (\(named.joined(separator: ", ")))"
                + (spurious > 0 ? ", \(spurious) of them although the first copy had arrived" : "")
                + (direction.longestBackoff > 1 ? ", \(direction.longestBackoff) timeouts in a row" : "")
                // These are not losses, but the line of statistics counts them.
                + (resized > 0 ? "; \(resized) more in smaller segments, to fit the path's MTU" : "")
                // The clause about the server names the cause of both.
                + (side == .originator && c.repeatedForDropped(.responder, losses(.responder))
                    ? "" : c.dropWords(c.repeatedForDropped(side, count) ? side : side.other))
        }
    }

    /// RFC 8985 7: the last segment is sent again to provoke an ACK.
    static let tailLossProbe = Rule(.tailLossProbe) { c in
        guard c.isOver, let statistics = c.statistics else { return nil }
        return Verdict.ofBoth(c, \.tailProbe, { statistics[$0].harmlessProbes }) { side, count in
            // RFC 1122 4.2.3.2: an ACK is delayed by less than 0.5 s, plus its time on the way.
            let longestDelay = statistics[side].roundTrip.maximum + 500 * Span.millisecond
            return
                "\(c.name(side)) retransmitted its last segment to provoke an ACK (\(counted(count, "tail loss probe"))): "
                + (c.file[side].tailProbeWait < c.soonestProbe
                    ? "nothing was lost; the first copy was late, and arrived just before the probe"
                    : c.file[side].tailProbeWait <= longestDelay
                        ? "nothing was lost; the peer only delayed its ACK"
                        : count == 1
                            ? "it had arrived, and its ACK was lost"
                            : "it had arrived, and its ACK was delayed or lost")
        }
    }

    /// RFC 2883, RFC 3522.
    static let spuriousRetransmission = Rule(.spuriousRetransmission) { c in
        guard c.isOver, let statistics = c.statistics else { return nil }
        return Verdict.ofBoth(
            c, \.needless, { statistics[$0].spurious - min(statistics[$0].spurious, statistics[$0].harmlessProbes) }
        ) {
            side, count in
            // Duplicate ACKs ask for a fast retransmission: no ACK was late then.
            let fast = min(count, statistics[side].spuriousFast)
            let late = "the ACK was late or lost"
            let cause =
                fast == 0
                ? late
                : "the path reordered segments further than the sender tolerates"
                    + (fast < count ? " (\(fast) fast), or \(late)" : "")
            return
                "\(c.name(side)) retransmitted \(counted(count, "segment")) although the first \(count == 1 ? "copy" : "copies") had arrived:"
                + " \(cause)\(c.dropWords(side))"
        }
    }

    /// RFC 4737.
    static let reordering = Rule(.reordering) { c in
        guard c.isOver, let statistics = c.statistics else { return nil }
        return Verdict.ofBoth(c, \.reordered, { statistics[$0].count(.reordered) }) { side, count in
            "\(counted(count, "segment")) from \(c.name(side)) arrived after later ones: reordered on the path, not lost"
        }
    }
}

extension Verdict {
    /// A verdict about each side whose count is not 0, with the first segment that shows it and a clause per side.
    static func ofBoth(
        _ c: Circumstances, _ sighting: KeyPath<SideRecord, Sighting>, _ number: (Side) -> UInt32,
        _ clause: (Side, UInt32) -> String
    ) -> Verdict? {
        // Nearly always there are none, so this check avoids building a list.
        guard number(.originator) > 0 || number(.responder) > 0 else { return nil }
        let sides = [Side.originator, .responder].filter { number($0) > 0 }
        return Verdict(
            side: sides.count == 1 ? sides[0] : nil,
            message: sides.map { clause($0, number($0)) }.joined(separator: "; "),
            frames: sides.map { c.file[$0][keyPath: sighting] },
            evidence: sides.map {
                .init($0 == .originator ? "orig_segments" : "resp_segments", .number(Int64(number($0))))
            })
    }
}

extension Circumstances {
    /// No sender probes sooner than this after its last segment (RFC 8985 7.2: about two round trips; Linux adds at
    /// least 2 ticks): if the two were captured closer together, the path delayed the first one. In nanoseconds.
    fileprivate var soonestProbe: Int64 {
        guard file.handshake.isKnown, let statistics else { return Span.millisecond }
        // The server may have been slow to answer the SYN.
        let shortest = Span.sum(
            statistics[.originator].roundTrip.minimum, statistics[.responder].roundTrip.minimum)
        return max(Span.millisecond, min(file.handshake.whole, shortest) / 2)
    }

    /// Whether nothing was captured between the client's SYNs. If the capture lacks ACKs, only this shows that the
    /// earlier SYN was lost: otherwise it may have been answered, and a retransmitted FIN may have been needless.
    fileprivate var isAskedInVain: Bool {
        file[.originator].synsAfterAnswer == 0 && !file[.originator].firstReset.isSeen
    }

    /// Whether all that a side retransmitted was its SYN-ACK, because a rule dropped the ACK for it: the dropped
    /// segments were then addressed to this side.
    fileprivate func repeatedForDropped(_ side: Side, _ count: UInt32) -> Bool {
        side == .responder && count > 0 && statistics?[side].count(.opening) == count
            && trace(side)?.dropReason == .netfilterDrop
    }
}
