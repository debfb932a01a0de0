// A sock_diag(7) socket: sends single requests, and receives datagrams from the kernel only, into one reused buffer.

import CLinux
import Glibc

/// A netlink descriptor and its receive buffer; the descriptor is closed when the value is destroyed.
struct NetlinkSocket: ~Copyable {
    /// Larger than any dump datagram the kernel sends (32 KiB).
    private static let capacity = 64 << 10

    let descriptor: Int32
    /// Holds the latest datagram, from index 0.
    private(set) var buffer: [UInt8]

    /// Opens the socket; nil with errno set on failure.
    init?() {
        let opened = tcptrace_sock_diag_open()
        guard opened >= 0 else { return nil }
        descriptor = opened
        buffer = [UInt8](repeating: 0, count: Self.capacity)
    }

    /// Takes ownership of an open descriptor, for tests.
    init(owning opened: Int32) {
        descriptor = opened
        buffer = [UInt8](repeating: 0, count: Self.capacity)
    }

    deinit { close(descriptor) }

    /// Sends one request. Returns 0 or the errno.
    func send(_ request: [UInt8]) -> Int32 {
        // send gets the array's own region, and only reads it.
        let count = unsafe request.withUnsafeBytes { bytes in
            retrying { unsafe tcptrace_netlink_send(descriptor, bytes.baseAddress, bytes.count) }
        }
        return count == request.count ? 0 : count < 0 ? errno : EIO
    }

    /// Receives one datagram. Returns its length (0 if the kernel is not its sender) or a negated errno; -EAGAIN if
    /// nothing arrived in time.
    mutating func receive(waiting: Bool = true) -> Int {
        let flags = waiting ? 0 : Int32(MSG_DONTWAIT)
        // At most the array's count is written.
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            retrying { unsafe tcptrace_netlink_receive(descriptor, bytes.baseAddress, bytes.count, flags) }
        }
        return count < 0 ? -Int(errno) : min(count, buffer.count)
    }
}
