// An address with a port, in the form for socket calls and in the form for people.

import Glibc

/// An IPv4 or IPv6 address with a port.
public struct InternetAddress: CustomStringConvertible, Sendable {
    private var storage = sockaddr_storage()
    private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    private init() {}

    /// Looks up a host. Of several addresses, the first IPv4 one is taken, or else the first one. An IPv6 address may
    /// be in brackets, as it is printed.
    public init(host name: String, port: UInt16) throws(LabError) {
        let host =
            name.hasPrefix("[") && name.hasSuffix("]") && name.count > 2 ? String(name.dropFirst().dropLast()) : name
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw .unknownHost(host: host, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var found: InternetAddress?
        var next = unsafe list
        // Each entry lives until freeaddrinfo above; its length is checked against our storage.
        while let entry = unsafe next {
            let family = unsafe entry.pointee.ai_family
            let length = unsafe entry.pointee.ai_addrlen
            if family == AF_INET || (family == AF_INET6 && found == nil), let source = unsafe entry.pointee.ai_addr,
                length <= socklen_t(MemoryLayout<sockaddr_storage>.size)
            {
                var address = InternetAddress()
                address.length = length
                unsafe withUnsafeMutableBytes(of: &address.storage) {
                    unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: Int(length)))
                }
                found = address
                if family == AF_INET { break }
            }
            unsafe next = entry.pointee.ai_next
        }
        guard let found else { throw .unknownHost(host: host, reason: "it has no IPv4 or IPv6 address") }
        self = found
    }

    /// The address written by a socket call (`getsockname`, `accept4`), and the call's result.
    static func filled(
        by call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (result: Int32, address: InternetAddress) {
        var address = InternetAddress()
        var length = address.length
        // sockaddr_storage may be accessed as any sockaddr; the kernel writes at most `length` bytes, its size.
        let result = unsafe withUnsafeMutablePointer(to: &address.storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe call($0, &length) }
        }
        address.length = min(length, socklen_t(MemoryLayout<sockaddr_storage>.size))
        return (result, address)
    }

    /// Calls `body` with the address in the form for `bind` and `connect`.
    func withSocketAddress<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        // As in `filled`: the storage is at least `length` bytes long.
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }

    /// The address that stands for all addresses of this machine, in the same family.
    func wildcard(port: UInt16) throws(LabError) -> InternetAddress {
        try InternetAddress(host: family == AF_INET6 ? "::" : "0.0.0.0", port: port)
    }

    /// AF_INET or AF_INET6.
    var family: Int32 { Int32(storage.ss_family) }

    /// The first `count` bytes of the socket address, in network order.
    private func prefix(_ count: Int) -> [UInt8] {
        // `count` is at most 24, and sockaddr_storage has 128 bytes.
        unsafe withUnsafeBytes(of: storage) { unsafe Array($0.prefix(count)) }
    }

    /// The port; both families have it in the third and fourth byte.
    public var port: UInt16 {
        let bytes = prefix(4)
        return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }

    /// Whether it is reachable from this machine only: 127.0.0.0/8, ::1, and the former mapped into IPv6.
    public var isLoopback: Bool {
        let bytes = prefix(24)
        if family == AF_INET { return bytes[4] == 127 }
        let loopback = [UInt8](repeating: 0, count: 15) + [1]
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 127]
        return Array(bytes[8...]) == loopback || Array(bytes[8...].prefix(13)) == mapped
    }

    /// The numeric address without the port.
    public var host: String {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let capacity = socklen_t(text.count)
        // The buffer's own length is passed; getnameinfo terminates what it writes there.
        let code = unsafe withSocketAddress { address, length in
            unsafe getnameinfo(address, length, &text, capacity, nil, 0, NI_NUMERICHOST)
        }
        guard code == 0 else { return "?" }
        return String(decoding: text.prefix(while: { $0 != 0 }).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// `127.0.0.1:9500` or `[::1]:9500`.
    public var description: String { family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
