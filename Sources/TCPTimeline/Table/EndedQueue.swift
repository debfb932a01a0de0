// Connections in the order in which they ended, so that the oldest can be looked at first.

import TCPModel

/// A ring of endings.
struct EndedQueue {
    /// One ending. A number may change once (see `Timeline.renumber`), so that the place's tenant is told by its beginning.
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

    private var entries: [Entry] = []
    private var head = 0

    var first: Entry? { head < entries.count ? entries[head] : nil }

    /// The one that is so many places behind the first.
    func afterFirst(by places: Int) -> Entry? {
        head + places < entries.count ? entries[head + places] : nil
    }

    /// How many there are; some may be of connections that are gone.
    var count: Int { entries.count - head }

    mutating func append(_ entry: Entry) {
        // What was taken out makes room before memory is asked for.
        if entries.count == entries.capacity && head * 2 > entries.count { compact() }
        entries.append(entry)
    }

    mutating func removeFirst() {
        head += 1
        if head > 4096 && head * 2 > entries.count { compact() }
    }

    private mutating func compact() {
        entries.removeFirst(head)
        head = 0
    }
}
