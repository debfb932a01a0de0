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
            /// The connection is over, at `now`.
            case finish(ConnectionID, KnownConnections.Record, now: Timestamp)
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
    private(set) var beginnings: [Beginning] = []
    private(set) var interruptions: [Interruption] = []

    /// Empties it for the next batch.
    mutating func clear() {
        segments.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        beginnings.removeAll(keepingCapacity: true)
        interruptions.removeAll(keepingCapacity: true)
    }

    /// Adds a segment.
    @inline(__always) mutating func add(_ event: SegmentEvent, of id: ConnectionID, _ place: UInt32) {
        segments.append(event)
        segments[segments.count - 1].connection = id
        places.append(place)
    }

    /// Adds a connection, before what is told of it.
    mutating func begin(_ place: UInt32, _ id: ConnectionID, _ record: KnownConnections.Record) {
        beginnings.append(Beginning(place: place, id: id, record: record))
    }

    /// Adds what happens after the latest segment.
    mutating func interrupt(_ place: UInt32, _ kind: Interruption.Kind) {
        interruptions.append(Interruption(index: segments.count, place: place, kind: kind))
    }
}
