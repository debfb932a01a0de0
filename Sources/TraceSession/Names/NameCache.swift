// A bounded cache of names.

/// The latest names by key; nil records that a key has no name.
struct NameCache<Key: Hashable> {
    private let limit: Int
    private var names: [Key: String?] = [:]
    /// The keys in the order of their insertion; once the cache is full, the oldest one is at `next`.
    private var order: [Key] = []
    private var next = 0

    /// Keeps at most `limit` names.
    init(limit: Int) { self.limit = limit }

    var count: Int { names.count }

    /// The recorded name of a key (nil inside: it has none); nil if nothing is known.
    subscript(key: Key) -> String?? { names[key] }

    /// Records a name, or that there is none. If the cache is full, the oldest entry is removed.
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
