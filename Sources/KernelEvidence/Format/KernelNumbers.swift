// The numbers that states and sources have in a file.

import TCPModel

extension TCPState {
    /// Linux's numbers by place (include/net/tcp_states.h), which programs such as ss(8) rely on; 0 is none of Linux's.
    private static let numbered: [TCPState] = [
        .unseen, .established, .synSent, .synReceived, .finWait1, .finWait2, .timeWait, .closed, .closeWait, .lastAck,
        .listen,
        .closing,
    ]

    /// The state with this number; nil if there is none.
    init?(fileNumber: UInt8) {
        guard Int(fileNumber) < Self.numbered.count else { return nil }
        self = Self.numbered[Int(fileNumber)]
    }

    /// Its number.
    var fileNumber: UInt8 {
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

extension KernelSource {
    /// The source with this number; nil if there is none.
    init?(fileNumber: UInt8) {
        switch fileNumber {
        case 0: self = .proc
        case 1: self = .sockDiag
        case 2: self = .tracepoint
        default: return nil
        }
    }

    /// Its number.
    var fileNumber: UInt8 {
        switch self {
        case .proc: 0
        case .sockDiag: 1
        case .tracepoint: 2
        }
    }
}
