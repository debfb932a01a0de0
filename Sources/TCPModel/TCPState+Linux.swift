// Linux's numbers for TCP states (include/net/tcp_states.h), as used by /proc, sock_diag, tracepoints and our own
// records.

extension TCPState {
    /// The state with this number in Linux, or nil for a number that Linux does not define. 12 is NEW_SYN_RECV, a
    /// request that is not a full socket yet; /proc shows it as 3.
    public init?(linuxNumber: UInt64) {
        switch linuxNumber {
        case 1: self = .established
        case 2: self = .synSent
        case 3, 12: self = .synReceived
        case 4: self = .finWait1
        case 5: self = .finWait2
        case 6: self = .timeWait
        case 7: self = .closed
        case 8: self = .closeWait
        case 9: self = .lastAck
        case 10: self = .listen
        case 11: self = .closing
        default: return nil
        }
    }

    /// Linux's number of the state; 0, which Linux does not use, for `unseen`.
    public var linuxNumber: UInt8 {
        switch self {
        case .unseen: 0
        case .established: 1
        case .synSent: 2
        case .synReceived: 3
        case .finWait1: 4
        case .finWait2: 5
        case .timeWait: 6
        case .closed: 7
        case .closeWait: 8
        case .lastAck: 9
        case .listen: 10
        case .closing: 11
        }
    }
}
