// Remarks on a segment from what both endpoints knew before it: retransmission, keep-alive, duplicate ACK and so on.

import TCPMachine
import TCPModel

extension SegmentNotes {
    /// The notes of `segment`, sent by `sender` to `receiver`, before either has taken it in.
    static func analyse(
        _ segment: Segment, sender: EndpointMachine, receiver: EndpointMachine, sent own: SideCounters,
        received peer: SideCounters, fillsHole: Bool
    ) -> SegmentNotes {
        var notes: SegmentNotes = []
        let flags = segment.flags
        let isPlain = !flags.hasAny(.synFinRst)
        if segment.window == 0 && isPlain && flags.has(.ack) { notes.insert(.zeroWindow) }
        guard sender.knowsSendSequence, !flags.has(.rst) else { return notes }

        let isProbe =
            isPlain && segment.payloadLength <= 1
            && segment.sequence == sender.sendNext.advanced(by: .max) && sender.state != .synSent
        if isProbe {
            notes.insert(peer.lastWindow == 0 && peer.packets > 0 ? .windowProbe : .keepAlive)
            return notes
        }
        if segment.sequenceLength > 0 {
            if segment.sequence.isBefore(sender.sendNext) {
                // The first SYN-ACK of a simultaneous open repeats the SYN's number, but it is no retransmission.
                if fillsHole {
                    notes.insert(.fillsHole)
                } else if !flags.has([.syn, .ack]) || sender.hasSentSynAck {
                    notes.insert(.retransmission)
                }
            } else if segment.sequence.isAfter(sender.sendNext) && !flags.has(.syn) {
                notes.insert(.hole)
            }
        } else if segment.isPureAck && own.hasPlainWindow && segment.acknowledgment == own.lastAck {
            noteRepeatedAck(segment, sender: sender, receiver: receiver, own, &notes)
        }
        return notes
    }

    private static func noteRepeatedAck(
        _ segment: Segment, sender: EndpointMachine, receiver: EndpointMachine, _ own: SideCounters,
        _ notes: inout SegmentNotes
    ) {
        guard segment.sequence == sender.sendNext, sender.state != .synReceived else { return }
        if segment.window != own.lastWindow {
            notes.insert(.windowUpdate)
        } else if receiver.knowsSendSequence && receiver.sendNext.isAfter(segment.acknowledgment) {
            notes.insert(.duplicateAck)
        } else {
            notes.insert(.probeAck)
        }
    }
}
