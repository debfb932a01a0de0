// A sock_diag(7) socket: sends one request, receives datagrams from the kernel alone into one reused buffer.

import CLinux
import Glibc

/// The descriptor and its buffer, closed when their owner goes.
struct NetlinkSocket: ~Copyable {
    /// Larger than what the kernel puts into one datagram of a dump (32 KiB).
    private static let capacity = 64 << 10

    let descriptor: Int32
    /// The datagram received last is at its beginning.
    private(set) var buffer: [UInt8]

    /// Opens the socket; nil with errno set when that fails.
    init?() {
        let opened = tcptrace_sock_diag_open()
        guard opened >= 0 else { return nil }
        descriptor = opened
        buffer = [UInt8](repeating: 0, count: Self.capacity)
    }

    /// Takes over an open descriptor, for tests.
    init(owning opened: Int32) {
        descriptor = opened
        buffer = [UInt8](repeating: 0, count: Self.capacity)
    }

    deinit { close(descriptor) }

    /// Sends one request; 0 or the errno.
    func send(_ request: [UInt8]) -> Int32 {
        // The region is the array's own, and only read.
        let count = unsafe request.withUnsafeBytes { bytes in
            retrying { unsafe tcptrace_netlink_send(descriptor, bytes.baseAddress, bytes.count) }
        }
        return count == request.count ? 0 : count < 0 ? errno : EIO
    }

    /// Receives one datagram: its length (0 if it is not the kernel's), or minus the errno. EAGAIN: nothing came in time.
    mutating func receive(waiting: Bool = true) -> Int {
        let flags = waiting ? 0 : Int32(MSG_DONTWAIT)
        // At most the array's count is written.
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            retrying { unsafe tcptrace_netlink_receive(descriptor, bytes.baseAddress, bytes.count, flags) }
        }
        return count < 0 ? -Int(errno) : min(count, buffer.count)
    }
}
