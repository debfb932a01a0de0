// Which process holds a socket: inode -> process, by the links in /proc/PID/fd, cached and looked up incrementally.

import Glibc
public import TCPModel

/// A process that holds a socket.
public struct SocketOwner: Hashable, Sendable {
    /// The process.
    public var process: ProcessIdentity
    /// The number of its descriptor for the socket (the lowest, if it has several).
    public var descriptor: Int32
    /// When the process started, in clock ticks since boot: tells it from a later one with the same pid.
    public var startTicks: UInt64

    /// An owner from its fields.
    public init(process: ProcessIdentity, descriptor: Int32, startTicks: UInt64) {
        self.process = process
        self.descriptor = descriptor
        self.startTicks = startTicks
    }
}

/// Finds the owners of sockets. Sees only what this process may see: other users' descriptors need root (or
/// CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH).
///
/// Processes come and go while we look, and some refuse: that is normal, and counted. A process whose first thread has
/// ended while others live shows no descriptors in /proc/PID/fd; its sockets are not found.
public struct ProcessOwners: Sendable {
    /// What the scans met since the start.
    public struct Counts: Hashable, Sendable {
        /// Scans over all processes.
        public var fullScans = 0
        /// Processes whose descriptors were listed.
        public var processes = 0
        /// Processes whose descriptors could not be listed though they are there: another user's (EACCES, EPERM), or for want of
        /// descriptors of our own (EMFILE).
        public var denied = 0
        /// The most processes that refused in one search which left a socket without an owner: it may be theirs.
        public var mostDenied = 0
        /// Processes that went away while they were read (ENOENT, ESRCH).
        public var vanished = 0
    }

    /// What the scans met.
    public private(set) var counts = Counts()
    /// How many processes refused in the latest full scan: more than 0 means that an owner may be hidden from us.
    public private(set) var deniedInLatestScan = 0

    private let root: String
    private let missLifetime: Int64
    private var known: [UInt64: SocketOwner] = [:]
    /// Inodes that a full scan did not find, and until when (monotonic nanoseconds) that is believed.
    private var misses: [UInt64: Int64] = [:]
    /// Processes that owned a wanted socket lately, latest first.
    private var recent: [Int32] = []
    /// What else is known of processes; good while start and name are the same (another program has another name, mostly).
    private var details: [Int32: (startTicks: UInt64, command: String, details: ProcessDetails)] = [:]

    private static let recentLimit = 16
    private static let cacheLimit = 65_536
    private static let detailsLimit = 8192
    /// Processes that are asked for one process's sockets, and threads that are asked for their children, at most.
    private static let kinLimit = 64
    private static let threadLimit = 64

    /// Looks below `root` (another than /proc is for tests). An inode that no process held is not searched for again for
    /// `missLifetime` nanoseconds.
    public init(root: String = "/proc", missLifetime: Int64 = Span.second / 2) {
        self.root = root
        self.missLifetime = missLifetime
    }

