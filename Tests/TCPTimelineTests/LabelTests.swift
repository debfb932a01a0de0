// The labels of a finished connection: outcome, Zeek's conn_state and history, Wireshark's completeness.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

/// A situation from the case list, and its labels.
struct Situation: Sendable, CustomTestStringConvertible {
    var id: String
    var text: String
    var outcome: Outcome
    var state: String
    var history: String
    var completeness: UInt8
    /// Octets of text per side.
    var bytes: [UInt64]
    var closer: Side?
    var isn: [UInt32] = [1000, 5000]

    var testDescription: String { id }

    static let all: [Situation] = [
        .init(
            id: "H1 open", text: handshake, outcome: .open, state: "S1", history: "ShA", completeness: 7, bytes: [0, 0]),
        .init(
            id: "H1 without the last ACK", text: "> S 0:0\n< S. 0:0 ack 1", outcome: .halfOpen, state: "S1",
            history: "Sh", completeness: 3, bytes: [0, 0]),
        .init(
            id: "H2 lone SYN", text: "> S 0:0", outcome: .noAnswer, state: "S0", history: "S", completeness: 1,
            bytes: [0, 0]),
        .init(
            id: "H2 retries", text: "> S 0:0\n> S 0:0\n> S 0:0", outcome: .noAnswer, state: "S0", history: "S",
            completeness: 1, bytes: [0, 0]),
        .init(
            id: "H3 refused", text: "> S 0:0\n< R. 0:0 ack 1", outcome: .refused, state: "REJ", history: "Sr",
            completeness: 37, bytes: [0, 0], closer: .responder),
        .init(
            id: "H5 SYN twice", text: "> S 0:0\n> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1", outcome: .open, state: "S1",
            history: "ShA", completeness: 7, bytes: [0, 0]),
        .init(
            id: "H6 SYN-ACK lost", text: "> S 0:0\n< S. 0:0 ack 1\n" + handshake, outcome: .open, state: "S1",
            history: "ShA", completeness: 7, bytes: [0, 0]),
        .init(
            id: "H7 last ACK lost", text: handshake + "< S. 0:0 ack 1\n> . 1:1 ack 1", outcome: .open, state: "S1",
            history: "ShA", completeness: 7, bytes: [0, 0]),
        .init(
            // Zeek's A means a pure ACK, and this one carries text.
            id: "H8 data completes", text: "> S 0:0\n< S. 0:0 ack 1\n> P. 1:11 ack 1", outcome: .open, state: "S1",
            history: "ShD", completeness: 11, bytes: [10, 0]),
        .init(
            id: "H9 reset after SYN-ACK", text: "> S 0:0\n< S. 0:0 ack 1\n> R 1:1", outcome: .reset, state: "RSTO",
            history: "ShR", completeness: 35, bytes: [0, 0], closer: .originator),
        .init(
            id: "H10 connect aborted", text: "> S 0:0\n> R 1:1", outcome: .reset, state: "RSTOS0", history: "SR",
            completeness: 33, bytes: [0, 0], closer: .originator),
        .init(
            id: "H11 FIN without SYN-ACK", text: "> S 0:0\n> F 1:1", outcome: .noAnswer, state: "SH", history: "SF",
            completeness: 1, bytes: [0, 0]),
        .init(
            id: "H12 simultaneous open",
            text: "> S 0:0\n< S 0:0\n> S. 0:0 ack 1\n< S. 0:0 ack 1\n> . 1:1 ack 1\n< . 1:1 ack 1", outcome: .open,
            state: "S1", history: "SsHhAa", completeness: 7, bytes: [0, 0]),
        .init(
            id: "H15 SYN missed", text: "< S. 0:0 ack 1\n> . 1:1 ack 1", outcome: .open, state: "S1", history: "^hA",
            completeness: 6, bytes: [0, 0]),
        .init(
            id: "H15 then reset by the server", text: "< S. 0:0 ack 1\n< R. 1:1 ack 1", outcome: .reset,
            state: "RSTRH", history: "^hr", completeness: 38, bytes: [0, 0], closer: .responder),
        .init(
            id: "H23 never accepted", text: handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11", outcome: .open, state: "S1",
            history: "ShADa", completeness: 15, bytes: [10, 0]),
        .init(
            id: "H35 reset of a half-open one", text: "> S 0:0\n< S. 0:0 ack 1\n< R. 1:1 ack 1", outcome: .reset,
            state: "RSTR", history: "Shr", completeness: 39, bytes: [0, 0], closer: .responder),
        .init(
            id: "E1 data both ways", text: handshake + "> P. 1:11 ack 1\n< P. 1:7 ack 11\n> . 11:11 ack 7",
            outcome: .open, state: "S1", history: "ShADd", completeness: 15, bytes: [10, 6]),
        .init(
            id: "E2 keep-alive", text: handshake + "> . 0:0 ack 1\n< . 1:1 ack 1", outcome: .open, state: "S1",
            history: "ShAa", completeness: 7, bytes: [0, 0]),
        .init(
            id: "E12 wrap",
            text: handshake
                + "> P. 1:5000 ack 1\n< . 1:1 ack 5000\n< P. 1:9000 ack 5000\n> . 5000:5000 ack 9000\n> F. 5000:5000 ack 9000\n< . 9000:9000 ack 5001\n< F. 9000:9000 ack 5001\n> . 5001:5001 ack 9001",
            outcome: .closed, state: "SF", history: "ShADadFf", completeness: 31, bytes: [4999, 8999],
            closer: .originator, isn: [.max - 100, .max - 4000]),
        .init(
            id: "E14 reset by the server", text: handshake + "> P. 1:11 ack 1\n< R. 1:1 ack 11", outcome: .reset,
            state: "RSTR", history: "ShADr", completeness: 47, bytes: [10, 0], closer: .responder),
        .init(
            id: "E14 reset by the client", text: handshake + "> P. 1:11 ack 1\n> R. 11:11 ack 1", outcome: .reset,
            state: "RSTO", history: "ShADR", completeness: 47, bytes: [10, 0], closer: .originator),
        .init(
            id: "T1 client first",
            text: handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< F. 1:1 ack 2\n> . 2:2 ack 2", outcome: .closed,
            state: "SF", history: "ShAFaf", completeness: 23, bytes: [0, 0], closer: .originator),
        .init(
            id: "T1 server first, with data",
            text: handshake
                + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< F. 1:1 ack 11\n> . 11:11 ack 2\n> F. 11:11 ack 2\n< . 2:2 ack 12",
            outcome: .closed, state: "SF", history: "ShADafF", completeness: 31, bytes: [10, 0], closer: .responder),
        .init(
            id: "T2 FIN acknowledges FIN", text: handshake + "> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2",
            outcome: .closed, state: "SF", history: "ShAFf", completeness: 23, bytes: [0, 0], closer: .originator),
        .init(
            id: "T3 FIN carries data",
            text: handshake + "> FP. 1:11 ack 1\n< . 1:1 ack 12\n< F. 1:1 ack 12\n> . 12:12 ack 2", outcome: .closed,
            state: "SF", history: "ShAFaf", completeness: 31, bytes: [10, 0], closer: .originator),
        .init(
            id: "T4 FINs cross", text: handshake + "> F. 1:1 ack 1\n< F. 1:1 ack 1\n> . 2:2 ack 2\n< . 2:2 ack 2",
            outcome: .closed, state: "SF", history: "ShAFfa", completeness: 23, bytes: [0, 0], closer: .originator),
        .init(
            id: "T5 half-closed meanwhile", text: handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:11 ack 2",
            outcome: .halfClosed, state: "S2", history: "ShAFad", completeness: 31, bytes: [0, 10],
            closer: .originator),
        .init(
            id: "T5 half-close to the end",
            text: handshake
                + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:11 ack 2\n> . 2:2 ack 11\n< P. 11:21 ack 2\n> . 2:2 ack 21\n< F. 21:21 ack 2\n> . 2:2 ack 22",
            outcome: .closed, state: "SF", history: "ShAFadf", completeness: 31, bytes: [0, 20], closer: .originator),
        .init(
            id: "T6 T7 FIN twice", text: handshake + "> F. 1:1 ack 1\n> F. 1:1 ack 1\n< . 1:1 ack 2",
            outcome: .halfClosed, state: "S2", history: "ShAFa", completeness: 23, bytes: [0, 0], closer: .originator),
        .init(
            id: "T8 ACK of the FIN lost",
            text: handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n> F. 1:1 ack 1\n< . 1:1 ack 2", outcome: .halfClosed,
            state: "S2", history: "ShAFa", completeness: 23, bytes: [0, 0], closer: .originator),
        .init(
            id: "T9 last ACK lost",
            text: handshake + "> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2\n< F. 1:1 ack 2\n> . 2:2 ack 2",
            outcome: .closed, state: "SF", history: "ShAFf", completeness: 23, bytes: [0, 0], closer: .originator),
        .init(
            id: "T11 server never closes", text: handshake + "< F. 1:1 ack 1\n> . 1:1 ack 2", outcome: .halfClosed,
            state: "S3", history: "ShAf", completeness: 23, bytes: [0, 0], closer: .responder),
        .init(
            id: "T12 close with unread data", text: handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< R. 1:1 ack 11",
            outcome: .reset, state: "RSTR", history: "ShADar", completeness: 47, bytes: [10, 0], closer: .responder),
        .init(
            id: "T13 linger 0", text: handshake + "> R. 1:1 ack 1", outcome: .reset, state: "RSTO", history: "ShAR",
            completeness: 39, bytes: [0, 0], closer: .originator),
        .init(
            id: "T14 write to a closed peer",
            text: handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:11 ack 2\n> R 2:2", outcome: .reset,
            state: "RSTO", history: "ShAFadR", completeness: 63, bytes: [0, 10], closer: .originator),
        .init(
            id: "T16 FIN then RST", text: handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n> R. 2:2 ack 1", outcome: .reset,
            state: "RSTO", history: "ShAFaR", completeness: 55, bytes: [0, 0], closer: .originator),
        .init(
            id: "T17 in FIN_WAIT_1", text: handshake + "> F. 1:1 ack 1\n< R. 1:1 ack 1", outcome: .reset,
            state: "RSTR", history: "ShAFr", completeness: 55, bytes: [0, 0], closer: .responder),
        .init(
            id: "T17 in CLOSE_WAIT", text: handshake + "< F. 1:1 ack 1\n> . 1:1 ack 2\n< R. 2:2 ack 1",
            outcome: .reset, state: "RSTR", history: "ShAfr", completeness: 55, bytes: [0, 0], closer: .responder),
        .init(
            id: "T17 in LAST_ACK", text: handshake + "< F. 1:1 ack 1\n> F. 1:1 ack 2\n< R. 2:2 ack 1",
            outcome: .closed, state: "SF", history: "ShAfFr", completeness: 55, bytes: [0, 0], closer: .responder),
        .init(
            id: "T18 listener closed", text: handshake + "< R. 1:1 ack 1", outcome: .reset, state: "RSTR",
            history: "ShAr", completeness: 39, bytes: [0, 0], closer: .responder),
        .init(
            id: "X4 midstream", text: "> P. 500:510 ack 300\n< . 300:300 ack 510\n> F. 510:510 ack 300",
            outcome: .halfClosed, state: "SH", history: "DaF", completeness: 28, bytes: [10, 0], closer: .originator),
        .init(
            id: "X4 still open", text: "> P. 500:510 ack 300\n< . 300:300 ack 510", outcome: .partial, state: "OTH",
            history: "Da", completeness: 12, bytes: [10, 0]),
        .init(
            id: "X4 both FINs",
            text: "> . 500:500 ack 300\n> F. 500:500 ack 300\n< F. 300:300 ack 501\n> . 501:501 ack 301",
            outcome: .closed, state: "SF", history: "AFf", completeness: 20, bytes: [0, 0], closer: .originator),
        .init(
            id: "H3 a RST for a SYN that was not captured", text: "< R. -5000:-5000 ack 1", outcome: .refused,
            state: "RSTRH",
            history: "^r", completeness: 36, bytes: [0, 0], closer: .responder),
        .init(
            id: "X4 lone RST", text: "> R. 500:500 ack 300", outcome: .reset, state: "OTH", history: "R",
            completeness: 36, bytes: [0, 0], closer: .originator),
        .init(
            id: "X5 only the client's half", text: "> S 0:0\n> . 1:1 ack 1\n> P. 1:11 ack 1", outcome: .open,
            state: "S0", history: "SAD", completeness: 13, bytes: [10, 0]),
        .init(
            id: "X5 with its FIN", text: "> S 0:0\n> . 1:1 ack 1\n> P. 1:11 ack 1\n> F. 11:11 ack 1",
            outcome: .halfClosed, state: "SH", history: "SADF", completeness: 29, bytes: [10, 0]),
        .init(
            id: "X6 only the server's half", text: "< S. 0:0 ack 1\n< P. 1:11 ack 1\n< F. 11:11 ack 1",
            outcome: .halfClosed, state: "SHR", history: "^hdf", completeness: 30, bytes: [0, 10]),
    ]
}

