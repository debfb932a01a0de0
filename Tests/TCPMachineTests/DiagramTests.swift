// The diagram against the machine: every state, reached by a legal path, meets every segment class and every ACK
// relation.

import TCPMachine
import TCPModel
import Testing

@Suite struct DiagramTests {
    /// A path into each state for the client (index 0), including what the server does on the way.
    static let paths: [(String, String)] = [
        ("unseen", ""), ("synSent", "> S 0:0"), ("synReceived", "< S 0:0\n> S. 0:0 ack 1"),
        ("simultaneous", "> S 0:0\n< S 0:0"), ("establishedInferred", "> S 0:0\n< S. 0:0 ack 1"),
        ("established", handshake), ("finWait1", handshake + "\n> F. 1:1 ack 1"),
        ("finWait2", handshake + "\n> F. 1:1 ack 1\n< . 1:1 ack 2"),
        ("closeWaitInferred", handshake + "\n< F. 1:1 ack 1"),
        ("closeWait", handshake + "\n< F. 1:1 ack 1\n> . 1:1 ack 2"),
        ("closing", handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 1"),
        ("lastAck", handshake + "\n< F. 1:1 ack 1\n> F. 1:1 ack 2"),
        ("timeWait", handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2"),
        ("timeWaitInferred", handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 2"),
        ("timeWaitAfterClosing", handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 1\n> . 2:2 ack 2\n< . 2:2 ack 2"),
        ("closed", handshake + "\n> R. 1:1 ack 1"),
        ("closedByLastAck", handshake + "\n< F. 1:1 ack 1\n> F. 1:1 ack 2\n< . 2:2 ack 2"),
        ("closedAfterFin", handshake + "\n< F. 1:1 ack 1\n> . 1:1 ack 2\n> R 400:400"),
        ("closedAfterOwnFin", handshake + "\n> F. 1:1 ack 1\n> R 400:400"),
        ("closedInFinWait2", handshake + "\n> F. 1:1 ack 1\n< . 1:1 ack 2\n> R 400:400"),
        ("holeBeforeFin", handshake + "\n< F. 11:11 ack 1"),
    ]

    /// Every combination of the four control bits that matter, sequence and ACK numbers around their edges, with and
    /// without text.
    static func segments() -> [String] {
        var result: [String] = []
        for direction in [">", "<"] {
            for flags in 0..<16 {
                let letters = zip([1, 2, 4, 8], ["S", "F", "R", "."]).map { flags & $0.0 != 0 ? $0.1 : "" }.joined()
                for sequence in [-1, 0, 1, 2, 3, 11, 12, 100, 70000, 2_000_000_000] {
                    for length in [0, 10] {
                        for ack in [0, 1, 2, 3, 12, 400, 2_000_000_000] {
                            result.append(
                                "\(direction) \(letters.isEmpty ? "0" : letters) \(sequence):\(sequence + length) ack \(ack)"
                            )
                        }
                    }
                }
            }
        }
        return result
    }

    @Test func everyEdgeThatTheMachineTakesIsInTheDiagramAndEveryEdgeIsTaken() {
        var taken: Set<TransitionDiagram.Edge> = []
        let segments = Self.segments()
        func record(_ transitions: some Sequence<Transition>, _ what: @autoclosure () -> String) {
            for transition in transitions {
                if !TransitionDiagram.allows(transition) {
                    Issue.record("\(what()): \(transition) is not in the diagram")
                }
                taken.insert(.init(from: transition.from, to: transition.to, rule: transition.rule))
            }
        }
        for (name, path) in Self.paths {
            let start = Scenario.play(path)
            record(start.transitions, name)
            for text in segments {
                var scenario = start
                scenario.step(text.split(separator: " ").map(String.init))
                record(scenario.transitions.dropFirst(start.transitions.count), "\(name), then \(text)")
            }
            var dropped = start
            dropped.note(dropped.machines[0].kernelDropsSocket(), 0)
            record(dropped.transitions, "\(name), dropped by the kernel")
            for goal in TCPState.allCases {
                for hasPassed in [false, true] {
                    var led = start
                    led.note(led.machines[0].kernelLeads(to: goal, hasPassed: hasPassed), 0)
                    let before = led.transitions.count
                    record(led.transitions.dropFirst(start.transitions.count), "\(name), kernel: \(goal)")
                    if led.machines[0].state != start.machines[0].state, !hasPassed {
                        for text in segments.enumerated() where text.offset % 11 == 0 {
                            var scenario = led
                            scenario.step(text.element.split(separator: " ").map(String.init))
                            record(
                                scenario.transitions.dropFirst(before), "\(name), kernel: \(goal), then \(text.element)"
                            )
                        }
                    }
                }
                var facing = start
                facing.note(facing.machines[0].peersKernelLeads(facing: goal, from: .established), 0)
                record(facing.transitions.dropFirst(start.transitions.count), "\(name), the peer's kernel: \(goal)")
            }
            var empty = start
            empty.note(empty.machines[1].kernelCorrects(to: .listen), 1)
            record(empty.transitions.dropFirst(start.transitions.count), "\(name), nothing was kept")
            for former in TCPState.allCases {
                var revived = dropped
                let peer = revived.machines[1]
                revived.note(revived.machines[0].kernelRevives(in: former, facing: peer), 0)
                record(revived.transitions.dropFirst(dropped.transitions.count), "\(name), found again in \(former)")
            }
            let resets: [(inout EndpointMachine) -> Reaction] = [
                { $0.kernelSentReset() }, { $0.kernelTookReset() }, { $0.peersKernelSentReset() },
                { $0.peersKernelTookReset() },
            ]
            for reset in resets {
                var ended = start
                ended.note(reset(&ended.machines[0]), 0)
                record(ended.transitions.dropFirst(start.transitions.count), "\(name), a RST by the kernel's word")
            }
            var unreachable = start
            let reaction = unreachable.machines[0].icmpEndsAttempt()
            unreachable.note(reaction, 0)
            record(unreachable.transitions, "\(name), unreachable")
            guard reaction.count > 0 else { continue }
            for text in segments {
                var scenario = unreachable
                scenario.step(text.split(separator: " ").map(String.init))
                record(scenario.transitions, "\(name), unreachable, then \(text)")
            }
        }
        for edge in TransitionDiagram.edges where !taken.contains(edge) {
            Issue.record("no path takes the edge \(edge)")
        }
    }

    @Test func everyRuleHasItsOwnID() {
        #expect(Set(RFCRule.allCases.map { "\($0.id)" }).count == RFCRule.allCases.count)
    }
}
