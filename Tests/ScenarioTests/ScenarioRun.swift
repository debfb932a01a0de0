// Plays a scenario at three levels: two machines per connection, its frames through
// decoder and timeline, and the text report.

import CaptureBuilding
import Exchanges
import Foundation
import PacketSource
import TCPMachine
import TCPModel
import TCPTimeline
import TCPWire
import TimelineReport

/// What is known after one step, in the words of a scenario file.
struct StepResult {
    /// The client's state, then the server's, such as `ESTABLISHED?`.
    var states: [String]
    /// Words such as `!oldTimestamp`.
    var anomalies: [String] = []
    /// Words such as `~retransmission`; only the timeline yields them.
    var notes: [String] = []
    /// The rules of the transitions, in order: `C:3.10.7.3-syn-ack` for the client, `S:` for the server.
    var rules: [String] = []

    var words: [String] { states + anomalies + notes + rules }
}

/// An endpoint's state with the mark of its certainty: no mark = observed, `?` inferred,
/// `??` assumed, `*` confirmed; `-` = unseen.
func stateWord(_ machine: EndpointMachine) -> String {
    if machine.state == .unseen { return "-" }
    let mark =
        switch machine.certainty {
        case .observed: ""
        case .inferred: "?"
        case .assumed: "??"
        case .confirmed: "*"
        }
    return "\(machine.state.displayName)\(mark)"
}

func anomalyWords(_ anomalies: Anomalies) -> [String] {
    let names: [(String, Anomalies)] = [
        ("meaninglessFlags", .meaninglessFlags), ("synInsideConnection", .synInsideConnection),
        ("initialSequenceChanged", .initialSequenceChanged), ("unacceptableAck", .unacceptableAck),
        ("acknowledgedUnseen", .acknowledgedUnseen), ("blindAck", .blindAck), ("resetNotExact", .resetNotExact),
        ("resetIgnored", .resetIgnored), ("finBeforeOpen", .finBeforeOpen), ("finMoved", .finMoved),
        ("sentAfterClose", .sentAfterClose), ("arrivedAfterClose", .arrivedAfterClose),
        ("beyondWindow", .beyondWindow), ("ackMissing", .ackMissing), ("resetAnswersBadAck", .resetAnswersBadAck),
        ("resetUnheeded", .resetUnheeded), ("oldTimestamp", .oldTimestamp), ("staleSegment", .staleSegment),
    ]
    return names.filter { anomalies.contains($0.1) }.map { "!\($0.0)" }
}

func noteWords(_ notes: SegmentNotes) -> [String] {
    let names: [(String, SegmentNotes)] = [
        ("retransmission", .retransmission), ("keepAlive", .keepAlive), ("windowProbe", .windowProbe),
        ("duplicateAck", .duplicateAck), ("windowUpdate", .windowUpdate), ("zeroWindow", .zeroWindow), ("hole", .hole),
        ("fillsHole", .fillsHole), ("probeAck", .probeAck),
    ]
    return names.filter { notes.contains($0.1) }.map { "~\($0.0)" }
}

func ruleWords(_ reaction: Reaction, client: Bool) -> [String] {
    (0..<reaction.count).map { "\(client ? "C" : "S"):\(reaction[$0].rule.id)" }
}

/// Level one: the machines alone. The scenario file says which connection a segment
/// belongs to; the machines need not know.
struct MachineRun {
    var results: [Int: StepResult] = [:]
    var transitions: [Transition] = []

    init(_ scenario: ScenarioFile) {
        var machines: [Int: [EndpointMachine]] = [:]
        /// The number of the connection that currently holds each four-tuple.
        var holders: [FlowKey: Int] = [:]
        for step in scenario.steps {
            switch step.kind {
            case .notCaptured: continue
            case .icmp(let type, let code, let toClient, let number):
                results[step.line] = icmp(type, code, toClient, &machines[number, default: Self.new])
            case .kernel(let client, let state, let number):
                results[step.line] = kernel(client, state, &machines[number, default: Self.new])
            case .segment(let segment, let number, let frame):
                guard let connection = scenario.connections[number] else { continue }
                if machines[number] == nil {
                    machines[number] = Self.new
                    holders[connection.key] = number
                }
                let holder = holders[connection.key] ?? number
                for _ in 0..<(frame.twice ? 2 : 1) {
                    var result = play(segment, connection, &machines[holder, default: Self.new])
                    result.rules = (results[step.line]?.rules ?? []) + result.rules
                    results[step.line] = result
                }
            }
        }
    }

