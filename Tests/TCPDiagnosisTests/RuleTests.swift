// What each rule finds on the wire alone, and when it stays silent. The names begin with the ids of the cases.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct OpeningRuleTests {
    @Test func H1_T1_anOrderlyConnectionHasNoFindings() {
        #expect(
            codes(
                handshake + """
                    > P. 1:11 ack 1
                    < . 1:1 ack 11
                    < P. 1:5 ack 11
                    > . 11:11 ack 5
                    > F. 11:11 ack 5
                    < . 5:5 ack 12
                    < F. 5:5 ack 12
                    > . 12:12 ack 6
                    """) == [])
    }

    @Test func H2_synsWithoutAnswer() throws {
        let found = findings("> S 0:0\n1.0 > S 0:0\n2.0 > S 0:0", after: 2)
        #expect(found.map { $0.code } == [.synUnanswered])
        let finding = try #require(found.first)
        #expect(finding.frames == [1, 3])
        #expect(
            finding.message.hasPrefix("3 SYNs in 2s got no answer from 127.0.0.1:9500 in the 2s after the last one: "))
        #expect(finding.side == .originator)
    }

    /// What else is in the capture does not prolong the attempt.
    @Test(arguments: [
        (
            "> S 0:0\n1.03 > S 0:0\n3.04 > S 0:0", 10_252_243.0,
            "3 SYNs in 3s got no answer from 127.0.0.1:9500 in the 118 days after the last one: a"
        ),
        ("> S 0:0\n1.03 > S 0:0", 0.0, "2 SYNs in 1s got no answer from 127.0.0.1:9500: a"),
        ("> S 0:0", 3.5, "1 SYN got no answer from 127.0.0.1:9500 in 3.5s: "),
    ])
    func H2_howLongNothingCame(_ script: String, _ wait: Double, _ words: String) {
        let messages = findings(script, after: wait).map(\.message)
        #expect(messages.count == 1 && messages[0].hasPrefix(words), "\(messages)")
    }

    /// The capture ends before an answer could arrive.
    @Test func H2_aSynThatHadNoTimeToBeAnswered() {
        #expect(codes("> S 0:0") == [])
        #expect(codes("> S 0:0", after: 0.9) == [])
        #expect(codes("> S 0:0", after: 1) == [.synUnanswered])
        #expect(codes("> S 0:0\n0.4 > S 0:0") == [.synUnanswered])
    }

    @Test func H3_refused() {
        let found = findings("> S 0:0\n< R. 0:0 ack 1")
        #expect(found.map { $0.code } == [.refused])
        #expect(found.first?.frames == [1, 2])
    }

    /// A SYN captured after its answer is not a retransmission; one that follows a second later is, although the first
    /// was not captured.
    @Test func H15_aSynBehindItsAnswer() {
        #expect(codes("0 < S. 0:0 ack 1\n0 > S 0:0", after: 5) == [])
        #expect(codes("0 < S. 0:0 ack 1\n1 > S 0:0\n< S. 0:0 ack 1", after: 5) == [.synAckLost])
    }

    @Test func H12_simultaneousOpen() {
        #expect(codes("> S 0:0\n< S 0:0\n> S. 0:0 ack 1\n< S. 0:0 ack 1") == [.simultaneousOpen])
    }

    @Test func H16_portReused() throws {
        let found = findings("> S 0:0\n< R. 0:0 ack 1\n0.5 > S 70000:70000", after: 2)
        #expect(found.map { $0.code } == [.refused, .portReused, .synUnanswered])
        #expect(found[1].message == "the same ports were used again, 499ms after TCP 1's last segment")
    }

    /// The end of the old connection was not captured. A SYN that was answered was not challenged.
    @Test func H37_portReusedWhileItSeemedOpen() {
        let open = "> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n"
        let new = "< S. 900000:900000 ack 500001\n> . 500001:500001 ack 900001"
        let found = findings(open + "10.002 > S 500000:500000\n" + new)
        #expect(found.map { $0.code } == [.portReused])
        #expect(found.first?.message == "the same ports were used again, 10s after TCP 1's last segment")
        // A challenge came and was answered with a RST, which the capture lacks.
        let challenged = findings(open + "10 > S 500000:500000\n< . 1:1 ack 1\n> S 500000:500000\n" + new)
        #expect(challenged.map { $0.code } == [.challengeAck, .portReused])
        #expect(challenged.last?.message == "the same ports were used again, 0us after TCP 1's last segment")
        // Nothing followed, so the SYN was challenged.
        #expect(codes(open + "10 > S 500000:500000") == [.challengeAck])
    }

    @Test func H18_staleSocketAnswersTheSyn() {
        let found = findings(
            "> S 0:0\n< . 7000:7000 ack 90000\n> R 90000:90000\n0.01 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(found.map { $0.code } == [.halfOpenPeer])
        #expect(found.first?.frames == [1, 2, 3])
        #expect(found.first?.side == .responder)
        #expect(found.first?.message.contains("these ports, or was in TIME_WAIT after it: it answered") == true)
    }

    /// The side that closed first answers an older SYN out of TIME_WAIT: no process holds that socket, and nothing is
    /// half-open.
    @Test func H18_timeWaitAnswersTheSyn() {
        let first = "> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n"
        let challenge =
            " > S 500000:500000\n< . 2:2 ack 2\n> R 2:2\n> S 500000:500000\n< S. 900000:900000 ack 500001\n"
            + "> . 500001:500001 ack 900001"
        let waiting = first + "< F. 1:1 ack 1\n> F. 1:1 ack 2\n< . 2:2 ack 2\n"
        let found = findings(waiting + "0.4" + challenge)
        #expect(found.map { $0.code } == [.portReused])
        #expect(
            found.first?.message.hasSuffix(
                "TCP 1's last segment; the server was still in TIME_WAIT after it, and answered the SYN with an ACK of the old numbers; the client"
                    + " answered that ACK with RST, and the SYN was sent again") == true, "\(found)")
        #expect(found.first?.frames == [7, 8, 9])
        // By then Linux has forgotten the connection, but other systems may not have.
        #expect(codes(waiting + "70" + challenge) == [.portReused, .halfOpenPeer])
        let leaking = findings(first + "> F. 1:1 ack 1\n< . 1:1 ack 2\n> R 2:2\n0.4" + challenge)
        #expect(leaking.map { $0.code }.contains(.halfOpenPeer), "\(leaking)")
    }

    @Test func H25_fastOpen() {
        #expect(codes("> S 0:4\n< S. 0:0 ack 5\n> . 5:5 ack 1") == [.fastOpen])
    }
}

