// A live trace as a command: signals, standard output, and tcpdump's lines on standard error.

import Glibc
import PacketSource
import TCPModel
import TimelineReport

/// Traces live until a signal or a limit.
public enum LiveSession {
    /// Traces, and writes the report to standard output.
    ///
    /// - Parameters:
    ///   - command: the command line as typed, for the remedies in error messages.
    ///   - executable: the program's file, for the same messages.
    /// - Returns: the exit code: 0, also after Ctrl-C and when the reader of the output has gone; else 1.
    public static func run(
        _ options: TraceOptions, _ output: TraceOutput, command: String, executable: String
    ) -> Int32 {
        switch output {
        case .timeline(let report): run(options, report: report, command, executable)
        case .table(let report): run(options, report: report, command, executable)
        case .html(let report): run(options, report: report, command, executable)
        case .mermaid(let report): run(options, report: report, command, executable)
        case .json(let report): run(options, report: report, command, executable)
        case .zeek(let report): run(options, report: report, command, executable)
        case .csv(let report): run(options, report: report, command, executable)
        case .count(let report): run(options, report: report, command, executable)
        case .nothing(let report): run(options, report: report, command, executable)
        }
    }

    private static func run<Report: TraceReport>(
        _ options: TraceOptions, report: Report, _ typed: String, _ executable: String
    ) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        // On this signal tcpdump flushes the file of `-w`. Here it is flushed already, and a script that sends it must
        // not end the trace.
        signal(SIGUSR2, SIG_IGN)
        guard
            let signals = SignalWait(
                [SIGINT, SIGTERM, SIGHUP, SIGUSR1] + (options.fitsTerminal ? [SIGWINCH, SIGCONT] : []))
        else {
            complain("signals: \(describeErrno(errno))")
            return 1
        }
        do throws(TraceError) {
            let namesProcesses = options.usesKernel && options.usesProcesses
            let plan = try PrivilegePlan.make(name: options.user, kept: namesProcesses ? .owners : [])
            let owner = plan.user.map { CaptureWriter.Owner(user: $0.user, group: $0.group) }
            var tracer = try LiveTracer(options, report: report, owner: owner)
            var command: TracedCommand?
            if !options.command.isEmpty {
                command = try TracedCommand(options.command, plan: plan)
                if let pid = command?.pid { tracer.follow(pid) }
                if let descriptor = command?.fileDescriptor { tracer.wake(on: descriptor) }
            }
            // From here on nothing is opened that needs a privilege: frames may now arrive, and they are hostile.
            try plan.carryOut()
            try command?.run()
            for line in tracer.listeningLines { complain(line) }
            if let announcement = plan.announcement { complain(announcement) }
            for sentence in missingPowers(namesProcesses: namesProcesses) { complain(sentence) }
            tracer.wake(on: signals.fileDescriptor)
            let status = trace(&tracer, &command, signals)
            // A failure of our own takes precedence; otherwise the exit code is the command's, as with strace.
            if status != 0 || options.command.isEmpty { return status }
            if let code = command?.exitCode() { return code }
            complain("\(printable(options.command[0])) still runs")
            return 0
        } catch {
            complain(error.explanation(command: typed, executable: executable))
            return error.exitCode
        }
    }

    /// Standard output, the current exit code, and the number of warnings printed.
    private struct Results {
        private let output = OutputPump(descriptor: STDOUT_FILENO)
        var status: Int32 = 0
        private var warned = 0

        /// Prints warnings that have not been printed. Called as early as possible, but also after a failed step and at
        /// the end, which may add some.
        mutating func tellWarnings<Report: TraceReport>(_ tracer: borrowing LiveTracer<Report>) {
            for warning in tracer.warnings.dropFirst(warned) { complain(warning) }
            warned = tracer.warnings.count
        }

        /// Writes the tracer's output; returns whether that succeeded.
        mutating func write<Report: TraceReport>(_ tracer: inout LiveTracer<Report>, isLast: Bool = false) -> Bool {
            do throws(ResultOutputError) {
                let output = output
                try tracer.withOutput { buffer throws(ResultOutputError) in try output.write(&buffer) }
                if isLast { try output.finish() }
                return true
            } catch {
                if case .failed(let code) = error {
                    complain("standard output: \(describeErrno(code))")
                    status = 1
                }
                return false
            }
        }
    }

    private static func trace<Report: TraceReport>(
        _ tracer: inout LiveTracer<Report>, _ command: inout TracedCommand?, _ signals: borrowing SignalWait
    ) -> Int32 {
        var results = Results()
        var isReading = true
        do throws(TraceError) {
            results.tellWarnings(tracer)
            isReading = try follow(&tracer, &command, signals, &results)
            signals.standDown()
            try tracer.finish()
        } catch {
            if !error.isClosedPipe {
                complain(error.explanation())
                results.status = 1
            }
            try? tracer.finish()
        }
        results.tellWarnings(tracer)
        if isReading { _ = results.write(&tracer, isLast: true) }
        // The user was told when the interface went away.
        if tracer.hasNoInterface { results.status = 1 }
        sumUp(&tracer)
        return results.status == 0 && !tracer.unwantedFindings.isEmpty ? TraceOptions.failedStatus : results.status
    }

    /// Traces and writes until a limit, a signal or the command's end; returns whether the output still has a reader.
    private static func follow<Report: TraceReport>(
        _ tracer: inout LiveTracer<Report>, _ command: inout TracedCommand?, _ signals: borrowing SignalWait,
        _ results: inout Results
    ) throws(TraceError) -> Bool {
        while !tracer.isDone {
            guard results.write(&tracer) && !StandardStreams.hasLostReader(STDOUT_FILENO) else { return false }
            try tracer.step(waitMilliseconds: 100)
            results.tellWarnings(tracer)
            collectEnded(&command, &tracer)
            if command?.isOver(hasOpenConnections: tracer.hasOpenConnectionOfCommand) == true { break }
            guard let signal = signals.next() else { continue }
            // A process that is stopped or in the background is not notified of a change of the size.
            if signal == SIGWINCH || signal == SIGCONT {
                if let columns = terminalSize()?.columns { tracer.fit(columns: columns) }
            } else if signal == SIGUSR1 {
                complain(countsLine(&tracer))
            } else {
                break
            }
        }
        return true
    }

    /// Prints the summary on standard error.
    private static func sumUp<Report: TraceReport>(_ tracer: inout LiveTracer<Report>) {
        for line in endLines(&tracer) + tracer.overview.sentences { complain(plain: line) }
        for sentence in tracer.tally + tracer.silence { complain(sentence) }
        for sentence in tracer.unattributed.sentences { complain(sentence) }
        for line in tracer.hostCounters { complain(plain: line) }
        if let sentence = tracer.unmetChoice ?? tracer.overview.unmet(tracer.options.selection) { complain(sentence) }
        if let sentence = tracer.options.names?.sentence { complain(sentence) }
        for sentence in tracer.unwantedFindings { complain(sentence) }
    }

    /// Collects the command and its orphans if they have ended. An ended process's descriptor stays readable and would
    /// wake us up forever.
    private static func collectEnded<Report: TraceReport>(
        _ command: inout TracedCommand?, _ tracer: inout LiveTracer<Report>
    ) {
        guard let ended = command?.collectEnded() else { return }
        tracer.remember(ofCommand: ended.orphans)
        if ended.isCommand, let descriptor = command?.fileDescriptor { tracer.sleep(through: descriptor) }
    }

    /// The single line that tcpdump prints on SIGUSR1.
    private static func countsLine<Report: TraceReport>(_ tracer: inout LiveTracer<Report>) -> String {
        endLines(&tracer).joined(separator: ", ")
    }

    /// tcpdump's lines at the end, followed by our own.
    private static func endLines<Report: TraceReport>(_ tracer: inout LiveTracer<Report>) -> [String] {
        let (captured, statistics, connections) = tracer.counts()
        func count(_ number: UInt64, _ what: String) -> String { "\(counted(number, "packet")) \(what)" }
        // The kernel counts a loopback frame when it leaves and when it arrives; libpcap delivers only one of the two.
        let twice = tracer.countsTwice && statistics.received > captured ? " (lo counts each packet twice)" : ""
        var lines = [
            count(captured, "captured"), count(statistics.received, "received by filter") + twice,
            count(statistics.droppedByKernel, "dropped by kernel"),
        ]
        if statistics.droppedByInterface > 0 {
            lines.append(count(statistics.droppedByInterface, "dropped by interface"))
        }
        if let counts = tracer.kernelCounts { lines.append(counts) }
        if let failures = tracer.sockDiagFailures { lines.append(failures) }
        return lines + [
            tracedText(
                connections, translated: tracer.translatedCount, tracer.isFinished ? tracer.overview : nil,
                tracer.options.selection)
        ]
    }
}
