// `-T json`: NDJSON, one record a line: capture, packet, state, kernel, gap, conn. The schema page says what each key means.

import TCPMachine
public import TCPModel
public import TCPTimeline

/// The NDJSON report.
public struct JSONReport: TraceReport {
    private let selection: ConnectionSelection
    /// By slot, so that it is made once a connection: most records have it.
    private var identities: [(number: UInt64, identity: ConnectionIdentity, codes: [FindingCode])] = []
    /// Set if there is to be a record a segment.
    private var analyses: FlowAnalyses?

    /// The uid of the connection that a connection, by number, is the translation of.
    private var translated: [UInt64: String] = [:]
    /// The uid of the connection that a subflow, by number, joined.
    private var joined: [UInt64: String] = [:]

    /// With a selection: the records of connections that are not over.
    private var held: HeldRecords?

    /// A report of the selected connections, if `packets` with a record of each segment. With a selection a connection's
    /// records come when it is over, since only then it can be chosen.
    public init(selection: ConnectionSelection = ConnectionSelection(), packets: Bool = false) {
        self.selection = selection
        if packets { analyses = FlowAnalyses() }
        if !selection.isEverything { held = HeldRecords() }
    }

    // MARK: TraceReport

    /// They are in `conn` and `packet`.
    public var readsStatistics: Bool { true }

