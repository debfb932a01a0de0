// What `tcptrace sockets -i` prints about a socket, from a struct tcp_info with numbers at the offsets of linux/tcp.h.

import TCPModel
import Testing

@testable import TimelineReport

@Suite struct SocketInfoTests {
    /// A struct tcp_info of 248 octets (Linux 6.7 and later) that is zero except for these values.
    static func info(_ values: [(offset: Int, octets: Int, value: UInt64)]) -> TCPInfo {
        var bytes = [UInt8](repeating: 0, count: 248)
        for (offset, octets, value) in values {
            for index in 0..<octets {
                let place = UInt64(1).littleEndian == 1 ? index : octets - 1 - index
                bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(place)))
            }
        }
        return TCPInfo(bytes)
    }

    static func row(
        _ state: TCPState, _ timer: KernelSocket.Timer = .none, inode: UInt64 = 9, queue: UInt32 = 0,
        _ change: (inout SocketDetails) -> Void
    ) -> SocketRow {
        let socket = KernelSocket(
            local: SocketAddress(.loopbackV4, 9500),
            remote: SocketAddress(state == .listen ? .anyV4 : .loopbackV4, state == .listen ? 0 : 35924), state: state,
            timer: timer, receiveQueue: queue, inode: inode)
        var details = SocketDetails()
        change(&details)
        return SocketRow(socket, .none, details: details)
    }

    /// A sender whose peer does not read: a probe is due, and the window limits the transfer.
    static let stalled = row(.established, .persist) {
        $0.timerMilliseconds = 644
        $0.timerCount = 3
        $0.info = info([
            (4, 1, 3), (8, 4, 208_000), (16, 4, 1448), (60, 4, 1500), (68, 4, 4620), (72, 4, 9180),
            (76, 4, 0x7fff_ffff),
            (80, 4, 16), (100, 4, 1), (144, 4, 3_782_144), (148, 4, 19), (168, 8, 2_800_000), (176, 8, 2_790_000),
            (200, 8, 176_128), (208, 8, 47_616), (216, 4, 1), (44, 4, 2540),
        ])
    }

    /// A sender whose path has died: the timeout is doubled again and again.
    static let dying = row(.established, .retransmission) {
        $0.timerMilliseconds = 1600
        $0.timerCount = 3
        $0.info = info([
            (2, 1, 3), (4, 1, 3), (8, 4, 3_200_000), (16, 4, 1448), (24, 4, 3), (28, 4, 1), (32, 4, 2), (56, 4, 5300),
            (68, 4, 412), (72, 4, 101), (76, 4, 7), (80, 4, 1), (100, 4, 4), (148, 4, 340), (200, 8, 12_800),
            (208, 8, 4340), (44, 4, 900), (128, 8, 300), (52, 4, 61_000), (228, 4, 65_536),
        ])
    }

    static let listener = row(.listen, queue: 5) {
        $0.backlog = 4
        $0.memory = SocketMemory()
        $0.memory?.drops = 12
    }

    @Test func whatASocketWaitsForComesFirst() {
        #expect(
            SocketInfoText().lines(Self.stalled) == [
                "      window probe in 644ms, 3 tries so far; 3782144 octets not sent yet; the peer's window is 0",
                "      RTT 4.62ms varying by 9.18ms, least 19us; RTO 208ms, doubled 3 times; congestion window 16; "
                    + "segments of 1448; path MTU 1500",
                "      176128 octets sent, 47616 of them again, the last 2.54s ago; 0 received; "
                    + "2.80s with something to send, 2.79s held up by the peer's window",
                "      1 segment retransmitted in its lifetime, 1 of them needlessly (D-SACK)",
            ])
        #expect(
            SocketInfoText().lines(Self.dying) == [
                "      retransmission in 1.60s, 3 tries so far; "
                    + "3 segments not acknowledged, 1 reported by SACK, 2 taken for lost, no ACK for 5.30s",
                "      RTT 412us varying by 101us, least 340us; RTO 3.20s, doubled 3 times; "
                    + "congestion window 1, threshold 7; peer's window 65536; segments of 1448",
                "      12800 octets sent, 4340 of them again, the last 900ms ago; 300 received, the last 61.0s ago",
                "      4 segments retransmitted in its lifetime",
            ])
        #expect(SocketInfoText().lines(Self.listener) == ["      accept queue: 5 of 4; 12 SYNs or handshakes refused"])
    }

    /// 308 octets were received, and a FIN in the states after it.
    @Test(arguments: [
        (TCPState.established, 309), (.closeWait, 308), (.lastAck, 308), (.closing, 308), (.finWait2, 309),
    ])
    func theFinIsNoOctetOfText(_ state: TCPState, _ octets: Int) {
        let row = Self.row(state) { $0.info = Self.info([(128, 8, 309), (200, 8, 1)]) }
        let lines = SocketInfoText().lines(row).joined()
        #expect(lines.contains("1 octet sent, the last 0ns ago; \(octets) received, the last 0ns ago"), "\(lines)")
    }

    /// 187713 octets are not sent; after close() the last of them is the FIN.
    @Test(arguments: [
        (TCPState.established, 187_713, "187713 octets not sent yet"),
        (.closeWait, 1, "in 200ms; 1 octet not sent yet"),
        (.finWait1, 187_713, "; 187712 octets and the FIN not sent yet"),
        (.lastAck, 2, "; 1 octet and the FIN not sent yet"),
        (.closing, 1, "; the FIN not sent yet"),
    ])
    func theUnsentFinIsNoOctetOfText(_ state: TCPState, _ octets: Int, _ words: String) {
        let row = Self.row(state, .persist) {
            $0.timerMilliseconds = 200
            $0.info = Self.info([(144, 4, UInt64(octets)), (148, 4, 19)])
        }
        let lines = SocketInfoText().lines(row).joined()
        #expect(lines.contains(words), "\(lines)")
    }

    /// Segments that the kernel counts here were mostly not needed.
    @Test func whatWasDiscardedIsNotCalledLost() {
        let row = Self.row(.established) {
            $0.memory = SocketMemory()
            $0.memory?.drops = 1
        }
        #expect(
            SocketInfoText().lines(row) == [
                "      1 segment discarded here (duplicates, probes, what did not fit: not necessarily lost)"
            ])
    }

    @Test func aFinAloneIsNothingReceived() {
        let row = Self.row(.closeWait) { $0.info = Self.info([(128, 8, 1)]) }
        #expect(SocketInfoText().lines(row).joined().contains("0 octets sent; 0 received"))
    }

    @Test(arguments: [40, 60, 80, 100]) func linesAreBrokenBetweenStatements(_ width: Int) {
        for row in [Self.stalled, Self.dying, Self.listener] {
            let lines = SocketInfoText(width: width).lines(row)
            let whole = SocketInfoText().lines(row)
            // The statements are the same, and no line could be shorter.
            let statements = { (lines: [String]) in
                lines.flatMap { $0.dropFirst(6).split(separator: ";").map { String($0.trimmingPrefix(" ")) } }
            }
            #expect(statements(lines) == statements(whole))
            #expect(lines.allSatisfy { $0.count <= width || !$0.dropLast().contains(";") })
        }
    }

    @Test func statesWithoutMeasures() {
        // A socket in TIME_WAIT has only a timer; a SYN without an answer has learnt no window from the peer.
        let timeWait = Self.row(.timeWait, .timeWait, inode: 0) { $0.timerMilliseconds = 42_000 }
        #expect(SocketInfoText().lines(timeWait) == ["      end in 42.0s"])
        let opening = Self.row(.synSent, .retransmission) {
            $0.timerMilliseconds = 3000
            $0.timerCount = 1
            $0.info = Self.info([(8, 4, 4_000_000), (24, 4, 1), (56, 4, 99_000), (148, 4, 0xffff_ffff)])
        }
        #expect(
            SocketInfoText().lines(opening).first
                == "      retransmission in 3.00s, 1 try so far; 1 segment not acknowledged")
        let orphan = Self.row(.finWait2, .keepalive, inode: 0) { $0.timerMilliseconds = 90_000 }
        #expect(SocketInfoText().lines(orphan) == ["      end of FIN_WAIT_2 in 90.0s"])
        // Details were not requested.
        #expect(SocketInfoText().lines(SocketRow(Self.stalled.socket, .none)) == [])
    }

    @Test func whatItsProgramShutDown() {
        let half = Self.row(.finWait2) { $0.isSendShutDown = true }
        #expect(SocketInfoText().lines(half) == ["      its program shut sending down"])
        // An orphan was closed anyway, and a socket whose peer sent a FIN receives nothing more in any case.
        let orphan = Self.row(.finWait2, inode: 0) { $0.isSendShutDown = true }
        let closed = Self.row(.closeWait) { $0.isReceiveShutDown = true }
        #expect(SocketInfoText().lines(orphan) + SocketInfoText().lines(closed) == [])
        let deaf = Self.row(.established) { $0.isReceiveShutDown = true }
        #expect(SocketInfoText().lines(deaf) == ["      its program shut receiving down"])
    }

    @Test func rowsCountTheirLines() {
        let table = SocketTable(hasHeader: false, width: 80)
        for row in [Self.stalled, Self.dying, Self.listener] {
            var out = OutputBuffer()
            table.append([row], to: &out)
            #expect(out.bytes.count { $0 == 0x0a } == table.lineCount(row))
        }
    }

    @Test func programsGetTheSameNumbersInBothFormats() throws {
        var json = OutputBuffer()
        SocketJSON().append([Self.dying], at: Timestamp(nanoseconds: 1), to: &json)
        let object = String(decoding: json.bytes, as: UTF8.self)
        #expect(
            object.contains(#""timer":"retransmission","timer_ms":1600,"timer_tries":3,"rtt_us":412,"rttvar_us":101,"#))
        #expect(
            object.contains(#""min_rtt_us":340,"rto_us":3200000,"backoff":3,"#)
                && object.contains(#""snd_ssthresh":7,"#))
        // Backlog and memory are unknown: they are absent, not 0.
        #expect(!object.contains("backlog") && !object.contains("drops"))

        var csv = OutputBuffer()
        let writer = SocketCSV(hasDetails: true)
        writer.appendHeader(to: &csv)
        writer.append([Self.dying], at: Timestamp(nanoseconds: 1), to: &csv)
        let lines = String(decoding: csv.bytes, as: UTF8.self).split(separator: "\r\n")
        let values = Dictionary(
            uniqueKeysWithValues: zip(
                lines[0].split(separator: ",", omittingEmptySubsequences: false),
                lines[1].split(separator: ",", omittingEmptySubsequences: false)))
        #expect(values.count == SocketCSV.fields.count + SocketMeasures.all.count)
        for measure in SocketMeasures.all {
            let value = try #require(Self.dying.details.map(measure.value))
            #expect(values["\(measure.name)"] == value.map { Substring("\($0)") } ?? "", "\(measure.name)")
            if let value { #expect(object.contains("\"\(measure.name)\":\(value)")) }
        }
    }

    @Test func aThresholdOrAMinimumThatIsNoneIsAbsent() {
        let details = Self.row(.established) {
            $0.info = Self.info([(76, 4, 0x7fff_ffff), (148, 4, 0xffff_ffff)])
        }.details!
        for name in ["snd_ssthresh", "min_rtt_us", "rtt_us", "rttvar_us"] {
            #expect(SocketMeasures.all.first { "\($0.name)" == name }!.value(details) == nil)
        }
    }
}
