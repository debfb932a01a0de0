// What a frame did, in few words: for what is said of it in the capture file that is written.

import TCPModel
import TCPTimeline

/// The segment of a frame (the first one, if it has several), and the states that it left behind.
struct FrameMark: BitwiseCopyable {
    let connection: ConnectionID
    /// The connection's number: its place may be another's by the time that this is read.
    let number: UInt64
    let sender: Side
    let senderState: TCPState
    let receiverState: TCPState
    /// Whether either of them is new.
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
