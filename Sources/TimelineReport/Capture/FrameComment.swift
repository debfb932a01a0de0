// The comment on a frame in a capture file that is written, for readers with other programs.

public import TCPModel
public import TCPTimeline

/// The states after a frame's segment, and the processes at either end.
public struct FrameComment: Sendable {
    /// One end of the connection.
    public struct End: Sendable {
        let state: TCPState
        let isConfirmed: Bool
        let process: ProcessIdentity?

        /// An end in this state, with whether the kernel confirmed it, and the process at this end.
        public init(_ state: TCPState, _ isConfirmed: Bool, _ process: ProcessIdentity?) {
            self.state = state
            self.isConfirmed = isConfirmed
            self.process = process
        }
    }

    let connection: UInt64
    let sender: Side
    let own: End
    let peer: End

    /// A comment on a segment that `sender` sent on the connection with this number; `own` is the sender's end.
    public init(connection: UInt64, sender: Side, own: End, peer: End) {
        self.connection = connection
        self.sender = sender
        self.own = own
        self.peer = peer
    }
}

extension OutputBuffer {
    /// Appends a comment as words of the form `key=value` after this program's name. Only a process name, in quotes,
    /// may contain spaces: `tcptrace conn=1 side=orig state=FIN_WAIT_1 kernel=confirmed pid=7511 comm="client"
    /// peer_state=CLOSE_WAIT ...`.
    public mutating func append(comment: FrameComment) {
        append("tcptrace conn=")
        append(number: comment.connection)
        append(comment.sender == .originator ? " side=orig" : " side=resp")
        append(end: comment.own, "")
        append(end: comment.peer, "peer_")
    }

    private mutating func append(end: FrameComment.End, _ prefix: StaticString) {
        guard end.state != .unseen || end.process != nil else { return }
        if end.state != .unseen {
            append(word: "state=", prefix)
            append(end.state.displayName)
            if end.isConfirmed { append(word: "kernel=confirmed", prefix) }
        }
        guard let process = end.process else { return }
        append(word: "pid=", prefix)
        append(number: process.pid)
        append(word: "comm=", prefix)
        // Quoted as in JSON: nothing in the name can end the word or act on a terminal.
        appendJSONString(process.command)
    }

    private mutating func append(word: StaticString, _ prefix: StaticString) {
        append(" ")
        append(prefix)
        append(word)
    }
}