    /// Takes down what is captured on.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        var object = captureObject(capture, at: time)
        object.add("event", literal: "start")
        object.write(to: &out)
    }

    /// Takes in a segment.
    public mutating func segment(_ event: SegmentEvent, _ timeline: borrowing Timeline, _ out: inout OutputBuffer) {
        guard event.hasTransitions || analyses != nil else { return }
        let connection = timeline[event.connection]
        let uid = uid(event.connection, connection)
        if event.isFirst, let source = timeline.translated(from: event.connection) {
            translated[connection.number] = self.uid(source, timeline[source]).uid
        }
        if event.isFirst, let parent = timeline.subflow(event.connection)?.connection {
            joined[connection.number] = self.uid(parent, timeline[parent]).uid
        }
        record(event.connection, connection, &out) { report, out in
            if report.analyses != nil { report.writePacket(event, uid, connection, &out) }
            report.writeStates(event.sent, event.sender, event, uid, connection, &out)
            report.writeStates(event.arrived, event.sender.other, event, uid, connection, &out)
        }
    }

    /// What the kernel says is shown as it comes.
    public var readsKernelEvents: Bool { true }

    /// Takes in what the kernel said.
    public mutating func kernel(_ event: KernelEvent, _ timeline: borrowing Timeline, _ out: inout OutputBuffer) {
        let connection = timeline[event.connection]
        record(event.connection, connection, &out) { $0.writeKernel(event, connection, &$1) }
    }

    /// Writes records of a connection, or keeps them until it can be chosen.
    mutating func record(
        _ id: ConnectionID, _ connection: Connection, _ out: inout OutputBuffer,
        _ write: (inout JSONReport, inout OutputBuffer) -> Void
    ) {
        guard var records = held else { return write(&self, &out) }
        held = nil
        records.add(id, number: connection.number, &out) { write(&self, &$0) }
        held = records
    }

    private mutating func writeKernel(_ event: KernelEvent, _ connection: Connection, _ out: inout OutputBuffer) {
        var object = JSONObject(path: "kernel")
        object.add(event.time)
        object.add(uid(event.connection, connection))
        object.add("endpoint", literal: event.side.jsonName)
        switch event.kind {
        case .state(let from, let to):
            object.add("event", literal: "state")
            if let name = from?.openTelemetryName { object.add("from", literal: name) }
            if let name = to?.openTelemetryName { object.add("to", literal: name) }
        case .owner: object.add("event", literal: "owner")
        case .notAccepted(let since):
            object.add("event", literal: "not_accepted")
            object.add("since", seconds: since.nanoseconds)
        case .accepted(let least, let most):
            object.add("event", literal: "accepted")
            object.add("after_s", seconds: most)
            object.add("min_s", seconds: least)
        case .dropped(let from):
            object.add("event", literal: "dropped")
            if let name = from.openTelemetryName { object.add("from", literal: name) }
            object.add("to", literal: "closed")
        case .contradiction(let state, let wire):
            object.add("event", literal: "mismatch")
            if let name = state?.openTelemetryName { object.add("state", literal: name) }
            if let name = wire.openTelemetryName { object.add("wire_state", literal: name) }
        case .traced(let fact): object.add(fact)
        }
        object.add("source", literal: event.source.name)
        if let socket = event.socket {
            object.add("inode", number: socket.inode)
            object.add("rx_queue", number: socket.receiveQueue)
            object.add("tx_queue", number: socket.transmitQueue)
        }
        if let process = event.process {
            object.add("pid", number: process.pid)
            object.add("comm", string: process.command)
        }
        object.write(to: &out)
        if case .dropped(let from) = event.kind { writeDrop(event, from, connection, &out) }
    }

    /// A record of each finding, and their codes on the connection's.
    public var wantsFindings: Bool { true }

    /// Takes in a finding.
    public mutating func finding(_ finding: Finding, _ timeline: borrowing Timeline, _ out: inout OutputBuffer) {
        let connection = timeline[finding.connection]
        let uid = uid(finding.connection, connection)
        identities[Int(finding.connection.slot)].codes.append(finding.code)
        record(finding.connection, connection, &out) { report, out in
            var object = JSONObject(path: "finding")
            object.add(finding.time)
            object.add(uid)
            object.add(finding)
            object.write(to: &out)
        }
    }

    /// Says that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        var object = JSONObject(path: "gap")
        if let time { object.add(time) }
        object.add("count", number: count)
        object.add("where", literal: "capture")
        object.write(to: &out)
    }

    /// Reports a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ timeline: borrowing Timeline, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = timeline[id]
        analyses?.finish(connection.tuple)
        defer { if !joined.isEmpty { joined[connection.number] = nil } }
        let isShown = selection.shows(connection, kernel)
        held?.decide(id, number: connection.number, isShown: isShown, &out)
        guard isShown else { return }
        let uid = uid(id, connection)
        writeConnection(
            connection, uid, kernel, identities[Int(id.slot)].codes, timeline.statistics(of: id), timeline.subflow(id),
            copies: timeline.duplicateFrames(of: id), translated: translated.removeValue(forKey: connection.number),
            &out)
    }

    /// Says what moved among the host's counters.
    public mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer) {
        var object = JSONObject(path: "host")
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
        object.write(to: &out)
    }

    /// Ends the report.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        var object = captureObject(capture, at: time)
        object.add("event", literal: "end")
        object.add("captured", number: counts.captured)
        if let received = counts.received { object.add("received", number: received) }
        object.add("dropped", number: counts.dropped)
        object.write(to: &out)
    }

    // MARK: Records

    private func captureObject(_ capture: CaptureDescription, at time: Timestamp?) -> JSONObject {
        var object = JSONObject(path: "capture")
        if let time { object.add(time) }
        if let file = capture.file { object.add("file", string: file) }
        if let first = capture.interfaces.first {
            object.add("interface", string: capture.interfaces.map { $0.name }.joined(separator: ","))
            object.add("linktype", number: first.linkType.rawValue)
        }
        if let length = capture.snapshotLength { object.add("snaplen", number: length) }
        object.add("filter", string: capture.filter)
        object.add("tool", string: capture.tool)
        return object
    }

    private mutating func writePacket(
        _ event: SegmentEvent, _ uid: ConnectionIdentity, _ connection: Connection, _ out: inout OutputBuffer
    ) {
        var object = JSONObject(path: "packet")
        object.add(event.time)
        object.add(uid)
        let acknowledged = connection.endpoint(event.sender.other)
        object.add(event, acknowledgedBase: acknowledged.relativeBase, analyses?.analyse(event))
        object.write(to: &out)
    }

    private func writeStates(
        _ reaction: Reaction, _ side: Side, _ event: SegmentEvent, _ uid: ConnectionIdentity, _ connection: Connection,
        _ out: inout OutputBuffer
    ) {
        for index in 0..<reaction.count {
            let transition = reaction[index]
            var object = JSONObject(path: "state")
            object.add(event.time)
            object.add(uid)
            add(transition, side, cause: "packet", to: &object)
            object.add("frame", number: event.frame)
            object.write(to: &out)
        }
    }

    private mutating func writeDrop(
        _ event: KernelEvent, _ from: TCPState, _ connection: Connection, _ out: inout OutputBuffer
    ) {
        var object = JSONObject(path: "state")
        object.add(event.time)
        object.add(uid(event.connection, connection))
        let rule: RFCRule = from == .timeWait ? .timeWaitTimeout : .kernelClosed
        add(
            Transition(from: from, to: .closed, certainty: .confirmed, rule: rule), event.side,
            cause: from == .timeWait ? "timer" : "kernel", to: &object)
        object.write(to: &out)
    }

    func add(_ transition: Transition, _ side: Side, cause: StaticString, to object: inout JSONObject) {
        object.add("endpoint", literal: side.jsonName)
        if let name = transition.from.openTelemetryName { object.add("from", literal: name) }
        if let name = transition.to.openTelemetryName { object.add("to", literal: name) }
        object.add("cause", literal: cause)
        object.add("certainty", literal: transition.certainty.name)
        object.add("rule", literal: transition.rule.id)
    }

    private func writeConnection(
        _ connection: Connection, _ uid: ConnectionIdentity, _ kernel: KernelView?, _ codes: [FindingCode],
        _ statistics: ConnectionStatistics?, _ subflow: MultipathSubflow?, copies: UInt32, translated: String?,
        _ out: inout OutputBuffer
    ) {
        let orig = connection.counters[0]
        let resp = connection.counters[1]
        var object = JSONObject(path: "conn")
        object.add(connection.firstTime)
        object.add(uid)
        object.add("proto", literal: "tcp")
        object.add("duration", seconds: connection.duration)
        object.add("orig_bytes", number: orig.uniqueBytes)
        object.add("resp_bytes", number: resp.uniqueBytes)
        object.add("conn_state", literal: connection.zeekConnectionState)
        object.add("missed_bytes", number: connection.missedBytes)
        object.add(
            "history",
            raw: { buffer in
                buffer.append("\"")
                for index in 0..<connection.history.count { buffer.append(byte: connection.history[index]) }
                buffer.append("\"")
            })
        object.add("orig_pkts", number: orig.packets)
        object.add("orig_ip_bytes", number: orig.ipBytes)
        object.add("resp_pkts", number: resp.packets)
        object.add("resp_ip_bytes", number: resp.ipBytes)
        object.add("community_id", string: communityID(connection.tuple))
        if connection.tunnel != .none { object.add("tunnel", literal: connection.tunnel.name) }
        object.add("completeness", number: connection.completeness.rawValue)
        object.add("outcome", literal: connection.outcome.name)
        if let closer = connection.closer { object.add("closed_by", literal: closer.jsonName) }
        if let name = connection.originator.state.openTelemetryName { object.add("orig_state", literal: name) }
        if let name = connection.endpoint(.responder).state.openTelemetryName {
            object.add("resp_state", literal: name)
        }
        if connection.synAckDelay >= 0 {
            var handshake = JSONObject()
            handshake.add("synack_s", seconds: connection.synAckDelay)
            if connection.openDelay >= 0 {
                handshake.add("ack_s", seconds: connection.openDelay - connection.synAckDelay)
            }
            object.add("handshake", object: handshake)
        }
        if let kernel {
            add(process: kernel.originator, "orig_process", to: &object)
            add(process: kernel.responder, "resp_process", to: &object)
        }
        if let delay = kernel?.responder.acceptDelay(connection) {
            var accept = JSONObject()
            accept.add("min_s", seconds: delay.least)
            if let most = delay.most { accept.add("max_s", seconds: most) }
            object.add("accept", object: accept)
        }
        object.add("retransmissions", number: UInt64(orig.retransmissions) + UInt64(resp.retransmissions))
        if !codes.isEmpty { object.add("findings", strings: codes.map { $0.rawValue }) }
        if let statistics { object.add(statistics, connection) }
        if copies > 0 { object.add("duplicate_frames", number: copies) }
        if let translated { object.add("nat_of", string: translated) }
        if let subflow {
            object.add("mptcp_token", string: hexadecimal(subflow.token))
            if let parent = joined[connection.number] { object.add("mptcp_of", string: parent) }
        }
        object.write(to: &out)
    }

    private func add(process view: KernelSideView, _ name: StaticString, to object: inout JSONObject) {
        guard let process = view.process else { return }
        var owner = JSONObject()
        owner.add("pid", number: process.pid)
        owner.add("comm", string: process.command)
        // Of a process that had gone before it could be looked up only the name is known.
        if process.uid != .max { owner.add("uid", number: process.uid) }
        if let inode = view.socket?.inode, inode != 0 { owner.add("inode", number: inode) }
        if let descriptor = view.descriptor { owner.add("fd", number: descriptor) }
        if let details = process.details { owner.add(details) }
        object.add(name, object: owner)
    }

    mutating func uid(_ id: ConnectionID, _ connection: Connection) -> ConnectionIdentity {
        let slot = Int(id.slot)
        while identities.count <= slot { identities.append((0, ConnectionIdentity(), [])) }
        if identities[slot].number != connection.number {
            identities[slot] = (connection.number, ConnectionIdentity(connection), [])
        }
        return identities[slot].identity
    }
}

extension Side {
    /// For programs: Zeek's words.
    var jsonName: StaticString { self == .originator ? "orig" : "resp" }
}
