// The numbers of states and sources in a file.

import TCPModel

extension TCPState {
    /// The state with this number: Linux's own (programs such as ss(8) rely on these), or 0 for an unknown state; nil
    /// if there is no such state.
    init?(fileNumber: UInt8) {
        guard fileNumber > 0 else {
            self = .unseen
            return
        }
        // Each of the other states has a single number.
        guard let state = TCPState(linuxNumber: UInt64(fileNumber)), state.linuxNumber == fileNumber else { return nil }
        self = state
    }

    /// The state's number in a file.
    var fileNumber: UInt8 { linuxNumber }
}

extension KernelSource {
    /// The source with this number; nil if there is no such source.
    init?(fileNumber: UInt8) {
        switch fileNumber {
        case 0: self = .proc
        case 1: self = .sockDiag
        case 2: self = .tracepoint
        default: return nil
        }
    }

    /// The source's number in a file.
    var fileNumber: UInt8 {
        switch self {
        case .proc: 0
        case .sockDiag: 1
        case .tracepoint: 2
        }
    }
}
