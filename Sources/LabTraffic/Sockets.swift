// Creates sockets and sets the few socket options that the lab needs.

import Glibc

/// Calls on sockets that are owned elsewhere.
enum Sockets {
    /// Creates a TCP socket that is closed on exec.
    static func make(family: Int32) throws(LabError) -> LabDescriptor {
        let number = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw .system(doing: "cannot make a socket", code: errno) }
        return LabDescriptor(owning: number)
    }

    /// Sets a boolean option of SOL_SOCKET.
    static func setFlag(_ number: Int32, _ option: Int32, _ isOn: Bool) throws(LabError) {
        var value: Int32 = isOn ? 1 : 0
        // The option is an int, and its size is passed.
        guard unsafe setsockopt(number, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .system(doing: "cannot set a socket option", code: errno)
        }
    }

    /// Limits the time that a send (or connect) may block; zero means forever.
    static func setSendTimeout(_ number: Int32, _ timeout: Duration) throws(LabError) {
        let (seconds, attoseconds) = timeout.components
        var value = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        // The option is a timeval, and its size is passed.
        guard unsafe setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &value, socklen_t(MemoryLayout<timeval>.size)) == 0
        else { throw .system(doing: "cannot set the send timeout", code: errno) }
    }

    /// Makes the kernel probe a silent peer after this many seconds, and again at the same interval.
    static func setKeepAlive(_ number: Int32, seconds: Int32) throws(LabError) {
        try setFlag(number, SO_KEEPALIVE, true)
        for option in [TCP_KEEPIDLE, TCP_KEEPINTVL] {
            var value = seconds
            // The option is an int, and its size is passed.
            guard
                unsafe setsockopt(number, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
            else { throw .system(doing: "cannot set the keep-alive time", code: errno) }
        }
    }

    /// Makes the next close send a RST. If this failed, close would send a FIN as usual; on Linux it cannot fail for a
    /// valid socket.
    static func lingerZero(_ number: Int32) {
        var value = linger(l_onoff: 1, l_linger: 0)
        // The option is a struct linger, and its size is passed.
        _ = unsafe setsockopt(number, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// The pending error of a socket; the call clears it.
    static func takeError(_ number: Int32) -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // The option is an int, and its size is passed.
        return unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }

    /// The socket's own address.
    static func localAddress(_ number: Int32) -> InternetAddress {
        // The pointers are those of a live address and of its length.
        unsafe InternetAddress.filled { unsafe getsockname(number, $0, $1) }.address
    }
}
