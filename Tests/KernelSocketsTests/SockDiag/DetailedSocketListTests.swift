// A list has each socket once, as last reported.

import TCPModel
import Testing

@testable import KernelSockets

@Suite struct DetailedSocketListTests {
    private static func socket(_ cookie: UInt64, _ state: TCPState, inode: UInt64 = 0) -> DetailedSocket {
        var details = SocketDetails()
        details.cookie = cookie
        return DetailedSocket(
            socket: KernelSocket(
                local: SocketAddress(.loopbackV4, 1), remote: SocketAddress(.loopbackV4, 2), state: state, inode: inode),
            details: details)
    }

    @Test func whatTheKernelRepeatsIsThereOnce() {
        var list = DetailedSocketList()
        for socket in [
            Self.socket(8, .finWait1, inode: 5), Self.socket(9, .established, inode: 6), Self.socket(0, .timeWait),
            Self.socket(8, .finWait2, inode: 5), Self.socket(0, .timeWait), Self.socket(0, .established, inode: 7),
        ] {
            list.append(socket)
        }
        #expect(list.sockets.map(\.socket.state) == [.finWait2, .established, .timeWait, .established])
        #expect(list.sockets.map(\.socket.inode) == [5, 6, 0, 7])
    }
}
