// What one part is to tell of one batch.

import TCPModel
import TCPTimeline

/// One part's share of a batch: filled by the reader, told by the part.
struct TellingShare {
    /// A connection that is told of from now on.
    struct Beginning {
        /// Its place in the batch.
        let place: UInt32
        let id: ConnectionID
        let record: KnownConnections.Record
    }

    /// What happens between two segments.
    struct Interruption {
        enum Kind {
            case icmp(ICMPEvent)
            /// The connection's client called this address.
            case redirected(ConnectionID, from: SocketAddress)
            /// What a capture file says that the kernel said: the one at this index of `kernelEvents`.
            case kernel(Int)
            /// The host's counters moved, as `counterChanges` has it at this index.
            case counters(Int)
            /// The connection, which is not over, is to be judged at `now`.
            case review(ConnectionID, KnownConnections.Record, view: Int?, now: Timestamp)
            /// The connection is over, at `now`; what the kernel said of it is at this index of `views`, if it said anything. It may
            /// be kept for late segments.
            case finish(ConnectionID, KnownConnections.Record, view: Int?, now: Timestamp, isKept: Bool)
            /// A connection that was kept is not any longer.
            case forget(ConnectionID)
        }

        /// The index of the segment after it.
        let index: Int
        /// Its place in the batch.
        let place: UInt32
        let kind: Kind
    }

    var segments: [SegmentEvent] = []
    /// By segment: its place in the batch.
    private(set) var places: [UInt32] = []
    /// By segment: what is shown of its frame. Empty where nobody asks for that.
    private(set) var excerpts: [FrameExcerpt?] = []
    private(set) var beginnings: [Beginning] = []
    private(set) var interruptions: [Interruption] = []
    /// What the kernel said, if the capture has that.
    private(set) var kernelEvents: [KernelEvent] = []
    /// How its counters moved.
    private(set) var counterChanges: [HostCounterChange] = []
    /// What it said of connections that are over, or are judged.
    private(set) var views: [KernelView] = []

    /// Empties it for the next batch.
    mutating func clear() {
        segments.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        excerpts.removeAll(keepingCapacity: true)
        beginnings.removeAll(keepingCapacity: true)
        interruptions.removeAll(keepingCapacity: true)
        kernelEvents.removeAll(keepingCapacity: true)
        counterChanges.removeAll(keepingCapacity: true)
        views.removeAll(keepingCapacity: true)
    }

    /// Adds a segment.
    @inline(__always) mutating func add(_ event: SegmentEvent, of id: ConnectionID, _ place: UInt32) {
        segments.append(event)
        segments[segments.count - 1].connection = id
        places.append(place)
    }

    /// Adds a segment, with what is shown of its frame.
    mutating func add(_ event: SegmentEvent, _ excerpt: FrameExcerpt?, of id: ConnectionID, _ place: UInt32) {
        add(event, of: id, place)
        excerpts.append(excerpt)
    }

    /// Adds a connection, before what is told of it.
    mutating func begin(_ place: UInt32, _ id: ConnectionID, _ record: KnownConnections.Record) {
        beginnings.append(Beginning(place: place, id: id, record: record))
    }

    /// Adds what the kernel said after the latest segment.
    mutating func interrupt(_ place: UInt32, _ event: KernelEvent) {
        kernelEvents.append(event)
        interrupt(place, .kernel(kernelEvents.count - 1))
    }

    /// Adds how the host's counters moved.
    mutating func interrupt(_ place: UInt32, _ change: HostCounterChange) {
        counterChanges.append(change)
        interrupt(place, .counters(counterChanges.count - 1))
    }

    /// Adds the end of a connection.
    mutating func finish(
        _ place: UInt32, _ id: ConnectionID, _ record: KnownConnections.Record, _ view: KernelView?, now: Timestamp,
        isKept: Bool
    ) {
        interrupt(place, .finish(id, record, view: keep(view), now: now, isKept: isKept))
    }

    /// Has a connection judged.
    mutating func review(
        _ place: UInt32, _ id: ConnectionID, _ record: KnownConnections.Record, _ view: KernelView?, now: Timestamp
    ) {
        interrupt(place, .review(id, record, view: keep(view), now: now))
    }

    private mutating func keep(_ view: KernelView?) -> Int? {
        guard let view else { return nil }
        views.append(view)
        return views.count - 1
    }

    /// Adds what happens after the latest segment.
    mutating func interrupt(_ place: UInt32, _ kind: Interruption.Kind) {
        interruptions.append(Interruption(index: segments.count, place: place, kind: kind))
    }
}