    private static var new: [EndpointMachine] { [EndpointMachine(), EndpointMachine()] }

    private static func result(_ pair: [EndpointMachine]?) -> StepResult {
        StepResult(states: (pair ?? new).map { stateWord($0) })
    }

    private mutating func play(
        _ segment: Segment, _ connection: ScenarioConnection, _ pair: inout [EndpointMachine]
    ) -> StepResult {
        let sender = segment.tuple.source == connection.notation.client ? 0 : 1
        let receiver = connection.isSelfConnect ? 0 : 1 - sender
        // As in the timeline, a stray segment is taken as sent by neither end: it is too old, or it begins beyond the
        // receiver's window and after its supposed sender's SND.NXT.
        let isOutside =
            segment.sequenceLength > 0 && !segment.flags.hasAny([.syn, .rst]) && pair[sender].knowsSendSequence
            && segment.sequence.isAfter(pair[sender].sendNext) && pair[receiver].hasNoRoom(for: segment)
        let isStray = isOutside || pair[receiver].isTooOld(segment) && pair[sender].isStray(segment)
        let sent = isStray ? Reaction() : pair[sender].sent(segment)
        let arrived = pair[receiver].arrives(segment)
        if connection.isSelfConnect { pair[1] = pair[0] }
        var result = Self.result(pair)
        result.anomalies = anomalyWords(sent.anomalies.union(arrived.anomalies))
        result.rules = ruleWords(sent, client: sender == 0) + ruleWords(arrived, client: receiver == 0)
        for reaction in [sent, arrived] { for index in 0..<reaction.count { transitions.append(reaction[index]) } }
        return result
    }

    /// ICMP errors are soft for a synchronized connection, and "packet too big" is soft in every state.
    private mutating func icmp(
        _ type: UInt8, _ code: UInt8, _ client: Bool, _ pair: inout [EndpointMachine]
    ) -> StepResult {
        let reaction = type == 3 && code != 4 ? pair[client ? 0 : 1].icmpEndsAttempt() : Reaction()
        for index in 0..<reaction.count { transitions.append(reaction[index]) }
        var result = Self.result(pair)
        result.rules = ruleWords(reaction, client: client)
        return result
    }

    private mutating func kernel(_ client: Bool, _ state: TCPState?, _ pair: inout [EndpointMachine]) -> StepResult {
        let side = client ? 0 : 1
        var (reaction, peer) = (Reaction(), Reaction())
        if state == nil {
            reaction = pair[side].kernelDropsSocket()
        } else if state == pair[side].state {
            pair[side].kernelConfirms()
        } else if let state {
            let before = pair[side].state
            reaction = pair[side].kernelLeads(to: state)
            if reaction.count > 0 { peer = pair[1 - side].peersKernelLeads(facing: state, from: before) }
        }
        for reaction in [reaction, peer] { for index in 0..<reaction.count { transitions.append(reaction[index]) } }
        var result = Self.result(pair)
        result.rules = ruleWords(reaction, client: client) + ruleWords(peer, client: !client)
        return result
    }
}

/// Levels two and three: the scenario's frames written to a capture file, read back,
/// decoded and traced; and the text timeline.
struct WireRun {
    var results: [Int: StepResult] = [:]
    /// Outcome, Zeek's state and history, and Wireshark's completeness, such as `closed SF ShADadFf 31`, by connection.
    var endings: [Int: [String]] = [:]
    var text = ""
    /// Descriptions of the problems met while playing the scenario.
    var problems: [String] = []

