// The events that one part reports of one batch.

import TCPModel
import TCPTimeline

/// One part's share of a batch: filled by the reader, reported by the part.
struct EventShare {
    /// A connection whose events follow.
    struct Beginning {
        /// Its place in the batch.
        let place: UInt32
        let id: ConnectionID
        let record: KnownConnections.Record
    }

    /// An event between two segments.
    struct Interruption {
        enum Kind {
            case icmp(ICMPEvent)
            /// The connection's client called this address.
            case redirected(ConnectionID, from: SocketAddress)
            /// A kernel event recorded in the capture file: the one at this index of `kernelEvents`.
            case kernel(Int)
            /// A change of the host's counters: the one at this index of `counterChanges`.
            case counters(Int)
            /// An open connection should be judged at `now`.
            case review(ConnectionID, KnownConnections.Record, view: Int?, now: Timestamp)
            /// The connection is over at `now`; its kernel side, if any, is at this index of `views`. It may be kept
            /// for late segments.
            case finish(ConnectionID, KnownConnections.Record, view: Int?, now: Timestamp, isKept: Bool)
            /// A kept connection is released.
            case forget(ConnectionID)
        }

        /// The index of the following segment.
        let index: Int
        /// Its place in the batch.
        let place: UInt32
        let kind: Kind
    }

    var segments: [SegmentEvent] = []
    /// By segment: its place in the batch.
    private(set) var places: [UInt32] = []
    /// By segment: the excerpt of its frame. Empty if no excerpts are requested.
    private(set) var excerpts: [FrameExcerpt?] = []
    private(set) var beginnings: [Beginning] = []
    private(set) var interruptions: [Interruption] = []
    /// Kernel events recorded in the capture.
    private(set) var kernelEvents: [KernelEvent] = []
    /// Changes of the host's counters.
    private(set) var counterChanges: [HostCounterChange] = []
    /// The kernel's side of connections that are over, or are judged.
    private(set) var views: [KernelView] = []

    /// Empties the share for the next batch.
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

    /// Adds a segment with the excerpt of its frame.
    mutating func add(_ event: SegmentEvent, _ excerpt: FrameExcerpt?, of id: ConnectionID, _ place: UInt32) {
        add(event, of: id, place)
        excerpts.append(excerpt)
    }

    /// Adds a connection, before its first event.
    mutating func begin(_ place: UInt32, _ id: ConnectionID, _ record: KnownConnections.Record) {
        beginnings.append(Beginning(place: place, id: id, record: record))
    }

    /// Adds a kernel event that follows the latest segment.
    mutating func interrupt(_ place: UInt32, _ event: KernelEvent) {
        kernelEvents.append(event)
        interrupt(place, .kernel(kernelEvents.count - 1))
    }

    /// Adds a change of the host's counters.
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

    /// Adds a request to judge a connection.
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

    /// Adds an event that follows the latest segment.
    mutating func interrupt(_ place: UInt32, _ kind: Interruption.Kind) {
        interruptions.append(Interruption(index: segments.count, place: place, kind: kind))
    }
}
