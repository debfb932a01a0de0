// The addresses of this host, so that a tracer knows which end of a connection is here.

import Glibc
public import TCPModel

/// The addresses that this host answers to, in this network namespace.
public struct LocalAddresses: Sendable {
    private var addresses: Set<IPAddress>
    /// The numbers of the interfaces, in their order.
    public private(set) var interfaces: [UInt32]

    /// These addresses (and every loopback address): for tests and for captures of another host.
    public init(_ addresses: Set<IPAddress>, interfaces: [UInt32] = []) {
        self.addresses = addresses
        self.interfaces = interfaces
    }

    /// The addresses of all interfaces at this moment (getifaddrs(3)), and the interfaces.
    /// - Throws: `KernelViewError.cannotListAddresses`.
    public static func current() throws(KernelViewError) -> LocalAddresses {
        var list: UnsafeMutablePointer<ifaddrs>?
        // On success the list is ours until freeifaddrs; every pointer in it is valid so long, or null.
        guard unsafe getifaddrs(&list) == 0 else { throw .cannotListAddresses(code: errno) }
        defer { unsafe freeifaddrs(list) }
        var addresses: Set<IPAddress> = []
        var next = unsafe list
        while let entry = unsafe next {
            if let address = unsafe entry.pointee.ifa_addr, let decoded = unsafe ipAddress(at: address) {
                addresses.insert(decoded)
            }
            unsafe next = entry.pointee.ifa_next
        }
        return LocalAddresses(addresses, interfaces: interfaceNumbers())
    }

    /// Adds a later reading's addresses; the interfaces are that reading's.
    public mutating func formUnion(_ other: LocalAddresses) {
        addresses.formUnion(other.addresses)
        interfaces = other.interfaces
    }

    /// Whether `address` is this host's: one of its interfaces', or any of 127.0.0.0/8 and ::1.
    public func contains(_ address: IPAddress) -> Bool { address.isLoopback || addresses.contains(address) }
}

/// The IP address that `address` holds, or nil for another family.
private func ipAddress(at address: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
    // The family says which structure the address is (getifaddrs(3)), so the load stays inside it.
    switch unsafe Int32(address.pointee.sa_family) {
    case AF_INET:
        let v4 = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
        return IPAddress(v4: UInt32(bigEndian: v4.sin_addr.s_addr))
    case AF_INET6:
        let v6 = unsafe UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
        // in6_addr is 16 bytes, read here as two numbers.
        let halves = unsafe unsafeBitCast(v6.sin6_addr, to: (UInt64, UInt64).self)
        return IPAddress(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
    default:
        return nil
    }
}

/// The numbers of all interfaces (if_nameindex(3)); none if they cannot be listed.
private func interfaceNumbers() -> [UInt32] {
    // The list is ours until if_freenameindex, and ends with an entry whose number is 0.
    guard let list = unsafe if_nameindex() else { return [] }
    defer { unsafe if_freenameindex(list) }
    var numbers: [UInt32] = []
    var entry = unsafe list
    while unsafe entry.pointee.if_index != 0 {
        unsafe numbers.append(entry.pointee.if_index)
        unsafe entry += 1
    }
    return numbers
}
