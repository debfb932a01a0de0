// Routers behind the capture that cannot forward a segment, and report it (RFC 792, RFC 1191).

import TCPModel

/// A fault of the path from one simulated end to the other.
enum SimulatedPath: Equatable {
    /// No host or router there answers.
    case unreachable
    /// It forwards segments with at most this many octets of text.
    case narrow(UInt32)

    func forwards(_ segment: SimulatedSegment) -> Bool {
        switch self {
        case .unreachable: false
        case .narrow(let octets): segment.length <= octets
        }
    }

    /// The code of the ICMP error (type 3).
    var code: UInt8 {
        switch self {
        case .unreachable: 1
        case .narrow: 4
        }
    }
}

extension SimulatedEndpoint {
    /// Processes an error about a segment with this number, as Linux does (`tcp_v4_err`).
    mutating func receive(_ error: SimulatedPath, about sequence: SequenceNumber) {
        switch error {
        case .unreachable:
            guard sequence == iss, unacknowledged == iss else { return }
            if state == .synSent { return end(.unreachable) }
            if state == .synReceived && host.listens {
                end(.unreachable)
                state = .listen
            }
        case .narrow(let octets):
            guard octets < segmentSize, state != .closed, state != .listen else { return }
            segmentSize = octets
            if unacknowledged != highest {
                repeatOldest(afterTimeout: false)
                mark(.narrowPath, from: 0)
            }
        }
    }
}
