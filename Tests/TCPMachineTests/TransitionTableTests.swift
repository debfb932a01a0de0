// The whole behaviour of one endpoint as one table, Transitions.txt: every path into a state, every class of segment,
// and every relation of the segment's numbers to the endpoint's.

import TCPMachine
import TCPModel
import Testing

@Suite struct TransitionTableTests {
    static let classes: [(String, TCPFlags, UInt32)] = [
        ("SYN", [.syn], 0), ("SYN,ACK", [.syn, .ack], 0), ("ACK", [.ack], 0), ("ACK text", [.ack], 10),
        ("FIN,ACK", [.fin, .ack], 0), ("FIN,ACK text", [.fin, .ack], 10), ("RST", [.rst], 0),
        ("RST,ACK", [.rst, .ack], 0), ("FIN", [.fin], 0), ("text", [.psh], 10), ("SYN,FIN", [.syn, .fin], 0),
    ]

    /// A sequence or acknowledgment number, named by its relation to one of the endpoint's variables.
    struct Relation {
        var name: String
        var number: SequenceNumber
    }

    /// Values of SEG.SEQ relative to SND.NXT (if the segment is sent) or RCV.NXT (if it arrives).
    static func sequences(_ machine: EndpointMachine, sent: Bool) -> [Relation] {
        let next = sent ? machine.sendNext : machine.receiveNext
        let initial = sent ? machine.iss : machine.irs
        return [
            Relation(name: "initial", number: initial), Relation(name: "old", number: next.advanced(by: UInt32.max)),
            Relation(name: "next", number: next), Relation(name: "ahead", number: next.advanced(by: 100)),
            Relation(name: "far", number: next.advanced(by: 2_000_000_000)),
        ]
    }

    /// Values of SEG.ACK relative to RCV.NXT (if the segment is sent) or to SND.UNA and SND.NXT (if it arrives).
    static func acknowledgments(_ machine: EndpointMachine, sent: Bool) -> [Relation] {
        let una = sent ? machine.receiveNext : machine.sendUnacknowledged
        let next = sent ? machine.receiveNext : machine.sendNext
        return [
            Relation(name: "old", number: una.advanced(by: UInt32.max)), Relation(name: "una", number: una),
            Relation(name: "next", number: next), Relation(name: "unseen", number: next.advanced(by: 100)),
            Relation(name: "far", number: next.advanced(by: 2_000_000_000)),
        ]
    }

    static func outcome(_ reaction: Reaction) -> String {
        var words = (0..<reaction.count).map { index in
            let step = reaction[index]
            return "\(step.from.displayName) > \(step.to.displayName) \(step.certainty.name) by \(step.rule.id)"
        }
        words += Scenario.anomalyNames.filter { reaction.anomalies.contains($0.1) }.map { "!\($0.0)" }
        return words.isEmpty ? "-" : words.joined(separator: ", ")
    }

    /// Describes the cells that share one outcome, compactly: `seq next,ahead ack any`.
    static func cells(_ cells: [(String, String)], sequences: [String], acks: [String]) -> String {
        func names(_ chosen: Set<String>, of all: [String]) -> String {
            chosen.count == all.count ? "any" : all.filter { chosen.contains($0) }.joined(separator: ",")
        }
        var groups: [(acks: Set<String>, sequences: [String])] = []
        for sequence in sequences {
            let own = Set(cells.filter { $0.0 == sequence }.map { $0.1 })
            if own.isEmpty { continue }
            if let index = groups.firstIndex(where: { $0.acks == own }) {
                groups[index].sequences.append(sequence)
            } else {
                groups.append((own, [sequence]))
            }
        }
        return groups.map { group in
            let ack = acks.count > 1 ? " ack \(names(group.acks, of: acks))" : ""
            return "seq \(names(Set(group.sequences), of: sequences))\(ack)"
        }.joined(separator: "; ")
    }

    static func rows(_ machine: EndpointMachine, sent: Bool) -> [String] {
        let tuple = FourTuple(source: Scenario.client, destination: Scenario.server)
        var rows: [String] = []
        for (name, flags, length) in classes {
            let sequences = Self.sequences(machine, sent: sent)
            let acks =
                flags.has(.ack)
                ? acknowledgments(machine, sent: sent) : [Relation(name: "none", number: SequenceNumber(0))]
            var found: [(outcome: String, cells: [(String, String)])] = []
            for sequence in sequences {
                for ack in acks {
                    let segment = Segment(
                        tuple: sent ? tuple : tuple.reversed, sequence: sequence.number, acknowledgment: ack.number,
                        flags: flags, window: 65535, payloadLength: length, ipLength: 40 + length)
                    var copy = machine
                    let outcome = Self.outcome(sent ? copy.sent(segment) : copy.arrives(segment))
                    if let index = found.firstIndex(where: { $0.outcome == outcome }) {
                        found[index].cells.append((sequence.name, ack.name))
                    } else {
                        found.append((outcome, [(sequence.name, ack.name)]))
                    }
                }
            }
            for (outcome, list) in found.sorted(by: { $0.cells.count > $1.cells.count }) {
                let cells = Self.cells(list, sequences: sequences.map { $0.name }, acks: acks.map { $0.name })
                rows.append("    \(name.padding(to: 13)) \(cells)\n        \(outcome)")
            }
        }
        return rows
    }

    @Test func goldenTransitions() throws {
        var text = """
            Every way into a state (the paths of DiagramTests), every class of segment, and every relation of its numbers to the
            endpoint's: what the endpoint does when it sends the segment, and when the segment arrives at it.

            seq: initial = ISS or IRS, old = one before SND.NXT (sent) or RCV.NXT (arrives), next = there, ahead = 100 beyond,
            far = 2000000000 beyond. ack: old = one before RCV.NXT (sent) or SND.UNA (arrives), una = there, next = RCV.NXT or
            SND.NXT, unseen = 100 beyond that, far = 2000000000 beyond. `-` = nothing changes and nothing is remarkable.


            """
        for (name, path) in DiagramTests.paths {
            let machine = Scenario.play(path).machines[0]
            for sent in [true, false] {
                text += "\(name): \(machine.state.displayName), \(machine.certainty.name); "
                text += sent ? "it sends\n" : "there arrives\n"
                text += Self.rows(machine, sent: sent).joined(separator: "\n") + "\n\n"
            }
        }
        try GoldenFile("Tests/TCPMachineTests/Transitions.txt").compare(text)
    }
}

extension String {
    func padding(to width: Int) -> String { count < width ? self + String(repeating: " ", count: width - count) : self }
}
