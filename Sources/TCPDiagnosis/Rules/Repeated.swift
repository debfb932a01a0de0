// Rules about segments that were sent again or came late, from the statistics' account of each.

import TCPModel
import TCPTimeline

extension Rule {
    /// What nothing shows to have been needless counts as lost, and so does what fills a hole and was sent after what is behind
    /// that: its first copy did not come as far as the capture. SYNs that stay unanswered are another finding's.
    static let retransmission = Rule(.retransmission) { c in
        guard c.isOver, let statistics = c.statistics, c.connection.outcome != .noAnswer else { return nil }
        // A SYN that was sent again because of what another finding tells was not lost on the way.
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
                // What asked for it were ACKs, if they were not captured.
                (.other, statistics.hears(side.other) ? "early" : "for a reason that is not in this capture"),
            ]
            if isSynTold { kinds.removeFirst() }
            let early = direction.count(.lostBeforeCapture)
            let resized = direction.count(.pathMTU)
            let named =
                kinds.filter { direction.count($0.0) > 0 }.map { "\(direction.count($0.0)) \($0.1)" }
                + (early > 0 ? ["\(early) lost before the capture"] : [])
            // Those that were needless have their kinds, too.
            let spurious = direction.spurious - (isSynTold ? direction.spuriousOpenings : 0)
            let all = count + spurious
            // What a network card cuts up is one frame here. The octets are those of all that was sent again.
            let octets = direction.repeatedBytes
            let isLarge = octets > UInt64(all) * 1460 && all == direction.retransmissions
            let what = isLarge ? "\(counted(all, "frame")) with \(octets) octets" : counted(all, "segment")
            return
                "\(c.name(side)) sent \(what) again (\(named.joined(separator: ", ")))"
                + (spurious > 0 ? ", \(spurious) of them though the first copy had arrived" : "")
                + (direction.longestBackoff > 1 ? ", \(direction.longestBackoff) timeouts in a row" : "")
                // No loss, and among those that the line of statistics counts.
                + (resized > 0 ? "; \(resized) more in smaller segments, for the path's MTU" : "")
                + c.dropWords(c.repeatedForDropped(side, count) ? side : side.other)
        }
    }

    /// RFC 8985 7: the last segment again, to provoke an ACK.
    static let tailLossProbe = Rule(.tailLossProbe) { c in
        guard c.isOver, let statistics = c.statistics else { return nil }
        return Verdict.ofBoth(c, \.tailProbe, { statistics[$0].harmlessProbes }) { side, count in
            // RFC 1122 4.2.3.2: an ACK is delayed by less than 0.5 s, and then is on its way.
            let longestDelay = statistics[side].roundTrip.maximum + 500 * Span.millisecond
            return
                "\(c.name(side)) sent its last segment again to provoke an ACK (\(counted(count, "tail loss probe"))): "
                + (c.file[side].tailProbeWait <= longestDelay
                    ? "nothing was lost, the peer only delayed its ACK"
                    : count == 1
                        ? "it had arrived, and its ACK was lost" : "it had arrived, and its ACK was delayed or lost")
        }
    }

    /// RFC 2883, RFC 3522.
    static let spuriousRetransmission = Rule(.spuriousRetransmission) { c in
        guard c.isOver, let statistics = c.statistics else { return nil }
        return Verdict.ofBoth(
            c, \.needless, { statistics[$0].spurious - min(statistics[$0].spurious, statistics[$0].harmlessProbes) }
        ) {
            side, count in
            "\(c.name(side)) sent \(counted(count, "segment")) again though the first \(count == 1 ? "copy" : "copies") had arrived:"
                + " the ACK was late or lost\(c.dropWords(side))"
        }
    }

    /// RFC 4737.
    static let reordering = Rule(.reordering) { c in
        guard c.isOver, let statistics = c.statistics else { return nil }
        return Verdict.ofBoth(c, \.reordered, { statistics[$0].count(.reordered) }) { side, count in
            "\(counted(count, "segment")) of \(c.name(side)) arrived after later ones: reordered on the path, not lost"
        }
    }
}

extension Verdict {
    /// A verdict about whichever sides a count is not 0 for, with the first segment that shows it and a clause for each.
    static func ofBoth(
        _ c: Circumstances, _ sighting: KeyPath<SideRecord, Sighting>, _ number: (Side) -> UInt32,
        _ clause: (Side, UInt32) -> String
    ) -> Verdict? {
        // Nearly always there are none: no list is made to find that out.
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
    /// Whether nothing was captured between the client's SYNs. Where ACKs are not in the capture, only that shows that an earlier one
    /// was lost: it may have been the answer to anything else, and a FIN that was sent again needless.
    fileprivate var isAskedInVain: Bool {
        file[.originator].synsAfterAnswer == 0 && !file[.originator].firstReset.isSeen
    }

    /// Whether all that a side repeated was its SYN-ACK, because a rule dropped the ACK of it: what was dropped was for itself.
    fileprivate func repeatedForDropped(_ side: Side, _ count: UInt32) -> Bool {
        side == .responder && statistics?[side].count(.opening) == count && trace(side)?.dropReason == .netfilterDrop
    }
}
