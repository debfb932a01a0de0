// The network namespaces of processes, distinguished by the links in /proc/PID/ns.

import Glibc

/// Finds processes in other network namespaces than ours. Their sockets appear in no table that we can read.
public struct NetworkNamespaces: Sendable {
    private let root: String

    /// Reads below `root`. Anything but /proc is for tests.
    public init(root: String = "/proc") { self.root = root }

    /// The inode number of the calling thread's network namespace, which the kernel keeps as `ns.inum` of its `struct
    /// net`; nil if /proc does not show it.
    public static func own(root: String = "/proc") -> UInt32? {
        var buffer = [UInt8](repeating: 0, count: 64)
        guard let directory = Descriptor(path: root, flags: O_RDONLY | O_DIRECTORY),
            let length = directory.linkTarget(of: "thread-self/ns/net", into: &buffer)
        else { return nil }
        let text = String(decoding: buffer[..<length], as: UTF8.self)
        guard text.hasPrefix("net:["), text.hasSuffix("]") else { return nil }
        return UInt32(text.dropFirst(5).dropLast())
    }

    /// One process of each network namespace other than our own: the one with the lowest pid. Only root sees the
    /// namespaces of other users' processes.
    public func others() -> [Int32] {
        guard let directory = Descriptor(path: root, flags: O_RDONLY | O_DIRECTORY),
            var entries = DirectoryStream(below: directory, name: ".")
        else { return [] }
        var buffer = [UInt8](repeating: 0, count: 64)
        var seen: Set<[UInt8]> = []
        if let own = directory.linkTarget(of: "self/ns/net", into: &buffer) { seen.insert(Array(buffer[..<own])) }
        var pids: [Int32] = []
        while let pid = entries.nextNumber() { pids.append(pid) }
        return pids.sorted().filter { pid in
            guard let length = directory.linkTarget(of: "\(pid)/ns/net", into: &buffer) else { return false }
            return seen.insert(Array(buffer[..<length])).inserted
        }
    }
}
