// A replay divided among threads by flows: the reader deals frames to parts and decodes unusual ones; workers run parts
// and the merge.

import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

/// The reader's side. The reader works on parts, too, when it is ahead of the others; with one worker it does
/// everything.
struct DividedReplay<Report: PartitionedReport>: ~Copyable, ReplayConsumer {
    private let crew: Crew<ReplayBatch, ReplayPart<Report>, ReplayMerge<Report>>
    private let flowHash: FlowHash
    private var redirections: Redirections
    private var counts = CaptureCounts()
    private var intake: FrameIntake
    private var lastTime: Timestamp?
    /// Segments in this batch that follow another one in their frame.
    private var extras = 0
    private var isOpen = false
    /// The number of the batch being filled; `before` is the number of the last frame before it.
    private var batch: UInt64 = 0
    /// Counts of kernel records, which this kind of replay ignores.
    private(set) var kernelCounts = RecordedKernel.Counts()
    private var before: UInt64 = 0

    init(report: Report, _ options: TraceOptions, workers: Int) {
        intake = FrameIntake(
            verifiesChecksums: options.verifiesChecksums, countsIncomplete: report.countsIncomplete)
        redirections = Redirections(isWanted: report.countsCopiesOnce)
        let seed = UInt64.random(in: .min ... .max)
        flowHash = FlowHash(seed: seed)
        let most = TraceOptions.defaultTrackedLimit / ReplayDivision.parts
        crew = Crew(
            workers: workers, batch: { ReplayBatch() },
            part: { ReplayPart(report: report, options.selection, seed: seed, most: most) },
            merge: ReplayMerge(report: report), work: { $0.work($1, of: $2) },
            take: {
                $0.take($1)
                return $0.outputStatus == nil
            })
        // The batch belongs to the reader until it is published, here and in everything that follows.
        unsafe crew.batch(0).pointee.begin(firstFrame: 1)
    }

    var captured: UInt64 { counts.captured }
    var endedCount: UInt64 { 0 }
    // Parts and merge are accessed only while no work is under way: before the first batch, or after `settle`.
    var connectionCount: UInt64 { unsafe crew.merge.pointee.connections }
    var translatedCount: UInt64 { unsafe crew.merge.pointee.translated }
    var connectionLimit: Int { TraceOptions.defaultTrackedLimit }
    var evicted: UInt64 { unsafe crew.merge.pointee.evicted }
    var outputStatus: Int32? { unsafe crew.merge.pointee.outputStatus }
    var hostChange: HostCounterChange? { nil }

    mutating func begin(_ description: CaptureDescription) { unsafe crew.merge.pointee.begin(description) }

    // No report used here shows interface names.
    mutating func learn(_ interfaces: [CaptureDescription.Interface]) {}

