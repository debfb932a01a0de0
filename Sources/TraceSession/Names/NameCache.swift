// Names that are known, and no more of them than there is room for.

/// The latest names by what they are the names of; nil: it has none.
struct NameCache<Key: Hashable> {
    private let limit: Int
    private var names: [Key: String?] = [:]
    /// The keys in the order in which they came; once there are as many as may be, the oldest one is at `next`.
    private var order: [Key] = []
    private var next = 0

    /// Keeps at most so many.
    init(limit: Int) { self.limit = limit }

    var count: Int { names.count }

    /// What is known of a key; nil: nothing.
    subscript(key: Key) -> String?? { names[key] }

    /// Takes a name down, or that there is none. The oldest one goes if there are too many.
    mutating func insert(_ name: String?, for key: Key) {
        guard names.updateValue(name, forKey: key) == nil else { return }
        if order.count < limit {
            order.append(key)
        } else {
            names.removeValue(forKey: order[next])
            order[next] = key
            next = (next + 1) % limit
        }
    }
}
