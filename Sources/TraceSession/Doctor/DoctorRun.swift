// `tcptrace doctor`: what this machine permits, and what each absence costs.

import Glibc
import KernelSockets
import TimelineReport

/// Runs `tcptrace doctor`.
public enum DoctorRun {
    /// Output formats of the checks.
    public enum Format: String, Sendable {
        /// Text for the terminal.
        case text
        /// JSON, one object per line.
        case json
    }

    /// Checks everything and writes the results to standard output. Changes nothing: whatever is opened as a trial is
    /// closed again.
    /// - Returns: the exit code: 0, or 1 if no live trace is possible here (or standard output failed).
    public static func run(_ format: Format, width: Int) -> Int32 {
        let capture = DoctorCapture.checks()
        let checks =
            capture.checks + DoctorKernel.checks() + DoctorTranslation.checks() + DoctorTracing.checks()
            + DoctorProcesses.checks()
            + DoctorSettings.checks() + DoctorInterfaces.checks()
        var buffer = OutputBuffer()
        let report = DoctorReport(width: width)
        switch format {
        case .text: report.append(text: checks, to: &buffer)
        case .json: report.append(json: checks, at: wallClockNow(), to: &buffer)
        }
        let status = StandardStreams.writeResults(&buffer)
        return status != 0 || !capture.isPossible ? 1 : 0
    }
}
