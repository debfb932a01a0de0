// Folders that look like /proc, and sockets of the test process, for the tests of this target.

import Foundation
import Glibc
import TCPModel
import Testing

/// A temporary folder with a fake /proc; removed when the test releases it.
final class FakeProc {
    let root: String

    init() throws {
        root = NSTemporaryDirectory() + "fakeproc-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: root + "/net", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func write(_ path: String, _ text: String) throws { try write(path, Data(text.utf8)) }

    func write(_ path: String, _ data: Data) throws {
        let url = URL(fileURLWithPath: root + "/" + path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    func process(
        _ pid: Int32, comm: String, state: Character = "S", start: UInt64, parent: Int32 = 1, threads: Int = 0,
        sockets: [Int: UInt64]
    ) throws {
        let middle = (Array(repeating: "0", count: 15) + ["\(threads)", "0"]).joined(separator: " ")
        try write("\(pid)/stat", "\(pid) (\(comm)) \(state) \(parent) \(middle) \(start) 0 0\n")
        try write("\(pid)/comm", comm + "\n")
        try FileManager.default.createDirectory(atPath: root + "/\(pid)/fd", withIntermediateDirectories: true)
        for (descriptor, inode) in sockets {
            let link = root + "/\(pid)/fd/\(descriptor)"
            try? FileManager.default.removeItem(atPath: link)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "socket:[\(inode)]")
        }
    }
}

/// The header line of /proc/net/tcp.
let title =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    + "                                                     \n"

/// A TCP socket on 127.0.0.1; closed when the test releases it.
final class TestSocket {
    let number: Int32

    init(_ number: Int32) throws {
        try #require(number >= 0)
        self.number = number
    }

    deinit { close(number) }

    /// A listener on a free port, or on this one. With `isShared`, other listeners may share its port (SO_REUSEPORT).
    static func listener(port: UInt16 = 0, isShared: Bool = false) throws -> TestSocket {
        let socket = try TestSocket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var one: Int32 = isShared ? 1 : 0
        try #require(unsafe setsockopt(socket.number, SOL_SOCKET, SO_REUSEPORT, &one, 4) == 0)
        var address = loopback(port: port)
        let bound = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(socket.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(bound == 0)
        try #require(listen(socket.number, 8) == 0)
        return socket
    }

    /// A socket connected to this port.
    static func connection(to port: UInt16) throws -> TestSocket {
        let socket = try TestSocket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        try #require(socket.connects(to: port))
        return socket
    }

    /// Whether connect() to this port succeeds.
    func connects(to port: UInt16) -> Bool {
        var address = Self.loopback(port: port)
        let connected = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return connected == 0
    }

    /// Shuts down both directions; the socket stays open.
    func shutDown() { shutdown(number, Int32(SHUT_RDWR)) }

    func accepted() throws -> TestSocket { try TestSocket(accept(number, nil, nil)) }

    /// The local address.
    func local() -> SocketAddress {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(number, $0, &length) }
        }
        return SocketAddress(
            IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr)), UInt16(bigEndian: address.sin_port))
    }

    var inode: UInt64 {
        var status = stat()
        unsafe fstat(number, &status)
        return UInt64(status.st_ino)
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }
}
