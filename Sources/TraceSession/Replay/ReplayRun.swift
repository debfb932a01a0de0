// One replay from its first file to its last line: which frames come next, and when to stop.

import Glibc
import KernelSockets
import PacketSource
import TCPModel
import TimelineReport

/// The state of one replay.
struct ReplayRun: ~Copyable {
    /// Nanoseconds between two checks of a pausing stream, and the minimum time between two displays of what is known.
    private static let pause = Span.second / 10
    /// For a running capture: the time after its latest frame from which on nothing more is due to be shown soon, in
    /// nanoseconds.
    private static let settling = ReportedQueue.recordedLinger + Span.second

    private let options: TraceOptions
    private let signals: SignalWait
    /// The description for the report, from the first file that could be opened.
    private var description: CaptureDescription
    /// The output of `-w`, opened with the first file.
    private var output: OutputCapture?
    private var interfaces = InterfaceNumbers()
    /// Whether the report has not yet been informed of some interfaces.
    private var hasNewInterfaces = false
    private var progress = ProgressLine()
    private var isBegun = false
    private var isStopped = false
    /// Whether the output was refused before anything was read.
    private var isRefused = false
    private var frame: UInt64 = 0
    /// Frames lost by the capturing programs, according to the files.
    private var lost: UInt64 = 0
    /// Kernel records that were not copied to the output.
    private var recordsNotCopied: UInt64 = 0
    /// The number of frames read before the current batch.
    private var batchStart: UInt64 = 0
    /// When results were last shown because a stream paused, and the number of frames read by then.
    private var shown: (frame: UInt64, time: Int64) = (.max, 0)
    /// The clock of the file being read, if it is a stream.
    private var clock = StreamClock()
    private var ends = FileEnds()

    init(_ options: TraceOptions, _ signals: consuming SignalWait) {
        self.options = options
        self.signals = signals
        description = CaptureDescription(
            file: nil, interfaces: [], snapshotLength: nil, filter: options.effectiveFilter, tool: TraceOptions.tool)
    }

    /// Reads all files to their ends, or until no more is wanted.
    ///
    /// - Returns: the exit code: 1 if a file could not be read to its end, or if writing frames failed.
    mutating func readAll<Consumer: ReplayConsumer & ~Copyable>(_ consumer: inout Consumer) -> Int32 {
        var status: Int32 = 0
        for path in FileOrder.byTime(options.files) where !isStopped {
            do throws(TraceError) {
                guard var input = try open(path, &consumer) else { break }
                try begin(input, &consumer)
                try read(&input, &consumer)
            } catch {
                status = max(status, fail(error))
            }
        }
        do throws(CaptureWriteError) { try output?.close() } catch { status = max(status, fail(.output(error))) }
        return status
    }

    /// Reports an error and returns the exit code. If the output cannot be written, no further file is read.
    private mutating func fail(_ error: TraceError) -> Int32 {
        progress.clear()
        if case .output = error {
            isStopped = true
            isRefused = !isBegun
        }
        if error.isClosedPipe { return 0 }
        complain(error.explanation())
        return 1
    }

    /// Opens a file; nil if a signal arrived before a stream had its header.
    private mutating func open<Consumer: ReplayConsumer & ~Copyable>(
        _ path: String, _ consumer: inout Consumer
    ) throws(TraceError) -> InputFile? {
        do throws(CaptureWriteError) { try output?.refuse(path) } catch { throw .output(error) }
        return try InputFile(path, filter: options.filter, keepsRecords: options.usesKernel) {
            look(consumer.captured, 0, nil)
            show(&consumer)
            return !isStopped
        }
    }

    /// Begins a file that has been opened; the first one opens the output and the report, too.
    private mutating func begin<Consumer: ReplayConsumer & ~Copyable>(
        _ input: borrowing InputFile, _ consumer: inout Consumer
    ) throws(TraceError) {
        announce(input)
        do throws(CaptureWriteError) {
            if let path = options.output, output == nil { output = try OutputCapture(path, of: options.files) }
        } catch {
            throw .output(error)
        }
        interfaces.beginFile()
        learn(of: input)
        guard !isBegun else { return }
        isBegun = true
        description.file = input.path
        description.snapshotLength = input.interfaces.first.flatMap {
            $0.snapshotLength > 0 ? Int($0.snapshotLength) : nil
        }
        consumer.begin(description)
    }

