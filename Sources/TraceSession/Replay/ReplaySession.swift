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
    /// Reads `options.files` in order and writes the report to standard output.
    ///
    /// - Returns: the exit code: 0, or 1 when a file could not be read to its end or the results could not be written;
    ///   everything before the fault has been reported.
    public static func run(_ options: TraceOptions, _ output: TraceOutput) -> Int32 {
        switch output {
        case .timeline(let report): run(options, stream: report)
        case .table(let report): run(options, report)
        case .json(let report): run(options, stream: report)
        case .zeek(let report): run(options, report)
        case .csv(let report): run(options, report)
        case .count(let report): run(options, report)
        }
    }

    /// Divided among threads, unless the format follows the stream, or the end depends on what the connections do.
    private static func run<Report: PartitionedReport>(_ options: TraceOptions, _ report: Report) -> Int32 {
        if options.connectionLimit != nil || !options.failOn.isEmpty { return run(options, stream: report) }
        let workers = options.workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return feed(
            options,
            DividedReplay(report: report, options, workers: workers))
    }

    private static func run<Report: TraceReport>(_ options: TraceOptions, stream report: Report) -> Int32 {
        feed(options, StreamReplay(report: report, options))
    }

    private static func feed<Consumer: ReplayConsumer & ~Copyable>(
        _ options: TraceOptions, _ consumer: consuming Consumer
    ) -> Int32 {
        // A closed pipe is answered by write(2), not by a signal.
        signal(SIGPIPE, SIG_IGN)
        guard let signals = SignalWait([SIGINT, SIGTERM, SIGHUP, SIGUSR1]) else {
            complain("signalfd: \(describeErrno(errno))")
            return 1
        }
        var replay = Replay(options: options)
        let status = replay.readAll(&consumer, signals)
        return replay.finish(&consumer, status)
    }
}

/// The state of one run.
private struct Replay: ~Copyable {
    let options: TraceOptions
    private var description: CaptureDescription
    private var isStopped = false
    private var progress = ProgressLine()
    private var frame: UInt64 = 0
    /// Frames read before the batch under way.
    private var batchStart: UInt64 = 0

    init(options: TraceOptions) {
        self.options = options
        description = CaptureDescription(
            file: nil, interfaces: [], snapshotLength: nil, filter: options.effectiveFilter, tool: TraceOptions.tool)
    }

    mutating func readAll<Consumer: ReplayConsumer & ~Copyable>(
        _ consumer: inout Consumer, _ signals: borrowing SignalWait
    ) -> Int32 {
        var status: Int32 = 0
        for (index, path) in options.files.enumerated() where !isStopped {
            do throws(TraceError) {
                try read(path, isFirst: index == 0, &consumer, signals)
            } catch {
                complain(error.explanation(command: "", executable: ""))
                status = 1
            }
        }
        return status
    }

    private mutating func read<Consumer: ReplayConsumer & ~Copyable>(
        _ path: String, isFirst: Bool, _ consumer: inout Consumer, _ signals: borrowing SignalWait
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
        if isFirst { consumer.begin(description) }
        var dropped: UInt64 = 0
        var isFull = false
        // What was read before a fault counts all the same.
        defer {
            batchStart = frame
            if !consumer.endBatch(lastFrame: frame) { isStopped = true }
        }
        var writeError: CaptureWriteError?
        var copier = FrameCopier(interfaces: interfaces)
        let limit = options.packetLimit
        let writes = options.output != nil
        while !isStopped {
            let state: CaptureFileReader.Progress
            let room = ReplayDivision.batch - Int(frame - batchStart)
            do throws(CaptureFileError) {
                // Where nothing is filtered, written or counted, frames take the short way.
                if filter == nil && !writes && limit == nil {
                    var next = frame
                    defer { frame = next }
                    state = try reader.read(limit: room, waitMilliseconds: 100) { header, bytes in
                        next &+= 1
                        consumer.take(header, bytes, frame: next)
                        return true
                    }
                } else {
                    state = try reader.read(limit: room, waitMilliseconds: 100) { header, bytes in
                        frame &+= 1
                        if filter != nil, filter?.matches(header, bytes) == false { return true }
                        if writes {
                            do throws(CaptureWriteError) {
                                try copier.copy(header, bytes, to: &writer)
                            } catch {
                                writeError = error
                                return false
                            }
                        }
                        consumer.take(header, bytes, frame: frame)
                        if let limit, consumer.captured >= limit {
                            isFull = true
                            return false
                        }
                        return true
                    }
                }
            } catch {
                throw .file(error)
            }
            if let writeError { throw .output(writeError) }
            if reader.droppedFrames > dropped {
                consumer.noteGap(reader.droppedFrames - dropped)
                dropped = reader.droppedFrames
            }
            if Int(frame - batchStart) >= ReplayDivision.batch {
                batchStart = frame
                if !consumer.endBatch(lastFrame: frame) { isStopped = true }
            }
            if isFull || hasEnoughConnections(consumer.endedCount) { isStopped = true }
            look(signals, consumer.captured, reader.bytesRead, reader.size)
            if state == .end { break }
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
            // 0: the file does not say.
            if first.snapshotLength > 0 { line += ", snapshot length \(first.snapshotLength)" }
        }
        if !options.filter.isEmpty { line += ", filter \"\(printable(options.filter))\"" }
        complain(line)
    }

    private mutating func look(
        _ signals: borrowing SignalWait, _ captured: UInt64, _ bytes: UInt64, _ size: UInt64?
    ) {
        progress.show(captured, bytes, size)
        guard let signal = signals.next() else { return }
        if signal == SIGUSR1 {
            progress.clear()
            let share = size.map { $0 > 0 ? " (\(bytes * 100 / $0)%)" : "" } ?? ""
            complain("\(captured) packets read\(share)")
        } else {
            isStopped = true
            signals.standDown()
        }
    }

    mutating func finish<Consumer: ReplayConsumer & ~Copyable>(_ consumer: inout Consumer, _ status: Int32) -> Int32 {
        progress.clear()
        consumer.finish(description)
        let connections = consumer.connectionCount
        if consumer.outputStatus == nil && status == 0 || consumer.captured > 0 {
            complain(
                "\(consumer.captured) packets read, \(connections) connection\(connections == 1 ? "" : "s") traced"
            )
            if consumer.evicted > 0 {
                complain(
                    "\(consumer.evicted) connections were given up before their end: more than \(options.trackedLimit)"
                        + " at a time (--max-connections)")
            }
            for sentence in tallySentences(consumer.tally) { complain(sentence) }
        }
        let result = consumer.outputStatus.map { $0 == 0 ? status : $0 } ?? status
        return result == 0 && consumer.hasFailed ? TraceOptions.failedStatus : result
    }
}
