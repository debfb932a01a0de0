// What `tcptrace kill` says when nothing here has such a socket: it may be in another network namespace, such as a container's.

import KernelSockets
import TCPModel

/// Looks into the other network namespaces of this host.
struct Elsewhere {
    /// A remark for a refusal: where there is such a socket, or how to look there.
    static func remark(on filter: SocketFilter, root: String = "/proc") -> String {
        for pid in NetworkNamespaces(root: root).others() {
            // The tables below /proc/PID are those of the process's namespace.
            var tables = ProcNetTCP(root: "\(root)/\(pid)")
            guard let snapshot = try? tables.read() else { continue }
            var finder = ProcessOwners(root: root)
            let owners = finder.owners(of: Set(snapshot.sockets.map(\.inode)))
            let found = snapshot.sockets.filter { socket in
                filter.accepts(socket, processes: owners[socket.inode].map { [$0.process] } ?? [])
            }
            guard !found.isEmpty else { continue }
            let holder = found.lazy.compactMap { owners[$0.inode]?.process }.first
            return "; in another network namespace "
                + (holder.map { "\(KillPlan.name($0)) does" } ?? "there is one")
                + ": --netns \(holder?.pid ?? pid) looks there"
        }
        return " in this network namespace; --netns looks into another one, such as a container's"
    }
}