    /// Takes in interfaces that the file has described meanwhile; their frames come next.
    private mutating func learn(of input: borrowing InputFile) {
        guard input.interfaceCount > interfaces.fileCount else { return }
        let new = interfaces.learn(input.interfaces(from: interfaces.fileCount))
        guard !new.isEmpty else { return }
        output?.learn(new, areClassic: input.isClassic)
        description.interfaces += new.map { .init(name: $0.name ?? "", linkType: $0.linkType) }
        hasNewInterfaces = isBegun
    }

    /// Informs the consumer of new interface names: not one by one, as a file may have very many.
    private mutating func tellInterfaces<Consumer: ReplayConsumer & ~Copyable>(_ consumer: inout Consumer) {
        guard hasNewInterfaces else { return }
        hasNewInterfaces = false
        consumer.learn(description.interfaces)
    }

    private func announce(_ input: borrowing InputFile) {
        var line = "reading from file \(printable(input.path))"
        if let first = input.interfaces.first {
            line += ", link-type \(first.linkType.name) (\(first.linkType.summary))"
            // 0: the file does not specify it.
            if first.snapshotLength > 0 { line += ", snapshot length \(first.snapshotLength)" }
        }
        if !options.filter.isEmpty { line += ", filter \"\(printable(options.filter))\"" }
        complain(line)
    }

    /// Reads one file.
    private mutating func read<Consumer: ReplayConsumer & ~Copyable>(
        _ input: inout InputFile, _ consumer: inout Consumer
    ) throws(TraceError) {
        // What was read before a fault counts all the same.
        defer {
            endBatch(&input, &consumer)
            tell(input.rejections())
            clock = StreamClock()
            ends.end(input.path, input.latestTime)
        }
        while !isStopped {
            let before = frame
            let isFirst = input.latestTime == nil
            // With several files, the first frame of each is read alone, to check where the file begins.
            let state = try take(from: &input, &consumer, limit: isFirst && options.files.count > 1 ? 1 : .max)
            if isFirst, let begin = input.latestTime, let sentence = ends.begin(input.path, begin) { tell([sentence]) }
            if input.size == nil && frame != before, let captured = input.latestTime {
                clock.take(captured, wall: wallClockNow(), moment: monotonicNow())
            }
            learn(of: input)
            if Int(frame - batchStart) >= ReplayDivision.batch { endBatch(&input, &consumer) }
            if hasEnough(consumer) {
                isStopped = true
                try takeRecords(behindTheLastFrameOf: &input, &consumer)
            }
            look(consumer.captured, input.bytesRead, input.size)
            switch state {
            case .end: return
            case .waiting: try wait(for: input, &consumer)
            case .localBlock(let payload): try take(kernelRecord: payload, &consumer)
            case .more, .stopped: break
            }
        }
    }

    private mutating func tell(_ sentences: [String]) {
        if !sentences.isEmpty { progress.clear() }
        for sentence in sentences { complain(sentence) }
    }

    /// Delivers the waiting frames, up to the end of the batch and at most `limit`.
    private mutating func take<Consumer: ReplayConsumer & ~Copyable>(
        from input: inout InputFile, _ consumer: inout Consumer, limit: Int
    ) throws(TraceError) -> CaptureFileReader.Progress {
        let room = min(limit, ReplayDivision.batch - Int(frame - batchStart))
        // If frames are neither written nor counted, they take a shorter path.
        if output == nil && options.packetLimit == nil && options.connectionLimit == nil && interfaces.isSame {
            @inline(__always) func take(_ header: FrameHeader, _ bytes: RawSpan, _ number: UInt64) -> Bool {
                consumer.take(header, bytes, frame: number)
                return true
            }
            return try input.read(limit: room, after: &frame, take)
        }
        let (limit, connectionLimit) = (options.packetLimit ?? .max, options.connectionLimit ?? .max)
        var failure: CaptureWriteError?
        var output = output.take()
        defer { self.output = output.take() }
        let interfaces = interfaces
        let state = try input.read(limit: room, after: &frame) { header, bytes, number in
            var header = header
            header.interface = interfaces[header.interface]
            do throws(CaptureWriteError) {
                try output?.copy(header, bytes)
            } catch {
                failure = error
                return false
            }
            consumer.take(header, bytes, frame: number)
            return consumer.captured < limit && consumer.endedCount < connectionLimit
        }
        if let failure { throw .output(failure) }
        return state
    }

