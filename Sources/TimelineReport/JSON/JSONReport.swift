// `-T json`: NDJSON, one record per line: capture, packet, state, kernel, gap, conn and others. The schema page
// explains each key.

import TCPMachine
public import TCPModel
public import TCPTimeline

/// The NDJSON report.
public struct JSONReport: TraceReport {
    private let selection: ConnectionSelection
    /// By slot, so that identities are formatted once per connection: most records include one.
    private var identities: [(number: UInt64, identity: ConnectionIdentity, codes: [FindingCode])] = []
    /// Present if each segment gets a record.
    private var analyses: FlowAnalyses?

    /// With a selection: the records of connections that are not over.
    private var held: HeldRecords?

    /// A report of the selected connections; with `packets` it includes a record for each segment. With a selection,
    /// the records of a connection are written when it is over, because only then can it be selected: up to `mostHeld`
    /// octets are held until then.
    public init(selection: ConnectionSelection = ConnectionSelection(), packets: Bool = false, mostHeld: Int = .max) {
        self.selection = selection
        if packets { analyses = FlowAnalyses() }
        if !selection.isEverything { held = HeldRecords(mostOctets: mostHeld) }
    }

    // MARK: TraceReport

    /// A report for a share of the connections.
    public func part(of count: Int) -> JSONReport {
        var part = self
        if analyses != nil { part.analyses = FlowAnalyses(parts: count) }
        part.held = held.map { HeldRecords(mostOctets: $0.mostOctets / count) }
        return part
    }

    /// True: `conn` and `packet` records include them.
    public var readsStatistics: Bool { true }

