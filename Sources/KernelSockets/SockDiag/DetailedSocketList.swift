// The sockets of one list, each once: a dump in several messages repeats what moved in its hash chain meanwhile.

import TCPModel

/// Sockets in the kernel's order.
struct DetailedSocketList {
    /// What tells a socket from all others: the kernel's cookie, or, where it gave none, inode and ends.
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

    /// Adds a socket; one that is there already is brought up to date in its place.
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
