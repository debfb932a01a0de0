// Connections in the order in which they ended, so that the oldest can be examined first.

import TCPModel

/// Endings, the oldest first.
struct EndedQueue {
    /// One ending. A number may change once (see `Timeline.renumber`),
    /// so the place's occupant is identified by its beginning.
    struct Entry: BitwiseCopyable {
        let id: ConnectionID
        let firstSequence: SequenceNumber
        let firstTime: Timestamp
        let silentSince: Timestamp

        init(_ id: ConnectionID, _ connection: HotPart) {
            self.id = id
            firstSequence = connection.firstSequence
            firstTime = connection.firstTime
            silentSince = connection.lastTime
        }

        func isOf(_ connection: HotPart) -> Bool {
            connection.firstTime == firstTime && connection.firstSequence == firstSequence
        }
    }

    private var entries = Queue<Entry>()

    var first: Entry? { entries.first }

    /// The ending that is this many places behind the first.
    func afterFirst(by places: Int) -> Entry? { places < entries.count ? entries[places] : nil }

    /// How many endings there are; some may be of connections that are gone.
    var count: Int { entries.count }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    mutating func removeFirst() { entries.popFirst() }
}
