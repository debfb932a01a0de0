// Asks the kernel for TCP sockets over netlink: all that match, or one by its four-tuple (sock_diag(7)).

import CLinux
import Glibc
public import TCPModel

/// The kernel's TCP sockets, read through sock_diag. Needs no privilege; shows the network namespace in which it was opened.
///
/// One socket by its four-tuple costs microseconds. A list makes the kernel walk its whole hash table, which costs
/// milliseconds where that is large, however few sockets match; only listeners have a small table of their own.
public struct SockDiag: ~Copyable {
    /// What was met since the start.
    public struct Counts: Hashable, Sendable {
        /// Lists that changed while they were read, and were read again.
        public var interrupted = 0
        /// Lists that still changed in the last attempt: they may lack sockets.
        public var incomplete = 0
        /// Datagrams that the kernel had no room for (ENOBUFS).
        public var lost = 0
        /// Messages that were cut or are no sockets.
        public var malformed = 0
        /// Sockets left out because their state's number is not known here.
        public var unknownStates = 0
    }

    /// Every state's bit, that of a request (12) included.
    public static let allStates: UInt32 = 0x1ffe
    /// The bit of LISTEN.
    public static let listening: UInt32 = 1 << 10
    private static let attempts = 3

    /// What was met.
    public private(set) var counts = Counts()
    private var socket: NetlinkSocket
    private var sequence: UInt32 = 0
    /// The interface that the latest bound socket was found at.
    private var latestInterface: UInt32 = 0
    /// A kernel before 5.8 has no such port filter: everything is sent then, and chosen here.
    private var filtersInKernel = true

    /// Opens the netlink socket.
    /// - Throws: `KernelViewError.sockDiag`.
    public init() throws(KernelViewError) {
        guard let opened = NetlinkSocket() else { throw .sockDiag(code: errno) }
        socket = opened
    }

    /// Asks over this socket, for tests.
    init(_ opened: consuming NetlinkSocket) { socket = opened }

    /// Lists the listeners, and nothing is made of them. A look-up cannot tell a kernel without TCP's part of sock_diag from one that
    /// has no such socket: both are ENOENT (inet_diag_lock_handler, net/ipv4/inet_diag.c). A list can.
    mutating func prove() throws(KernelViewError) { _ = try dump(false, Self.listening, [], .none) { _ in } }

    /// Replaces what `snapshot` holds by a new reading, as `ProcNetTCP.read(into:ports:)` does.
    public mutating func read(into snapshot: inout SocketSnapshot, ports: [UInt16] = []) throws(KernelViewError) {
        try gather(
            into: &snapshot, states: Self.allStates, ports, .none, restart: { $0.clear() },
            take: { $0.append($1.socket) })
    }

    /// The sockets in these states (bit n = Linux's state n) that have one of these ports (empty = any), with all details.
    public mutating func list(
        states: UInt32 = SockDiag.allStates, ports: [UInt16] = []
    ) throws(KernelViewError) -> [DetailedSocket] {
        var snapshot = SocketSnapshot()
        return try list(into: &snapshot, states: states, ports: ports)
    }

    /// The same; `snapshot` has these sockets, and nothing else, then.
    public mutating func list(
        into snapshot: inout SocketSnapshot, states: UInt32 = SockDiag.allStates, ports: [UInt16] = []
    ) throws(KernelViewError) -> [DetailedSocket] {
        var sockets = DetailedSocketList()
        try gather(
            into: &snapshot, states: states, ports, .everything,
            restart: {
                $0.clear()
                sockets = DetailedSocketList()
            },
            take: {
                $0.append($1.socket)
                sockets.append($1)
            })
        return sockets.sockets
    }

