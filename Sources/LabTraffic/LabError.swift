// Failures of the lab's sockets, with messages that say what to do next.

import Glibc

/// A failure of a lab program; its `description` names what failed and the remedy.
public enum LabError: Error, CustomStringConvertible {
    /// The host is neither a numeric address nor a name that can be resolved.
    case unknownHost(host: String, reason: String)
    /// The server's address is in use by another socket.
    case addressInUse(InternetAddress, reusing: Bool)
    /// The client's own port (`--source-port`) is in use by another socket.
    case sourcePortInUse(port: UInt16)
    /// The server's address does not belong to this machine.
    case addressNotHere(InternetAddress)
    /// No address and port of our own is usable towards the server.
    case noOwnAddress(towards: InternetAddress, sourcePort: UInt16?)
    /// Ports below 1024 require a privilege.
    case portNotPermitted(InternetAddress)
    /// The server would be reachable from other machines.
    case remoteNotAllowed(InternetAddress)
    /// Nothing is listening at the address.
    case refused(InternetAddress)
    /// The SYN was not answered.
    case timedOut(InternetAddress)
    /// There is no route to the address.
    case unreachable(InternetAddress, code: Int32)
    /// The peer sent a RST.
    case reset
    /// We wrote after the peer had gone.
    case brokenPipe
    /// The peer does not read, so we cannot send.
    case peerDoesNotRead
    /// Any other failure of a system call.
    case system(doing: String, code: Int32)

    /// Whether the fault is in the command line, not in the machine.
    public var isUsage: Bool {
        if case .remoteNotAllowed = self { true } else { false }
    }

    /// Whether descriptors, memory or threads have run out.
    var isExhaustion: Bool {
        guard case .system(_, let code) = self else { return false }
        return [EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN].contains(code)
    }

    /// The error for a failed read or write of a connected socket.
    static func transfer(_ doing: String, _ code: Int32) -> LabError {
        switch code {
        case ECONNRESET: .reset
        case EPIPE: .brokenPipe
        case EAGAIN: .peerDoesNotRead
        default: .system(doing: doing, code: code)
        }
    }

    /// A sentence for the user: what happened, and what to do next.
    public var description: String {
        switch self {
        case .unknownHost(let host, let reason):
            "cannot find the host \(Printable.quoted(host)): \(reason). "
                + (portBehind(host).map { "Give the port separately: --port \($0)" }
                    ?? "Give an address such as 127.0.0.1")
        case .addressInUse(let address, let reusing):
            "\(address) is already in use (EADDRINUSE). `tcptrace sockets -a port \(address.port)` shows the process that holds it"
                + (reusing ? "" : " (TIME_WAIT counts, because of --no-reuse-address)")
                + "; `--port N` chooses another port"
        case .sourcePortInUse(let port):
            "the source port \(port) is already in use (EADDRINUSE). `tcptrace sockets -a port \(port)` shows the process that holds it; "
                + "choose another --source-port, or leave it out"
        case .addressNotHere(let address):
            "\(address) is not an address that this machine can use (EADDRNOTAVAIL). Use 127.0.0.1, or see `ip address`"
        case .noOwnAddress(let peer, let sourcePort?):
            "the source port \(sourcePort) cannot be used towards \(peer) (EADDRNOTAVAIL): its connection there is still open or in "
                + "TIME_WAIT, as `tcptrace sockets port \(sourcePort)` shows. Choose another --source-port, or leave it out"
        case .noOwnAddress(let peer, nil):
            "no local address and port is free for connecting to \(peer) (EADDRNOTAVAIL): connections or their TIME_WAITs hold "
                + "them all, as `tcptrace sockets port \(peer.port)` shows; or \(peer.host) needs an address that `ip address` "
                + "does not show"
        case .portNotPermitted(let address):
            "no permission for \(address) (EACCES): ports under 1024 are privileged. Use `--port N` with N over 1023"
        case .remoteNotAllowed(let address):
            "\(address) can be reached from other machines; a lab server has no protection. "
                + "Use 127.0.0.1, or add --allow-remote"
        case .refused(let address):
            "\(address) refused the connection (ECONNREFUSED): nothing listens there, or a firewall rejects it. Start `\(Self.server(at: address))`"
                + (address.isLoopback ? "" : " on that machine")
                + ", or check address and port with `tcptrace sockets -a port \(address.port)`"
        case .timedOut(let address):
            "\(address) did not answer (ETIMEDOUT): check the address, that the machine is up, and that no firewall "
                + "drops its packets; `tcptrace port \(address.port)` shows the unanswered SYNs"
        case .unreachable(let address, let code):
            "no path to \(address) (\(code == ENETUNREACH ? "ENETUNREACH" : "EHOSTUNREACH")): check the address and `ip route`"
        case .reset:
            "the other side reset the connection (ECONNRESET): it sent a RST, so nothing more can be sent or read"
        case .brokenPipe: "the connection is already closed (EPIPE): nothing more can be sent"
        case .peerDoesNotRead: "the other side is not reading: its window stays closed"
        case .system(let doing, let code): "\(doing): \(Self.words(code))"
        }
    }

    /// The command that makes the lab's server listen there; its default address is omitted.
    private static func server(at address: InternetAddress) -> String {
        let host = address.host == ServerOptions().host ? "" : " --host \(address.host)"
        return "lab-server\(host) --port \(address.port)\(address.isLoopback ? "" : " --allow-remote")"
    }

    /// The system's description of an error number.
    static func words(_ code: Int32) -> String {
        // strerror returns a constant for a known number, else a buffer of this thread (glibc 2.32): it is copied at once.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

/// The 9500 of `127.0.0.1:9500` and of `[::1]:9500`; nil if there is no port behind the host.
private func portBehind(_ host: String) -> UInt16? {
    guard let colon = host.lastIndex(of: ":") else { return nil }
    let name = host[..<colon]
    guard !name.isEmpty, !name.contains(":") || name.hasSuffix("]") else { return nil }
    return UInt16(host[host.index(after: colon)...])
}