    /// The requested number of frames or connections has been reached (`-c`, `--connections`): kernel records before
    /// the next frame still belong to it.
    private mutating func takeRecords<Consumer: ReplayConsumer & ~Copyable>(
        behindTheLastFrameOf input: inout InputFile, _ consumer: inout Consumer
    ) throws(TraceError) {
        guard options.usesKernel else { return }
        // A frame found here does not count, and neither does a fault behind the last one.
        var passed = frame
        while case .localBlock(let payload)? = try? input.read(limit: 1, after: &passed, { _, _, _ in false }) {
            try take(kernelRecord: payload, &consumer)
        }
    }

    /// Takes in a kernel record, and copies it if all frames are copied: it covers all connections, and a user who
    /// selects some of them may not want to pass on the rest.
    private mutating func take<Consumer: ReplayConsumer & ~Copyable>(
        kernelRecord payload: [UInt8], _ consumer: inout Consumer
    ) throws(TraceError) {
        if output != nil {
            if options.filter.isEmpty && options.usesProcesses {
                do throws(CaptureWriteError) { try output?.copy(kernelRecord: payload) } catch { throw .output(error) }
            } else {
                recordsNotCopied += 1
            }
        }
        consumer.take(kernelRecord: payload)
    }

    /// Ends a batch: it has its full number of frames, or the file has ended. Batch boundaries depend on the frames
    /// alone, and not on the speed at which they arrive, and so do the results.
    private mutating func endBatch<Consumer: ReplayConsumer & ~Copyable>(
        _ input: inout InputFile, _ consumer: inout Consumer
    ) {
        let missing = input.takeLosses()
        if missing > 0 { consumer.noteGap(missing) }
        lost &+= missing
        output?.note(lost: lost)
        batchStart = frame
        tellInterfaces(&consumer)
        if !consumer.endBatch(lastFrame: frame) { isStopped = true }
    }

    /// A stream has no data at the moment: shows what is known so far, and waits for more or for a signal.
    private mutating func wait<Consumer: ReplayConsumer & ~Copyable>(
        for input: borrowing InputFile, _ consumer: inout Consumer
    ) throws(TraceError) {
        clock.rest(moment: monotonicNow())
        if show(&consumer) {
            do throws(CaptureWriteError) { try output?.flush() } catch { throw .output(error) }
        }
        guard !isStopped else { return }
        signals.wait(milliseconds: Int32(Self.pause / Span.millisecond), orReadable: input.fileDescriptor)
    }

    /// Shows what is known so far, unless that was done a moment ago. Returns whether it was done now.
    @discardableResult private mutating func show<Consumer: ReplayConsumer & ~Copyable>(
        _ consumer: inout Consumer
    ) -> Bool {
        let moment = monotonicNow()
        let now = clock.now(moment: moment)
        // In a running capture time passes without frames: what has ended must be shown, but afterwards there is hardly
        // anything new.
        let isNew = shown.frame != frame || now != nil && clock.silence(moment: moment) < Self.settling
        guard isBegun, isNew || now != nil, moment - shown.time >= (isNew ? Self.pause : Span.second) else {
            return false
        }
        progress.clear()
        shown = (frame, moment)
        tellInterfaces(&consumer)
        if !consumer.flush(lastFrame: frame, runningAt: now) { isStopped = true }
        return true
    }