    /// Writes the record that describes the capture.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.record("capture") { object in
            object.add(capture, at: time)
            object.add("event", literal: "start")
        }
    }

    /// Writes the records of a segment.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard event.hasTransitions || analyses != nil else { return }
        let uid = uid(event.connection, event.number, connections)
        record(event.connection, event.number, &out) { report, out in
            if report.analyses != nil {
                report.writePacket(event, uid, &out)
            }
            Self.writeStates(event.sent, event.sender, event, uid, &out)
            Self.writeStates(event.arrived, event.sender.other, event, uid, &out)
        }
    }

    /// True: kernel events are written as they come.
    public var readsKernelEvents: Bool { true }

    /// Writes the records of a kernel event.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        let number = connections.number(of: event.connection)
        let uid = uid(event.connection, number, connections)
        record(event.connection, number, &out) { Self.writeKernel(event, uid, &$1) }
    }

    /// Writes records of a connection, or holds them until the connection can be selected.
    mutating func record(
        _ id: ConnectionID, _ number: UInt64, _ out: inout OutputBuffer,
        _ write: (inout JSONReport, inout OutputBuffer) -> Void
    ) {
        guard var records = held else { return write(&self, &out) }
        held = nil
        records.add(id, number: number, &out) { write(&self, &$0) }
        held = records
    }

    /// True: each finding has a record, and the connection's record lists their codes.
    public var wantsFindings: Bool { true }

    /// Writes the record of a finding.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        let number = connections.number(of: finding.connection)
        let uid = uid(finding.connection, number, connections)
        identities[Int(finding.connection.slot)].codes.append(finding.code)
        record(finding.connection, number, &out) { _, out in
            out.record("finding") { object in
                object.add(finding.time)
                object.add(uid)
                object.add(finding)
            }
        }
    }

    /// Writes a record of lost frames.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.record("gap") { object in
            if let time { object.add(time) }
            object.add("count", number: count)
            object.add("where", literal: "capture")
        }
    }

    /// Writes the `conn` record of a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = connections[id]
        analyses?.finish(connection.tuple)
        let isShown = selection.shows(connection, kernel)
        let leftOut = held?.decide(id, number: connection.number, isShown: isShown, &out) ?? 0
        guard isShown else { return }
        let uid = uid(id, connection.number, connections)
        let codes = identities[Int(id.slot)].codes
        out.record("conn") { object in
            object.add(connection.firstTime)
            object.add(uid)
            object.add(connection)
            if let kernel { object.add(kernel, connection) }
            let statistics = connections.statistics(of: id)
            if let statistics { object.add(offersOf: statistics) }
            object.addRetransmissions(connection)
            if !codes.isEmpty { object.add("findings", strings: codes.map { $0.rawValue }) }
            if let statistics { object.add(statistics, connection) }
            let copies = connections.duplicateFrames(of: id)
            if copies > 0 { object.add("duplicate_frames", number: copies) }
            if leftOut > 0 { object.add("records_left_out", number: leftOut) }
            if let source = connections.translated(from: id) { object.add("nat_of", string: connectionUID(source)) }
            object.add(connections.socketEnds(of: id))
            if let subflow = connections.subflow(id) {
                object.add("mptcp_token", string: hexadecimal(subflow.token))
                if let parent = subflow.connection { object.add("mptcp_of", string: connectionUID(parent)) }
            }
        }
    }

    /// Writes the changes of the host's counters.
    public mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer) {
        out.record("host") { object in
            object.add(change.to)
            object.add("span_s", seconds: change.to.since(change.from))
            object.add(
                "counters",
                raw: { buffer in
                    buffer.append("{")
                    for (index, increase) in change.increases.enumerated() {
                        if index > 0 { buffer.append(",") }
                        buffer.appendJSONString(increase.name)
                        buffer.append(":")
                        buffer.append(number: increase.count)
                    }
                    buffer.append("}")
                })
        }
    }

    /// Writes the final `capture` record.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        out.record("capture") { object in
            object.add(capture, at: time)
            object.add("event", literal: "end")
            object.add("captured", number: counts.captured)
            if let received = counts.received { object.add("received", number: received) }
            object.add("dropped", number: counts.dropped)
            object.add(counts.kernelFaults)
        }
    }

    // MARK: Records

    private mutating func writePacket(
        _ event: SegmentEvent, _ uid: ConnectionIdentity, _ out: inout OutputBuffer
    ) {
        let analysis = analyses?.analyse(event)
        out.record("packet") { object in
            object.add(event.time)
            object.add(uid)
            object.add(event, analysis)
        }
    }

    private static func writeStates(
        _ reaction: Reaction, _ side: Side, _ event: SegmentEvent, _ uid: ConnectionIdentity, _ out: inout OutputBuffer
    ) {
        for index in 0..<reaction.count {
            out.record("state") { object in
                object.add(event.time)
                object.add(uid)
                object.add(reaction[index], side, cause: "packet")
                object.add("frame", number: event.frame)
            }
        }
    }

    private static func writeKernel(_ event: KernelEvent, _ uid: ConnectionIdentity, _ out: inout OutputBuffer) {
        out.record("kernel") { object in
            object.add(event.time)
            object.add(uid)
            object.add(event)
        }
        if event.isCorrected, case .contradiction(let kernel?, let wire) = event.kind {
            out.record("state") { object in
                object.add(event.time)
                object.add(uid)
                object.add(
                    Transition(
                        from: wire, to: kernel, certainty: .confirmed,
                        rule: event.endsAssumption ? .midstream : .retraction), event.side, cause: "kernel")
            }
        }
        if case .uncaptured(_, _, let led) = event.kind {
            for (reaction, side) in [(led.own, event.side), (led.peer, event.side.other)] {
                for index in 0..<reaction.count {
                    out.record("state") { object in
                        object.add(event.time)
                        object.add(uid)
                        object.add(reaction[index], side, cause: "kernel")
                    }
                }
            }
        }
        guard case .dropped(let from) = event.kind else { return }
        // A TIME_WAIT that disappeared early was ended by the kernel, not by its timer.
        let isTimer = from == .timeWait && !event.isEarly
        out.record("state") { object in
            object.add(event.time)
            object.add(uid)
            object.add(
                Transition(
                    from: from, to: .closed, certainty: .confirmed, rule: isTimer ? .timeWaitTimeout : .kernelClosed),
                event.side, cause: isTimer ? "timer" : "kernel")
        }
    }

    /// The identity of the connection with this number, formatted when it is first needed.
    mutating func uid(_ id: ConnectionID, _ number: UInt64, _ connections: borrowing KnownConnections)
        -> ConnectionIdentity
    {
        let slot = Int(id.slot)
        while identities.count <= slot { identities.append((0, ConnectionIdentity(), [])) }
        if identities[slot].number != number {
            identities[slot] = (number, ConnectionIdentity(connections[id]), [])
        }
        return identities[slot].identity
    }
}

extension JSONObject {
    fileprivate mutating func add(_ capture: CaptureDescription, at time: Timestamp?) {
        if let time { add(time) }
        if let file = capture.file { add("file", string: file) }
        if let first = capture.interfaces.first {
            add("interface", string: Self.names(capture.interfaces))
            add("linktype", number: first.linkType.rawValue)
        }
        if let length = capture.snapshotLength { add("snaplen", number: length) }
        add("filter", string: capture.filter)
        add("tool", string: capture.tool)
    }

    /// The distinct names of the interfaces; some have none.
    private static func names(_ interfaces: [CaptureDescription.Interface]) -> String {
        var seen: Set<String> = []
        return interfaces.map { $0.name }.filter { !$0.isEmpty && seen.insert($0).inserted }.joined(separator: ",")
    }

    /// Adds the keys that describe a transition: the `state` record's own.
    @inline(__always) mutating func add(_ transition: Transition, _ side: Side, cause: StaticString) {
        add("endpoint", literal: side.jsonName)
        if let name = transition.from.openTelemetryName { add("from", literal: name) }
        if let name = transition.to.openTelemetryName { add("to", literal: name) }
        add("cause", literal: cause)
        add("certainty", literal: transition.certainty.name)
        add("rule", literal: transition.rule.id)
    }
}

extension Side {
    /// The side's name in machine-readable output, as in Zeek.
    var jsonName: StaticString { self == .originator ? "orig" : "resp" }
}
