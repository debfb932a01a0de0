// Where the kernel's views of connections live: found by place, changed in place, walked in the order of their numbers.

import TCPModel

/// One view per watched connection.
///
/// Under a flood of connections everything here is done several times per connection: so no hashing,
/// no copying of views, and no sorting.
struct KernelViews {
    /// One watched connection.
    struct Entry {
        /// Its number; 0 = a free place.
        var number: UInt64 = 0
        /// Its four-tuple, if events are watched as well.
        var tuple: FourTuple?
        /// The four-tuples of its sockets that differ from the one on the wire, each with the client's end first.
        var translated: [FourTuple] = []
        var view = KernelView()
    }

    private var pool: [Entry] = []
    private var freePlaces: [Int32] = []
    /// By the connection's slot: its place in the pool plus one; 0 = not watched.
    private var places: [Int32] = []
    /// Everything that was added, by number; connections no longer watched are skipped.
    private var order: [(id: ConnectionID, number: UInt64)] = []
    /// How many connections are watched.
    private(set) var count = 0
    /// The number of the last connection that had its turn, when not all fitted into a batch.
    private var turn: UInt64 = 0

    private func place(_ id: ConnectionID) -> Int? {
        let slot = Int(id.slot)
        guard slot < places.count, places[slot] != 0 else { return nil }
        return Int(places[slot]) - 1
    }

    /// The number of the connection watched at this place.
    func number(of id: ConnectionID) -> UInt64? { place(id).map { pool[$0].number } }

    /// Its four-tuple.
    func tuple(of id: ConnectionID) -> FourTuple? { place(id).flatMap { pool[$0].tuple } }

    /// The four-tuples of its sockets that differ from the one on the wire.
    func translated(_ id: ConnectionID) -> [FourTuple] { place(id).map { pool[$0].translated } ?? [] }

    /// One of its sockets has these ends. Returns whether that is new.
    mutating func note(_ id: ConnectionID, translated ends: FourTuple) -> Bool {
        guard let place = place(id), !pool[place].translated.contains(ends) else { return false }
        pool[place].translated.append(ends)
        return true
    }

    /// Starts watching a connection; its slot must be free.
    mutating func add(_ id: ConnectionID, number: UInt64, _ tuple: FourTuple?) {
        let slot = Int(id.slot)
        if slot >= places.count {
            places.append(contentsOf: repeatElement(0, count: max(slot + 1 - places.count, places.count)))
        }
        if let free = freePlaces.popLast() {
            pool[Int(free)] = Entry(number: number, tuple: tuple)
            places[slot] = free + 1
        } else {
            pool.append(Entry(number: number, tuple: tuple))
            places[slot] = Int32(clamping: pool.count)
        }
        count += 1
        // Numbers come in order, unless a connection is watched again.
        var position = order.count
        while position > 0 && order[position - 1].number > number { position -= 1 }
        order.insert((id, number), at: position)
    }

    /// Forgets a connection.
    mutating func remove(_ id: ConnectionID) {
        guard let place = place(id) else { return }
        // The view stays until another one takes its place: a thousand octets a side need not be written twice.
        pool[place].number = 0
        pool[place].tuple = nil
        pool[place].translated = []
        places[Int(id.slot)] = 0
        freePlaces.append(Int32(clamping: place))
        count -= 1
        if order.count > 2 * count + 256 {
            order = order.filter { number(of: $0.id) == $0.number }
        }
    }

    /// Changes a view in place.
    mutating func update<Result>(_ id: ConnectionID, _ change: (inout KernelView) -> Result) -> Result? {
        guard let place = place(id) else { return nil }
        return change(&pool[place].view)
    }

    /// Changes one side's view in place.
    mutating func update(_ id: ConnectionID, _ side: Side, _ change: (inout KernelSideView) -> Void) {
        _ = update(id) { $0.update(side, change) }
    }

    /// Reads a view in place.
    func look<Result>(_ id: ConnectionID, _ body: (KernelView) -> Result) -> Result? {
        place(id).map { body(pool[$0].view) }
    }

    /// A few words of a view, which is not copied for them.
    func process(
        of id: ConnectionID, _ side: Side, in state: TCPState
    ) -> (process: ProcessIdentity?, isConfirmed: Bool)? {
        guard let place = place(id) else { return nil }
        return side == .originator
            ? (pool[place].view.originator.process, pool[place].view.originator.confirms(state))
            : (pool[place].view.responder.process, pool[place].view.responder.confirms(state))
    }

    /// All watched connections, the oldest first, produced lazily.
    var all: some Sequence<ConnectionID> {
        order.lazy.filter { number(of: $0.id) == $0.number }.map { $0.id }
    }

    /// All watched connections, the oldest first, as a list.
    var ids: [ConnectionID] { Array(all) }

    /// All watched connections, the youngest first, produced lazily.
    var youngestFirst: some Sequence<ConnectionID> {
        order.reversed().lazy.filter { number(of: $0.id) == $0.number }.map { $0.id }
    }

    /// Up to `limit` of the connections that `isWanted`, the oldest first: one quarter are the youngest,
    /// the others take turns, round-robin.
    mutating func batch(limit: Int, _ isWanted: (ConnectionID, KernelView) -> Bool) -> [ConnectionID] {
        func isChosen(_ index: Int) -> Bool {
            let entry = order[index]
            guard let place = place(entry.id), pool[place].number == entry.number else { return false }
            return isWanted(entry.id, pool[place].view)
        }
        var young: [Int] = []
        var index = order.count
        while index > 0 && young.count < max(1, limit / 4) {
            index -= 1
            if isChosen(index) { young.append(index) }
        }
        // Everything below `index` is older; `low` becomes the first one whose turn it is.
        var low = 0
        var high = index
        while low < high {
            let middle = (low + high) / 2
            if order[middle].number <= turn { low = middle + 1 } else { high = middle }
        }
        var others: [Int] = []
        var next = turn
        var steps = 0
        while steps < index && others.count < limit - young.count {
            let candidate = (low + steps) % index
            steps += 1
            next = order[candidate].number
            if isChosen(candidate) { others.append(candidate) }
        }
        turn = next
        return (others.sorted() + young.reversed()).map { order[$0].id }
    }
}
