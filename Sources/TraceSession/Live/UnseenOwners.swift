// Sockets of this network namespace whose processes are in a pid namespace that is not visible from here.

/// Detects such sockets. In a container that has the host's network but not its processes, nothing else would explain
/// why processes are missing.
struct UnseenOwners {
    /// Whether there can be such processes.
    private let isPossible: Bool
    /// Sockets without a holder in the latest search. A single miss may be chance: the process may have just ended.
    private var missed: Set<UInt64> = []
    private var areThere = false
    private var isSaid = false

    /// `isPossible`: not all processes are visible, and the visible ones may be inspected.
    init(isPossible: Bool) { self.isPossible = isPossible }

    /// Notes a search for the holders of `sought`, and the sockets for which it found one.
    mutating func note(sought: Set<UInt64>, found: some Collection<UInt64>) {
        guard isPossible, !areThere else { return }
        let rest = sought.subtracting(found)
        areThere = !rest.isDisjoint(with: missed)
        missed = rest
    }

    /// A sentence for the user, once.
    mutating func complaint() -> String? {
        guard areThere, !isSaid else { return nil }
        isSaid = true
        return
            "some sockets here are held by processes that are not visible in this pid namespace and cannot be named: it is not the"
            + " host's (in a container, run it with docker run --pid=host)"
    }
}
