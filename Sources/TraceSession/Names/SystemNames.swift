// The system's names of addresses and ports, from getnameinfo(3): /etc/hosts, /etc/services, the DNS.

import Glibc
package import TCPModel

/// A name to look up.
package enum NameQuestion: Hashable, Sendable {
    /// The name of the host at this address.
    case host(IPAddress)
    /// The name of the service on this TCP port.
    case service(UInt16)

    /// Whether the question is about a host, for which a server may be queried.
    var isHost: Bool { if case .host = self { true } else { false } }
}

/// The result of a look-up.
package enum NameAnswer: Hashable, Sendable {
    /// A name, which may be anyone's invention.
    case name(String)
    /// There is no name.
    case none
    /// The look-up failed.
    case failed
}

/// Queries the system. May take as long as its resolver does: up to half a minute.
package func askSystem(_ question: NameQuestion) -> NameAnswer {
    switch question {
    case .host(let address): name(SocketAddress(address, 0), flags: NI_NAMEREQD)
    // A port without a name comes back as its number, which the report shows as no name.
    case .service(let port): name(SocketAddress(.anyV4, port), flags: 0, isService: true)
    }
}

private func name(_ end: SocketAddress, flags: Int32, isService: Bool = false) -> NameAnswer {
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let size = socklen_t(text.count)
    func ask(_ address: UnsafePointer<sockaddr>, _ length: Int) -> Int32 {
        // The address is as long as its type; the text's own size is passed, and what is written there is
        // NUL-terminated.
        isService
            ? unsafe getnameinfo(address, socklen_t(length), nil, 0, &text, size, flags)
            : unsafe getnameinfo(address, socklen_t(length), &text, size, nil, 0, flags)
    }
    // Both structures are made for access as a sockaddr.
    let code: Int32
    if end.address.isV4 {
        var v4 = sockaddr_in()
        v4.sin_family = sa_family_t(AF_INET)
        v4.sin_port = end.port.bigEndian
        v4.sin_addr.s_addr = end.address.v4.bigEndian
        code = unsafe withUnsafePointer(to: v4) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe ask($0, MemoryLayout<sockaddr_in>.size)
            }
        }
    } else {
        var v6 = sockaddr_in6()
        v6.sin6_family = sa_family_t(AF_INET6)
        unsafe withUnsafeMutableBytes(of: &v6.sin6_addr) { bytes in
            for index in 0..<16 { unsafe bytes[index] = end.address.byte(index) }
        }
        code = unsafe withUnsafePointer(to: v6) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe ask($0, MemoryLayout<sockaddr_in6>.size)
            }
        }
    }
    switch code {
    case 0: return .name(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    case EAI_NONAME: return .none
    default: return .failed
    }
}
