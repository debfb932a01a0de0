// Which of Zeek's letters a segment adds to its connection's history.

import TCPMachine
import TCPModel

extension HotPart {
    /// Adds a segment's letters. `isNoted`: it was dropped at first, and the letters that every
    /// segment of its kind adds are there already.
    mutating func noteHistory(
        _ segment: Segment, _ side: Side, _ notes: SegmentNotes, _ rare: inout RarePart,
        senderBefore: EndpointBefore, isFirst: Bool, isNoted: Bool = false
    ) {
        let flags = segment.flags
        let isOriginator = side == .originator
        let own = Int(side.rawValue)
        if isFirst && !isOriginator { history.appendFlip() }
        if isOriginator && (flags.has(.ack) || flags.has(.fin)) && !flags.has(.rst) {
            facts.insert(.originatorMoreThanSyn)
        }
        noteControlLetters(segment, side, &rare, senderBefore: senderBefore)
        let carriesText = segment.payloadLength > 0 && !notes.contains(.keepAlive)
        // Zeek's `d` is for segments without SYN, FIN and RST; for one of those,
        // the flag's letter stands for the segment.
        if carriesText && !flags.hasAny(.synFinRst) {
            history.appendOnce(ConnectionHistory.data, bit: 1, originator: isOriginator)
        } else if segment.isPureAck {
            history.appendOnce(ConnectionHistory.ack, bit: 0, originator: isOriginator)
        }
        if flags.has(.fin) && !flags.hasAny([.syn, .rst]) && !senderBefore.hasSentFin && !isNoted {
            history.append(ConnectionHistory.fin, originator: isOriginator)
        }
        if segment.window == 0 && !flags.has(.rst) && !isNoted && zeek.heedsWindow(ofOriginator: isOriginator) {
            if rare.sides[own].zeroWindows < .max { rare.sides[own].zeroWindows += 1 }
            if ConnectionHistory.isRecorded(occurrence: UInt32(rare.sides[own].zeroWindows)) {
                history.append(ConnectionHistory.zeroWindow, originator: isOriginator)
            }
        }
        if notes.contains(.retransmission) {
            if !carriesText {
                if rare.sides[own].controlRetransmissions < .max { rare.sides[own].controlRetransmissions += 1 }
            } else if ConnectionHistory.isRecorded(
                occurrence: sides[own].retransmissions &- UInt32(rare.sides[own].controlRetransmissions))
            {
                history.append(ConnectionHistory.retransmission, originator: isOriginator)
            }
        }
    }

    /// Adds the letters of a segment with SYN or RST.
    private mutating func noteControlLetters(
        _ segment: Segment, _ side: Side, _ rare: inout RarePart, senderBefore: EndpointBefore
    ) {
        let flags = segment.flags
        let isOriginator = side == .originator
        let own = Int(side.rawValue)
        if flags.has([.fin, .rst]) {
            history.appendOnce(ConnectionHistory.finReset, bit: 2, originator: isOriginator)
        } else if flags.has(.syn) && flags.hasAny([.fin, .rst]) {
            history.appendOnce(ConnectionHistory.multiFlag, bit: 3, originator: isOriginator)
        } else if flags.has(.syn) {
            let isKnown = senderBefore.knowsInitialSequence && senderBefore.iss == segment.sequence
            if flags.has(.ack) {
                // Each letter repeats independently: a SYN-ACK after a SYN with the same number is a simultaneous open.
                let mark: Connection.Facts = isOriginator ? .originatorSynAck : .responderSynAck
                if !isKnown || !facts.contains(mark) {
                    history.append(ConnectionHistory.synAck, originator: isOriginator)
                }
                facts.insert(mark)
            } else if !isKnown || isOriginator && !facts.contains(.synSeen) {
                // If the number is known only from the peer's SYN-ACK, no SYN was seen:
                // the two came in the opposite order.
                history.append(ConnectionHistory.syn, originator: isOriginator)
            }
        } else if flags.has(.rst) {
            if rare.sides[own].lastReset != segment.sequence {
                history.append(ConnectionHistory.reset, originator: isOriginator)
            }
            rare.sides[own].lastReset = segment.sequence
        }
    }
}
