// Activity of which no segment was captured: sockets that stand still, and connect() calls whose SYN is not seen.

import KernelSockets
import TCPModel

/// Examines the sockets on a trace's ports, at the end of a trace that saw nothing.
enum SilentSockets {
    /// Sentences for standard error on sockets that stand still, or that use another interface than `interfaces` (none
    /// = all). Empty if the filter names no ports, or if these have only listeners and TIME_WAITs, which may well be
    /// right. Calls to the addresses in `told` have been reported already.
    static func sentences(
        filter: String, interfaces: [String] = [], besides told: Set<SocketAddress> = [], root: String = "/proc"
    ) -> [String] {
        let ports = portsNamed(in: filter)
        var tables = ProcNetTCP(root: root)
        guard !ports.isEmpty, let snapshot = try? tables.read(ports: ports) else { return [] }
        var owners = ProcessOwners(root: root)
        let (inner, sockets) = divide(snapshot.sockets, traced: interfaces)
        if let sentence = sentence(onLoopback: inner, traced: interfaces) { return [sentence] }
        // The remaining TIME_WAITs of a server that has ended belong to no process.
        let isNobody = snapshot.sockets.allSatisfy { $0.state == .timeWait && ports.contains($0.local.port) }
        if isNobody && told.isEmpty { return [OtherNamespaces.listener(on: ports, root: root) ?? nobodyListens(ports)] }
        let calling = sockets.filter { $0.state == .synSent && !told.contains($0.remote) }
        let processes = owners.owners(of: Set(calling.map(\.inode)))
        let standing = sockets.filter { ![.synSent, .listen, .timeWait].contains($0.state) }
        return calling.prefix(3).map { sentence(on: $0, processes[$0.inode]?.process) } + sentence(on: standing, ports)
    }

    /// Separates the sockets that use the loopback interface (listeners on its addresses, and sockets with both ends on
    /// this host) from all others; if that interface is traced, all count as others.
    private static func divide(
        _ sockets: [KernelSocket], traced interfaces: [String]
    ) -> (inner: [KernelSocket], others: [KernelSocket]) {
        guard !interfaces.isEmpty, !interfaces.contains("any"), !interfaces.contains("lo"),
            let addresses = try? LocalAddresses.current()
        else { return ([], sockets) }
        func isInner(_ socket: KernelSocket) -> Bool {
            if socket.state == .listen { return socket.local.address.isLoopback }
            return addresses.contains(socket.local.address) && addresses.contains(socket.remote.address)
        }
        return (sockets.filter(isInner), sockets.filter { !isInner($0) })
    }

    /// The sentence for sockets that use the loopback interface while only others are traced.
    private static func sentence(onLoopback sockets: [KernelSocket], traced interfaces: [String]) -> String? {
        // Sockets in TIME_WAIT send nothing of their own.
        let sockets = sockets.filter { $0.state != .timeWait }
        guard !sockets.isEmpty else { return nil }
        let names = interfaces.map { printable($0) }.joined(separator: ", ")
        let are = interfaces.count == 1 ? "is" : "are"
        let open = sockets.filter { $0.state != .listen }
        if open.isEmpty {
            return
                "the listener on \(sockets[0].local) is reached only over lo, and only \(names) \(are) traced: use -i lo or -i any"
        }
        return
            "\(open.count == 1 ? "a socket has" : "\(open.count) sockets have") both ends on this host, such as \(open[0].local) and"
            + " \(open[0].remote): what they send goes over lo, and only \(names) \(are) traced: use -i lo or -i any"
    }

    private static func sentence(on caller: KernelSocket, _ process: ProcessIdentity?) -> String {
        let name = process.map { "\(printable($0.command))[\($0.pid)]" } ?? "a process"
        return
            "\(name) is in SYN_SENT to \(caller.remote), and its SYN was not seen here: \(UnseenCallWords.unseen)"
    }

    private static func nobodyListens(_ ports: [UInt16]) -> String {
        "nothing listens on port \(ports.map(String.init).joined(separator: ", ")) in this network namespace, and no process here connects"
            + " to it: tcptrace sockets -a shows what listens"
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
