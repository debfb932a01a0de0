// SYNs captured after their own answer, because of several receive queues, several interfaces, or clocks that differ by
// microseconds.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("Openings captured behind their answer") struct LateOpeningTests {
    /// A connection's result, which must not depend on the order of its frames. (Zeek's labels do depend on it.)
    private struct Sum: Equatable {
        var (states, outcome) = ("", "")
        var text: [UInt64] = []
        var (originator, numbers): (SocketAddress?, [UInt32]) = (nil, [])

        init(_ play: Play) {
            let connection = play.connection
            states = connection.statesText
            outcome = "\(connection.outcome.name)"
            text = [connection.counters[0].uniqueBytes, connection.counters[1].uniqueBytes]
            originator = connection.tuple.source
            let ends = [connection.originator, connection.responder]
            numbers = ends.flatMap { [$0.iss.rawValue, $0.irs.rawValue, $0.sendNext.rawValue] }
        }
    }

    /// Plays an exchange as it was, and with its first two lines swapped. The client's port is the lower or the higher
    /// one.
    private static func both(_ text: String, isClientLow: Bool = false) -> [Play] {
        let lines = text.split(separator: "\n").map(String.init)
        return [lines, [lines[1], lines[0]] + lines.dropFirst(2)].map { lines in
            let play = Play()
            if isClientLow { swap(&play.client, &play.server) }
            play.feed(lines.joined(separator: "\n"))
            return play
        }
    }

    /// The RST that answers a SYN has the sequence number 0 (RFC 9293 3.10.7.1).
    private static let refused = "> S 0:0 mss 1460 ws 7\n< R. -5000:-5000 ack 1"

    @Test("H3, X14: a RST that is captured before the SYN that it refuses", arguments: [false, true])
    func refusedBefore(_ isClientLow: Bool) {
        let plays = Self.both(Self.refused, isClientLow: isClientLow)
        for play in plays {
            #expect(play.count == 1 && play.connection.outcome == .refused)
            #expect("\(play.connection.zeekConnectionState)" == "REJ")
            #expect(!play.connection.facts.contains(.rolesGuessed) && play.connection.tuple.source == play.client)
            #expect(play.events.allSatisfy { $0.anomalies.isEmpty })
        }
        #expect(Sum(plays[0]) == Sum(plays[1]))
        #expect(plays[1].last.notes == .fillsHole && !plays[1].last.hasTransitions)
    }

    @Test("H3, X14: so may the clock of one interface be behind that of the other")
    func refusedBeforeByAnotherClock() {
        let play = Play("0.5 < R. -5000:-5000 ack 1\n0.49995 > S 0:0")
        #expect(play.count == 1 && play.connection.outcome == .refused && play.connection.duration == 0)
    }

    @Test("H27, X14: the refused SYN has text")
    func refusedWithText() {
        for answer in ["< R. -5000:-5000 ack 1", "< R. -5000:-5000 ack 11"] {
            let plays = Self.both("> S 0:10 tfo 8\n" + answer)
            #expect(plays[1].count == 1 && plays[1].connection.outcome == .refused)
            #expect(Sum(plays[0]) == Sum(plays[1]))
        }
    }

    @Test("H3: another SYN is not what that RST refused, nor one that comes as late as one is sent again")
    func anotherSyn() {
        for next in ["> S 1:1", "> S -1:-1", "0.6 > S 0:0", "< S 0:0"] {
            let play = Play("0 < R. -5000:-5000 ack 1\n" + next)
            #expect(play.count == 2, "\(next)")
        }
        // A SYN after the late one is a new attempt: some hosts try again after a RST.
        let play = Play("0 < R. -5000:-5000 ack 1\n0.0001 > S 0:0\n0.5 > S 0:0\n< R. -5000:-5000 ack 1")
        #expect(play.count == 2 && play.connection.outcome == .refused)
    }

    @Test(
        "H25, X14: a Fast Open SYN behind its SYN-ACK",
        arguments: ["< S. 0:0 ack 11", "< S. 0:5 ack 11", "< S. 0:0 ack 1"])
    func fastOpen(_ answer: String) {
        let next = answer.contains("ack 11") ? 11 : 1
        let start = answer.contains("0:5") ? 6 : 1
        let rest = """
            > . \(next):\(next) ack \(start)
            < P. \(start):\(start + 20) ack \(next)
            > . \(next):\(next) ack \(start + 20)
            """
        let plays = Self.both("> S 0:10 tfo 8\n\(answer)\n\(rest)")
        for play in plays { #expect(play.count == 1 && play.events.allSatisfy { $0.anomalies.isEmpty }) }
        #expect(plays[1].events[1].notes == .fillsHole && !plays[1].events[1].hasTransitions)
        #expect(plays[1].connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(plays[1].connection.missedBytes == 0 && plays[1].last.relativeAck == plays[0].last.relativeAck)
        // Text that was not taken is retransmitted: only the order shows that it is the same.
        if next == 11 { #expect(Sum(plays[0]) == Sum(plays[1])) }
    }

    @Test("H25b, X14: text in SYN-RECEIVED shows no end of the handshake there, wherever the SYN was captured")
    func fastAnswer() {
        let plays = Self.both("> S 0:10 tfo 8\n< S. 0:0 ack 11\n< P. 1:21 ack 11")
        #expect(Sum(plays[0]) == Sum(plays[1]))
        #expect(plays[1].connection.endpoint(.responder).state == .synReceived)
    }
}
