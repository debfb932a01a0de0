// Sockets of this network namespace whose processes are in a pid namespace that is not seen from here.

/// Notices them: in a container that has the host's network, but not its processes, nobody would know why no process is named.
struct UnseenOwners {
    /// Whether there can be such processes.
    private let isPossible: Bool
    /// Sockets that nobody was found to hold in the latest search. Once may be by chance: its process has just ended.
    private var missed: Set<UInt64> = []
    private var areThere = false
    private var isSaid = false

    /// `isPossible`: not all processes are seen, and those that are may be looked at.
    init(isPossible: Bool) { self.isPossible = isPossible }

    /// The holders of these sockets were looked for, and those of some were found.
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
            "some sockets here are held by processes that are not seen from this pid namespace, and cannot be named: it is not the"
            + " host's (in a container, run it with docker run --pid=host)"
    }
}
