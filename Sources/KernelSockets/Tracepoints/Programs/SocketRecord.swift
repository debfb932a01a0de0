// One record of the socket program: the layout that it writes, and the SocketEvent in it. Every access is checked.

import TCPModel

/// Where a record has what.
enum SocketRecord {
    static let time = 0
    static let socket = 8
    /// The process in the upper half, the thread in the lower one.
    static let process = 16
    /// Whether a system call holds the socket's lock: not 0 then.
    static let isOwned = 24
    static let kind = 28
    static let oldState = 30
    static let newState = 32
    static let family = 34
    /// In network order, as everything below.
    static let localPort = 36
    static let remotePort = 38
    static let localAddress = 40
    static let remoteAddress = 44
    /// The number of its network namespace, in this machine's order; 0 where the kernel does not tell.
    static let namespace = 48
    /// What IPv4 sockets have no more of.
    static let size4 = 52
    static let localAddress6 = 52
    static let remoteAddress6 = 68
    static let size6 = 84

    /// The event in `record`, whose time is `offset` nanoseconds behind the wall clock's; nil if it makes no sense.
    static func decode(_ record: RawSpan, offset: Int64) -> SocketEvent? {
        guard let stamp = unsigned(record, time, 8), let address = unsigned(record, socket, 8),
            let actor = unsigned(record, process, 8), let lock = unsigned(record, isOwned, 4),
            let what = content(record), let here = bigEndian(record, localPort, 2),
            let there = bigEndian(record, remotePort, 2), let ends = addresses(record)
        else { return nil }
        let pid = Int32(truncatingIfNeeded: actor >> 32)
        return SocketEvent(
            time: Timestamp(nanoseconds: Int64(clamping: stamp)).advanced(by: offset), kind: what, socket: address,
            local: SocketAddress(ends.local, UInt16(truncatingIfNeeded: here)),
            remote: SocketAddress(ends.remote, UInt16(truncatingIfNeeded: there)),
            // 0 is the idle task. Only children that go with their listener are closed without this lock: nobody held them.
            isProcessContext: lock != 0 && pid != 0, pid: pid)
    }

    /// Whether an event is of another network namespace's loopback interface, which has the same addresses as that of the namespace `own`.
    /// All other addresses of another namespace may well be the other end of a connection that is captured here, such as a container's.
    static func isOthersLoopback(_ record: RawSpan, _ event: SocketEvent, own: UInt32) -> Bool {
        guard let number = unsigned(record, namespace, 4), number != 0, number != UInt64(own) else { return false }
        return event.local.address.isLoopback || event.remote.address.isLoopback
    }

    private static func content(_ record: RawSpan) -> SocketEvent.Kind? {
        switch unsigned(record, kind, 2) {
        case UInt64(SocketProgram.Tracepoint.destroy.rawValue): return .destroyed
        case UInt64(SocketProgram.Tracepoint.setState.rawValue):
            guard let old = unsigned(record, oldState, 2), let new = unsigned(record, newState, 2),
                let from = TCPState(linuxNumber: old), let to = TCPState(linuxNumber: new)
            else { return nil }
            return .transition(from: from, to: to)
        default: return nil
        }
    }

    private static func addresses(_ record: RawSpan) -> (local: IPAddress, remote: IPAddress)? {
        if unsigned(record, family, 2) == 10, let local = address6(record, localAddress6),
            let remote = address6(record, remoteAddress6)
        {
            return (local, remote)
        }
        guard let local = bigEndian(record, localAddress, 4), let remote = bigEndian(record, remoteAddress, 4) else {
            return nil
        }
        return (
            IPAddress(v4: UInt32(truncatingIfNeeded: local)), IPAddress(v4: UInt32(truncatingIfNeeded: remote))
        )
    }

    /// An IPv6 address; where there is none yet, IPv4's, which is none either.
    private static func address6(_ record: RawSpan, _ offset: Int) -> IPAddress? {
        guard let high = bigEndian(record, offset, 8), let low = bigEndian(record, offset + 8, 8) else { return nil }
        return high | low != 0 ? IPAddress(high: high, low: low) : .anyV4
    }
}
