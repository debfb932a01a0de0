// One record of the socket program: its layout, and how it is decoded into a SocketEvent. Every access is checked.

import TCPModel

/// The offsets of a record's fields.
enum SocketRecord {
    static let time = 0
    static let socket = 8
    /// The process id in the upper half, the thread id in the lower.
    static let process = 16
    /// Nonzero if a system call holds the socket's lock.
    static let isOwned = 24
    static let kind = 28
    static let oldState = 30
    static let newState = 32
    static let family = 34
    /// In network order, like all fields below.
    static let localPort = 36
    static let remotePort = 38
    static let localAddress = 40
    static let remoteAddress = 44
    /// The number of the socket's network namespace, in this machine's byte order; 0 if unknown.
    static let namespace = 48
    /// The size of an IPv4 socket's record, which ends here.
    static let size4 = 52
    static let localAddress6 = 52
    static let remoteAddress6 = 68
    static let size6 = 84

    /// Decodes the event in `record`, whose clock is `offset` nanoseconds behind the wall clock; nil if the record is
    /// invalid.
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
            // Pid 0 is the idle task. Without this lock, only children that die with their listener are closed: no
            // process held them.
            isProcessContext: lock != 0 && pid != 0, pid: pid)
    }

    /// Whether an event comes from the loopback interface of another network namespace than `own`, which has the same
    /// addresses as our own loopback. Any other address of another namespace may well be the far end of a connection
    /// captured here, such as a container's.
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

    /// The IPv6 address; if it is not set yet, the IPv4 wildcard, which means no address either.
    private static func address6(_ record: RawSpan, _ offset: Int) -> IPAddress? {
        guard let high = bigEndian(record, offset, 8), let low = bigEndian(record, offset + 8, 8) else { return nil }
        return high | low != 0 ? IPAddress(high: high, low: low) : .anyV4
    }
}
