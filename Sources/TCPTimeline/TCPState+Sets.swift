// Sets of states that several files ask about.

import TCPModel

extension TCPState {
    /// Whether nothing more comes of an endpoint in this state.
    var isOver: Bool {
        switch self {
        case .closed, .timeWait, .listen: true
        case .unseen, .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: false
        }
    }
}
