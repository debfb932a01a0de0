// A replay that reports events in their order: one pipeline finds them, and parts, divided among threads, report them.

import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// The plain pipeline, whose events are dealt to parts: for formats that report segments or findings, and where a limit
/// applies to all flows together. Reporting costs several times as much as finding out.
struct EventReplay<Report: TraceReport>: ~Copyable, ReplayConsumer {
    private var pipeline: TracePipeline<EventDealer<Report>>
    private let usesProcesses: Bool
    private let showsFrames: Bool

    init(_ report: Report, _ options: TraceOptions, workers: Int) {
        let needs = TraceNeeds(report, options)
        usesProcesses = options.usesProcesses
        showsFrames = !needs.excerpts.isNothing
        pipeline = TracePipeline(
            replay: EventDealer(report, needs, options, workers: workers), needs, options)
    }

    private var crew: Crew<EventBatch, EventPart<Report>, EventMerge<Report>> { pipeline.sink.crew }

    var captured: UInt64 { pipeline.counts.captured }
    var endedCount: UInt64 { pipeline.endedCount }
    var connectionCount: UInt64 { pipeline.timeline.connectionCount }
    var translatedCount: UInt64 { pipeline.timeline.translatedCount }
    var connectionLimit: Int { pipeline.connectionLimit }
    var evicted: UInt64 { pipeline.evicted }
    var tally: FrameTally { pipeline.tally }
    var kernelCounts: RecordedKernel.Counts { pipeline.kernelCounts ?? RecordedKernel.Counts() }
    var hostChange: HostCounterChange? { pipeline.hostChange }
    // Parts and merge are accessed only while no work is under way: before the first batch, or after `settle`.
    var outputStatus: Int32? { unsafe crew.merge.pointee.outputStatus }

    var unwantedFindings: [String] {
        var all = unsafe crew.part(0).pointee.unwanted
        for part in 1..<ReplayDivision.parts { unsafe all.add(crew.part(part).pointee.unwanted) }
        return all.sentences
    }

    var overview: TraceOverview {
        // As above.
        var all = unsafe crew.part(0).pointee.overview
        for part in 1..<ReplayDivision.parts { unsafe all.add(crew.part(part).pointee.overview) }
        return all
    }

    var unmetChoice: String? {
        // As above.
        var all = unsafe crew.part(0).pointee.choice
        for part in 1..<ReplayDivision.parts { unsafe all.add(crew.part(part).pointee.choice) }
        return all.sentence
    }

    mutating func begin(_ description: CaptureDescription) {
        let report = unsafe crew.merge.pointee.begin(description)
        for part in 0..<ReplayDivision.parts { unsafe crew.part(part).pointee.begin(report) }
    }

    mutating func learn(_ interfaces: [CaptureDescription.Interface]) {
        _ = pipeline.sink.publish()
        crew.settle()
        // Nothing is under way.
        unsafe crew.merge.pointee.learn(interfaces)
        for part in 0..<ReplayDivision.parts { unsafe crew.part(part).pointee.learn(interfaces) }
    }

    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64) {
        pipeline.take(header, bytes, frame: frame)
        guard showsFrames else { return }
        if let part = pipeline.sink.takeShortPart() { makeRoom(in: part) }
        // A full batch of frames may have 100 MB of text. This early end, too, depends on the frames alone.
        if pipeline.sink.shown >= ReplayDivision.shown { _ = pipeline.sink.publish() }
    }

    /// Before text of a part would have to be left out, reports those of its connections that have ended and wait for
    /// late segments, the oldest first. This is decided here, between two frames, and not by the part, so that the
    /// number of threads does not matter.
    private mutating func makeRoom(in part: Int) {
        while pipeline.sink.isShort(part), let id = pipeline.nextEnded(in: part) { pipeline.conclude(id) }
    }

    mutating func noteGap(_ count: UInt64) { pipeline.noteGap(count) }

    mutating func take(kernelRecord payload: [UInt8]) {
        pipeline.take(kernelRecord: payload, usesProcesses: usesProcesses)
        // Batches end by the number of frames, but there may be very many records without a frame.
        if pipeline.sink.count >= ReplayDivision.told { _ = pipeline.sink.publish() }
    }

    mutating func endBatch(lastFrame: UInt64) -> Bool {
        pipeline.endBatch()
        if let now = pipeline.lastTime {
            var expired: [ConnectionID] = []
            while let id = pipeline.timeline.nextExpired(
                at: now, linger: pipeline.linger, most: ReplayDivision.waiting)
            {
                expired.append(id)
            }
            expired.sort { pipeline.timeline.connections.number(of: $0) < pipeline.timeline.connections.number(of: $1) }
            for id in expired { pipeline.conclude(id) }
        }
        return pipeline.sink.publish()
    }

    mutating func flush(lastFrame: UInt64, runningAt now: Timestamp?) -> Bool {
        if let now {
            pipeline.reportEnded(at: now)
            pipeline.sink.rest(at: now)
        }
        _ = pipeline.sink.publish()
        crew.settle()
        unsafe crew.merge.pointee.flush()
        return outputStatus == nil
    }

    mutating func abandon() { crew.stop() }

    mutating func finish(_ description: CaptureDescription) {
        pipeline.endFragments()
        if pipeline.reported.first != nil { pipeline.sink.rest(at: Timestamp(nanoseconds: .max)) }
        var isWanted = pipeline.sink.publish()
        // In portions, because the report of a connection may be long.
        var room = ReplayDivision.toldRest
        for id in pipeline.timeline.remaining() where isWanted && !pipeline.timeline.isReported(id) {
            pipeline.finish(id)
            room -= 1
            if room == 0 {
                isWanted = pipeline.sink.publish()
                room = ReplayDivision.toldRest
            }
        }
        _ = pipeline.sink.publish()
        crew.settle()
        crew.stop()
        // The threads have ended.
        for part in 0..<ReplayDivision.parts { unsafe crew.merge.pointee.join(crew.part(part).pointee.report) }
        unsafe crew.merge.pointee.end(
            description, pipeline.counts, host: pipeline.hostChange, at: pipeline.lastTime)
    }
}
