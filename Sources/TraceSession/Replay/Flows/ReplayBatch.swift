// The memory of one batch of a divided replay: its segments by part, and the output of the parts.

import TCPModel
import TCPTimeline

/// One of the few batches that are under way at a time; each is reused again and again.
@safe struct ReplayBatch: ~Copyable {
    /// Room for a part's segments: one of each frame, and extra ones that follow another in the same frame.
    private static let room = ReplayDivision.batch + ReplayDivision.extras
    private let items: UnsafeMutablePointer<ReplayItem>
    /// Segments of frames without plain headers, for all parts.
    private let segments: UnsafeMutablePointer<Segment>
    private var segmentCount = 0
    private var counts: ByPart<Int> = .init(repeating: 0)
    /// The output and the results of each part, written only by the thread that works on the part.
    let said = SpacedPlaces<PartOutput>(count: ReplayDivision.parts) { _ in PartOutput() }
    let results = SpacedPlaces<PartResult>(count: ReplayDivision.parts) { _ in PartResult() }
    /// Items that are not segments, by part; few captures have any.
    private(set) var asides: ByPart<[ReplayAside]> = .init(repeating: [])
    /// The number of its first frame. Offsets of frames from here are less than `ReplayDivision.batch`.
    var firstFrame: UInt64 = 0
    /// The latest frame's time, if ended connections should be examined.
    var endTime: Timestamp?
    /// The current time where the capture is running, if it is: ended connections should be reported soon.
    var runningTime: Timestamp?
    /// The time of the capture's first segment, if it is in this batch.
    var openTime: Timestamp?
    /// Frames lost, to be reported at the batch's end.
    var gap: UInt64 = 0
    var gapTime: Timestamp?
    /// Reports the remaining connections up to this number.
    var restLimit: UInt64?

    init() {
        // The memory is not touched yet, so that a small file costs little.
        unsafe items = .allocate(capacity: ReplayDivision.parts * Self.room)
        unsafe segments = .allocate(capacity: Self.room)
    }

    deinit {
        // Both were allocated in init and are freed only here; items and segments are trivial.
        unsafe segments.deallocate()
        unsafe items.deallocate()
    }

    mutating func begin(firstFrame: UInt64) {
        self.firstFrame = firstFrame
        counts = .init(repeating: 0)
        segmentCount = 0
        for part in asides.indices where !asides[part].isEmpty { asides[part].removeAll(keepingCapacity: true) }
        endTime = nil
        runningTime = nil
        openTime = nil
        gap = 0
        restLimit = nil
    }

    /// Adds a segment to a part.
    ///
    /// - Returns: where to write it, without delay.
    @inline(__always) mutating func add(to part: Int) -> UnsafeMutablePointer<ReplayItem> {
        let count = counts[part]
        precondition(part < ReplayDivision.parts && count < Self.room)
        counts[part] = count + 1
        // Checked just above: the place lies within the part's share of the memory.
        return unsafe items + part * Self.room + count
    }

    /// Adds a decoded segment to a part.
    ///
    /// - Returns: where to write the rest of its item, without delay.
    mutating func add(_ segment: borrowing Segment, to part: Int) -> UnsafeMutablePointer<ReplayItem> {
        precondition(segmentCount < Self.room)
        // Checked just above.
        unsafe (segments + segmentCount).initialize(to: copy segment)
        let item = unsafe add(to: part)
        unsafe item.pointee.content = .segment
        unsafe item.pointee.place = UInt32(segmentCount)
        segmentCount += 1
        return unsafe item
    }

    /// Adds an item that is not a segment to a part.
    mutating func add(_ aside: ReplayAside, to part: Int) { asides[part].append(aside) }

    /// The segments of one part, until the next `begin`.
    func share(of part: Int) -> ReplayShare {
        // `add` has initialized counts[part] places of the part's share, and the segments that they refer to.
        unsafe ReplayShare(items: items + part * Self.room, count: counts[part], segments: segments)
    }
}
