// Since when a process has not read what its socket received: the octets of text on
// the wire minus those in the receive queue.

import TCPModel

/// Text that waits to be read.
struct UnreadText: BitwiseCopyable, Sendable {
    /// The first and the latest reading between which the process read nothing.
    var since: Timestamp
    var latest: Timestamp
    /// The octets that it had read by then, up to a constant: what was sent before the capture is unknown.
    var taken: Int64
}

extension KernelJoin {
    /// Compares what the process has read by now with what it had read at the previous reading.
    static func noteUnread(
        _ socket: KernelSocket?, _ side: Side, _ connection: Connection, _ view: inout KernelSideView,
        at time: Timestamp
    ) {
        // After a FIN, the queue may or may not count it as an octet; CLOSE_WAIT has findings of its own.
        guard let socket, [.established, .finWait1, .finWait2].contains(socket.state), socket.receiveQueue > 0 else {
            view.unread = nil
            return
        }
        let received = connection.counters[connection.isSelfConnect ? 0 : side == .originator ? 1 : 0].uniqueBytes
        let taken = Int64(truncatingIfNeeded: received) - Int64(socket.receiveQueue)
        if view.unread?.taken == taken {
            view.unread?.latest = time
        } else {
            view.unread = UnreadText(since: time, latest: time, taken: taken)
        }
    }
}
