// `tcptrace kill --connection`: explains what ending a socket will do, asks, ends it through SOCK_DESTROY, and shows
// the effect.

import Glibc
import KernelSockets
import PacketSource
import TCPModel
import TimelineReport

/// Runs `tcptrace kill --connection`.
struct DestroyRun {
    private static let settling: UInt32 = 50_000  // Microseconds for the RST to arrive on this host.
    private static let listed = 10

    private let request: KillRequest
    private let output: ResultOutput
    private let ask: KillRun.Question
    private let explain: (String) -> Void
    private var survey = SocketSurvey()
    private var buffer = OutputBuffer()

    init(
        _ request: KillRequest, _ output: ResultOutput, _ ask: @escaping KillRun.Question,
        _ complain: @escaping (String) -> Void
    ) {
        self.request = request
        self.output = output
        self.ask = ask
        self.explain = complain
    }

    /// Returns the exit code; throws the reason if nothing can be ended.
    mutating func perform() throws -> Int32 {
        try survey.look()
        let targets = try choose()
        var diag = try SockDiag()
        var plans: [(row: SocketRow, fate: DestroyFate)] = []
        for row in targets {
            guard let found = try Self.detailed(row, &diag) else {
                throw KillRefusal(description: "\(Self.name(row)) is already gone")
            }
            plans.append((row, DestroyFate(target: found, holder: row.holder, peer: peer(of: row))))
        }
        let before = survey.rows.filter { row in
            targets.contains { $0.isSame(as: row) || $0.isOtherEnd(of: row) }
        }
        SocketTable(width: nil).append(before, to: &buffer)
        for plan in plans {
            buffer.append(text: "\nending \(Self.name(plan.row)) means\n")
            for line in plan.fate.lines { buffer.append(text: "  \(line)\n") }
        }
        try output.write(&buffer)
        if request.isDryRun { return 0 }

        let what = plans.count == 1 ? "this connection" : "these \(plans.count) sockets"
        try request.confirm("End \(what)?", by: ask, else: "nothing was ended")
        return try end(plans, before, &diag)
    }

    private mutating func end(
        _ plans: [(row: SocketRow, fate: DestroyFate)], _ before: [SocketRow], _ diag: inout SockDiag
    ) throws -> Int32 {
        let counters = HostCounterReader()
        let countedBefore = counters.read()
        var refusals: [KillRefusal] = []
        for plan in plans {
            // By its cookie, so that another socket that got the four-tuple meanwhile is not hit.
            let code = diag.destroy(plan.fate.target)
            if code != 0 { refusals.append(KillRefusal(description: Self.refusal(code, plan.row))) }
        }
        if refusals.count == plans.count, let refusal = refusals.first { throw refusal }
        usleep(Self.settling)
        let counted = counters.read()
        try survey.look()
        let after = survey.rows
        buffer.newline()
        SocketChangeTable().append(before.map { SocketChange(before: $0, among: after) }, to: &buffer)
        if let countedBefore, let counted {
            let resets = counted.change(since: countedBefore)["TcpOutRsts"]
            buffer.append(
                text: resets == 0
                    ? "no RST was sent (TcpOutRsts did not rise)\n"
                    : "TcpOutRsts rose by \(resets): all RSTs that this host sent in that time\n")
        }
        try output.write(&buffer)
        for refusal in refusals { explain("\(request.subject): \(refusal)") }
        return refusals.isEmpty ? 0 : 1
    }

    // MARK: Choosing

    private func choose() throws(KillRefusal) -> [SocketRow] {
        let matching = survey.rows.filter { request.filter.accepts($0.socket, processes: $0.processes) }
        let mine = matching.filter { row in
            request.pid.map { pid in row.processes.contains { $0.pid == pid } } ?? true
        }
        let connections = mine.filter { $0.socket.state != .listen }
        guard !connections.isEmpty else {
            throw KillRefusal(
                description: mine.isEmpty
                    ? "there is no such connection" + OtherNamespaces.remark(on: request.filter)
                    : "it is a listening socket, not a connection; without --connection, its process is ended")
        }
        if connections.count > 1 && !request.all {
            let names = connections.prefix(Self.listed).map { "\n  \(Self.name($0)) \($0.socket.state.displayName)" }
            let more = connections.count > Self.listed ? "\n  ... \(connections.count - Self.listed) more" : ""
            throw KillRefusal(
                description: "\(connections.count) sockets match:\(names.joined())\(more)\n"
                    + "name one as LOCAL:PORT REMOTE:PORT, or end them all with --all")
        }
        // With a file capability anyone could end anyone's connections, so it is used only for the caller's own.
        if geteuid() != 0,
            let row = connections.first(where: { $0.socket.uid != getuid() || $0.socket.state == .timeWait })
        {
            throw KillRefusal(
                description: "not ending \(Self.name(row)): it is "
                    + (row.socket.state == .timeWait ? "no user's any more" : "user \(row.socket.uid)'s")
                    + ", and you are user \(getuid()); root may end it")
        }
        let ancestors = Set(survey.finder.lineage(of: getpid()).dropFirst())
        for row in connections {
            if let holder = row.processes.first(where: { ancestors.contains($0.pid) }) {
                throw KillRefusal(
                    description: "not ending \(Self.name(row)): \(KillPlan.name(holder)) holds it, "
                        + "and this command was started from that process")
            }
        }
        return connections
    }

    private func peer(of row: SocketRow) -> SocketRow? { survey.rows.first { row.isOtherEnd(of: $0) } }

    /// The same socket as described by sock_diag; a socket that is bound to an interface is found only in the list.
    private static func detailed(_ row: SocketRow, _ diag: inout SockDiag) throws -> DetailedSocket? {
        let socket = row.socket
        func isSame(_ other: KernelSocket) -> Bool {
            other.local == socket.local && other.remote == socket.remote && other.inode == socket.inode
                && other.state != .listen
        }
        let found = try diag.details(of: FourTuple(source: socket.local, destination: socket.remote))
        if let found, isSame(found.socket) { return found }
        return try diag.list(ports: [socket.local.port]).first { isSame($0.socket) }
    }

    /// `127.0.0.1:9500 > 127.0.0.1:46516`: the local end first.
    private static func name(_ row: SocketRow) -> String { "\(row.socket.local) > \(row.socket.remote)" }

    private static func refusal(_ code: Int32, _ row: SocketRow) -> String {
        switch code {
        case EOPNOTSUPP:
            "this kernel cannot end single sockets (it was built without CONFIG_INET_DIAG_DESTROY); "
                + "end the process that holds it instead: leave out --connection"
        case EPERM, EACCES: "\(name(row)): not permitted; ending a socket needs CAP_NET_ADMIN: try with sudo"
        case ENOENT, ESTALE: "\(name(row)) is already gone"
        default: "\(name(row)): \(describeErrno(code))"
        }
    }
}

extension SocketRow {
    fileprivate func isOtherEnd(of other: SocketRow) -> Bool {
        socket.state != .listen && other.socket.state != .listen && socket.local == other.socket.remote
            && socket.remote == other.socket.local && socket.local != socket.remote
    }
}
