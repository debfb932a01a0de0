// Replay as a command: the chosen report, fed by one or several threads.

import Glibc
import PacketSource
import TCPModel
import TimelineReport

/// Reads capture files and reports on them.
public enum ReplaySession {
    /// How long an ended connection waits for late segments, in nanoseconds of the capture's clock: Linux's TIME-WAIT.
    static let linger = 60 * Span.second

    /// Reads `options.files` in the order given by `FileOrder`, and writes the report to standard output.
    ///
    /// - Returns: the exit code: 0, or 1 if a file could not be read to its end or the results could not be written;
    ///   everything before the fault has been reported.
    public static func run(_ options: TraceOptions, _ output: TraceOutput) -> Int32 {
        if options.selectsProcesses, let complaint = complaintOfProcesses(options) {
            complain(complaint)
            return 1
        }
        switch output {
        case .timeline(let report): return tell(options, report)
        case .table(let report): return run(options, report)
        case .html(let report): return tell(options, report)
        case .mermaid(let report): return tell(options, report)
        case .json(let report): return tell(options, report)
        case .zeek(let report): return run(options, report)
        case .csv(let report): return run(options, report)
        case .count(let report): return run(options, report)
        case .nothing(let report): return run(options, report)
        }
    }

    /// Divides the replay by flows, unless connections decide when it ends, findings are wanted, a limit is set (which
    /// applies to all flows together), names are looked up (which starts with a connection's first segment), or a file
    /// has kernel records.
    private static func run<Report: PartitionedReport>(_ options: TraceOptions, _ report: Report) -> Int32 {
        let isOne =
            options.selectsProcesses || options.connectionLimit != nil || !options.failOn.isEmpty
            || options.trackedLimit != nil || options.names != nil
        if isOne || options.usesKernel && options.files.contains(where: { hasKernelRecords($0) == true }) {
            return tell(options, report)
        }
        return feed(options, DividedReplay(report: report, options, workers: workers(options)))
    }

    /// Whether a capture file has kernel records; if it has any, one precedes its first frame. Nil for a stream, which
    /// is not examined because what is read of it would be lost. Faults are reported when the file is read.
    private static func hasKernelRecords(_ path: String) -> Bool? {
        // What is read of standard input is lost, even if it is a file.
        guard path != "-", FileIdentity.isRegular(path: path),
            var reader = try? CaptureFileReader(path: path, keepsLocalBlocks: true)
        else { return nil }
        if case .localBlock? = try? reader.read(limit: 1, waitMilliseconds: 0, { _, _ in false }) { return true }
        return false
    }

    /// The reason why connections cannot be chosen by their processes; nil if they can.
    private static func complaintOfProcesses(_ options: TraceOptions) -> String? {
        guard options.files.allSatisfy({ hasKernelRecords($0) == false }) else { return nil }
        let files = options.files.map { printable($0) }.joined(separator: ", ")
        return
            "--pid and --pname: \(files) does not name the processes; a file written by a live trace does (-w, pcapng)"
    }

    private static func tell<Report: TraceReport>(_ options: TraceOptions, _ report: Report) -> Int32 {
        feed(options, EventReplay(report, options, workers: workers(options)))
    }

    private static func workers(_ options: TraceOptions) -> Int {
        options.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    private static func feed<Consumer: ReplayConsumer & ~Copyable>(
        _ options: TraceOptions, _ consumer: consuming Consumer
    ) -> Int32 {
        // A write to a closed pipe should fail with EPIPE, not raise a signal.
        signal(SIGPIPE, SIG_IGN)
        // As in a live trace.
        signal(SIGUSR2, SIG_IGN)
        guard let signals = SignalWait([SIGINT, SIGTERM, SIGHUP, SIGUSR1]) else {
            complain("signals: \(describeErrno(errno))")
            return 1
        }
        var run = ReplayRun(options, signals)
        let status = run.readAll(&consumer)
        return run.finish(&consumer, status)
    }
}
