// RSTs that break off a handshake, and who sent the SYN.

import TCPMachine
import TCPModel
import TCPTimeline

extension Circumstances {
    /// A RST during the handshake.
    func brokenOff(_ side: Side) -> Verdict {
        tooLate(side) ?? unasked(side)
            ?? Verdict(
                side: side, message: "\(name(side)) broke off the handshake with RST", frames: [file[side].reset])
    }

    /// The client's program ran out of patience before the answer came, which its kernel then answers with a RST.
    private func tooLate(_ side: Side) -> Verdict? {
        let answer = file[.responder].lastSyn
        guard side == .originator, let ownTimeout, let closed = trace(side)?.openingClosed, answer.time > closed.time
        else { return nil }
        return Verdict(
            side: side,
            message:
                "\(processName(closed.by)) closed the client's socket of its own accord \(words(ownTimeout)) after its SYN, and the answer came"
                + " \(words(answer.time.since(closed.time))) later: \(latenessWords); its kernel broke off the handshake with RST",
            frames: [file[.originator].syn, answer, file[side].reset],
            evidence: ownTimeoutEvidence + openingDropEvidence)
    }

    /// The client's host does not know the connection that the SYN-ACK answers: its RST has no ACK (RFC 9293 3.10.7.1),
    /// unlike an abort's. Port scanners send their SYNs past the kernel, which then answers for them.
    private func unasked(_ side: Side) -> Verdict? {
        let record = file[side]
        guard side == .originator, !record.resetHadAck, record.resetAnswers.isSeen,
            record.resetAnswers.frame == file[.responder].lastSyn.frame
        else { return nil }
        let frames = [record.syn, record.resetAnswers, record.reset]
        guard let trace = trace(side), trace.resetReason == .noSocket else {
            return Verdict(
                side: side,
                message:
                    "the client's host answered with RST, because it has no such connection: the program had given up, or its kernel did not"
                    + " send the SYN (a port scanner did, from a raw socket, or it was forged)", frames: frames)
        }
        // It had a socket when the SYN was sent.
        guard trace.transitions == 0 else { return nil }
        return Verdict(
            side: side,
            message:
                "no socket of this host sent the SYN, so it came from a raw socket, as port scanners' do, or was forged: the kernel answered"
                + " the SYN-ACK with RST", frames: frames, evidence: resetEvidence(side))
    }
}
