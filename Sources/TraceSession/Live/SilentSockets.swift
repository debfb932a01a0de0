// What is there though no segment of it was captured: sockets that stand still, and a connect() whose SYN is not seen.

import KernelSockets
import TCPModel

/// A look at the sockets of the ports that a trace was about, for its end if it saw nothing.
enum SilentSockets {
    /// What stands still, in sentences for standard error; none if the filter names no ports, or nothing has them but listeners and
    /// TIME_WAITs.
    static func sentences(filter: String, root: String = "/proc") -> [String] {
        let ports = portsNamed(in: filter)
        var tables = ProcNetTCP(root: root)
        guard !ports.isEmpty, let snapshot = try? tables.read(ports: ports) else { return [] }
        var owners = ProcessOwners(root: root)
        let sockets = snapshot.sockets
        let calling = sockets.filter { $0.state == .synSent }
        let processes = owners.owners(of: Set(calling.map(\.inode)))
        let standing = sockets.filter { ![.synSent, .listen, .timeWait].contains($0.state) }
        return calling.prefix(3).map { sentence(on: $0, processes[$0.inode]?.process) } + sentence(on: standing, ports)
    }

    private static func sentence(on caller: KernelSocket, _ process: ProcessIdentity?) -> String {
        let name = process.map { "\(printable($0.command))[\($0.pid)]" } ?? "somebody"
        return
            "\(name) is in SYN_SENT to \(caller.remote), and its SYN was not seen here: a firewall rule of this host drops it on"
            + " its way out, there is no route or no neighbour, or it leaves by another interface"
    }

    private static func sentence(on sockets: [KernelSocket], _ ports: [UInt16]) -> [String] {
        guard !sockets.isEmpty else { return [] }
        let states = Dictionary(grouping: sockets, by: \.state).sorted { $0.key.rawValue < $1.key.rawValue }
        let counts = states.map { "\($0.value.count) \($0.key.displayName)" }.joined(separator: ", ")
        let words = ports.map { "port \($0)" }.joined(separator: " or ")
        return [
            "no segment was captured, but there \(sockets.count == 1 ? "is a socket" : "are \(sockets.count) sockets") (\(counts)):"
                + " tcptrace sockets \(words) shows \(sockets.count == 1 ? "it" : "them")"
        ]
    }
}
