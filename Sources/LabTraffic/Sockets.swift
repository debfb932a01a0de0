// Making sockets, and the few socket options of the lab.

import Glibc

/// Calls on sockets that somebody else owns.
enum Sockets {
    /// A new TCP socket, closed on exec.
    static func make(family: Int32) throws(LabError) -> Descriptor {
        let number = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw .system(doing: "cannot make a socket", code: errno) }
        return Descriptor(owning: number)
    }

    /// Sets an option of SOL_SOCKET that is on or off.
    static func setFlag(_ number: Int32, _ option: Int32, _ isOn: Bool) throws(LabError) {
        var value: Int32 = isOn ? 1 : 0
        // The option is an int, and its size is passed.
        guard unsafe setsockopt(number, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .system(doing: "cannot set a socket option", code: errno)
        }
    }

    /// How long a send (or connect) may block; zero is for ever.
    static func setSendTimeout(_ number: Int32, _ timeout: Duration) throws(LabError) {
        let (seconds, attoseconds) = timeout.components
        var value = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        // The option is a timeval, and its size is passed.
        guard unsafe setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &value, socklen_t(MemoryLayout<timeval>.size)) == 0
        else { throw .system(doing: "cannot set the send timeout", code: errno) }
    }

    /// Makes the kernel ask, after so many seconds of silence and then as often, whether the peer is still there.
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

    /// Makes the next close send a RST. A failure leaves the ordinary FIN; Linux knows none for a valid socket.
    static func lingerZero(_ number: Int32) {
        var value = linger(l_onoff: 1, l_linger: 0)
        // The option is a struct linger, and its size is passed.
        _ = unsafe setsockopt(number, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// The pending error of a socket; reading clears it.
    static func takeError(_ number: Int32) -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        // The option is an int, and its size is passed.
        return unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
    }

    /// The socket's own address.
    static func localAddress(_ number: Int32) -> InternetAddress {
        // The pointers are those of one live address and of its length.
        unsafe InternetAddress.filled { unsafe getsockname(number, $0, $1) }.address
    }
}
