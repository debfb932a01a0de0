// A short record of a frame's effect, for the comment on that frame in the capture file being written.

import TCPModel
import TCPTimeline

/// The segment of a frame (the first one, if it has several), and the states it led to.
struct FrameMark: BitwiseCopyable {
    let connection: ConnectionID
    /// The connection's number: by the time this is read, the connection's slot may belong to another one.
    let number: UInt64
    let sender: Side
    let senderState: TCPState
    let receiverState: TCPState
    /// Whether the segment changed either state.
    let hasTransitions: Bool

    init(_ tracked: Timeline.Tracked, _ segment: borrowing Segment, _ timeline: borrowing Timeline) {
        let name = timeline.connections.name(of: tracked.connection)
        connection = tracked.connection
        number = name.number
        sender = name.tuple.source == segment.tuple.source ? .originator : .responder
        senderState = timeline.state(of: tracked.connection, sender)
        receiverState = timeline.state(of: tracked.connection, sender.other)
        hasTransitions = tracked.hasTransitions
    }
}
