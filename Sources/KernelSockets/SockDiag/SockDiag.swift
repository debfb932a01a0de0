// Queries the kernel for TCP sockets over netlink: all that match, or a single one by its four-tuple (sock_diag(7)).

import CLinux
import Glibc
public import TCPModel

/// The kernel's TCP sockets, read through sock_diag. Needs no privilege; shows the network namespace in which it was
/// opened.
///
/// Looking up one socket by its four-tuple costs microseconds. Listing makes the kernel walk its whole hash table,
/// which takes milliseconds if the table is large, however few sockets match; only listeners have a small table of
/// their own.
public struct SockDiag: ~Copyable {
    /// What the readings have encountered since the start.
    public struct Counts: Hashable, Sendable {
        /// Readings of a list that changed while it was being read; all but the last attempt are repeated.
        public var interrupted = 0
        /// Lists that still changed in the last attempt: they may lack sockets.
        public var incomplete = 0
        /// Datagrams lost because the receive buffer was full (ENOBUFS).
        public var lost = 0
        /// Messages that were truncated or do not describe a socket.
        public var malformed = 0
        /// Sockets left out because their state is unknown to this program.
        public var unknownStates = 0
    }

    /// The bits of all states, including that of a connection request (12).
    public static let allStates: UInt32 = 0x1ffe
    /// The bit of LISTEN.
    public static let listening: UInt32 = 1 << 10
    private static let attempts = 3

    /// What the readings have encountered since the start.
    public private(set) var counts = Counts()
    private var socket: NetlinkSocket
    private var sequence: UInt32 = 0
    /// The interface to which the most recently found bound socket is bound.
    private var latestInterface: UInt32 = 0
    /// Kernels before 5.8 lack this port filter: then they send everything, and the filtering happens here.
    private var filtersInKernel = true

    /// Opens the netlink socket in this process's network namespace.
    /// - Throws: `KernelViewError.sockDiag`.
    public init() throws(KernelViewError) {
        guard let opened = NetlinkSocket() else { throw .sockDiag(code: errno) }
        socket = opened
    }

    /// Uses this socket, for tests.
    init(_ opened: consuming NetlinkSocket) { socket = opened }

    /// Lists the listeners and discards the result, to prove that the kernel supports TCP here. A look-up cannot
    /// distinguish a kernel without TCP's part of sock_diag from one without a matching socket: both return ENOENT
    /// (inet_diag_lock_handler, net/ipv4/inet_diag.c).
    mutating func prove() throws(KernelViewError) { _ = try dump(false, Self.listening, [], .none) { _ in } }

    /// Replaces the contents of `snapshot` with a new reading, as `ProcNetTCP.read(into:ports:)` does.
    /// - Throws: `KernelViewError.sockDiag`.
    public mutating func read(into snapshot: inout SocketSnapshot, ports: [UInt16] = []) throws(KernelViewError) {
        try gather(
            into: &snapshot, states: Self.allStates, ports, .none, restart: { $0.clear() },
            take: { $0.append($1.socket) })
    }

    /// Lists the sockets in these states (bit n = Linux's state n) that have one of these ports (empty = any), with all
    /// details.
    /// - Throws: `KernelViewError.sockDiag`.
    public mutating func list(
        states: UInt32 = SockDiag.allStates, ports: [UInt16] = []
    ) throws(KernelViewError) -> [DetailedSocket] {
        var snapshot = SocketSnapshot()
        return try list(into: &snapshot, states: states, ports: ports)
    }

    /// Lists the same sockets as `list(states:ports:)` and replaces the contents of `snapshot` with them.
    /// - Throws: `KernelViewError.sockDiag`.
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

    /// Looks up single sockets into `snapshot`: for each tuple, the socket with these two ends and the listener on the
    /// tuple's source. Where several listeners share an address (SO_REUSEPORT), only one is found that way; `listening`
    /// names the ports whose listeners are all listed (empty = every port).
    ///
    /// A socket bound to an interface is not found, because the kernel requires the interface for a match (see
    /// `addBound`).
    /// - Throws: `KernelViewError.sockDiag`.
    public mutating func read(
        into snapshot: inout SocketSnapshot, tuples: [FourTuple], listening: [UInt16]? = nil
    ) throws(KernelViewError) {
        snapshot.clear()
        let start = monotonicNow()
        snapshot.readBegan = wallClockNow()
        var listened: [SocketAddress: Bool] = [:]
        for tuple in tuples {
            // With memory details: for a listener these include its count of refusals.
            if let found = try lookUp(tuple, .memory)?.socket {
                if found.state != .listen {
                    snapshot.append(found)
                } else {
                    // The kernel returns the listener to which a SYN with these ends would go.
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
        snapshot.readEnded = wallClockNow()
        snapshot.readNanoseconds = monotonicNow() - start
    }

    /// Adds the socket that has these ends and is bound to one of the interfaces, by SO_BINDTODEVICE or because IPv6
    /// link-local addresses require it. Its earlier interface (`before`) and that of the latest such socket are tried
    /// first, even if the interface is gone: the kernel only compares indexes.
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

    /// The socket whose own end is the tuple's source and whose peer is its destination; failing that, the listener to
    /// which a SYN from that peer goes; nil if there is neither.
    /// - Throws: `KernelViewError.sockDiag`.
    public mutating func details(of tuple: FourTuple) throws(KernelViewError) -> DetailedSocket? {
        try lookUp(tuple, .everything)
    }

    /// Destroys a socket with SOCK_DESTROY: its peer gets a RST and its owner ECONNABORTED. Needs CAP_NET_ADMIN. If the
    /// cookie is known, no other socket with the same ends can be hit.
    /// - Returns: 0, or the errno: EOPNOTSUPP if the kernel was built without support, ENOENT if there is no such
    ///   socket.
    public mutating func destroy(_ target: DetailedSocket) -> Int32 {
        sequence &+= 1
        let code = socket.send(SockDiagRequest.destroy(target, sequence: sequence))
        guard code == 0 else { return code }
        // A request that wants an acknowledgment is always answered with NLMSG_ERROR; its code is 0 on success.
        do throws(KernelViewError) {
            _ = try answers { _ in }
            return 0
        } catch {
            if case .sockDiag(let code) = error { return code }
            return EIO
        }
    }

    // MARK: Asking

    /// Adds all listeners on these ports (empty = any), with their counts of refusals.
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
        let start = monotonicNow()
        for attempt in 1...Self.attempts {
            restart(&snapshot)
            snapshot.readBegan = wallClockNow()
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
        snapshot.readEnded = wallClockNow()
        snapshot.readNanoseconds = monotonicNow() - start
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

    /// The outcome of one request.
    private struct Answer {
        var isSteady = true
        var unknownStates = 0
        var malformed = 0
    }

    /// Receives until the current request is answered. Messages that answer earlier requests are skipped.
    private mutating func answers(
        isDump: Bool = true, _ take: (DetailedSocket) -> Void
    ) throws(KernelViewError) -> Answer {
        var answer = Answer()
        let lostBefore = counts.lost
        defer {
            counts.malformed += answer.malformed
            counts.unknownStates += answer.unknownStates
        }
        // If the end of an answer never arrives, the receive timeout (EAGAIN) ends the request.
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
            // The answer to a look-up is a single datagram.
            if !isDump && answer.malformed > 0 { return answer }
        }
    }
}
