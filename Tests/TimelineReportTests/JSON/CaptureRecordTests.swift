// The last record: what was counted, and the gaps in the kernel's view.

import Foundation
import TCPModel
import Testing

@testable import TimelineReport

@Suite struct CaptureRecordTests {
    private func end(_ counts: CaptureCounts) throws -> [String: Any] {
        var report = JSONReport()
        var out = OutputBuffer()
        report.end(Render.capture(), counts, at: nil, &out)
        return try #require(try JSONSerialization.jsonObject(with: Data(out.bytes)) as? [String: Any])
    }

    @Test func faultsOfReadingTheKernelThatThereAre() throws {
        var counts = CaptureCounts()
        #expect(try end(counts)["kernel_faults"] == nil)
        (counts.kernelFaults.malformedRows, counts.kernelFaults.hiddenProcesses) = (2, 7)
        #expect(try end(counts)["kernel_faults"] as? [String: Int] == ["malformed_rows": 2, "hidden_processes": 7])
        counts.kernelFaults = ReadingFaults()
        (counts.kernelFaults.unknownStates, counts.kernelFaults.incompleteLists) = (1, 2)
        (counts.kernelFaults.sockDiagFailures, counts.kernelFaults.failedReadings) = (3, 4)
        (counts.kernelFaults.lostEvents, counts.kernelFaults.malformedEvents) = (5, 6)
        #expect(
            try end(counts)["kernel_faults"] as? [String: Int] == [
                "unknown_states": 1, "incomplete_lists": 2, "sock_diag_failures": 3, "failed_readings": 4,
                "lost_events": 5,
                "malformed_events": 6,
            ])
    }
}
