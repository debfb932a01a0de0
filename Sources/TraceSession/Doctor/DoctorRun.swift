// `tcptrace doctor`: what this machine allows, and what each absence costs.

import Glibc
import TimelineReport

/// Runs `tcptrace doctor`.
public enum DoctorRun {
    /// How the findings are written.
    public enum Format: String, Sendable {
        /// Lines for people.
        case text
        /// One object a line.
        case json
    }

    /// Looks at everything and writes it to standard output. Changes nothing: what it opens to try is closed again.
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