    /// Looks up single sockets into `snapshot`: for each pair the socket with these two ends, and the listener of the first. Of
    /// several listeners on one address (SO_REUSEPORT) that is one; `listening` says of which ports all are wanted (empty = of all).
    ///
    /// A socket that is bound to an interface is not found: the kernel wants to be told which (`addBound`).
    public mutating func read(
        into snapshot: inout SocketSnapshot, tuples: [FourTuple], listening: [UInt16]? = nil
    ) throws(KernelViewError) {
        snapshot.clear()
        let start = monotonicNanoseconds()
        snapshot.readBegan = wallClock()
        var listened: [SocketAddress: Bool] = [:]
        for tuple in tuples {
            // With memory: of a listener, it has what that refused.
            if let found = try lookUp(tuple, .memory)?.socket {
                if found.state != .listen {
                    snapshot.append(found)
                } else {
                    // The kernel takes the one that a SYN with these ends would go to.
                    listened[tuple.source] = true
                    snapshot.add(listener: found)
                    snapshot.name(found, for: tuple)
                }
            }
            guard listened[tuple.source] == nil else { continue }
            listened[tuple.source] = true
            let nobody = SocketAddress(tuple.source.address.isV4 ? .anyV4 : .anyV6, 0)
            let listener = try lookUp(FourTuple(source: tuple.source, destination: nobody), .memory)?.socket
            if let listener, listener.state == .listen { snapshot.add(listener: listener) }
        }
        if let listening { try addListeners(listening, to: &snapshot) }
        snapshot.readEnded = wallClock()
        snapshot.readNanoseconds = monotonicNanoseconds() - start
    }

    /// Adds the socket that has these ends and is bound to one of the interfaces: by SO_BINDTODEVICE, or because IPv6 addresses of a
    /// link mean nothing without it. Where it was bound `before`, and where the latest one was found, is tried first, even if that
    /// interface has gone: the kernel compares numbers.
    mutating func addBound(
        _ tuple: FourTuple, before: UInt32, to interfaces: [UInt32], _ snapshot: inout SocketSnapshot
    ) throws(KernelViewError) {
        let likely = [before, latestInterface].filter { $0 != 0 }
        for interface in likely + interfaces.filter({ !likely.contains($0) }) {
            guard let found = try lookUp(tuple, .memory, interface: interface)?.socket, found.state != .listen else {
                continue
            }
            snapshot.append(found)
            latestInterface = interface
            return
        }
    }

    /// The socket whose own end is the tuple's source and whose peer is its destination; where there is none, the listener
    /// that a SYN from there goes to; nil if there is neither.
    public mutating func details(of tuple: FourTuple) throws(KernelViewError) -> DetailedSocket? {
        try lookUp(tuple, .everything)
    }

    /// Ends a socket as the kernel does it for SOCK_DESTROY: the peer gets a RST, the owner ECONNABORTED. Needs
    /// CAP_NET_ADMIN. If the cookie is known, no other socket with the same ends can be hit.
    /// - Returns: 0, or the errno: EOPNOTSUPP if the kernel was built without, ENOENT if there is no such socket.
    public mutating func destroy(_ target: DetailedSocket) -> Int32 {
        sequence &+= 1
        let code = socket.send(SockDiagRequest.destroy(target, sequence: sequence))
        guard code == 0 else { return code }
        // NLMSG_ERROR always follows a request that wants an acknowledgment; 0 is the good news.
        do throws(KernelViewError) {
            _ = try answers { _ in }
            return 0
        } catch {
            if case .sockDiag(let code) = error { return code }
            return EIO
        }
    }

    // MARK: Asking

    /// All listeners on these ports (empty = any), with what they have refused.
    private mutating func addListeners(
        _ ports: [UInt16], to snapshot: inout SocketSnapshot
    ) throws(KernelViewError) {
        for isIPv6 in [false, true] {
            let answer = try dump(isIPv6, Self.listening, ports, .memory) { found in
                guard ports.isEmpty || ports.contains(found.socket.local.port) else { return }
                snapshot.add(listener: found.socket)
            }
            if !answer.isSteady { counts.incomplete += 1 }
        }
    }

    private mutating func lookUp(
        _ tuple: FourTuple, _ extensions: SockDiagRequest.Extensions, interface: UInt32 = 0
    ) throws(KernelViewError) -> DetailedSocket? {
        sequence &+= 1
        let code = socket.send(
            SockDiagRequest.lookUp(
                local: tuple.source, remote: tuple.destination, interface: interface, extensions, sequence: sequence))
        guard code == 0 else { throw .sockDiag(code: code) }
        var found: DetailedSocket?
        do throws(KernelViewError) {
            _ = try answers(isDump: false) { found = $0 }
        } catch {
            if case .sockDiag(ENOENT) = error { return nil }
            throw error
        }
        return found
    }

