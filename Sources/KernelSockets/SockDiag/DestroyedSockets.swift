// Hears of each TCP socket that the kernel destroys, with its last measurements (sock_diag's multicast groups).

import CLinux
import Glibc
public import TCPModel

/// A listener to the kernel's obituaries: full sockets only, never those in TIME_WAIT.
public struct DestroyedSockets: ~Copyable {
    private var socket: NetlinkSocket
    /// How often messages were lost because they were not taken in time.
    public private(set) var overruns = 0
    /// Messages that were cut or are no sockets.
    public private(set) var malformed = 0

    /// Joins the groups of both families.
    /// - Throws: `KernelViewError.sockDiag`.
    public init() throws(KernelViewError) {
        guard let opened = NetlinkSocket() else { throw .sockDiag(code: errno) }
        for group in [SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY] {
            let code = opened.join(group: Int32(group.rawValue))
            guard code == 0 else { throw .sockDiag(code: code) }
        }
        socket = opened
    }

    /// Readable when there is something to take.
    public var fileDescriptor: Int32 { socket.descriptor }

    /// Hands over what has come, at most `limit` datagrams; does not wait.
    public mutating func take(limit: Int = 1024, _ body: (DetailedSocket) -> Void) {
        for _ in 0..<limit {
            let count = socket.receive(waiting: false)
            if count == -Int(ENOBUFS) {
                overruns += 1
                continue
            }
            if count < 0 { return }
            malformed += Self.take(socket.buffer.span, count, body)
        }
    }

    /// Hands over the sockets of one datagram; returns how much of it was none.
    private static func take(_ bytes: Swift.Span<UInt8>, _ count: Int, _ body: (DetailedSocket) -> Void) -> Int {
        var damaged = 0
        var messages = NetlinkMessages(bytes, count: count)
        while let message = messages.next(bytes) {
            guard Int32(message.kind) == Int32(SOCK_DIAG_BY_FAMILY) else { continue }
            if case .socket(let gone) = SockDiagMessage.parse(bytes, message.payload) {
                body(gone)
            } else {
                damaged += 1
            }
        }
        return messages.isDamaged ? damaged + 1 : damaged
    }
}
