// Parses one sock_diag answer (struct inet_diag_msg and its attributes) into KernelSocket and SocketDetails, in place.

import CLinux
import TCPModel

/// The result of parsing one message.
enum SockDiagMessage {
    /// A TCP socket.
    case socket(DetailedSocket)
    /// A socket in a state unknown to this program: a newer kernel's, or that of a socket that is only bound.
    case unknownState
    /// Truncated, or of another address family.
    case malformed

    /// The size of struct inet_diag_msg.
    static let length = 72

    /// Parses the payload at `range` of `bytes`. Never traps on any input. Malformed attributes are left out.
    static func parse(_ bytes: Swift.Span<UInt8>, _ range: Range<Int>) -> SockDiagMessage {
        let start = range.lowerBound
        guard start >= 0, range.upperBound <= bytes.count, range.count >= length else { return .malformed }
        let isIPv6: Bool
        switch bytes[start] {
        case 2: isIPv6 = false  // AF_INET
        case 10: isIPv6 = true  // AF_INET6
        default: return .malformed
        }
        guard let state = TCPState(linuxNumber: UInt64(bytes[start + 1])) else { return .unknownState }
        func address(_ offset: Int) -> IPAddress {
            isIPv6
                ? IPAddress(high: bytes.network64(offset), low: bytes.network64(offset + 8))
                : IPAddress(v4: bytes.network32(offset))
        }
        let isListener = state == .listen
        let timer = KernelSocket.Timer(rawValue: bytes[start + 2]) ?? .none
        var socket = KernelSocket(
            local: SocketAddress(address(start + 8), bytes.network16(start + 4)),
            remote: SocketAddress(address(start + 24), bytes.network16(start + 6)),
            state: state, isIPv6: isIPv6, timer: timer,
            transmitQueue: bytes.netlink32(start + 60), receiveQueue: bytes.netlink32(start + 56),
            uid: bytes.netlink32(start + 64), inode: UInt64(bytes.netlink32(start + 68)))
        var details = SocketDetails()
        if isListener {
            // For listeners this field is the backlog limit, not a queue length; /proc shows 0 here.
            details.backlog = socket.transmitQueue
            socket.backlog = socket.transmitQueue
            socket.transmitQueue = 0
        }
        details.interface = bytes.netlink32(start + 40)
        socket.interface = details.interface
        let cookie = UInt64(bytes.netlink32(start + 48)) << 32 | UInt64(bytes.netlink32(start + 44))
        details.cookie = cookie == .max ? 0 : cookie
        details.timerCount = bytes[start + 3]
        if timer != .none { details.timerMilliseconds = bytes.netlink32(start + 52) }
        takeAttributes(bytes, start + length..<range.upperBound, into: &details)
        if isListener { socket.drops = details.memory?.drops }
        return .socket(DetailedSocket(socket: socket, details: details))
    }

    private static func takeAttributes(
        _ bytes: Swift.Span<UInt8>, _ range: Range<Int>, into details: inout SocketDetails
    ) {
        var attributes = NetlinkAttributes(range)
        while let (kind, payload) = attributes.next(bytes) {
            switch kind {
            case Int(INET_DIAG_INFO) where payload.count > 0:
                details.info = TCPInfo(payload.prefix(TCPInfo.capacity).map { bytes[$0] })
            case Int(INET_DIAG_SKMEMINFO): details.memory = memory(bytes, payload)
            case Int(INET_DIAG_SHUTDOWN) where payload.count >= 1:
                // RCV_SHUTDOWN is 1, SEND_SHUTDOWN is 2 (include/net/sock.h).
                details.isReceiveShutDown = bytes[payload.lowerBound] & 1 != 0
                details.isSendShutDown = bytes[payload.lowerBound] & 2 != 0
            case Int(INET_DIAG_CGROUP_ID) where payload.count >= 8:
                details.controlGroup = bytes.netlink64(payload.lowerBound)
            default: break
            }
        }
    }

    /// SK_MEMINFO: an array of 32-bit numbers; nil if it has fewer than eight.
    private static func memory(_ bytes: Swift.Span<UInt8>, _ payload: Range<Int>) -> SocketMemory? {
        guard payload.count >= 32 else { return nil }
        func word(_ index: Int) -> UInt32 { bytes.netlink32(payload.lowerBound + index * 4) }
        var memory = SocketMemory()
        memory.receive = word(0)
        memory.receiveLimit = word(1)
        memory.transmit = word(2)
        memory.transmitLimit = word(3)
        memory.transmitQueued = word(5)
        memory.backlog = word(7)
        memory.drops = payload.count >= 36 ? word(8) : nil
        return memory
    }
}
