// Exchanges written as tcpdump and packetdrill write them, played through two machines.
//
//     > S 0:0            the client sends a SYN, relative sequence 0
//     < S. 0:0 ack 1     the server's SYN-ACK; `.` is ACK, F FIN, R RST, P PSH
//     > P. 1:11 ack 1    ten octets
//     = ESTABLISHED ESTABLISHED      both states now (client, server)
//     ! synInsideConnection          the last segment made this anomaly
//
// Relative numbers count from each side's ISN, as in tcpdump.

import Exchanges
import TCPMachine
import TCPModel
import Testing

struct Scenario {
    static let client = SocketAddress(.loopbackV4, 35924)
    static let server = SocketAddress(.loopbackV4, 9500)

    var clientISN: UInt32 = 1000
    var serverISN: UInt32 = 5000
    var machines = [EndpointMachine(), EndpointMachine()]
    /// Every transition in order, such as `client SYN_SENT>ESTABLISHED inferred`.
    var log: [String] = []
    var transitions: [Transition] = []
    var lastAnomalies: Anomalies = []
    var selfConnect = false

    static let anomalyNames: [(String, Anomalies)] = [
        ("meaninglessFlags", .meaninglessFlags), ("synInsideConnection", .synInsideConnection),
        ("initialSequenceChanged", .initialSequenceChanged), ("unacceptableAck", .unacceptableAck),
        ("acknowledgedUnseen", .acknowledgedUnseen), ("blindAck", .blindAck), ("resetNotExact", .resetNotExact),
        ("resetIgnored", .resetIgnored), ("finBeforeOpen", .finBeforeOpen), ("finMoved", .finMoved),
        ("sentAfterClose", .sentAfterClose), ("arrivedAfterClose", .arrivedAfterClose),
        ("beyondWindow", .beyondWindow), ("ackMissing", .ackMissing), ("resetAnswersBadAck", .resetAnswersBadAck),
        ("resetUnheeded", .resetUnheeded), ("oldTimestamp", .oldTimestamp), ("staleSegment", .staleSegment),
    ]

    @discardableResult
    static func play(
        _ text: String, clientISN: UInt32 = 1000, serverISN: UInt32 = 5000, selfConnect: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> Scenario {
        var scenario = Scenario(clientISN: clientISN, serverISN: serverISN)
        scenario.selfConnect = selfConnect
        for line in text.split(separator: "\n") {
            let code = line.prefix { $0 != "#" }
            let words = code.split(separator: " ").map(String.init)
            guard let first = words.first else { continue }
            switch first {
            case ">", "<": scenario.step(words)
            case "=": scenario.expect(words, line: String(line), sourceLocation)
            case "!":
                let wanted = Scenario.anomalyNames.first { $0.0 == words[1] }
                #expect(
                    wanted.map { scenario.lastAnomalies.contains($0.1) } == true,
                    "\(line): anomalies are \(scenario.names(scenario.lastAnomalies))", sourceLocation: sourceLocation)
            default: Issue.record("unreadable scenario line: \(line)", sourceLocation: sourceLocation)
            }
        }
        return scenario
    }

    func names(_ anomalies: Anomalies) -> [String] {
        Scenario.anomalyNames.filter { anomalies.contains($0.1) }.map { $0.0 }
    }

    mutating func step(_ words: [String]) {
        let segment = ExchangeNotation(
            client: Self.client, server: Self.server, clientISN: clientISN, serverISN: serverISN
        ).segment(words)
        let sender = words[0] == ">" || selfConnect ? 0 : 1
        let receiver = selfConnect ? 0 : 1 - sender
        lastAnomalies = []
        note(machines[sender].sent(segment), sender)
        note(machines[receiver].arrives(segment), receiver)
    }

    mutating func note(_ reaction: Reaction, _ side: Int) {
        lastAnomalies.formUnion(reaction.anomalies)
        for index in 0..<reaction.count {
            let transition = reaction[index]
            transitions.append(transition)
            log.append(
                "\(side == 0 ? "C" : "S") \(transition.from.displayName)>\(transition.to.displayName) "
                    + "\(transition.certainty.name)")
        }
    }

    func expect(_ words: [String], line: String, _ location: SourceLocation) {
        for (side, wanted) in words.dropFirst().enumerated() {
            let name = wanted.hasSuffix("?") ? String(wanted.dropLast()) : wanted
            let actual = "\(machines[side].state.displayName)"
            #expect(
                actual == name || (name == "?" || name == "UNSEEN") && machines[side].state == .unseen,
                "\(line): side \(side) is \(actual); so far \(log)", sourceLocation: location)
            if wanted.hasSuffix("?") {
                #expect(machines[side].certainty < .observed, "\(line): side \(side)", sourceLocation: location)
            }
        }
    }
}
