// The search for a socket in other network namespaces, such as a container's: for `tcptrace kill` without a match, and
// for a live trace that saw nothing.

import KernelSockets
import TCPModel

/// Searches the other network namespaces of this host.
struct OtherNamespaces {
    /// A remark to append to a refusal: where there is such a socket, or how to look there.
    static func remark(on filter: SocketFilter, root: String = "/proc") -> String {
        guard let found = first(root: root, needsOwners: filter.namesProcesses, where: filter.accepts) else {
            return " in this network namespace; --netns looks into another one, such as a container's"
        }
        return "; in another network namespace "
            + (found.holder.map { "\(KillPlan.name($0)) holds one" } ?? "there is one")
            + ": --netns \(found.pid) looks there"
    }

    /// A sentence on the process in another namespace that listens on one of these ports; nil if there is none.
    static func listener(on ports: [UInt16], root: String = "/proc") -> String? {
        let found = first(root: root, needsOwners: false) { socket, _ in
            socket.state == .listen && ports.contains(socket.local.port)
        }
        guard let found else { return nil }
        let holder = found.holder.map { KillPlan.name($0) } ?? "a process"
        return "nothing has port \(found.port) in this network namespace; in another one \(holder) listens on it:"
            + " --netns \(found.pid) traces there"
    }

    /// The first namespace with such a socket: a process that is in it, the holder if there is one, and the socket's
    /// own port. Finding owners takes a walk through all processes, so it is done only for the sockets in question; if
    /// selecting them `needsOwners`, that is all of them.
    private static func first(
        root: String, needsOwners: Bool, where accepts: (KernelSocket, [ProcessIdentity]) -> Bool
    ) -> (pid: Int32, holder: ProcessIdentity?, port: UInt16)? {
        for pid in NetworkNamespaces(root: root).others() {
            // The tables below /proc/PID belong to the process's namespace.
            var tables = ProcNetTCP(root: "\(root)/\(pid)")
            guard let snapshot = try? tables.read() else { continue }
            let possible = needsOwners ? snapshot.sockets : snapshot.sockets.filter { accepts($0, []) }
            if possible.isEmpty { continue }
            var finder = ProcessOwners(root: root)
            let owners = finder.owners(of: Set(possible.map(\.inode)))
            let found = possible.filter { socket in
                accepts(socket, owners[socket.inode].map { [$0.process] } ?? [])
            }
            guard let socket = found.first else { continue }
            let holder = found.lazy.compactMap { owners[$0.inode]?.process }.first
            return (holder?.pid ?? pid, holder, socket.local.port)
        }
        return nil
    }
}
