// Sets of states that a timeline's rules test, with the sections of RFC 9293 that define them.

import TCPModel

extension TCPState {
    /// Whether nothing more happens to an endpoint in this state: there is no connection,
    /// or it only waits for 2 MSL (3.3.2, 3.6.1).
    var isOver: Bool {
        switch self {
        case .closed, .timeWait, .listen: true
        case .unseen, .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: false
        }
    }

    /// Whether a RST can still end it: there is a connection to abort (3.5.3, 3.10.5), and it is not over.
    var canBeReset: Bool {
        switch self {
        case .unseen, .closed, .listen, .timeWait: false
        case .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: true
        }
    }

    /// Whether the three-way handshake is under way (3.5).
    var isOpening: Bool {
        switch self {
        case .synSent, .synReceived: true
        case .unseen, .closed, .listen, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait:
            false
        }
    }

    /// Whether exactly one of the two FINs has been sent, as this endpoint sees it (3.6).
    var hasOneFIN: Bool {
        switch self {
        case .finWait1, .finWait2, .closeWait: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .closing, .lastAck, .timeWait: false
        }
    }

    /// Whether both FINs have been sent, as this endpoint sees it (3.6).
    var hasBothFINs: Bool {
        switch self {
        case .closing, .lastAck, .timeWait: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait: false
        }
    }

    /// Whether a silent end on this host should have its socket: it waits for its program, or for an ACK. FIN-WAIT-2
    /// may have timed out (Linux's tcp_fin_timeout), and a single segment ends CLOSING and LAST-ACK (3.3.2).
    var shouldHaveSocket: Bool {
        switch self {
        case .established, .closeWait, .finWait1: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .finWait2, .closing, .lastAck, .timeWait: false
        }
    }

    /// Whether text may still arrive at an endpoint: the peer's FIN has not (3.6).
    var mayTakeText: Bool {
        switch self {
        case .closeWait, .closing, .lastAck, .timeWait: false
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait1, .finWait2: true
        }
    }

    /// Whether Linux reports by an event that a socket in this state ends, by a segment or a timer. FIN-WAIT-2 without
    /// an owner continues as a small socket, which has no events.
    var endIsTold: Bool {
        switch self {
        case .established, .finWait1, .closeWait, .closing, .lastAck: true
        case .unseen, .closed, .listen, .synSent, .synReceived, .finWait2, .timeWait: false
        }
    }

    /// The synchronized states, in which an endpoint answers a SYN with an ACK of what it has (3.5.2, group 3;
    /// 3.10.7.4, fourth check).
    var isSynchronized: Bool {
        switch self {
        case .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait: true
        case .unseen, .closed, .listen, .synSent, .synReceived: false
        }
    }
}
