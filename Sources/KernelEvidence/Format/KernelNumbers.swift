// The numbers that states and sources have in a file.

import TCPModel

extension TCPState {
    /// The state with this number, which is Linux's (programs such as ss(8) rely on them), or 0 where nothing is known; nil if there is
    /// none.
    init?(fileNumber: UInt8) {
        guard fileNumber > 0 else {
            self = .unseen
            return
        }
        // The others have one number each.
        guard let state = TCPState(linuxNumber: UInt64(fileNumber)), state.linuxNumber == fileNumber else { return nil }
        self = state
    }

    /// Its number.
    var fileNumber: UInt8 { linuxNumber }
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
