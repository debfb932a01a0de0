// Builds sock_diag requests: struct nlmsghdr, struct inet_diag_req_v2, and the port filter that the kernel runs.

import CLinux
import TCPModel

/// Builds sock_diag requests as octets.
enum SockDiagRequest {
    /// Details requested beyond the basic message: bit n - 1 stands for extension n of linux/inet_diag.h.
    struct Extensions: OptionSet {
        let rawValue: UInt8

        static let none: Extensions = []
        static let memory = Extensions(rawValue: 1 << (UInt8(INET_DIAG_SKMEMINFO) - 1))
        static let everything = Extensions(
            rawValue: 1 << (UInt8(INET_DIAG_INFO) - 1) | 1 << (UInt8(INET_DIAG_SKMEMINFO) - 1)
                | 1 << (UInt8(INET_DIAG_SHUTDOWN) - 1))
    }

    /// NLM_F_REQUEST; NLM_F_ACK; NLM_F_ROOT with NLM_F_MATCH (linux/netlink.h).
    private static let request: UInt16 = 1
    private static let acknowledge: UInt16 = 4
    private static let dump: UInt16 = 0x300
    /// The maximum number of ports in a kernel filter: its jump offsets are 16 bits wide, and long chains cost more
    /// than they save.
    static let portLimit = 64

    /// A dump of all sockets of one family in these states (bit n = Linux's state n) with one of these ports; no ports
    /// = any.
    static func dump(
        isIPv6: Bool, states: UInt32, ports: [UInt16], _ extensions: Extensions, sequence: UInt32
    ) -> [UInt8] {
        var bytes = header(UInt16(SOCK_DIAG_BY_FAMILY), request | dump, sequence)
        appendBody(isIPv6, states, extensions, to: &bytes)
        bytes += [UInt8](repeating: 0, count: 48)
        if !ports.isEmpty && ports.count <= portLimit {
            let code = portFilter(ports)
            append16(UInt16(4 + code.count), to: &bytes)
            append16(UInt16(INET_DIAG_REQ_BYTECODE), to: &bytes)
            bytes += code
        }
        return sealed(bytes)
    }

    /// A look-up of the socket with these ends, or else of the listener to which a SYN to `local` goes. A socket bound
    /// to an interface is found only if the request names it (`inet_sk_bound_dev_eq`).
    static func lookUp(
        local: SocketAddress, remote: SocketAddress, interface: UInt32 = 0, _ extensions: Extensions, sequence: UInt32
    ) -> [UInt8] {
        single(UInt16(SOCK_DIAG_BY_FAMILY), request, local, remote, interface, nil, extensions, sequence)
    }

    /// Destroys the socket with these ends, this interface and, if known, this cookie (SOCK_DESTROY).
    static func destroy(_ target: DetailedSocket, sequence: UInt32) -> [UInt8] {
        let cookie = target.details.cookie == 0 ? nil : target.details.cookie
        return single(
            UInt16(SOCK_DESTROY), request | acknowledge, target.socket.local, target.socket.remote,
            target.details.interface, cookie, .none, sequence, isIPv6: target.socket.isIPv6)
    }

    private static func single(
        _ kind: UInt16, _ flags: UInt16, _ local: SocketAddress, _ remote: SocketAddress, _ interface: UInt32,
        _ cookie: UInt64?, _ extensions: Extensions, _ sequence: UInt32, isIPv6 stated: Bool? = nil
    ) -> [UInt8] {
        let isIPv6 = stated ?? !local.address.isV4
        var bytes = header(kind, flags, sequence)
        appendBody(isIPv6, .max, extensions, to: &bytes)
        appendBig16(local.port, to: &bytes)
        appendBig16(remote.port, to: &bytes)
        for address in [local.address, remote.address] {
            bytes +=
                isIPv6 ? (0..<16).map(address.byte) : (12..<16).map(address.byte) + [UInt8](repeating: 0, count: 12)
        }
        append32(interface, to: &bytes)
        append32(cookie.map { UInt32(truncatingIfNeeded: $0) } ?? .max, to: &bytes)
        append32(cookie.map { UInt32(truncatingIfNeeded: $0 >> 32) } ?? .max, to: &bytes)
        return sealed(bytes)
    }

    /// A filter that accepts sockets whose local or remote port is one of `ports`.
    ///
    /// The kernel's filter language only jumps forward, by `yes` or `no` octets from the current instruction. Reaching
    /// the end accepts the socket; 4 octets past the end rejects it. A port comparison carries its port in the `no`
    /// field of a second, empty instruction.
    static func portFilter(_ ports: [UInt16]) -> [UInt8] {
        let (source, destination, jump): (UInt8, UInt8, UInt8) = (
            UInt8(INET_DIAG_BC_S_EQ), UInt8(INET_DIAG_BC_D_EQ), UInt8(INET_DIAG_BC_JMP)
        )
        let tests = ports.flatMap { [(source, $0), (destination, $0)] }
        let total = tests.count * 12 - 4
        var code: [UInt8] = []
        for (index, (comparison, port)) in tests.enumerated() {
            code += [comparison, 8]
            append16(12, to: &code)  // Not equal: the next test, or, after the last one, past the end.
            code += [0, 0]
            append16(port, to: &code)
            if index < tests.count - 1 {
                let rest = UInt16(total - code.count)
                code += [jump, 4]
                append16(rest, to: &code)  // Equal: to the end.
            }
        }
        return code
    }

    // MARK: Octets

    private static func header(_ kind: UInt16, _ flags: UInt16, _ sequence: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, 0, 0]  // The length, known at the end.
        append16(kind, to: &bytes)
        append16(flags, to: &bytes)
        append32(sequence, to: &bytes)
        append32(0, to: &bytes)
        return bytes
    }

    private static func appendBody(
        _ isIPv6: Bool, _ states: UInt32, _ extensions: Extensions, to bytes: inout [UInt8]
    ) {
        bytes += [isIPv6 ? 10 : 2, 6, extensions.rawValue, 0]  // The family, IPPROTO_TCP.
        append32(states, to: &bytes)
    }

    private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        append32(UInt32(bytes.count), to: &length)
        return length + bytes[4...]
    }

    private static func append16(_ value: UInt16, to bytes: inout [UInt8]) {
        let pair = [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
        bytes += UInt16(1).littleEndian == 1 ? pair : pair.reversed()
    }

    private static func append32(_ value: UInt32, to bytes: inout [UInt8]) {
        let halves = [UInt16(truncatingIfNeeded: value), UInt16(truncatingIfNeeded: value >> 16)]
        for half in UInt16(1).littleEndian == 1 ? halves : halves.reversed() { append16(half, to: &bytes) }
    }

    private static func appendBig16(_ value: UInt16, to bytes: inout [UInt8]) {
        bytes += [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }
}
