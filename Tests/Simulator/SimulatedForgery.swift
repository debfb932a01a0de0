// Segments that a third party sends in the name of a simulated end (RFC 5961 1).

import TCPModel

/// A forged segment.
struct SimulatedForgery {
    enum Number {
        /// The number that the peer expects: sent by a third party on the path, who sees everything.
        case exact
        /// A number in the peer's window.
        case inWindow
        /// Any number.
        case blind
    }

    let isReset: Bool
    let number: Number
    /// Whether the segment passes the capture.
    let isCaptured: Bool
    private let offset: UInt32

    init(_ random: inout Chance) {
        isReset = !random.isOne(of: 4)
        // A SYN with any other number would look like another connection's.
        number = isReset ? [.exact, .inWindow, .blind][Int(random.next(below: 3))] : .inWindow
        isCaptured = !random.isOne(of: 4)
        offset = UInt32(random.next(below: number == .blind ? 1 << 32 : 700)) | 1
    }

    /// The segment, in the name of `sender`, for `receiver`; nil if there is no connection to disturb.
    func segment(from sender: SimulatedEndpoint, to receiver: SimulatedEndpoint) -> SimulatedSegment? {
        guard receiver.irs == sender.iss, receiver.isAlive, sender.isAlive else { return nil }
        let sequence = number == .exact ? receiver.receiveNext : receiver.receiveNext.advanced(by: offset)
        if isReset {
            return SimulatedSegment(
                flags: .rst, sequence: sequence, acknowledgment: SequenceNumber(0), length: 0, window: 0)
        }
        return SimulatedSegment(flags: .syn, sequence: sequence, acknowledgment: SequenceNumber(0), length: 0)
    }
}

extension SimulatedEndpoint {
    fileprivate var isAlive: Bool {
        switch state {
        case .unseen, .closed, .listen, .synSent, .timeWait: false
        case .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: true
        }
    }
}
