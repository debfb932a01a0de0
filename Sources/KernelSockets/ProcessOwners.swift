// Finds the process that holds a socket, by matching inodes against the links in /proc/PID/fd, cached and incremental.

import Glibc
public import TCPModel

/// A process that holds a socket.
public struct SocketOwner: Hashable, Sendable {
    /// The process.
    public var process: ProcessIdentity
    /// The process's descriptor number for the socket (the lowest, if there are several).
    public var descriptor: Int32
    /// The process's start time in clock ticks since boot, which distinguishes it from a later process with the same
    /// pid.
    public var startTicks: UInt64

    /// An owner from its fields.
    public init(process: ProcessIdentity, descriptor: Int32, startTicks: UInt64) {
        self.process = process
        self.descriptor = descriptor
        self.startTicks = startTicks
    }
}

/// Finds the owners of sockets, as far as this process may see them: other users' descriptors need root (or
/// CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH).
///
/// Processes come and go during a scan, and some deny access: that is normal, and counted. A process whose main thread
/// has ended while others live on shows no descriptors in /proc/PID/fd, so its sockets are not found.
public struct ProcessOwners: Sendable {
    /// What the scans have encountered since the start.
    public struct Counts: Hashable, Sendable {
        /// Scans over all processes.
        public var fullScans = 0
        /// Processes whose descriptors were listed.
        public var processes = 0
        /// Processes that exist but whose descriptors could not be listed: they belong to another user (EACCES, EPERM),
        /// or we ran out of descriptors (EMFILE).
        public var denied = 0
        /// The most processes that denied access in a single search that left a socket without an owner. One of them
        /// may own it.
        public var mostDenied = 0
        /// Processes that disappeared while they were being read (ENOENT, ESRCH).
        public var vanished = 0
    }

    /// What the scans have encountered since the start.
    public private(set) var counts = Counts()
    /// The number of processes that denied access in the latest full scan. If above 0, an owner may be hidden from us.
    public private(set) var deniedInLatestScan = 0

    let root: String
    private let missLifetime: Int64
    private var known: [UInt64: SocketOwner] = [:]
    /// Inodes not found by a full scan, and until when (in monotonic nanoseconds) that result is trusted.
    private var misses: [UInt64: Int64] = [:]
    /// Processes that recently owned a wanted socket, most recent first.
    private var recent: [Int32] = []
    /// Cached details of processes, valid while start time and name stay the same (another program usually has another
    /// name).
    private var details: [Int32: (startTicks: UInt64, command: String, details: ProcessDetails)] = [:]

    private static let recentLimit = 16
    private static let cacheLimit = 65_536
    private static let detailsLimit = 8192
    /// The maximum number of processes examined for one process's sockets.
    private static let kinLimit = 64
    /// The maximum number of threads examined for their children.
    static let threadLimit = 64

    /// Reads below `root`; anything but /proc is for tests. An inode that no process held is not searched for again for
    /// `missLifetime` nanoseconds.
    public init(root: String = "/proc", missLifetime: Int64 = Span.second / 2) {
        self.root = root
        self.missLifetime = missLifetime
    }

    /// Finds one owner of each of these sockets, as quickly as possible. Sockets without a visible owner are left out.
    ///
    /// The search checks the processes that held the sockets last time, then recent owners of other wanted sockets,
    /// then all processes, and stops when everything is found. If several processes share a socket (after fork), the
    /// first one found is returned: a previously known owner, else any recent one, else the lowest pid. Use
    /// `allOwners()` where the others matter.
    public mutating func owners(of inodes: Set<UInt64>) -> [UInt64: SocketOwner] {
        var found: [UInt64: SocketOwner] = [:]
        var wanted: Set<UInt64> = []
        for inode in inodes where inode != 0 {
            if let owner = known[inode].flatMap({ still($0, inode: inode) }) {
                known[inode] = owner
                found[inode] = owner
            } else {
                known[inode] = nil
                wanted.insert(inode)
            }
        }
        for pid in recent where !wanted.isEmpty {
            _ = scan(pid, wanted: &wanted, into: &found)
        }
        let now = monotonicNow()
        wanted = wanted.filter { misses[$0].map { $0 <= now } ?? true }
        guard !wanted.isEmpty else { return found }

        deniedInLatestScan = 0
        counts.fullScans += 1
        for pid in allProcesses() {
            deniedInLatestScan += scan(pid, wanted: &wanted, into: &found) ? 0 : 1
            if wanted.isEmpty { return found }
        }
        counts.mostDenied = max(counts.mostDenied, deniedInLatestScan)
        if misses.count + wanted.count > Self.cacheLimit { misses.removeAll(keepingCapacity: true) }
        let end = monotonicNow() + missLifetime
        for inode in wanted { misses[inode] = end }
        return found
    }

    /// Every visible owner of every socket, from one scan over all processes. The owners of each socket are in
    /// ascending order of pid.
    public mutating func allOwners() -> [UInt64: [SocketOwner]] { allOwners { _ in true } }