    private func hasEnough<Consumer: ReplayConsumer & ~Copyable>(_ consumer: borrowing Consumer) -> Bool {
        consumer.captured >= options.packetLimit ?? .max || consumer.endedCount >= options.connectionLimit ?? .max
    }

    /// Updates the progress line, and handles a signal.
    private mutating func look(_ captured: UInt64, _ bytesRead: UInt64, _ size: UInt64?) {
        progress.show(captured, bytesRead, size)
        guard let signal = signals.next() else { return }
        if signal == SIGUSR1 {
            progress.clear()
            let share = size.map { $0 > 0 ? " (\(bytesRead * 100 / $0)%)" : "" } ?? ""
            complain("\(counted(captured, "packet")) read\(share)")
        } else {
            isStopped = true
        }
    }

    /// Sentences on kernel records that were damaged, ignored or not copied.
    private func kernelSentences(_ counts: RecordedKernel.Counts) -> [String] {
        func records(_ count: UInt64) -> String { "\(counted(count, "record")) of the kernel's side" }
        var sentences: [String] = []
        if counts.damaged > 0 {
            sentences.append("\(records(counts.damaged)) not understood (\(counts.fault.map { "\($0)" } ?? ""))")
        }
        if counts.left > 0 {
            sentences.append(
                "\(records(counts.left)) left out: from a stream, only the text timeline and -T json use them")
        }
        if recordsNotCopied > 0 {
            sentences.append(
                "\(records(recordsNotCopied)) not copied: with a filter or --no-process, only frames are written")
        }
        return sentences
    }

    /// Reports the remaining connections, and prints the summary.
    ///
    /// - Returns: the exit code of the whole run.
    mutating func finish<Consumer: ReplayConsumer & ~Copyable>(_ consumer: inout Consumer, _ status: Int32) -> Int32 {
        // Only this remains to be interrupted.
        signals.standDown()
        progress.clear()
        // Not even a heading is written, which would look like a result.
        if isRefused {
            consumer.abandon()
            return status
        }
        // No file could be opened, but the report must have a beginning.
        if !isBegun { consumer.begin(description) }
        tellInterfaces(&consumer)
        consumer.finish(description)
        let traced = tracedText(
            consumer.connectionCount, translated: consumer.translatedCount, consumer.overview, options.selection)
        if consumer.outputStatus == nil && status == 0 || consumer.captured > 0 {
            complain(
                "\(counted(consumer.captured, "packet")) read, \(traced)"
            )
            for sentence in consumer.overview.sentences { complain(sentence) }
            if consumer.captured == 0 && frame > 0 && !options.filter.isEmpty {
                complain(
                    "none of the \(counted(frame, "packet")) passed the filter"
                        + " \"\(printable(options.filter))\"; without a filter, -q lists what there is")
            }
            if lost > 0 {
                complain(
                    "\(lost) packet\(lost == 1 ? " was" : "s were") dropped during the capture, according to the file"
                )
            }
            if consumer.evicted > 0 {
                complain(
                    "\(counted(consumer.evicted, "connection")) \(consumer.evicted == 1 ? "was" : "were") given up before the end: more than"
                        + " \(consumer.connectionLimit) at a time (--max-connections)")
            }
            for sentence in tallySentences(consumer.tally) { complain(sentence) }
            for sentence in kernelSentences(consumer.kernelCounts) { complain(sentence) }
            for sentence in output?.remarks ?? [] { complain(sentence) }
            if let change = consumer.hostChange {
                for line in hostLines(
                    change, all: options.tellsAllCounters, namespace: "the capture's network namespace")
                {
                    complain(plain: line)
                }
            }
        }
        if let sentence = consumer.unmetChoice ?? consumer.overview.unmet(options.selection) { complain(sentence) }
        if let sentence = options.names?.sentence { complain(sentence) }
        let result = consumer.outputStatus.map { $0 == 0 ? status : $0 } ?? status
        let unwanted = consumer.unwantedFindings
        for sentence in unwanted { complain(sentence) }
        return result == 0 && !unwanted.isEmpty ? TraceOptions.failedStatus : result
    }
}
