// The rules of RFC 9293 that move an endpoint, by name and section, and a few rules of our own.

/// Why a transition happened: a rule of RFC 9293, or one of ours where the wire shows what the RFC leaves to the host.
public enum RFCRule: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// The user opened actively: a SYN was sent (3.10.1).
    case activeOpen
    /// A listener got a SYN and answered it (3.10.7.2, third check).
    case listenSyn
    /// SYN-SENT got SYN and an acceptable ACK (3.10.7.3, fourth check).
    case synSentSynAck
    /// SYN-SENT got a SYN without ACK: simultaneous open (3.10.7.3, fourth check).
    case synSentSyn
    /// SYN-SENT got an acceptable RST: connection refused (3.10.7.3, second check).
    case synSentReset
    /// SYN-RECEIVED got a RST: back to LISTEN if it was opened passively, else refused (3.10.7.4, second check).
    case synReceivedReset
    /// A synchronized state got a RST with exactly the next sequence number (3.10.7.4, second check; RFC 5961 3.2).
    case reset
    /// SYN-RECEIVED got the ACK of its SYN (3.10.7.4, fifth check).
    case synReceivedAck
    /// FIN-WAIT-1 got the ACK of its FIN (3.10.7.4, fifth check).
    case finWait1Ack
    /// CLOSING got the ACK of its FIN (3.10.7.4, fifth check).
    case closingAck
    /// LAST-ACK got the ACK of its FIN (3.10.7.4, fifth check).
    case lastAckAck
    /// The peer's FIN arrived (3.10.7.4, eighth check).
    case fin
    /// The user closed: a FIN was sent (3.10.4).
    case closeCall
    /// The user aborted, or the host has no such connection: a RST was sent (3.10.5, 3.10.7.1).
    case abort
    /// TIME-WAIT ran out (3.10.8).
    case timeWaitTimeout
    /// The kernel reports that the socket is gone, although no segment explains
    /// it (3.10.8 user timeout, orphan timers).
    case kernelClosed
    /// An ICMP error ended the attempt to open (3.9.2.2 for hard errors; Linux does so for soft ones too).
    case icmpError
    /// Ours: the capture began too late to see how this state was entered.
    case midstream
    /// Ours: a later segment, or the kernel, proves that something unseen happened (a lost frame, a one-sided capture).
    case evidence
    /// Ours: a later segment, or the kernel, proves that an inferred transition did not happen.
    case retraction

    /// A stable id for programs: the section of RFC 9293 and the rule, or just the name of a rule of ours.
    public var id: StaticString {
        switch self {
        case .activeOpen: "3.10.1-active-open"
        case .listenSyn: "3.10.7.2-syn"
        case .synSentSynAck: "3.10.7.3-syn-ack"
        case .synSentSyn: "3.10.7.3-syn"
        case .synSentReset: "3.10.7.3-rst"
        case .synReceivedReset: "3.10.7.4-rst-syn-received"
        case .reset: "3.10.7.4-rst"
        case .synReceivedAck: "3.10.7.4-ack-syn-received"
        case .finWait1Ack: "3.10.7.4-ack-fin-wait-1"
        case .closingAck: "3.10.7.4-ack-closing"
        case .lastAckAck: "3.10.7.4-ack-last-ack"
        case .fin: "3.10.7.4-fin"
        case .closeCall: "3.10.4-close"
        case .abort: "3.10.5-abort"
        case .timeWaitTimeout: "3.10.8-time-wait"
        case .kernelClosed: "kernel-closed"
        case .icmpError: "3.9.2.2-icmp"
        case .midstream: "midstream"
        case .evidence: "evidence"
        case .retraction: "retraction"
        }
    }
}