    /// Every visible owner of these sockets, from one scan over all processes, in ascending order of pid.
    public mutating func allOwners(of inodes: Set<UInt64>) -> [UInt64: [SocketOwner]] {
        allOwners { inodes.contains($0) }
    }

    private mutating func allOwners(where isWanted: (UInt64) -> Bool) -> [UInt64: [SocketOwner]] {
        var found: [UInt64: [SocketOwner]] = [:]
        deniedInLatestScan = 0
        counts.fullScans += 1
        for pid in allProcesses() {
            let (allowed, hits) = sockets(of: pid, where: isWanted)
            for (inode, owner) in hits { found[inode, default: []].append(owner) }
            if !allowed { deniedInLatestScan += 1 }
        }
        return found
    }

    /// Whether this very process (same pid and start time) currently holds the socket with this inode.
    public func holds(_ owner: SocketOwner, inode: UInt64) -> Bool {
        guard let directory = ProcessDirectory(root: root, pid: owner.process.pid),
            let status = directory.status(), status.startTicks == owner.startTicks
        else { return false }
        return directory.holds(inode: inode, descriptor: owner.descriptor)
    }

    /// The owner, brought up to date, if it still holds the socket; it may have run another program (execve(2)) or
    /// changed its user since.
    private mutating func still(_ owner: SocketOwner, inode: UInt64) -> SocketOwner? {
        guard let directory = ProcessDirectory(root: root, pid: owner.process.pid), let now = directory.identity(),
            now.startTicks == owner.startTicks, directory.holds(inode: inode, descriptor: owner.descriptor)
        else { return nil }
        if now.process == owner.process { return owner }
        return SocketOwner(
            process: now.process.with(details(of: now, directory)), descriptor: owner.descriptor,
            startTicks: owner.startTicks)
    }

    /// Finds the holders of these sockets, each given with its descriptor in the process `pid` if known. The search
    /// covers that process and its relatives by fork(2), which preserves descriptor numbers: descendants and ancestors.
    /// The holders of each socket are in ascending order of pid.
    ///
    /// A socket that none of them holds has an empty list. So has a socket that the process itself does not hold and
    /// whose descriptor is unknown, because then the relatives cannot be checked. A socket for which no answer is
    /// possible is missing from the result.
    ///
    /// The search continues only past processes that hold a socket, covers at most `kinLimit` processes, and makes one
    /// system call per socket: it costs a few microseconds. A descriptor that is unknown, or refers to another file by
    /// now, is looked for among the first `limit` socket descriptors of the process itself.
    public mutating func holders(
        of sockets: [UInt64: Int32?], near pid: Int32, limit: Int = 1024
    ) -> [UInt64: [SocketOwner]] {
        var numbers = sockets.compactMapValues { $0 }
        // Sockets whose descriptor is unknown, or has been reused (dup2(2)).
        let own = held(numbers, by: pid)?.owners ?? [:]
        let sought = Set(sockets.keys).subtracting(own.keys)
        var missing: Set<UInt64> = []
        if !sought.isEmpty {
            let (now, isComplete) = descriptors(of: sought, in: pid, limit: limit)
            numbers.merge(now) { $1 }
            if isComplete { missing = sought.subtracting(numbers.keys) }
        }
        var found = numbers.mapValues { _ in [SocketOwner]() }
        for inode in missing { found[inode] = [] }
        var asked: Set<Int32> = []
        var open = [pid]
        while let next = open.popLast(), asked.count < Self.kinLimit {
            guard next > 0, asked.insert(next).inserted else { continue }
            guard let (held, parent) = held(numbers, by: next) else {
                // Access is denied, so the process may hold them.
                if next == pid && errno != ENOENT && errno != ESRCH { return [:] }
                continue
            }
            for (inode, owner) in held { found[inode, default: []].append(owner) }
            if held.isEmpty && next != pid { continue }
            open += [parent] + children(of: next)
        }
        for inode in found.keys { found[inode]?.sort { $0.process.pid < $1.process.pid } }
        return found
    }

    /// Which of these sockets a process holds under these descriptor numbers, and its parent; nil with errno set if
    /// that cannot be determined.
    private mutating func held(
        _ numbers: [UInt64: Int32], by pid: Int32
    ) -> (owners: [UInt64: SocketOwner], parent: Int32)? {
        guard let directory = ProcessDirectory(root: root, pid: pid), let status = directory.status() else {
            return nil
        }
        var owners: [UInt64: SocketOwner] = [:]
        var identity: (process: ProcessIdentity, startTicks: UInt64)?
        for (inode, number) in numbers {
            // `holds` leaves errno alone if the descriptor is another file.
            errno = 0
            guard directory.holds(inode: inode, descriptor: number) else {
                if errno == EACCES || errno == EPERM { return nil }
                continue
            }
            if identity == nil { identity = directory.identity() }
            guard let known = identity else { break }
            owners[inode] = SocketOwner(
                process: known.process.with(details(of: known, directory)), descriptor: number,
                startTicks: known.startTicks)
        }
        return (owners, status.parent)
    }

