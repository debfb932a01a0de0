// T19: a RST ends TIME_WAIT before its time (RFC 1337).

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct TimeWaitTests {
    /// The client closes first, and has acknowledged the server's FIN.
    private static let closed =
        handshake + """
            > P. 1:11 ack 1
            < . 1:1 ack 11
            < P. 1:5 ack 11
            > F. 11:11 ack 5
            < F. 5:5 ack 12
            > . 12:12 ack 6

            """

    /// Old text, or the FIN that was retransmitted while its ACK was in flight.
    @Test(arguments: ["1.5 < P. 1:5 ack 11", "1.5 < F. 5:5 ack 12"])
    func T19_aLateSegmentEndsIt(_ late: String) throws {
        let found = findings(Self.closed + late + "\n> . 12:12 ack 6\n< R 6:6")
        let finding = try #require(found.first { $0.code == .timeWaitAssassination }, "\(found)")
        #expect(finding.side == .originator && finding.frames == [10, 11, 12])
        #expect(finding.code.severity == .info)
        #expect(
            finding.message.hasPrefix(
                "a RST ended the TIME_WAIT of the client after 1.4s instead of 60s: it answered a late segment from the server with an ACK"
            ),
            "\(finding.message)")
        #expect(!found.contains { $0.code == .reset || $0.code == .halfOpenPeer })
    }

    /// The server's host had forgotten the connection when the last ACK arrived.
    @Test func T19_theLastAckIsAnsweredWithReset() throws {
        let found = findings(Self.closed + "< R 6:6")
        let finding = try #require(found.first { $0.code == .timeWaitAssassination }, "\(found)")
        #expect(finding.frames == [9, 10] && finding.message.contains("; its last ACK reached") == false)
        #expect(finding.message.contains(": its last ACK reached the server twice, or too late"))
    }

    /// RSTs that do not count: a wrong number, an abort that answers nothing, the client's own RST, and one after
    /// TIME_WAIT is over. Nor does one in FIN_WAIT_2, since the peer had not closed.
    @Test(arguments: [
        "< R 900:900", "< R. 6:6 ack 12", "> R 12:12", "70 < P. 1:5 ack 11\n> . 12:12 ack 6\n< R 6:6",
    ])
    func T19_otherResets(_ reset: String) {
        #expect(!codes(Self.closed + reset).contains(.timeWaitAssassination))
        let halfClosed = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< R 1:1"
        #expect(!codes(halfClosed).contains(.timeWaitAssassination))
    }

    /// With net.ipv4.tcp_rfc1337 set to 1, the kernel keeps the socket all the same.
    @Test func T19_theKernelKeepsIt() {
        for keeps in [true, false] {
            let play = KernelCase(Self.closed + "1.5 < P. 1:5 ack 11\n> . 12:12 ack 6\n< R 6:6")
            for time in [1600.0, 1700] {
                if keeps { play.read(time, play.client(.timeWait, inode: 0)) } else { play.read(time) }
            }
            #expect(play.conclude(1800).contains(.timeWaitAssassination) == !keeps, "\(play.found)")
        }
    }
}