@Suite struct FlowRuleTests {
    @Test func E3_keepAlivesWithoutAnswer() {
        let text =
            handshake + """
                > P. 1:11 ack 1
                < . 1:1 ack 11
                60 > . 10:10 ack 1
                61 > . 10:10 ack 1
                62 > R. 11:11 ack 1
                """
        let found = findings(text)
        #expect(found.map { $0.code } == [.keepaliveDead])
        #expect(found.first?.frames == [6, 8])
        #expect(found.first?.evidence.count == 1)
        // The peer's process ends later and sends a FIN, too late for the side that gave up.
        #expect(codes(text + "\n63 < F. 1:1 ack 11\n> R 11:11").contains(.keepaliveDead))
    }

    @Test func E3_whoResetsRightAfterAKeepAliveDidNotTimeOut() {
        let probe = handshake + "10 > . 0:0 ack 1\n"
        #expect(codes(probe + "10.0001 > R. 1:1 ack 1") == [.reset])
        #expect(codes(probe + "11 > R. 1:1 ack 1") == [.keepaliveDead])
        #expect(codes(probe + "10.2 > . 0:0 ack 1\n10.4 > R. 1:1 ack 1") == [.keepaliveDead])
    }

    @Test func E4_zeroWindowWithProbesIsAStall() {
        let text =
            handshake + """
                > P. 1:11 ack 1
                < . 1:1 ack 11 win 0
                0.5 > . 10:10 ack 1
                0.6 < . 1:1 ack 11 win 0
                2.5 < . 1:1 ack 11 win 500
                """
        let found = findings(text)
        #expect(found.map { $0.code } == [.zeroWindowStall])
        #expect(found.first?.side == .responder)
        #expect(found.first?.message.contains("closed for 2.4s:") == true)
    }

    @Test("E4: probes with an octet count; full segments in a row show that the window was opened, unseen")
    func E4_zeroWindowProbesWithTextAndAnUnseenUpdate() {
        let closed = handshake + "> P. 1:101 ack 1\n< . 1:1 ack 101 win 0\n"
        let probed = findings(
            closed + """
                0.5 > . 101:102 ack 1
                < . 1:1 ack 101 win 0
                1.5 > . 101:102 ack 1
                < . 1:1 ack 102 win 0
                2.0 > . 102:103 ack 1
                < . 1:1 ack 103 win 100
                """)
        #expect(probed.map { $0.code } == [.zeroWindowStall])
        #expect(probed.first?.message.contains("(3 probes)") == true)
        let unseen = findings(
            closed + """
                0.5 > . 100:100 ack 1
                < . 1:1 ack 101 win 0
                1.5 > . 101:1101 ack 1
                > . 1101:2101 ack 1
                > . 2101:3101 ack 1
                9.0 < . 1:1 ack 3101 win 0
                9.1 < . 1:1 ack 3101 win 100
                """)
        #expect(unseen.map { $0.code } == [.zeroWindowStall])
        #expect(unseen.first?.message.contains("closed for 1.4s") == true)
        #expect(unseen.first?.message.contains("(1 probe)") == true)
    }

