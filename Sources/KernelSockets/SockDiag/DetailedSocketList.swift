// The sockets of one list, without duplicates: a multi-part dump repeats sockets whose hash chain changed in the
// meantime.

import TCPModel

/// Sockets in the kernel's order.
struct DetailedSocketList {
    /// A socket's identity: the kernel's cookie, or inode and ends if there is no cookie.
    private enum Identity: Hashable {
        case cookie(UInt64)
        case ends(inode: UInt64, FourTuple, isIPv6: Bool)

        init(_ detailed: DetailedSocket) {
            let socket = detailed.socket
            self =
                detailed.details.cookie != 0
                ? .cookie(detailed.details.cookie)
                : .ends(
                    inode: socket.inode, FourTuple(source: socket.local, destination: socket.remote),
                    isIPv6: socket.isIPv6)
        }
    }

    private(set) var sockets: [DetailedSocket] = []
    private var positions: [Identity: Int] = [:]

    /// Adds a socket, or updates it in place if it is already there.
    mutating func append(_ socket: DetailedSocket) {
        let identity = Identity(socket)
        if let position = positions[identity] {
            sockets[position] = socket
        } else {
            positions[identity] = sockets.count
            sockets.append(socket)
        }
    }
}
