// The interfaces available for capturing (-D), and their link types (-L).

import CPcap
import Glibc
public import TCPModel

/// An interface that libpcap can capture on.
public struct CaptureDevice: Hashable, Sendable {
    /// Its name, such as lo, eth0 or any.
    public var name: String
    /// libpcap's description of it, or nil.
    public var description: String?
    /// Its IP addresses, in the system's order.
    public var addresses: [IPAddress]
    /// Whether it is up.
    public var isUp: Bool
    /// Whether it is running: up, with a carrier.
    public var isRunning: Bool
    /// Whether it is a loopback interface.
    public var isLoopback: Bool
    /// Whether it is a radio interface, including those that do not carry IP.
    public var isWireless: Bool

    /// All interfaces in libpcap's order, its default choice first. Throws if the system cannot list them.
    public static func all() throws(CaptureError) -> [CaptureDevice] {
        var first: UnsafeMutablePointer<pcap_if_t>?
        let (result, message) = unsafe withErrorBuffer { unsafe pcap_findalldevs(&first, $0) }
        guard result == 0 else { throw .other(device: "", message: message) }
        // We own the list until `pcap_freealldevs`, which runs once; everything is copied before.
        defer { unsafe pcap_freealldevs(first) }
        var devices: [CaptureDevice] = []
        var next = unsafe first
        while let entry = unsafe next {
            unsafe devices.append(CaptureDevice(entry.pointee))
            unsafe next = entry.pointee.next
        }
        return devices
    }

    /// The link types that an interface can be captured with; the first is its default.
    ///
    /// Throws the same errors as opening a capture on it.
    public static func linkTypes(of device: String) throws(CaptureError) -> [LinkType] {
        let handle = try CaptureHandle(device)
        try handle.activate()
        return handle.linkTypes
    }

    private init(_ entry: pcap_if_t) {
        // The strings are NUL-terminated and the address list ends with NULL, as pcap_findalldevs(3PCAP) promises.
        name = unsafe String(cString: entry.name)
        description = unsafe entry.description.map { unsafe String(cString: $0) }
        let flags = unsafe entry.flags
        isUp = flags & UInt32(PCAP_IF_UP) != 0
        isRunning = flags & UInt32(PCAP_IF_RUNNING) != 0
        isLoopback = flags & UInt32(PCAP_IF_LOOPBACK) != 0
        isWireless = flags & UInt32(PCAP_IF_WIRELESS) != 0
        addresses = []
        var next = unsafe entry.addresses
        while let address = unsafe next {
            if let known = unsafe Self.address(address.pointee.addr) { addresses.append(known) }
            unsafe next = address.pointee.next
        }
    }

    private static func address(_ address: UnsafeMutablePointer<sockaddr>?) -> IPAddress? {
        guard let address = unsafe address else { return nil }
        // The family determines the size of the structure behind the pointer; libpcap copied all of it.
        let raw = UnsafeRawPointer(address)
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET:
            let v4 = unsafe raw.loadUnaligned(as: sockaddr_in.self)
            return IPAddress(v4: UInt32(bigEndian: v4.sin_addr.s_addr))
        case AF_INET6:
            let v6 = unsafe raw.loadUnaligned(as: sockaddr_in6.self)
            return unsafe withUnsafeBytes(of: v6.sin6_addr) { bytes in
                // in6_addr has 16 bytes.
                let high = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
                let low = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                return IPAddress(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
            }
        default: return nil
        }
    }
}

/// Runs `body` with a buffer of PCAP_ERRBUF_SIZE bytes for libpcap's message, and returns its result with the message.
func withErrorBuffer<Result>(_ body: (UnsafeMutablePointer<CChar>) -> Result) -> (Result, String) {
    let size = Int(PCAP_ERRBUF_SIZE)
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
        // The buffer starts as all zeros, and libpcap writes NUL-terminated text into it, so its last byte stays 0.
        unsafe buffer.initialize(repeating: 0)
        guard let start = buffer.baseAddress else { fatalError("a buffer of \(size) bytes has an address") }
        let result = unsafe body(start)
        return (result, unsafe String(cString: start))
    }
}
