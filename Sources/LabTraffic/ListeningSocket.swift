// A socket in LISTEN: bind, listen, accept.

import Glibc

/// Owns a listening TCP socket, and closes it at the end of its life.
struct ListeningSocket: ~Copyable {
    private let descriptor: LabDescriptor
    /// The address it listens on, with the port chosen by the kernel if 0 was requested.
    let address: InternetAddress

    /// Binds and listens. `reuseAddress` sets SO_REUSEADDR: bind succeeds although old connections are in TIME_WAIT.
    init(at wanted: InternetAddress, backlog: Int32, reuseAddress: Bool) throws(LabError) {
        let descriptor = try Sockets.make(family: wanted.family)
        try Sockets.setFlag(descriptor.number, SO_REUSEADDR, reuseAddress)
        // The pointer and the length belong to the same live address. Two sockets with SO_REUSEADDR may be bound to one
        // port; then it is listen that fails.
        guard unsafe wanted.withSocketAddress({ unsafe bind(descriptor.number, $0, $1) }) == 0,
            listen(descriptor.number, backlog) == 0
        else {
            switch errno {
            case EADDRINUSE: throw .addressInUse(wanted, reusing: reuseAddress)
            case EADDRNOTAVAIL: throw .addressNotHere(wanted)
            case EACCES: throw .portNotPermitted(wanted)
            case let code: throw .system(doing: "cannot listen on \(wanted)", code: code)
            }
        }
        address = Sockets.localAddress(descriptor.number)
        self.descriptor = descriptor
    }

    /// Waits for the next client.
    func accept() throws(LabError) -> LabConnection {
        while true {
            // The pointers are those of a live address and of its length.
            let (number, peer) = unsafe InternetAddress.filled { unsafe Glibc.accept(descriptor.number, $0, $1) }
            if number >= 0 {
                _ = fcntl(number, F_SETFD, FD_CLOEXEC)
                return LabConnection(owning: number, peer: peer)
            }
            let code = errno
            // These errors concern a client that has already gone, not the listening socket (accept(2)).
            switch code {
            case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET: continue
            default: throw .system(doing: "cannot accept a client", code: code)
            }
        }
    }
}
