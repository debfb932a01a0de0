// What /proc says of processes besides their sockets: whether they are there, whether they can act, and their relatives.

import Glibc
public import TCPModel

extension ProcessOwners {
    /// Whether this very process (same pid and start time) still exists; a zombie counts.
    public func isPresent(_ owner: SocketOwner) -> Bool {
        guard let directory = ProcessDirectory(root: root, pid: owner.process.pid), let status = directory.status()
        else { return false }
        return status.startTicks == owner.startTicks
    }

    /// Those of these processes that have ended, with all of their threads.
    public func gone(among pids: Set<Int32>) -> Set<Int32> {
        pids.filter { pid in
            guard let directory = ProcessDirectory(root: root, pid: pid), let status = directory.status() else {
                return errno == ENOENT || errno == ESRCH
            }
            return status.hasEnded
        }
    }

    /// Those of these processes that cannot act: stopped by a signal or a debugger, or out of descriptors.
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

    /// The process `pid`, its parent, its parent's parent and so on up to the first; empty if there is no such process.
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

    /// The descendants of `pid`, at most `limit`, roughly the youngest first; empty where the kernel does not list
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

    /// The children of a process, gathered from its first `threadLimit` threads: the kernel lists children by the
    /// thread that forked them.
    func children(of pid: Int32) -> [Int32] {
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
}
