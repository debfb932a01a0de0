// Which segments update the window (RFC 9293 3.10.7.4, fifth check), and segments sent into a closed window.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct OvertakenWindowTests {
    /// Two probes of a window that closes at 10 ms and opens at 1.01 s.
    private let probes = """
        0.3 > . 1000:1000 ack ACK
        0.301 < . ACK:ACK ack 1001 win 0
        0.9 > . 1000:1000 ack ACK
        0.901 < . ACK:ACK ack 1001 win 0
        1.01 < . ACK:ACK ack 1001 win 500
        """

    private func probes(ack: Int) -> String { probes.replacing("ACK", with: "\(ack)") }

    @Test("E4: an ACK that was overtaken opens no window")
    func olderAck() {
        let text =
            handshake
            + "> P. 1:501 ack 1\n> P. 501:1001 ack 1\n0.01 < . 1:1 ack 1001 win 0\n0.0101 < . 1:1 ack 501 win 500\n"
        let (play, statistics) = play(text + probes(ack: 1))
        #expect(statistics[.originator].windowProbes == 2 && statistics[.originator].keepAlives == 0)
        #expect(statistics[.responder].closedWindow.episodes == 1)
        #expect(statistics[.responder].closedWindow.total(until: play.now) == Span.second)
        #expect(!play.events.contains { $0.notes.contains(.keepAlive) })
        #expect(play.events.filter { $0.notes.contains(.windowUpdate) }.count == 1)
    }

    @Test("E4: nor does text that the ACK behind it overtook")
    func olderText() {
        let text =
            handshake + "> P. 1:1001 ack 1\n0.01 < P. 101:201 ack 1001 win 0\n0.0101 < P. 1:101 ack 1001 win 500\n"
        let (play, statistics) = play(text + probes(ack: 201))
        #expect(statistics[.originator].windowProbes == 2)
        #expect(statistics[.responder].closedWindow.episodes == 1)
        #expect(statistics[.responder].closedWindow.total(until: play.now) == Span.second)
    }

    @Test("E4: nor does text that a bare ACK behind it overtook", arguments: [1001, 901])
    func textBehindBareAck(ack: Int) {
        let text =
            handshake
            + "> P. 1:901 ack 1\n> P. 901:1001 ack 1\n0.01 < . 101:101 ack 1001 win 0\n0.0101 < P. 1:101 ack \(ack) win 500\n"
        let (shut, statistics) = play(text + probes(ack: 101))
        #expect(statistics[.originator].windowProbes == 2 && statistics[.originator].keepAlives == 0)
        #expect(statistics[.responder].closedWindow.episodes == 1)
        #expect(statistics[.responder].closedWindow.total(until: shut.now) == Span.second)
        #expect(shut.events.filter { $0.notes.contains(.windowUpdate) }.count == 1)
        // The other way round it closes none.
        let (open, counted) = play(
            text.replacing("win 0", with: "win 7").replacing("win 500", with: "win 0") + "2 > . 1000:1000 ack 101")
        #expect(counted[.responder].closedWindow.episodes == 0)
        #expect(open.last.notes == .keepAlive)
    }

    @Test("E4: a bare ACK from beyond SND.NXT holds nothing up for longer than until what follows on it")
    func windowAhead() {
        let ahead = handshake + "> P. 1:11 ack 1\n< . 101:101 ack 11 win 0\n"
        // What it had overtaken, and then what follows on it.
        let both = Play(ahead + "< P. 1:101 ack 11 win 500\n< P. 101:201 ack 11 win 600")
        #expect(both.feed("> . 10:10 ack 201").last.notes == .keepAlive)
        // What was sent later, though the capture lacks what came before it.
        let later = Play(ahead + "< P. 101:201 ack 11 win 600")
        #expect(later.feed("> . 10:10 ack 201").last.notes == .keepAlive)
        // Another word of what is before it, which acknowledges more.
        let more = Play(ahead + "> P. 11:21 ack 1\n< P. 1:51 ack 21 win 500\n< P. 51:101 ack 21 win 0")
        #expect(more.feed("> . 20:20 ack 101").last.notes == .windowProbe)
    }

    @Test("E4: what is sent again into a closed window probes that, and is no retransmission of the statistics")
    func textAsProbe() {
        let shut = handshake + "> P. 1:501 ack 1\n> P. 501:1001 ack 1\n0.01 < . 1:1 ack 501 win 0\n"
        let (probed, probing) = play(shut + "0.4 > P. 501:1001 ack 1\n< . 1:1 ack 501 win 0")
        #expect(probing[.originator].windowProbes == 1 && probing[.originator].retransmissions == 0)
        // By its numbers it is still a retransmission.
        #expect(probed.connection.counters[0].retransmissions == 1)
        let (again, counted) = play(
            shut + "0.4 > P. 501:1001 ack 1\n< . 1:1 ack 501 win 0\n1 < . 1:1 ack 501 win 1000\n1.4 > P. 501:1001 ack 1"
        )
        #expect(counted[.originator].retransmissions == 1)
        #expect(again.connection.counters[0].retransmissions == 2)
        #expect(
            probed.events.map { $0.verdict.probesWindow } == [false, false, false, false, false, false, true, false])
        // What was on its way is none, and nor is a FIN, which asks for no room.
        let (_, early) = play(shut + "0.05 > P. 501:1001 ack 1")
        #expect(early[.originator].windowProbes == 0 && early[.originator].retransmissions == 1)
        let (_, closing) = play(
            shut.replacing("ack 501", with: "ack 1001") + "0.4 > F. 1001:1001 ack 1\n0.8 > F. 1001:1001 ack 1")
        #expect(closing[.originator].windowProbes == 0 && closing[.originator].retransmissions == 1)
    }

    @Test("The mean of the windows is one of those that were advertised: RSTs and dropped segments have none")
    func meanWindow() {
        let (_, statistics) = play(
            handshake
                + "> P. 1:11 ack 1 win 100\n< . 1:1 ack 11 win 100\n> R. 11:11 ack 1 win 0\n> R 11:11 win 0\n> R 11:11 win 0"
        )
        #expect(statistics[.originator].smallestWindow == 100)
        #expect(statistics[.originator].averageWindow >= 100, "\(statistics[.originator].averageWindow)")
    }

    @Test("H33: an ACK that carries MPTCP's words is no duplicate ACK (RFC 8684 3)")
    func multipathSignals() {
        let open = handshake + "> P. 1:101 ack 1\n< . 1:1 ack 101\n> P. 101:201 ack 1\n"
        let signal = "< . 1:1 ack 101 mptcp 3\n"
        let (_, signalled) = play(open + signal + signal + signal)
        #expect(signalled[.originator].duplicateAcks == 0)
        let (_, mapped) = play(open + "< . 1:1 ack 101 mptcp 2\n")
        #expect(mapped[.originator].duplicateAcks == 1)
    }

    @Test("E18: text with a blind ACK is captured and sent, as its octets are counted")
    func textWithBlindAck() {
        let (play, statistics) = play(handshake + "> P. 1:13 ack 1\n9 < P. 1:210 ack 1500000000")
        #expect(play.last.anomalies.contains(.blindAck))
        #expect(play.connection.counters[1].uniqueBytes == 209)
        #expect(statistics[.responder].uniqueBytes == 209)
    }
}
