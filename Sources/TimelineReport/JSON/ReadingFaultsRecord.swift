// Failures to read the kernel's state, as a member of the last `capture` record.

import TCPModel

extension JSONObject {
    /// Adds `kernel_faults` with the nonzero counts, or nothing if all are 0.
    mutating func add(_ faults: ReadingFaults) {
        addObjectUnlessEmpty("kernel_faults") { object in
            func add(_ name: StaticString, _ count: some BinaryInteger) {
                if count > 0 { object.add(name, number: count) }
            }
            add("malformed_rows", faults.malformedRows)
            add("unknown_states", faults.unknownStates)
            add("incomplete_lists", faults.incompleteLists)
            add("sock_diag_failures", faults.sockDiagFailures)
            add("failed_readings", faults.failedReadings)
            add("hidden_processes", faults.hiddenProcesses)
            add("lost_events", faults.lostEvents)
            add("malformed_events", faults.malformedEvents)
        }
    }
}