    /// One owner of each of these sockets, as quickly as possible; sockets without a visible owner are left out.
    ///
    /// First the processes that held them last time are asked whether they still do, then those that owned other wanted
    /// sockets lately, then all, until everything is found. Of several processes that share a socket (after fork), the
    /// one that is met first is returned: an owner known before, else any recent one, else the lowest pid. Use
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
        let now = monotonicNanoseconds()
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
        let end = monotonicNanoseconds() + missLifetime
        for inode in wanted { misses[inode] = end }
        return found
    }

    /// Every visible owner of every socket, in one scan over all processes; of each socket the lowest pid first.
    public mutating func allOwners() -> [UInt64: [SocketOwner]] { allOwners { _ in true } }

    /// The same of these sockets.
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

    /// Whether this very process (same pid and same start time) holds the socket with this inode now.
    public func holds(_ owner: SocketOwner, inode: UInt64) -> Bool {
        guard let directory = ProcessDirectory(root: root, pid: owner.process.pid),
            let status = directory.status(), status.startTicks == owner.startTicks
        else { return false }
        return directory.holds(inode: inode, descriptor: owner.descriptor)
    }

    /// The same owner if it holds the socket now, as it is now: since then it may have run another program (execve(2)), or become another
    /// user.
    private mutating func still(_ owner: SocketOwner, inode: UInt64) -> SocketOwner? {
        guard let directory = ProcessDirectory(root: root, pid: owner.process.pid), let now = directory.identity(),
            now.startTicks == owner.startTicks, directory.holds(inode: inode, descriptor: owner.descriptor)
        else { return nil }
        if now.process == owner.process { return owner }
        return SocketOwner(
            process: now.process.with(details(of: now, directory)), descriptor: owner.descriptor,
            startTicks: owner.startTicks)
    }

    /// Whether this very process (same pid and same start time) is still there; a zombie is.
    public func isPresent(_ owner: SocketOwner) -> Bool {
        guard let directory = ProcessDirectory(root: root, pid: owner.process.pid), let status = directory.status()
        else { return false }
        return status.startTicks == owner.startTicks
    }

    /// Which of these processes have ended, all of their threads.
    public func gone(among pids: Set<Int32>) -> Set<Int32> {
        pids.filter { pid in
            guard let directory = ProcessDirectory(root: root, pid: pid), let status = directory.status() else {
                return errno == ENOENT || errno == ESRCH
            }
            return status.hasEnded
        }
    }

    /// Which of these processes are stopped, by a signal or a debugger, or have no descriptor left.
    public func troubled(among pids: [Int32]) -> [Int32: ProcessTrouble] {
        var troubled: [Int32: ProcessTrouble] = [:]
        for pid in pids {
            guard let directory = ProcessDirectory(root: root, pid: pid), let status = directory.status() else {
                continue
            }
            troubled[pid] = status.trouble ?? (directory.isOutOfDescriptors() ? .noDescriptors : nil)
        }
        return troubled
    }

    /// The process `pid` and its parent, its parent's parent and so on up to the first; empty if there is no such one.
    public func lineage(of pid: Int32) -> [Int32] {
        var line: [Int32] = []
        var next = pid
        while next > 0, !line.contains(next), let directory = ProcessDirectory(root: root, pid: next),
            let status = directory.status()
        {
            line.append(next)
            next = status.parent
        }
        return line
    }

    /// The holders of these sockets, each socket with its descriptor in the process `pid` if that is known. Asked are that process and its
    /// relatives by fork(2), which keeps the number of a descriptor: its descendants and its ancestors. The lowest pid comes first. A
    /// socket that none of them holds has an empty list. So has one that the process itself does not hold and whose descriptor is not
    /// known, because the relatives cannot be asked for it. A socket for which this cannot be determined is missing from the result.
    ///
    /// Only holders' relatives are asked, at most `kinLimit` processes, with one system call per socket: it costs some microseconds. A
    /// descriptor that is not known, or is another file's now, is searched among the first `limit` of the process's own that are sockets.
    public mutating func holders(
        of sockets: [UInt64: Int32?], near pid: Int32, limit: Int = 1024
    ) -> [UInt64: [SocketOwner]] {
        var numbers = sockets.compactMapValues { $0 }
        // Not known, or another one by now (dup2(2)).
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
                // It may hold them, for all we know.
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

    /// Which of these sockets a process holds by these descriptors, and its parent; nil with errno set if it cannot be told.
    private mutating func held(
        _ numbers: [UInt64: Int32], by pid: Int32
    ) -> (owners: [UInt64: SocketOwner], parent: Int32)? {
        guard let directory = ProcessDirectory(root: root, pid: pid), let status = directory.status() else {
            return nil
        }
        var owners: [UInt64: SocketOwner] = [:]
        var identity: (process: ProcessIdentity, startTicks: UInt64)?
        for (inode, number) in numbers {
            // What is another file sets none.
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

    /// The descriptors of one process for these sockets, as far as they are among its first `limit` descriptors that are sockets, and
    /// whether those are all that it has of them.
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

    /// Asks these processes first from now on: they are likely to own what is wanted next.
    public mutating func expect(_ pids: [Int32]) {
        recent.removeAll { pids.contains($0) }
        recent.insert(contentsOf: pids.prefix(Self.recentLimit), at: 0)
        if recent.count > Self.recentLimit { recent.removeLast(recent.count - Self.recentLimit) }
    }

    /// The children of `pid`, theirs and so on, the youngest first, at most `limit`; empty where the kernel does not list
    /// children (CONFIG_PROC_CHILDREN).
    public func descendants(of pid: Int32, limit: Int = 256) -> [Int32] {
        var found: [Int32] = []
        var open = [pid]
        while let next = open.popLast(), found.count < limit {
            for child in children(of: next) where !found.contains(child) && child != pid && found.count < limit {
                found.append(child)
                open.append(child)
            }
        }
        return found.reversed()
    }

    /// The children of a process: of each of its threads (the first `threadLimit`), for the kernel lists them by who forked them.
    private func children(of pid: Int32) -> [Int32] {
        guard let process = Descriptor(path: "\(root)/\(pid)", flags: O_RDONLY | O_DIRECTORY),
            var threads = DirectoryStream(below: process, name: "task")
        else { return [] }
        var found: [Int32] = []
        var looked = 0
        while looked < Self.threadLimit, let thread = threads.nextNumber() {
            looked += 1
            guard let bytes = process.contents(of: "task/\(thread)/children", limit: 16_384) else { continue }
            found += bytes.split(separator: 0x20).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
        }
        return found
    }

    // MARK: Scanning

    /// All process ids, ascending; empty if there is no procfs.
    private func allProcesses() -> [Int32] {
        guard let directory = Descriptor(path: root, flags: O_RDONLY | O_DIRECTORY),
            var entries = DirectoryStream(below: directory, name: ".")
        else { return [] }
        var pids: [Int32] = []
        while let pid = entries.nextNumber() { pids.append(pid) }
        return pids.sorted()
    }

    /// Read once a process: its files take longer than its name.
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

    /// Looks for wanted sockets in one process and moves them to `found`; false if its descriptors may not be listed.
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

    /// The wanted sockets of a process, at most `limit`, each with its lowest descriptor; `allowed` is false if they may
    /// not be listed.
    private mutating func sockets(
        of pid: Int32, limit: Int = .max, where isWanted: (UInt64) -> Bool = { _ in true }
    ) -> (allowed: Bool, hits: [UInt64: SocketOwner]) {
        guard let directory = ProcessDirectory(root: root, pid: pid) else { return (note(errno), [:]) }
        var identity: (process: ProcessIdentity, startTicks: UInt64)?
        var hits: [UInt64: SocketOwner] = [:]
        let code = directory.forEachSocket { inode, descriptor in
            guard isWanted(inode) else { return true }
            // Read when the first socket is met: most processes have none.
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
        // Were the start time another by now, the sockets would not be those of the process that was named.
        if let identity, directory.status()?.startTicks != identity.startTicks { hits = [:] }
        return (allowed, hits)
    }

    /// Counts what came of listing a process's descriptors, 0 or an errno; false if they may be there and are hidden from us. With
    /// hidepid=1 even the folder of another user's process is not opened (EPERM: proc_pid_permission, fs/proc/base.c).
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
