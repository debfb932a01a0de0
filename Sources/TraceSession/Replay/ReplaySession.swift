// Replay as a command: the chosen report, fed by one thread or by several.

import Glibc
import TCPModel
import TimelineReport

/// Reads capture files and reports on them.
public enum ReplaySession {
    /// How long an ended connection waits for late segments, in nanoseconds of the capture's clock: Linux's TIME-WAIT.
    static let linger = 60 * Span.second

    /// Reads `options.files` in order and writes the report to standard output.
    ///
    /// - Returns: the exit code: 0, or 1 when a file could not be read to its end or the results could not be written;
    ///   everything before the fault has been reported.
    public static func run(_ options: TraceOptions, _ output: TraceOutput) -> Int32 {
        switch output {
        case .timeline(let report): tell(options, report)
        case .table(let report): run(options, report)
        case .json(let report): tell(options, report)
        case .zeek(let report): run(options, report)
        case .csv(let report): run(options, report)
        case .count(let report): run(options, report)
        }
    }

    /// Divided by flows, unless the end depends on what the connections do, findings are wanted, or a limit was set, which is one
    /// for all flows.
    private static func run<Report: PartitionedReport>(_ options: TraceOptions, _ report: Report) -> Int32 {
        if options.connectionLimit != nil || !options.failOn.isEmpty || options.trackedLimit != nil {
            return tell(options, report)
        }
        return feed(options, DividedReplay(report: report, options, workers: workers(options)))
    }

    private static func tell<Report: TraceReport>(_ options: TraceOptions, _ report: Report) -> Int32 {
        feed(options, TellingReplay(report, options, workers: workers(options)))
    }

    private static func workers(_ options: TraceOptions) -> Int {
        options.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    private static func feed<Consumer: ReplayConsumer & ~Copyable>(
        _ options: TraceOptions, _ consumer: consuming Consumer
    ) -> Int32 {
        // A closed pipe is answered by write(2), not by a signal.
        signal(SIGPIPE, SIG_IGN)
        guard let signals = SignalWait([SIGINT, SIGTERM, SIGHUP, SIGUSR1]) else {
            complain("signals: \(describeErrno(errno))")
            return 1
        }
        var run = ReplayRun(options, signals)
        let status = run.readAll(&consumer)
        return run.finish(&consumer, status)
    }
}
