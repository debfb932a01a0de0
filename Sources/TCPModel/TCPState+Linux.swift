// The numbers that Linux has for states (include/net/tcp_states.h): /proc and sock_diag, tracepoints and our own records have them.

extension TCPState {
    /// The state that Linux numbers so, or nil for a number that it does not list. 12 is NEW_SYN_RECV, a request that is no full socket
    /// yet: /proc shows it as 3.
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

    /// Linux's number; 0, which is none of Linux's, where nothing is known.
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
