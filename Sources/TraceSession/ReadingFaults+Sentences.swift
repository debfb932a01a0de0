// Failures to read the kernel's state, as sentences for standard error; each says what the failure means for the
// output.

import TCPModel

extension ReadingFaults {
    /// The sentences; empty without a fault. Failures of sock_diag, readings that neither source delivered, and lost
    /// events are not among them: those are reported when they happen.
    var sentences: [String] {
        var sentences: [String] = []
        if malformedRows > 0 {
            sentences.append(
                "\(counted(malformedRows, "row")) of the kernel's lists of sockets \(were(malformedRows)) not understood, and left out:"
                    + " what \(malformedRows == 1 ? "it is" : "they are") of looks as if it had no socket")
        }
        if unknownStates > 0 {
            sentences.append(
                "\(counted(unknownStates, "row")) of the kernel's lists of sockets \(were(unknownStates)) left out for a state that is"
                    + " not known here, a newer kernel's: what \(unknownStates == 1 ? "it is" : "they are") of looks as if it had no socket"
            )
        }
        if incompleteLists > 0 {
            sentences.append(
                "\(counted(incompleteLists, "list")) of the kernel's sockets changed while \(incompleteLists == 1 ? "it was" : "they were")"
                    + " read, each time anew: a socket may be missing there, and its state not be confirmed")
        }
        if hiddenProcesses > 0 {
            sentences.append(
                "the sockets of \(hiddenProcesses == 1 ? "1 process" : "\(hiddenProcesses) processes") could not be listed:"
                    + " a connection without a process may be theirs")
        }
        if malformedEvents > 0 {
            sentences.append(
                "\(counted(malformedEvents, "kernel event")) \(were(malformedEvents)) not understood: states and reasons may be missing"
            )
        }
        return sentences
    }

    private func were(_ count: some BinaryInteger) -> String { count == 1 ? "was" : "were" }
}
