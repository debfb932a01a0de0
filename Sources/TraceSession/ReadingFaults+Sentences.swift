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
                "\(counted(malformedRows, "row")) of the kernel's socket lists \(were(malformedRows)) not understood and left out:"
                    + " \(malformedRows == 1 ? "its connection looks" : "their connections look") as if \(malformedRows == 1 ? "it" : "they") had no socket"
            )
        }
        if unknownStates > 0 {
            sentences.append(
                "\(counted(unknownStates, "row")) of the kernel's socket lists \(were(unknownStates)) left out for a state that only a"
                    + " newer kernel has: \(unknownStates == 1 ? "its connection looks" : "their connections look") as if \(unknownStates == 1 ? "it" : "they") had no socket"
            )
        }
        if incompleteLists > 0 {
            sentences.append(
                "\(counted(incompleteLists, "list")) of the kernel's sockets changed in every attempt to read \(incompleteLists == 1 ? "it" : "them"):"
                    + " a socket may be missing there, so its state is not confirmed")
        }
        if hiddenProcesses > 0 {
            sentences.append(
                "the sockets of \(hiddenProcesses == 1 ? "1 process" : "\(hiddenProcesses) processes") could not be listed:"
                    + " connections without a process may belong to them")
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