@Suite struct LabelTests {
    @Test(arguments: Situation.all)
    func labels(_ situation: Situation) {
        let play = Play(situation.text, clientISN: situation.isn[0], serverISN: situation.isn[1])
        let connection = play.connection
        #expect(play.count == 1)
        #expect(connection.outcome == situation.outcome)
        #expect("\(connection.zeekConnectionState)" == situation.state)
        #expect(connection.historyText == situation.history)
        #expect(connection.completeness.rawValue == situation.completeness)
        #expect([connection.counters[0].uniqueBytes, connection.counters[1].uniqueBytes] == situation.bytes)
        #expect(connection.closer == situation.closer)
        #expect(connection.tuple.source == play.client)
    }

    @Test func H13_selfConnectIsOneSocketThatCloses() {
        let play = Play()
        play.server = play.client
        play.serverISN = play.clientISN
        play.feed("> S 0:0\n> S. 0:0 ack 1\n> . 1:1 ack 1\n> P. 1:11 ack 1\n> . 11:11 ack 11")
        #expect(play.count == 1)
        #expect(play.connection.isSelfConnect)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(play.connection.outcome == .open)
        #expect(play.connection.counters[0].uniqueBytes == 10)
        play.feed("> F. 11:11 ack 11\n> . 12:12 ack 12")
        #expect(play.connection.isEnded)
        #expect(play.connection.outcome == .closed)
        #expect(play.connection.statesText == "TIME_WAIT TIME_WAIT")
    }

    @Test func longHistoryIsCutWithAPlus() {
        let play = Play(handshake)
        // R is recorded again if its number differs, so RSTs with ever new numbers would extend the history without
        // end.
        for number in 0..<40 { play.feed("> R \(2_000_000_000 + number):\(2_000_000_000 + number)") }
        #expect(play.connection.historyText.utf8.count <= 22)
        #expect(play.connection.historyText.hasSuffix("+"))
    }

    @Test func retransmissionLettersAreLogarithmic() {
        let play = Play(handshake + "> P. 1:11 ack 1")
        for _ in 0..<99 { play.feed("> P. 1:11 ack 1") }
        #expect(play.connection.historyText == "ShADTT")
        play.feed("> P. 1:11 ack 1")
        #expect(play.connection.historyText == "ShADTTT")
    }

    @Test(arguments: Outcome.allCases)
    func outcomeNamesAreReadBack(_ outcome: Outcome) {
        #expect(Outcome(named: "\(outcome.name)") == outcome)
        #expect(Outcome(named: "\(outcome.displayName)".uppercased()) == outcome)
        #expect(Outcome(named: "nonsense") == nil)
    }
}