    private mutating func gather(
        into snapshot: inout SocketSnapshot, states: UInt32, _ ports: [UInt16],
        _ extensions: SockDiagRequest.Extensions, restart: (inout SocketSnapshot) -> Void,
        take: (inout SocketSnapshot, DetailedSocket) -> Void
    ) throws(KernelViewError) {
        let start = monotonicNanoseconds()
        for attempt in 1...Self.attempts {
            restart(&snapshot)
            snapshot.readBegan = wallClock()
            var isSteady = true
            for isIPv6 in [false, true] {
                let answer = try dump(isIPv6, states, ports, extensions) { found in
                    let socket = found.socket
                    guard ports.isEmpty || ports.contains(socket.local.port) || ports.contains(socket.remote.port)
                    else { return }
                    take(&snapshot, found)
                }
                isSteady = isSteady && answer.isSteady
                snapshot.unknownStates += answer.unknownStates
                snapshot.malformedLines += answer.malformed
            }
            if isSteady { break }
            counts.interrupted += 1
            if attempt == Self.attempts { counts.incomplete += 1 }
        }
        snapshot.readEnded = wallClock()
        snapshot.readNanoseconds = monotonicNanoseconds() - start
    }

    private mutating func dump(
        _ isIPv6: Bool, _ states: UInt32, _ ports: [UInt16], _ extensions: SockDiagRequest.Extensions,
        _ take: (DetailedSocket) -> Void
    ) throws(KernelViewError) -> Answer {
        while true {
            sequence &+= 1
            let code = socket.send(
                SockDiagRequest.dump(
                    isIPv6: isIPv6, states: states, ports: filtersInKernel ? ports : [], extensions,
                    sequence: sequence))
            guard code == 0 else { throw .sockDiag(code: code) }
            do throws(KernelViewError) {
                return try answers(take)
            } catch {
                guard case .sockDiag(EINVAL) = error, filtersInKernel, !ports.isEmpty else { throw error }
                filtersInKernel = false
            }
        }
    }

    /// What came of one request.
    private struct Answer {
        var isSteady = true
        var unknownStates = 0
        var malformed = 0
    }

    /// Receives until the request with the current number is answered. Messages of earlier requests are passed over.
    private mutating func answers(
        isDump: Bool = true, _ take: (DetailedSocket) -> Void
    ) throws(KernelViewError) -> Answer {
        var answer = Answer()
        let lostBefore = counts.lost
        defer {
            counts.malformed += answer.malformed
            counts.unknownStates += answer.unknownStates
        }
        // An end that does not come is told by the socket's patience (EAGAIN): then the request is over, too.
        while true {
            let count = socket.receive()
            if count == -Int(ENOBUFS), counts.lost < lostBefore + Self.attempts {
                counts.lost += 1
                answer.isSteady = false
                continue
            }
            if count < 0 { throw .sockDiag(code: Int32(-count)) }
            let bytes = socket.buffer.span
            var messages = NetlinkMessages(bytes, count: count)
            while let message = messages.next(bytes) {
                guard message.sequence == sequence else { continue }
                // NLM_F_DUMP_INTR.
                if message.flags & 0x10 != 0 { answer.isSteady = false }
                if let code = message.end(bytes) {
                    if code == 0 { return answer }
                    throw .sockDiag(code: code)
                }
                guard Int32(message.kind) == Int32(SOCK_DIAG_BY_FAMILY) else { continue }
                switch SockDiagMessage.parse(bytes, message.payload) {
                case .socket(let found): take(found)
                case .unknownState: answer.unknownStates += 1
                case .malformed: answer.malformed += 1
                }
                if !isDump { return answer }
            }
            if messages.isDamaged { answer.malformed += 1 }
            // A single answer is one datagram.
            if !isDump && answer.malformed > 0 { return answer }
        }
    }
}
