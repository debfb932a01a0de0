// A process that does not read: its kernel acknowledges all the same, and only the receive queue reveals it.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct UnreadTextTests {
    private let request = handshake + "> P. 1:79 ack 1\n< . 1:1 ack 79"

    private func read(_ play: KernelCase, at milliseconds: Double, unread: UInt32, inode: UInt64 = 22) {
        var server = play.server(.established, inode: inode)
        server.receiveQueue = unread
        play.read(milliseconds, play.client(.established), server, owners: [11: 7, 22: 8])
    }

    @Test func H23b_whatIsNotReadForFiveSecondsIsTold() {
        let play = KernelCase(request)
        for second in 1...5 { read(play, at: Double(second) * 1000, unread: 78) }
        #expect(play.review(5000).isEmpty)
        read(play, at: 6000, unread: 78)
        #expect(play.review(6100) == [.unreadText], "\(play.found)")
        #expect(
            play.message(.unreadText)
                == "the server (p8[8]) has read nothing for 5s, and 78 octets wait in its receive queue: the kernel"
                + " acknowledged them, but the process is not reading")
        #expect(play.review(9000) == [.unreadText], "it is told once")
    }

    /// Requests arrive and are read; readings happen to find some of them in the queue.
    @Test func H23b_whoReadsIsNotTold() {
        let play = KernelCase(request)
        read(play, at: 1000, unread: 78)
        for (index, second) in (2...8).enumerated() {
            let (first, last) = (79 + index * 78, 157 + index * 78)
            play.feed("\(second) > P. \(first):\(last) ack 1\n< . 1:1 ack \(last)")
            read(play, at: Double(second) * 1000 + 500, unread: 78)
        }
        #expect(play.review(9500).isEmpty, "\(play.found)")
        // A single reading is no proof, however long ago it was.
        #expect(play.review(60_000).isEmpty, "\(play.found)")
        for second in 61...66 { read(play, at: Double(second) * 1000, unread: 78) }
        #expect(play.review(67_000) == [.unreadText], "\(play.found)")
    }

    @Test func H23b_moreOfItDoesNotBeginAnew() {
        let play = KernelCase(request)
        for second in 1...8 {
            read(play, at: Double(second) * 1000, unread: 78 + UInt32(second - 1))
            play.feed("\(second).5 > P. \(78 + second):\(79 + second) ack 1\n< . 1:1 ack \(79 + second)")
        }
        #expect(play.review(9000) == [.unreadText], "\(play.found)")
        #expect(play.message(.unreadText).contains("has read nothing for 7s, and 85 octets wait in its receive queue"))
    }

    /// A process that streams, for example, may ignore the client's text.
    @Test func H23b_whoSendsIsAtWork() {
        let play = KernelCase(request)
        for second in 1...8 {
            read(play, at: Double(second) * 1000, unread: 78)
            play.feed("\(second).5 < P. \(second):\(second + 1) ack 79")
        }
        #expect(play.review(9000).isEmpty, "\(play.found)")
    }

    @Test func H23b_whoWasNotAcceptedOrHasReadIsAnotherMatter() {
        let unaccepted = KernelCase(request)
        for second in 1...8 { read(unaccepted, at: Double(second) * 1000, unread: 78, inode: 0) }
        #expect(!unaccepted.review(9000).contains(.unreadText), "\(unaccepted.found)")
        let late = KernelCase(request)
        for second in 1...4 { read(late, at: Double(second) * 1000, unread: 78) }
        read(late, at: 5000, unread: 0)
        #expect(late.review(9000).isEmpty, "\(late.found)")
    }
}