    struct Capture {
        var bytes: [UInt8] = []
        /// The index of the step that each frame belongs to. Steps without frames are not in it.
        var steps: [Int] = []
    }

    /// Plays the scenario with the text timeline as the program prints it by default.
    init(_ scenario: ScenarioFile) throws {
        try self.init(scenario, TextTimelineReport(style: TextStyle(), order: .blocks))
    }

    init(_ scenario: ScenarioFile, _ chosen: some TraceReport) throws {
        let capture = Self.capture(scenario)
        let path = NSTemporaryDirectory() + "scenario-\(UUID().uuidString).pcap"
        try Data(capture.bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        var frames: [(header: FrameHeader, decoded: DecodedFrame?, error: String)] = []
        var fragments = FragmentReassembly()
        var reader = try CaptureFileReader(path: path)
        try reader.forEachFrame { header, bytes in
            do {
                var decoded = try decodeFrame(bytes, header)
                if case .fragment(let fragment) = decoded {
                    decoded = try fragments.take(fragment, bytes, at: header.time, frame: UInt64(frames.count + 1))
                }
                frames.append((header, decoded, ""))
            } catch {
                frames.append((header, nil, "\(error)"))
            }
            return true
        }
        if frames.count != capture.steps.count { problems.append("\(frames.count) frames read") }

        var timeline = Timeline(seed: 1)
        var report = chosen
        var out = OutputBuffer()
        let description = CaptureDescription(
            file: nil, interfaces: [.init(name: "veth0", linkType: .ethernet)], snapshotLength: nil, filter: "tcp",
            tool: "tcptrace")
        report.begin(description, at: frames.first?.header.time, &out)
        var places: [Int: ConnectionID] = [:]
        var holders: [FlowKey: Int] = [:]
        var next = 0
        for (index, step) in scenario.steps.enumerated() {
            var result: StepResult?
            while next < frames.count, next < capture.steps.count, capture.steps[next] == index {
                let frame = frames[next]
                next += 1
                guard let decoded = frame.decoded else {
                    problems.append("frame \(next): \(frame.error)")
                    continue
                }
                if case .icmp(let error) = decoded, case .icmp(_, _, let toClient, let number) = step.kind,
                    let connection = scenario.connections[number],
                    let event = timeline.observe(error, time: frame.header.time, frame: UInt64(next))
                {
                    report.icmp(event, timeline.connections, &out)
                    result = Self.result(timeline[event.connection], connection)
                    result?.rules = ruleWords(event.reaction, client: toClient)
                    continue
                }
                guard case .segment(let segment) = decoded, case .segment(_, let number, _) = step.kind,
                    let connection = scenario.connections[number]
                else { continue }
                // The second copy of a frame was captured at another point of the link, such as a bridge's other port.
                let place: UInt32 = result == nil ? 1 : 2
                let event = timeline.observeOnce(
                    segment, time: frame.header.time, frame: UInt64(next), vantage: place)
                if let old = event.replaced {
                    if let holder = holders[connection.key] { endings[holder] = Self.ending(timeline[old]) }
                    report.finish(old, timeline.connections, nil, &out)
                    timeline.retire(old)
                }
                report.segment(event, timeline.connections, &out)
                let isNew = places[number] == nil
                if isNew {
                    places[number] = event.connection
                    holders[connection.key] = number
                }
                if event.isFirst != isNew {
                    problems.append("frame \(next) \(event.isFirst ? "opened" : "did not open") a connection")
                }
                let earlier = result?.rules ?? []
                result = Self.result(event, timeline[event.connection], connection)
                result?.rules.insert(contentsOf: earlier, at: 0)
            }
            switch step.kind {
            case .segment, .icmp: break
            case .notCaptured: continue
            case .kernel(let client, let state, let number):
                if let id = places[number], let connection = scenario.connections[number] {
                    result = Self.kernel(client, state, id, connection, &timeline)
                }
            }
            results[step.line] = result
        }
        for id in timeline.remaining() {
            if let number = places.first(where: { holders[FlowKey(timeline[id].tuple)] == $0.key && $0.value == id })?
                .key
            {
                endings[number] = Self.ending(timeline[id])
            }
            report.finish(id, timeline.connections, nil, &out)
        }
        report.end(description, CaptureCounts(), at: frames.last?.header.time, &out)
        text = String(decoding: out.bytes, as: UTF8.self)
    }

    /// The header of a classic pcap file with nanosecond time stamps and Ethernet frames.
    static let emptyFile = CaptureBytes.pcap(magic: 0xa1b2_3c4d, snapshotLength: 262_144)

    /// Builds a capture file of the scenario's frames.
    static func capture(_ scenario: ScenarioFile) -> Capture {
        var capture = Capture()
        var file = emptyFile
        let start: Int64 = 1_795_363_634_454_475_000
        var latest: [Int: [Bool: Segment]] = [:]
        for (index, step) in scenario.steps.enumerated() {
            var frames: [BuiltFrame] = []
            switch step.kind {
            case .segment(let segment, let number, let words):
                frames = FrameBuilder.frames(segment, words, identification: UInt16(index + 1))
                let isClient = segment.tuple.source == scenario.connections[number]?.notation.client
                latest[number, default: [:]][isClient] = segment
            case .icmp(let type, let code, let toClient, let number):
                if let segment = latest[number]?[toClient] {
                    frames = [FrameBuilder.icmp(type: type, code: code, quoting: segment)]
                }
            case .kernel, .notCaptured: break
            }
            for frame in frames {
                let time = start + step.time
                file.record(
                    seconds: UInt32(time / 1_000_000_000), fraction: UInt32(time % 1_000_000_000), frame.bytes,
                    original: UInt32(frame.originalLength))
                capture.steps.append(index)
            }
        }
        capture.bytes = file.bytes
        return capture
    }

    private static func states(_ connection: Connection, _ expected: ScenarioConnection) -> [String] {
        let client: Side = connection.tuple.source == expected.notation.client ? .originator : .responder
        return [stateWord(connection.endpoint(client)), stateWord(connection.endpoint(client.other))]
    }

    private static func result(_ connection: Connection, _ expected: ScenarioConnection) -> StepResult {
        StepResult(states: states(connection, expected))
    }

    private static func result(
        _ event: SegmentEvent, _ connection: Connection, _ expected: ScenarioConnection
    ) -> StepResult {
        var result = result(connection, expected)
        let isClient = event.segment.tuple.source == expected.notation.client
        result.anomalies = anomalyWords(event.anomalies)
        result.notes = noteWords(event.notes)
        result.rules =
            ruleWords(event.sent, client: isClient)
            + ruleWords(event.arrived, client: expected.isSelfConnect || !isClient)
        return result
    }

    private static func kernel(
        _ client: Bool, _ state: TCPState?, _ id: ConnectionID, _ expected: ScenarioConnection,
        _ timeline: inout Timeline
    ) -> StepResult {
        let isOriginator = (timeline[id].tuple.source == expected.notation.client) == client
        let side: Side = isOriginator ? .originator : .responder
        var rules: [String] = []
        if state == nil {
            rules = ruleWords(timeline.kernelDropsSocket(side, of: id), client: client)
        } else if state == timeline[id].endpoint(side).state {
            timeline.kernelConfirms(side, of: id)
        } else if let state {
            let led = timeline.kernelLeads(side, of: id, to: state)
            rules = ruleWords(led.own, client: client) + ruleWords(led.peer, client: !client)
        }
        var result = Self.result(timeline[id], expected)
        result.rules = rules
        return result
    }

    private static func ending(_ connection: Connection) -> [String] {
        let history = String(decoding: (0..<connection.history.count).map { connection.history[$0] }, as: UTF8.self)
        return [
            "\(connection.outcome.name)", "\(connection.zeekConnectionState)", history.isEmpty ? "-" : history,
            "\(connection.completeness.rawValue)",
        ]
    }
}
