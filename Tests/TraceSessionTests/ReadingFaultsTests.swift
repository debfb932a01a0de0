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
                "1 row of the kernel's lists of sockets was not understood, and left out: what it is of looks as if it had no"
                    + " socket",
                "2 rows of the kernel's lists of sockets were left out for a state that is not known here, a newer kernel's:"
                    + " what they are of looks as if it had no socket",
                "3 lists of the kernel's sockets changed while they were read, each time anew: a socket may be missing there,"
                    + " and its state not be confirmed",
                "the sockets of 4 processes could not be listed: a connection without a process may be theirs",
                "5 kernel events were not understood: states and reasons may be missing",
            ])
        faults.hiddenProcesses = 1
        #expect(faults.sentences[3].hasPrefix("the sockets of 1 process could"))
    }
}
