// How many frames of a connection were captured more than once.

/// How many frames of each connection were captured more than once, by slot. Empty as long as there are none.
struct CopyCounts {
    private var counts: [(number: UInt64, frames: UInt32)] = []

    /// How many copies the connection `number` at this place has.
    subscript(id: ConnectionID, number: UInt64) -> UInt32 {
        let slot = Int(id.slot)
        return slot < counts.count && counts[slot].number == number ? counts[slot].frames : 0
    }

    /// Counts a copy for the connection `number` at this place.
    mutating func count(_ id: ConnectionID, _ number: UInt64) { set(id, number, self[id, number] &+ 1) }

    /// The connection at this place gets its final number.
    mutating func renumber(_ id: ConnectionID, from provisional: UInt64, to number: UInt64) {
        let slot = Int(id.slot)
        if slot < counts.count && counts[slot].number == provisional { counts[slot].number = number }
    }

    mutating func set(_ id: ConnectionID, _ number: UInt64, _ frames: UInt32) {
        let slot = Int(id.slot)
        if slot >= counts.count {
            counts.append(contentsOf: repeatElement((number: 0, frames: 0), count: slot + 1 - counts.count))
        }
        counts[slot] = (number, frames)
    }
}
