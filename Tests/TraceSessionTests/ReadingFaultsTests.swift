// Gaps in what is known of the kernel are reported at the end, with their meaning for the output.

import TCPModel
import Testing

@testable import TraceSession

@Suite struct ReadingFaultsTests {
    @Test func nothingIsToldWhereNothingIsMissing() {
        var faults = ReadingFaults()
        #expect(faults.isEmpty && faults.sentences.isEmpty)
        // These faults are reported when they happen.
        (faults.sockDiagFailures, faults.failedReadings, faults.lostEvents) = (1, 1, 1)
        #expect(!faults.isEmpty && faults.sentences.isEmpty)
    }

    @Test func eachFaultSaysWhatItMeans() {
        var faults = ReadingFaults()
        (faults.malformedRows, faults.unknownStates, faults.incompleteLists) = (1, 2, 3)
        (faults.hiddenProcesses, faults.malformedEvents) = (4, 5)
        #expect(
            faults.sentences == [
                "1 row of the kernel's socket lists was not understood and left out: its connection looks as if it had no"
                    + " socket",
                "2 rows of the kernel's socket lists were left out for a state that only a newer kernel has:"
                    + " their connections look as if they had no socket",
                "3 lists of the kernel's sockets changed in every attempt to read them: a socket may be missing there,"
                    + " so its state is not confirmed",
                "the sockets of 4 processes could not be listed: connections without a process may belong to them",
                "5 kernel events were not understood: states and reasons may be missing",
            ])
        faults.hiddenProcesses = 1
        #expect(faults.sentences[3].hasPrefix("the sockets of 1 process could"))
    }
}
