// Replay: capture files through the pipeline, with no clock but theirs.

import CLinux
import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// Reads capture files and reports on them.
public enum ReplaySession {
    /// How long an ended connection waits for late segments, in nanoseconds of the capture's clock: Linux's TIME-WAIT.
    static let linger = 60 * Span.second
    /// Output is written when this many octets have gathered.
    static let writeSize = 1 << 16
    /// Frames between two looks at signals and expired connections.
    static let batch = 4096

    /// Reads `options.files` in order and writes the report to standard output.
    ///
    /// - Returns: the exit code: 0, or 1 when a file could not be read to its end or the results could not be written;
    ///   everything before the fault has been reported.
    public static func run(_ options: TraceOptions, _ output: TraceOutput) -> Int32 {
        switch output {
        case .timeline(let report): run(options, report: report)
        case .table(let report): run(options, report: report)
        case .json(let report): run(options, report: report)
        case .zeek(let report): run(options, report: report)
        case .csv(let report): run(options, report: report)
        case .count(let report): run(options, report: report)
        }
    }

    private static func run<Report: TraceReport>(_ options: TraceOptions, report: Report) -> Int32 {
        // A closed pipe is answered by write(2), not by a signal.
        signal(SIGPIPE, SIG_IGN)
        guard let signals = SignalWait([SIGINT, SIGTERM, SIGHUP, SIGUSR1]) else {
            complain("signalfd: \(describeErrno(errno))")
            return 1
        }
        var pipeline = TracePipeline(report: report, isLive: false, failOn: options.failOn)
        var replay = Replay(options: options)
        let status = replay.readAll(&pipeline, signals)
        return replay.finish(&pipeline, status)
    }
}

/// The state of one run.
private struct Replay: ~Copyable {
    let options: TraceOptions
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    private var description: CaptureDescription
    private var isStopped = false
    private var outputStatus: Int32?

    init(options: TraceOptions) {
        self.options = options
        description = CaptureDescription(
            file: nil, interfaces: [], snapshotLength: nil, filter: options.effectiveFilter, tool: TraceOptions.tool)
    }

    mutating func readAll<Report: TraceReport>(
        _ pipeline: inout TracePipeline<Report>, _ signals: borrowing SignalWait
    ) -> Int32 {
        var status: Int32 = 0
        for (index, path) in options.files.enumerated() where !isStopped {
            do throws(TraceError) {
                try read(path, isFirst: index == 0, &pipeline, signals)
            } catch {
                complain(error.explanation(command: "", executable: ""))
                status = 1
            }
        }
        return status
    }

    private mutating func read<Report: TraceReport>(
        _ path: String, isFirst: Bool, _ pipeline: inout TracePipeline<Report>, _ signals: borrowing SignalWait
    ) throws(TraceError) {
        var reader: CaptureFileReader
        do { reader = try CaptureFileReader(path: path) } catch { throw .file(error) }
        let interfaces = reader.interfaces
        describe(path, interfaces)
        var filter: FilterSet?
        if !options.filter.isEmpty {
            do {
                filter = try FilterSet(options.filter, linkType: interfaces.first?.linkType ?? .ethernet)
            } catch { throw .capture(error) }
        }
        var writer: CaptureWriter?
        if let output = options.output {
            do {
                writer = try CaptureWriter(path: output, application: TraceOptions.tool, notOver: reader.identity)
            } catch { throw .output(error) }
        }
        if isFirst { pipeline.report.begin(description, at: nil, &pipeline.out) }
        var dropped: UInt64 = 0
        defer { flush(&pipeline) }
        var writeError: CaptureWriteError?
        var copier = FrameCopier(interfaces: interfaces)
        while !isStopped {
            let limit = options.packetLimit
            var isFull = false
            let progress: CaptureFileReader.Progress
            do throws(CaptureFileError) {
                progress = try reader.read(limit: ReplaySession.batch, waitMilliseconds: 100) { header, bytes in
                    pipeline.frame &+= 1
                    if filter != nil, filter?.matches(header, bytes) == false { return true }
                    if options.output != nil {
                        do throws(CaptureWriteError) {
                            try copier.copy(header, bytes, to: &writer)
                        } catch {
                            writeError = error
                            return false
                        }
                    }
                    pipeline.take(header, bytes, frame: pipeline.frame)
                    if let limit, pipeline.counts.captured >= limit {
                        isFull = true
                        return false
                    }
                    return true
                }
            } catch {
                throw .file(error)
            }
            if let writeError { throw .output(writeError) }
            if reader.droppedFrames > dropped {
                pipeline.noteGap(reader.droppedFrames - dropped)
                dropped = reader.droppedFrames
            }
            expire(&pipeline)
            if pipeline.out.count >= ReplaySession.writeSize { flush(&pipeline) }
            if isFull || hasEnoughConnections(pipeline.endedCount) { isStopped = true }
            look(signals, pipeline.counts.captured, reader.bytesRead, reader.size)
            if progress == .end { break }
        }
        if writer != nil {
            do throws(CaptureWriteError) { try writer?.close() } catch { throw .output(error) }
        }
    }

