// This host's addresses, which let a tracer determine which end of a connection is local.

import Glibc
public import TCPModel

/// The addresses that this host answers to in its network namespace.
public struct LocalAddresses: Sendable {
    private var addresses: Set<IPAddress>
    /// The addresses of its interfaces.
    public var all: Set<IPAddress> { addresses }
    /// The interface indexes, in the kernel's order.
    public private(set) var interfaces: [UInt32]

    /// Takes these addresses, plus all loopback addresses: for tests and for captures from another host.
    public init(_ addresses: Set<IPAddress>, interfaces: [UInt32] = []) {
        self.addresses = addresses
        self.interfaces = interfaces
    }

    /// The current addresses of all interfaces (getifaddrs(3)) and the interfaces' indexes.
    /// - Throws: `KernelViewError.cannotListAddresses`.
    public static func current() throws(KernelViewError) -> LocalAddresses {
        var list: UnsafeMutablePointer<ifaddrs>?
        // On success the list is ours until freeifaddrs; until then every pointer in it is valid or null.
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

    /// Adds the addresses of a later reading, and replaces the interfaces with that reading's.
    public mutating func formUnion(_ other: LocalAddresses) {
        addresses.formUnion(other.addresses)
        interfaces = other.interfaces
    }

    /// Whether `address` belongs to this host: it is assigned to an interface, or is in 127.0.0.0/8, or is ::1.
    public func contains(_ address: IPAddress) -> Bool { address.isLoopback || addresses.contains(address) }
}

/// The IP address that `address` points to; nil for other address families.
private func ipAddress(at address: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
    // The family determines which structure the address is (getifaddrs(3)), so the load stays within it.
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

/// The indexes of all interfaces (if_nameindex(3)); empty if they cannot be listed.
private func interfaceNumbers() -> [UInt32] {
    // The list is ours until if_freenameindex, and ends with an entry whose index is 0.
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