    @inline(__always) mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        counts.captured &+= 1
        lastTime = header.time
        if header.linkType == .ethernet && !intake.verifiesChecksums && isOpen,
            let count = PlainFrame.usualCount(bytes, originalLength: header.originalLength)
        {
            let start = PlainFrame.afterEthernet
            if LoopbackFrame.isEthernet(bytes), redirections.concerns(PlainHeaders.flags(bytes, at: start, .ipv4)),
                let restored = redirections.restore(headersAt: start, .ipv4, in: bytes, time: header.time)
            {
                return deal(headersAt: start, .ipv4, restored: restored, header, bytes, frame)
            }
            deal(headersAt: start, count, .ipv4, header, bytes, frame, isUntagged: true)
        } else {
            takeAny(header, bytes, frame: frame)
        }
    }

    mutating func take(kernelRecord payload: [UInt8]) { kernelCounts.left += 1 }

    /// Deals a frame's plain headers to their part.
    @inline(__always) private func deal(
        headersAt start: Int, _ count: Int, _ version: PlainHeaders.Version, _ header: FrameHeader, _ bytes: RawSpan,
        _ frame: UInt64, isUntagged: Bool = false
    ) {
        let tuple = PlainHeaders.tuple(bytes, at: start, version)
        let place = unsafe crew.batch(batch).pointee.add(to: FlowHash.part(tuple, of: ReplayDivision.parts))
        // The place is one item of the batch's memory, and belongs to the reader until the batch is published.
        unsafe place.pointee.copyHeaders(bytes, from: start, count: count)
        unsafe place.pointee.content = version == .ipv4 ? .ipv4 : .ipv6
        let identification = PlainHeaders.identification(bytes, at: start, version)
        let vantage: UInt32 =
            if isUntagged {
                identification == 0 ? untaggedVantage(bytes) : 0
            } else {
                neededVantage(bytes, header.linkType, identification: identification)
            }
        unsafe fill(place, tuple, vantage, header, frame)
    }

    /// Deals a frame whose endpoints a redirection has changed, with its connection's own.
    @inline(never) private mutating func deal(
        headersAt start: Int, _ version: PlainHeaders.Version, restored: Redirections.Restored, _ header: FrameHeader,
        _ bytes: RawSpan, _ frame: UInt64
    ) {
        var segment = PlainHeaders.segment(bytes.extracting(start...), version)
        segment.tuple = restored.tuple
        deal(segment, header, bytes, frame)
        note(restored.found, segment.tuple, header.time, frame)
    }

    /// Tells the part once which address the client called.
    private func note(_ found: Redirections.Found, _ tuple: FourTuple, _ time: Timestamp, _ frame: UInt64) {
        if found.isNew { add(.called(tuple, found.called), to: tuple, time, frame) }
    }

    /// Fills the fields of an item besides its segment.
    @inline(__always) private func fill(
        _ place: UnsafeMutablePointer<ReplayItem>, _ tuple: FourTuple, _ vantage: UInt32, _ header: FrameHeader,
        _ frame: UInt64
    ) {
        // The place is as in both `deal` functions. Fields are stored one by one, because a whole item would first be
        // assembled elsewhere.
        unsafe place.pointee.hash = flowHash.hash(tuple)
        unsafe place.pointee.time = header.time
        unsafe place.pointee.offset = UInt32(truncatingIfNeeded: frame &- before &- 1)
        unsafe place.pointee.vantage = vantage
        unsafe place.pointee.interface = header.interface
    }

    /// Takes in a frame of any kind.
    @inline(never) private mutating func takeAny(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        if !intake.verifiesChecksums && isOpen,
            let plain = PlainFrame.headers(
                bytes, originalLength: header.originalLength, linkType: header.linkType)
        {
            if LoopbackFrame.mayBe(bytes, header.linkType),
                redirections.concerns(PlainHeaders.flags(bytes, at: plain.start, plain.version)),
                let restored = redirections.restore(
                    headersAt: plain.start, plain.version, in: bytes, time: header.time)
            {
                return deal(headersAt: plain.start, plain.version, restored: restored, header, bytes, frame)
            }
            return deal(headersAt: plain.start, plain.count, plain.version, header, bytes, frame)
        }
        var isFirst = true
        var found = intake.first(in: bytes, header, frame: frame)
        while let item = found {
            switch item {
            case .segment(var segment):
                let found =
                    LoopbackFrame.mayBe(bytes, header.linkType) && redirections.concerns(segment.flags)
                    ? redirections.restore(&segment, time: header.time) : nil
                if !isFirst { makeRoomForExtra(frame) }
                isFirst = false
                deal(segment, header, bytes, frame)
                if let found { note(found, segment.tuple, header.time, frame) }
            case .icmp(let error): deal(error, header, frame)
            case .begun(let begun): deal(begun, frame)
            }
            found = intake.next(in: bytes, frame: frame)
        }
    }

    /// Deals a segment to its part.
    private mutating func deal(
        _ segment: borrowing Segment, _ header: FrameHeader, _ bytes: RawSpan, _ frame: UInt64
    ) {
        if !isOpen {
            isOpen = true
            unsafe crew.batch(batch).pointee.openTime = header.time
        }
        // The place is one item of the batch's memory, and belongs to the reader until the batch is published.
        let place = unsafe crew.batch(batch).pointee.add(
            segment, to: FlowHash.part(segment.tuple, of: ReplayDivision.parts))
        let vantage = neededVantage(bytes, header.linkType, identification: segment.ipIdentification)
        unsafe fill(place, segment.tuple, vantage, header, frame)
    }

    /// Deals the beginning of a packet that was given up to its part, under the number of a frame without a segment.
    private mutating func deal(_ begun: BegunSegment, _ frame: UInt64) {
        let header = FrameHeader(time: begun.time, capturedLength: 0, originalLength: 0, linkType: .raw)
        deal(begun.segment, header, RawSpan(), frame)
    }

    @inline(never) private func deal(_ error: ICMPError, _ header: FrameHeader, _ frame: UInt64) {
        add(.icmp(error), to: error.quoted, header.time, frame)
    }

    /// Deals an item that is not a segment to the part of these endpoints.
    private func add(_ content: ReplayAside.Content, to tuple: FourTuple, _ time: Timestamp, _ frame: UInt64) {
        unsafe crew.batch(batch).pointee.add(
            ReplayAside(content: content, time: time, offset: UInt32(truncatingIfNeeded: frame &- before &- 1)),
            to: FlowHash.part(tuple, of: ReplayDivision.parts))
    }

    /// A batch has room for one segment of each frame and for some extra ones. When these are used up, the next batch
    /// begins early, in the middle of this frame; ended connections are not examined then, as they are not in an
    /// undivided replay.
    private mutating func makeRoomForExtra(_ frame: UInt64) {
        extras += 1
        guard extras > ReplayDivision.extras else { return }
        _ = publish(endTime: nil)
        beginBatch(after: frame - 1)
        extras = 1
    }

    private mutating func beginBatch(after frame: UInt64) {
        before = frame
        batch += 1
        extras = 0
        unsafe crew.batch(batch).pointee.begin(firstFrame: frame + 1)
    }

    /// Hands the batch over. Returns false if no more results are wanted.
    private func publish(
        endTime: Timestamp?, restLimit: UInt64? = nil, runningTime: Timestamp? = nil
    ) -> Bool {
        unsafe crew.batch(batch).pointee.endTime = endTime
        unsafe crew.batch(batch).pointee.runningTime = runningTime
        unsafe crew.batch(batch).pointee.restLimit = restLimit
        return crew.publish(batch)
    }

    /// Counts of what was not a segment; complete after `finish`.
    var tally: FrameTally {
        var tally = intake.tally
        tally.strayErrors = unsafe crew.merge.pointee.strayErrors
        return tally
    }

    var overview: TraceOverview {
        // As above: no work is under way.
        var all = unsafe crew.part(0).pointee.overview
        for part in 1..<ReplayDivision.parts { unsafe all.add(crew.part(part).pointee.overview) }
        return all
    }
    var unwantedFindings: [String] { [] }
    var unmetChoice: String? { nil }

    mutating func noteGap(_ count: UInt64) {
        counts.dropped &+= count
        unsafe crew.batch(batch).pointee.gap &+= count
        unsafe crew.batch(batch).pointee.gapTime = lastTime
    }

    mutating func endBatch(lastFrame: UInt64) -> Bool {
        let isWanted = publish(endTime: lastTime)
        beginBatch(after: lastFrame)
        return isWanted
    }

    mutating func flush(lastFrame: UInt64, runningAt now: Timestamp?) -> Bool {
        // Ended connections are not examined here: when that happens must not depend on the speed at which frames
        // arrive.
        _ = publish(endTime: nil)
        beginBatch(after: lastFrame)
        crew.settle()
        if let now {
            // Rows are ordered by connection number, and all numbers are known now.
            takeNumbers()
            _ = publish(endTime: nil, runningTime: now)
            beginBatch(after: lastFrame)
            crew.settle()
        }
        unsafe crew.merge.pointee.flush()
        return outputStatus == nil
    }

    mutating func abandon() { crew.stop() }

    mutating func finish(_ description: CaptureDescription) {
        // The last batch is empty, so it has room for what fragments leave behind, at most twice `mostDatagrams`
        // packets.
        intake.giveUpFragments()
        var frame = before + 1
        while let begun = intake.nextBegun() {
            deal(begun, frame)
            frame += 1
        }
        if frame > before + 1 {
            _ = publish(endTime: nil)
            batch += 1
        }
        close()
        // The threads have ended.
        unsafe crew.merge.pointee.end(description, counts, at: lastTime)
    }

    /// The input has ended: reports the remaining connections, in portions, and ends the threads.
    private mutating func close() {
        crew.settle()
        takeNumbers()
        for part in 0..<ReplayDivision.parts { unsafe crew.part(part).pointee.close() }
        var limit: UInt64 = 0
        let all = connectionCount
        var isWanted = true
        while limit < all, isWanted {
            limit += ReplayDivision.rest
            unsafe crew.batch(batch).pointee.begin(firstFrame: .max - UInt64(ReplayDivision.batch))
            isWanted = publish(endTime: nil, restLimit: limit)
            batch += 1
        }
        crew.settle()
        crew.stop()
    }

    /// Everything published has been merged: gives every connection its number.
    private func takeNumbers() {
        for part in 0..<ReplayDivision.parts {
            for place in 0..<crew.depth {
                let result = unsafe crew.batch(at: place).pointee.results.place(part)
                unsafe crew.part(part).pointee.takeNumbers(&result.pointee)
            }
        }
    }
}