    private func hasEnoughConnections(_ ended: UInt64) -> Bool {
        options.connectionLimit.map { ended >= $0 } ?? false
    }

    private mutating func describe(_ path: String, _ interfaces: [CaptureInterface]) {
        if description.file == nil { description.file = path }
        description.interfaces = interfaces.map {
            CaptureDescription.Interface(name: $0.name ?? "", linkType: $0.linkType)
        }
        description.snapshotLength = interfaces.first.map { Int($0.snapshotLength) }
        var line = "reading from file \(printable(path))"
        if let first = interfaces.first {
            line += ", link-type \(first.linkType.name) (\(first.linkType.summary))"
            line += ", snapshot length \(first.snapshotLength)"
        }
        if !options.filter.isEmpty { line += ", filter \"\(printable(options.filter))\"" }
        complain(line)
    }

    private mutating func expire<Report: TraceReport>(_ pipeline: inout TracePipeline<Report>) {
        guard let now = pipeline.lastTime else { return }
        while let id = pipeline.timeline.nextExpired(at: now, linger: ReplaySession.linger) {
            pipeline.finish(id, nil)
            pipeline.timeline.retire(id)
        }
    }

    private mutating func look(
        _ signals: borrowing SignalWait, _ captured: UInt64, _ bytes: UInt64, _ size: UInt64?
    ) {
        guard let signal = signals.next() else { return }
        if signal == SIGUSR1 {
            let share = size.map { $0 > 0 ? " (\(bytes * 100 / $0)%)" : "" } ?? ""
            complain("\(captured) packets read\(share)")
        } else {
            isStopped = true
            signals.standDown()
        }
    }

    private mutating func flush<Report: TraceReport>(_ pipeline: inout TracePipeline<Report>) {
        guard outputStatus == nil else { return pipeline.out.clear() }
        do throws(ResultOutputError) {
            try output.write(&pipeline.out)
        } catch {
            isStopped = true
            switch error {
            case .closedPipe: outputStatus = 0
            case .failed(let code):
                complain("standard output: \(describeErrno(code))")
                outputStatus = 1
            }
        }
    }

    mutating func finish<Report: TraceReport>(_ pipeline: inout TracePipeline<Report>, _ status: Int32) -> Int32 {
        for id in pipeline.timeline.remaining() where outputStatus == nil {
            pipeline.finish(id, nil)
            if pipeline.out.count >= ReplaySession.writeSize { flush(&pipeline) }
        }
        pipeline.report.end(description, pipeline.counts, at: pipeline.lastTime, &pipeline.out)
        flush(&pipeline)
        let connections = pipeline.timeline.connectionCount
        if outputStatus == nil && status == 0 || pipeline.counts.captured > 0 {
            complain(
                "\(pipeline.counts.captured) packets read, \(connections) connection\(connections == 1 ? "" : "s") traced"
            )
            for sentence in tallySentences(pipeline.finalTally) { complain(sentence) }
        }
        let result = outputStatus.map { $0 == 0 ? status : $0 } ?? status
        return result == 0 && pipeline.hasFailed(options.failOn) ? TraceOptions.failedStatus : result
    }
}
