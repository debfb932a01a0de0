// Which processes `tcptrace kill` chooses, and which it refuses, from socket rows alone.

import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

@Suite struct KillPlanTests {
    static let server = ProcessIdentity(pid: 100, command: "server", uid: 0)
    static let worker = ProcessIdentity(pid: 101, command: "wo\u{1b}rker", uid: 0)
    static let client = ProcessIdentity(pid: 200, command: "client", uid: 0)

    static func row(_ state: TCPState, _ holder: SocketRow.Holder) -> SocketRow {
        SocketRow(
            KernelSocket(
                local: SocketAddress(.loopbackV4, 9500), remote: SocketAddress(.loopbackV4, state == .listen ? 0 : 1),
                state: state),
            holder)
    }

    static let listening = row(.listen, .processes([server]))
    static let shared = row(.listen, .processes([server, worker]))
    static let outgoing = row(.established, .processes([client]))

    func message(_ rows: [SocketRow], _ choice: KillChoice = KillChoice()) -> String {
        do {
            return "chose \(try KillPlan.targets(rows, choice).map(\.pid))"
        } catch {
            return error.description
        }
    }

    @Test func theListenersHolderComesFirst() {
        #expect(message([Self.listening, Self.outgoing]) == "chose [100]")
        #expect(message([Self.outgoing]) == "chose [200]")
        #expect(message([Self.listening, Self.outgoing], KillChoice(pid: 200)) == "chose [200]")
        #expect(message([Self.listening, Self.outgoing], KillChoice(all: true)) == "chose [100, 200]")
    }

    @Test func severalHoldersNeedAChoice() {
        #expect(
            message([Self.shared]) == #"2 processes hold it: server[100], wo\x1brker[101]; "#
                + "choose one with --pid N, or end them all with --all")
        #expect(message([Self.shared], KillChoice(pid: 101)) == "chose [101]")
        #expect(message([Self.shared], KillChoice(pid: 7)).hasPrefix("process 7 holds none of the matching sockets"))
        #expect(message([Self.shared], KillChoice(all: true)) == "chose [100, 101]")
    }

    @Test func unidentifiedHoldersAreRefused() {
        let hidden = Self.row(.listen, .unknown)
        #expect(message([hidden]).hasPrefix("cannot tell which process holds"))
        #expect(message([hidden, Self.outgoing]).hasPrefix("cannot tell which process holds"))
        #expect(message([hidden, Self.outgoing], KillChoice(all: true)).hasPrefix("cannot tell"))
        #expect(message([hidden, Self.outgoing], KillChoice(pid: 200)) == "chose [200]")
        #expect(message([Self.listening, Self.row(.established, .unknown)]) == "chose [100]")
    }

    @Test func protectedProcessesAreRefused() {
        let choice = KillChoice(all: true, protected: [100: "because"])
        #expect(message([Self.listening], choice) == "not ending server[100]: because")
        #expect(message([Self.shared], choice) == "not ending server[100]: because")
        #expect(message([Self.outgoing], choice) == "chose [200]")
    }

    @Test func withoutAnyProcess() {
        #expect(message([]) == "nothing holds it: there is no such socket")
        let leftovers = [
            Self.row(.timeWait, .none), Self.row(.timeWait, .none), Self.row(.finWait2, .noProcess),
            Self.row(.closeWait, .notAccepted),
        ]
        let text = message(leftovers)
        #expect(
            text.hasPrefix("no process holds it: 2 in TIME_WAIT, 1 in FIN_WAIT_2, 1 in CLOSE_WAIT, kept only by the"))
        for part in ["SO_REUSEADDR", "tcp_fin_timeout", "their listener's process"] { #expect(text.contains(part)) }
        #expect(message(leftovers, KillChoice(pid: 5)).hasPrefix("process 5 holds none"))
    }
}