    /// The descriptors of one process for these sockets, found among its first `limit` socket descriptors. `isComplete`
    /// tells whether the result is conclusive.
    private func descriptors(
        of inodes: Set<UInt64>, in pid: Int32, limit: Int
    ) -> (found: [UInt64: Int32], isComplete: Bool) {
        guard let directory = ProcessDirectory(root: root, pid: pid) else { return ([:], false) }
        var found: [UInt64: Int32] = [:]
        var looked = 0
        let code = directory.forEachSocket { inode, descriptor in
            looked += 1
            if inodes.contains(inode) { found[inode] = min(descriptor, found[inode] ?? descriptor) }
            return looked < limit && found.count < inodes.count
        }
        return (found, code == 0 && (looked < limit || found.count == inodes.count))
    }

    /// Makes later searches check these processes first: they are likely to own the next wanted sockets.
    public mutating func expect(_ pids: [Int32]) {
        recent.removeAll { pids.contains($0) }
        recent.insert(contentsOf: pids.prefix(Self.recentLimit), at: 0)
        if recent.count > Self.recentLimit { recent.removeLast(recent.count - Self.recentLimit) }
    }

    // MARK: Scanning

    /// All process ids in ascending order; empty if there is no procfs.
    private func allProcesses() -> [Int32] {
        guard let directory = Descriptor(path: root, flags: O_RDONLY | O_DIRECTORY),
            var entries = DirectoryStream(below: directory, name: ".")
        else { return [] }
        var pids: [Int32] = []
        while let pid = entries.nextNumber() { pids.append(pid) }
        return pids.sorted()
    }

    /// The process's details, read once per process and program: they are slower to read than its name.
    private mutating func details(
        of known: (process: ProcessIdentity, startTicks: UInt64), _ directory: borrowing ProcessDirectory
    ) -> ProcessDetails {
        if let entry = details[known.process.pid], entry.startTicks == known.startTicks,
            entry.command == known.process.command
        {
            return entry.details
        }
        let read = directory.details()
        if details.count >= Self.detailsLimit { details.removeAll(keepingCapacity: true) }
        details[known.process.pid] = (known.startTicks, known.process.command, read)
        return read
    }

    /// Moves the wanted sockets that this process holds from `wanted` to `found`. Returns false if its descriptors may
    /// not be listed.
    private mutating func scan(
        _ pid: Int32, wanted: inout Set<UInt64>, into found: inout [UInt64: SocketOwner]
    ) -> Bool {
        let (allowed, hits) = sockets(of: pid, limit: wanted.count) { [wanted] in wanted.contains($0) }
        guard !hits.isEmpty else { return allowed }
        if known.count + hits.count > Self.cacheLimit { known.removeAll(keepingCapacity: true) }
        for (inode, owner) in hits {
            known[inode] = owner
            misses[inode] = nil
            found[inode] = owner
            wanted.remove(inode)
        }
        recent.removeAll { $0 == pid }
        recent.insert(pid, at: 0)
        if recent.count > Self.recentLimit { recent.removeLast() }
        return allowed
    }

    /// The wanted sockets of a process, at most `limit`, each with its lowest descriptor; `allowed` is false if its
    /// descriptors may not be listed.
    private mutating func sockets(
        of pid: Int32, limit: Int = .max, where isWanted: (UInt64) -> Bool = { _ in true }
    ) -> (allowed: Bool, hits: [UInt64: SocketOwner]) {
        guard let directory = ProcessDirectory(root: root, pid: pid) else { return (note(errno), [:]) }
        var identity: (process: ProcessIdentity, startTicks: UInt64)?
        var hits: [UInt64: SocketOwner] = [:]
        let code = directory.forEachSocket { inode, descriptor in
            guard isWanted(inode) else { return true }
            // Read only once a socket is found: most processes have none.
            if identity == nil {
                identity = directory.identity()
                if let known = identity { identity?.process = known.process.with(details(of: known, directory)) }
            }
            guard let identity else { return false }
            let lowest = min(descriptor, hits[inode]?.descriptor ?? descriptor)
            hits[inode] = SocketOwner(
                process: identity.process, descriptor: lowest, startTicks: identity.startTicks)
            return hits.count < limit
        }
        let allowed = note(code)
        // If the start time has changed, the pid was reused, and the sockets belong to another process than the one
        // identified.
        if let identity, directory.status()?.startTicks != identity.startTicks { hits = [:] }
        return (allowed, hits)
    }

    /// Counts the outcome of listing a process's descriptors (0 or an errno). Returns false if there may be descriptors
    /// hidden from us. With hidepid=1 not even the directory of another user's process can be opened (EPERM:
    /// proc_pid_permission, fs/proc/base.c).
    private mutating func note(_ code: Int32) -> Bool {
        switch code {
        case 0: counts.processes += 1
        case ENOENT, ESRCH: counts.vanished += 1
        default:
            counts.denied += 1
            return false
        }
        return true
    }
}