    @Test func E4_zeroWindowThatHoldsNobodyUpIsNone() {
        #expect(
            codes(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11 win 0\n9 < . 1:1 ack 11 win 500") == [])
    }

    @Test func E13_dataForAnUnknownConnection() {
        let found = findings(handshake + "60 > P. 1:11 ack 1\n< R 1:1")
        #expect(found.map { $0.code } == [.halfOpenPeer])
        #expect(found.first?.side == .responder)
    }

    @Test func E15_resetThatIsNotExact() {
        #expect(codes(handshake + "< R 100:100\n> . 1:1 ack 1\n> P. 1:5 ack 1\n< . 1:1 ack 5") == [.rstIgnored])
    }

    @Test func H37_synInsideTheConnection() {
        #expect(codes(handshake + "> S 900:900\n< . 1:1 ack 1\n> P. 1:5 ack 1\n< . 1:1 ack 5") == [.challengeAck])
    }

    /// The capture has several receive queues, or interface clocks that differ by microseconds.
    @Test func X14_aResetCapturedBeforeTheSynThatItRefuses() {
        let (syn, reset) = ("> S 0:0", "< R. -5000:-5000 ack 1")
        #expect(codes("\(reset)\n\(syn)", after: 60) == [.refused])
        #expect(codes("\(syn)\n\(reset)", after: 60) == [.refused])
        // After a SYN-ACK, the text of a SYN does not belong to an open connection.
        let open = "< S. 0:0 ack 11\n> S 0:10 tfo 8\n> . 11:11 ack 1\n< P. 1:21 ack 11\n> . 11:11 ack 21"
        #expect(codes(open) == [.fastOpen])
    }

    /// It looks like a firewall that drops SYNs with text: the next SYN comes without text, a second later.
    @Test func H27_aSynWithTextThatGetsNoAnswer() {
        func message(_ text: String) -> String { findings(text).first { $0.code == .fastOpen }?.message ?? "" }
        let rest = "> P. 1:11 ack 1\n< . 1:1 ack 11"
        #expect(
            message("> S 0:10 tfo 8\n1.0 > S 0:0\n< S. 0:0 ack 1\n\(rest)").contains(
                "(TCP Fast Open); it got no answer and was retransmitted 1s later: it was lost with its text, or a device on the path drops SYNs"
            ))
        #expect(message("> S 0:10 tfo 8\n< S. 0:0 ack 1\n\(rest)").hasSuffix("(TCP Fast Open)"))
    }

    /// Linux's `tcp_check_req` drops the request and answers the SYN with RST. Nothing was ever open.
    @Test func H35_aSynInsideTheHandshake() {
        for syn in ["> S 100:100\n", "> S 100:110\n"] {
            let text = "> S 0:0\n< S. 0:0 ack 1\n" + syn + "< R. -5000:-5000 ack 101"
            let found = findings(text)
            #expect(!found.contains { $0.code == .challengeAck }, "\(found)")
            #expect(!found.contains { $0.message.contains("aborted") }, "\(found)")
        }
        // In the open connection the SYN is challenged, whatever part of that was captured.
        #expect(codes("> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n> S 100:100").contains(.challengeAck))
    }

    @Test func X7_framesTheCaptureLacks() {
        let found = findings(handshake + "< . 1:1 ack 101\n> P. 101:111 ack 1\n< . 1:1 ack 111")
        #expect(found.map { $0.code } == [.captureGap])
        #expect(found.first?.frames == [4])
    }

    @Test func X7_textBehindItsOwnAckIsThere() {
        #expect(codes(handshake + "< . 1:1 ack 101\n> P. 1:101 ack 1\n> P. 101:111 ack 1\n< . 1:1 ack 111") == [])
        let half = findings(handshake + "< . 1:1 ack 101\n> P. 51:101 ack 1\n< . 1:1 ack 101")
        #expect(half.map { $0.code } == [.captureGap] && half.first?.message.contains("lacks 50 octets") == true)
    }
}

