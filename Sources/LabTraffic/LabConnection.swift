// A connected socket: connect, read, send, shut down, and close with FIN or with RST.

import Glibc

/// Owns a connected TCP socket, and closes it at the end of its life.
struct LabConnection: ~Copyable {
    private let descriptor: LabDescriptor
    /// The peer's address and port.
    let peer: InternetAddress

    /// Takes ownership of a socket that `accept` returned or another owner released.
    init(owning number: Int32, peer: InternetAddress) {
        descriptor = LabDescriptor(owning: number)
        self.peer = peer
    }

    /// Connects. Without a `timeout`, the kernel's SYN retries determine the time limit (about two minutes).
    init(to peer: InternetAddress, sourcePort: UInt16?, timeout: Duration?) throws(LabError) {
        let descriptor = try Sockets.make(family: peer.family)
        if let sourcePort {
            try Sockets.setFlag(descriptor.number, SO_REUSEADDR, true)
            let own = try peer.wildcard(port: sourcePort)
            // The pointer and the length belong to the same live address, here and in connect.
            guard unsafe own.withSocketAddress({ unsafe bind(descriptor.number, $0, $1) }) == 0 else {
                switch errno {
                case EADDRINUSE: throw .sourcePortInUse(port: sourcePort)
                case EACCES: throw .portNotPermitted(own)
                case let code: throw .system(doing: "cannot bind to the source port \(sourcePort)", code: code)
                }
            }
        }
        let deadline = timeout.map { ContinuousClock.now + $0 }
        if let timeout { try Sockets.setSendTimeout(descriptor.number, timeout) }
        while unsafe peer.withSocketAddress({ unsafe connect(descriptor.number, $0, $1) }) != 0 {
            switch errno {
            case EINTR:
                // Ctrl-Z and fg interrupt a connect with a time limit (signal(7)). The SYN is out, and calling again
                // continues to wait for its answer. A limit of 0 would mean none.
                if let deadline {
                    let rest = max(.milliseconds(1), ContinuousClock.now.duration(to: deadline))
                    try Sockets.setSendTimeout(descriptor.number, rest)
                }
            case ECONNREFUSED: throw .refused(peer)
            // EINPROGRESS means that the time limit was reached, EALREADY the same for a repeated call.
            case ETIMEDOUT, EINPROGRESS, EALREADY: throw .timedOut(peer)
            case EADDRNOTAVAIL: throw .noOwnAddress(towards: peer, sourcePort: sourcePort)
            case EADDRINUSE: throw .sourcePortInUse(port: sourcePort ?? 0)
            case let code where code == ENETUNREACH || code == EHOSTUNREACH: throw .unreachable(peer, code: code)
            case let code: throw .system(doing: "cannot connect to \(peer)", code: code)
            }
        }
        if timeout != nil { try Sockets.setSendTimeout(descriptor.number, .zero) }
        self.descriptor = descriptor
        self.peer = peer
    }

    /// The descriptor's number, for poll.
    var number: Int32 { descriptor.number }

    /// The socket's own address and port.
    var local: InternetAddress { Sockets.localAddress(number) }

    /// Makes reads and writes return at once.
    func setNonBlocking() throws(LabError) {
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, fcntl(number, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw .system(doing: "cannot make the socket non-blocking", code: errno)
        }
    }

    /// Reads what has arrived.
    func read() throws(LabError) -> ReadResult {
        switch DescriptorCalls.read(number) {
        case .success(let result): return result
        case .failure(let failure): throw .transfer("cannot read from the connection", failure.code)
        }
    }

    /// Sends all of the bytes; the socket must be blocking.
    func sendAll(_ bytes: [UInt8]) throws(LabError) {
        var rest = bytes[...]
        while !rest.isEmpty { rest = rest.dropFirst(try send(rest)) }
    }

    /// Sends what fits and returns the number of bytes. On a non-blocking socket, `peerDoesNotRead` means that nothing
    /// fits now.
    func send(_ bytes: ArraySlice<UInt8>) throws(LabError) -> Int {
        switch DescriptorCalls.write(number, bytes) {
        case .success(let count): return count
        case .failure(let failure): throw .transfer("cannot send", failure.code)
        }
    }

    /// Takes the socket's pending error, such as that of an unexpected RST; nil if there is none.
    func takeError() -> LabError? {
        let code = Sockets.takeError(number)
        return code == 0 ? nil : .transfer("the connection failed", code)
    }

    /// Sends our FIN and keeps reading.
    func shutdownWriting() throws(LabError) {
        guard shutdown(number, Int32(SHUT_WR)) == 0 else { throw .transfer("cannot half-close", errno) }
    }

    /// Closes the socket; `abortively` means with a RST (SO_LINGER with time 0) instead of a FIN.
    consuming func close(abortively: Bool) {
        if abortively { Sockets.lingerZero(number) }
    }

    /// Gives up ownership of the socket without closing it.
    consuming func release() -> Int32 { descriptor.release() }
}
