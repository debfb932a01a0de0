// The comment on a frame in a capture file.

import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite struct FrameCommentTests {
    private func text(_ comment: FrameComment) -> String {
        var out = OutputBuffer()
        out.append(comment: comment)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    @Test func everyWordIsKeyAndValue() {
        let client = ProcessIdentity(pid: 7511, command: "client", uid: 0)
        let server = ProcessIdentity(pid: 7410, command: "my server", uid: 0)
        let both = FrameComment(
            connection: 1, sender: .originator, own: .init(.finWait1, true, client),
            peer: .init(.closeWait, false, server))
        #expect(
            text(both)
                == "tcptrace conn=1 side=orig state=FIN_WAIT_1 kernel=confirmed pid=7511 comm=\"client\""
                + " peer_state=CLOSE_WAIT peer_pid=7410 peer_comm=\"my server\"")
        let one = FrameComment(
            connection: 1, sender: .responder, own: .init(.closed, false, nil), peer: .init(.unseen, false, nil))
        #expect(text(one) == "tcptrace conn=1 side=resp state=CLOSED")
    }

    @Test func aHostileNameEndsNothing() {
        let process = ProcessIdentity(pid: 1, command: "\" pid=2\n\u{1b}[2J\\", uid: 0)
        let comment = text(
            FrameComment(
                connection: 1, sender: .originator, own: .init(.synSent, false, process),
                peer: .init(.listen, true, nil)))
        #expect(
            comment
                == "tcptrace conn=1 side=orig state=SYN_SENT pid=1 comm=\"\\\" pid=2\\n\\u001b[2J\\\\\""
                + " peer_state=LISTEN peer_kernel=confirmed")
    }
}