@Suite struct ClosingRuleTests {
    @Test func T5_halfClose() {
        let found = findings(
            handshake + """
                > F. 1:1 ack 1
                < . 1:1 ack 2
                < P. 1:5 ack 2
                > . 2:2 ack 5
                < F. 5:5 ack 2
                > . 2:2 ack 6
                """)
        #expect(found.map { $0.code } == [.halfClose])
        #expect(found.first?.side == .originator)
    }

    @Test func T11_closeWaitForALongTime() {
        let text = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2"
        #expect(codes(text, after: 4) == [])
        let found = findings(text, after: 60)
        #expect(found.map { $0.code } == [.closeWaitLeak])
        #expect(found.first?.side == .responder)
        #expect(found.first?.frames == [4])
    }

    @Test func T5_whoStillSendsDoesNotLeak() {
        let text = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n60 < P. 1:5 ack 2"
        #expect(codes(text + "\n> . 2:2 ack 5", after: 1) == [.halfClose])
        // After close() text is answered with RST; until the answer comes, it is unknown whether this was a close() or
        // a half-close.
        #expect(codes(text, after: 1) == [])
        // The text is neither acknowledged nor retransmitted, so the socket no longer exists.
        #expect(codes(text, after: 120) == [])
    }

    @Test func T14_textForASocketThatWasClosed() {
        let found = findings(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:10 ack 2\n> R 2:2")
        #expect(found.map { $0.code } == [.resetAfterClose])
        #expect(found.first?.frames == [4, 6, 7])
    }

    @Test func T14_aFinBehindTheRstIsNoOctetOfText() {
        let found = findings(
            handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:10 ack 2\n> R 2:2\n< FP. 10:14 ack 2")
        #expect(found.map { $0.code } == [.resetAfterClose])
        #expect(found.first?.message.contains(" still sent 13 octets") == true, "\(found)")
    }

    @Test func T12_T13_abortWhoseCauseTheWireDoesNotTell() {
        let found = findings(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< R. 1:1 ack 11")
        #expect(found.map { $0.code } == [.reset])
        #expect(found.first?.side == .responder)
    }
}

@Suite struct CodeTests {
    @Test func everyCodeHasARule() {
        #expect(Set(Rule.all.map { $0.code }) == Set(FindingCode.allCases))
    }

    @Test func severitiesIncludeTheWorseOnes() {
        #expect(FindingCode.named("ERROR") == Set(FindingCode.allCases.filter { $0.severity == .error }))
        #expect(FindingCode.named("any") == Set(FindingCode.allCases))
        #expect(FindingCode.named("close_wait_leak") == [.closeWaitLeak])
        #expect(FindingCode.named("nonsense") == nil)
    }
}

@Suite struct PathMTURuleTests {
    private static let stuck =
        handshake + """
            > P. 1:101 ack 1
            < . 1:1 ack 101
            > . 101:1549 ack 1
            > P. 1549:1700 ack 1
            < . 1:1 ack 101 sack 1549:1700
            0.3 > . 101:1549 ack 1
            0.6 > . 101:1549 ack 1

            """

    @Test func E20_largeSegmentsVanishAndSmallOnesDoNot() throws {
        #expect(!codes(Self.stuck).contains(.mtuBlackHole), "it may just be lost")
        let found = findings(Self.stuck + "1.2 > . 101:1549 ack 1", after: 2)
        let finding = try #require(found.first { $0.code == .mtuBlackHole })
        #expect(finding.side == .originator && finding.frames == [6, 8, 11])
        #expect(finding.message.contains("sent the same 1448 octets 4 times in 1.1"), "\(finding.message)")
    }

    @Test func E20_oneThatArrivesAtLastWasLost() {
        let arrived = "1.2 > . 101:1549 ack 1\n< . 1:1 ack 1700"
        #expect(!codes(Self.stuck + arrived, after: 2).contains(.mtuBlackHole))
    }

    /// A segment behind it, as large, has arrived.
    @Test func E20_othersAsLargeArrive() {
        let lost =
            handshake + """
                > . 1:1449 ack 1
                > . 1449:2897 ack 1
                < . 1:1 ack 1 sack 1449:2897
                0.3 > . 1:1449 ack 1
                0.6 > . 1:1449 ack 1
                1.2 > . 1:1449 ack 1
                """
        #expect(!codes(lost, after: 2).contains(.mtuBlackHole))
    }

    @Test func E20_aPeerThatIsSilentIsGone() {
        let gone =
            handshake + """
                > . 1:1449 ack 1
                0.3 > . 1:1449 ack 1
                0.6 > . 1:1449 ack 1
                1.2 > . 1:1449 ack 1
                """
        #expect(!codes(gone, after: 2).contains(.mtuBlackHole))
        #expect(codes(gone + "\n1.3 < P. 1:5 ack 1", after: 2).contains(.mtuBlackHole))
    }

    private static let opening = "0 > S 0:0 mss 1460\n< S. 0:0 ack 1 mss 1460\n> . 1:1 ack 1\n"
    /// RFC 4821 7.7: Linux uses 1024 octets with net.ipv4.tcp_mtu_probing = 1.
    private static let pieces =
        opening + """
            > . 1:2897 ack 1
            0.3 > . 1:1449 ack 1
            0.9 > . 1:1449 ack 1
            2.1 > . 1:1025 ack 1
            2.11 < . 1:1 ack 1025
            > . 1025:2049 ack 1
            > . 2049:3073 ack 1
            < . 1:1 ack 3073

            """

    @Test func E20_aSmallerPieceGetsThrough() throws {
        let live = KernelCase(Self.pieces)
        #expect(!live.review(4000).contains(.mtuBlackHole), "larger ones may yet get through")
        #expect(live.review(8000).contains(.mtuBlackHole))
        let found = findings(Self.pieces, after: 6)
        let finding = try #require(found.first { $0.code == .mtuBlackHole })
        #expect(finding.side == .originator && finding.frames == [4, 6, 8], "\(finding.frames)")
        #expect(
            finding.message.hasPrefix(
                "the client sent the same 1448 octets 3 times in 897ms without success, and the first 1024 octets of them arrived"
            ),
            "\(finding.message)")
        #expect(finding.message.hasSuffix("; or the path was down until then"), "\(finding.message)")
        // The peer was heard meanwhile, so the path was not interrupted.
        let heard = Self.pieces.replacing("2.1 >", with: "1.0 < P. 1:6 ack 1\n2.1 >").replacing(
            "< . 1:1 ack", with: "< . 6:6 ack")
        let sure = try #require(findings(heard, after: 6).first { $0.code == .mtuBlackHole })
        #expect(sure.message.hasSuffix("(packet too big) does not arrive here"), "\(sure.message)")
    }

    @Test func E20_whatIsLargeGetsThroughLater() {
        let whole = "2.2 > . 3073:4521 ack 1\n< . 1:1 ack 4521"
        #expect(!codes(Self.pieces + whole, after: 6).contains(.mtuBlackHole))
        // A search for the path's MTU comes this close to the former size. With PPPoE (8 octets less) it does not.
        let near = "2.2 > . 3073:4514 ack 1\n< . 1:1 ack 4514"
        #expect(!codes(Self.pieces + near, after: 6).contains(.mtuBlackHole))
        let narrower = "2.2 > . 3073:4513 ack 1\n< . 1:1 ack 4513"
        #expect(codes(Self.pieces + narrower, after: 6).contains(.mtuBlackHole))
        // A probe for a larger MTU was lost, and its text sent in pieces.
        let probe = "2.2 > . 3073:4521 ack 1\n2.5 > . 3073:4097 ack 1\n> . 4097:4521 ack 1\n< . 1:1 ack 4521"
        #expect(codes(Self.pieces + probe, after: 6).contains(.mtuBlackHole))
    }

    @Test(arguments: [
        // Two losses may be chance; options take some octets; the text behind it has arrived; the receiver's window was
        // small.
        "> . 1:1449 ack 1\n0.9 > . 1:1449 ack 1\n2.1 > . 1:1025 ack 1\n2.11 < . 1:1 ack 1025",
        "> . 1:1449 ack 1\n0.3 > . 1:1449 ack 1\n0.9 > . 1:1449 ack 1\n2.1 > . 1:1413 ack 1\n2.11 < . 1:1 ack 1413",
        "> . 1:1449 ack 1\n0.3 > . 1:1449 ack 1\n0.9 > . 1:1449 ack 1\n2.1 > . 1:1025 ack 1\n2.11 < . 1:1 ack 1449",
        "< . 1:1 ack 1 win 0\n> . 1:1449 ack 1\n0.3 > . 1:1449 ack 1\n0.9 > . 1:1449 ack 1\n2.1 > . 1:1025 ack 1\n< . 1:1 ack 1025 win 0",
        // First three segments that a network card splits, then one.
        "> . 1:4345 ack 1\n0.3 > . 1:4345 ack 1\n0.9 > . 1:4345 ack 1\n2.1 > . 1:1449 ack 1\n2.11 < . 1:1 ack 1449",
    ])
    func E20_piecesThatShowNothing(_ text: String) {
        #expect(!codes(Self.opening + text, after: 9).contains(.mtuBlackHole))
    }
}
