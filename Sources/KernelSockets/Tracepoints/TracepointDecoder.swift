// Decodes a tracepoint record, laid out as its `format` file describes, into a SocketEvent. Every access is checked.

import TCPModel

/// Decodes the records of the tracepoints available on the running kernel.
struct TracepointDecoder: Sendable {
    /// The tracepoints that are in use.
    private(set) var layouts: [TracepointLayout] = []
    /// Their numbers, stored separately because every record is compared with them.
    private var identifiers: [UInt64] = []
    /// The unavailable tracepoints and why, for users, in the order in which they were found to be.
    private(set) var missing: [(kind: TracepointKind, why: String)] = []

    /// Adds a tracepoint by its `format` file. `text` is nil if the file could not be read, for the reason `refusal`,
    /// or if the kernel lacks the tracepoint. Returns nil if the tracepoint cannot be used.
    mutating func add(_ kind: TracepointKind, format text: String?, refusal: String? = nil) -> TracepointFormat? {
        guard let text, let format = TracepointFormat(text) else {
            missing.append((kind, refusal ?? "this kernel does not have it"))
            return nil
        }
        if let field = kind.neededFields.first(where: { format.fields[$0] == nil }) {
            missing.append((kind, "it has no field \(field)"))
            return nil
        }
        if kind == .freePacket && format.symbols["reason"]?.isEmpty != false {
            missing.append((kind, "its reasons have no names"))
            return nil
        }
        layouts.append(TracepointLayout(kind, format))
        identifiers.append(UInt64(format.identifier))
        return format
    }

    /// Removes a tracepoint that could not be opened.
    mutating func remove(_ kind: TracepointKind, why: String) {
        layouts.removeAll { $0.kind == kind }
        identifiers = layouts.map { $0.identifier }
        missing.append((kind, why))
    }

    /// The tracepoint to which `record` belongs; nil if it is unknown.
    func layout(of record: RawSpan) -> TracepointLayout? {
        guard let number = unsigned(record, 0, 2), let place = identifiers.firstIndex(of: number) else { return nil }
        return layouts[place]
    }

    /// The kernel's name for a drop reason, by number.
    func dropReason(_ number: Int64) -> KernelWord {
        layouts.first { $0.kind == .freePacket }?.word(number) ?? KernelWord("\(number)")
    }

    /// Decodes the event in `record`; nil if its tracepoint is unknown, the record is too short, or it is not about
    /// TCP.
    func decode(_ record: RawSpan, time: Timestamp, pid: Int32) -> SocketEvent? {
        layout(of: record)?.decode(record, time: time, pid: pid)
    }
}

/// The fields of one tracepoint, looked up by name once. A class, because it is large and passed along for each record.
final class TracepointLayout: Sendable {
    let kind: TracepointKind
    let identifier: UInt64

    private typealias Field = TracepointFormat.Field
    private let flags: Field?
    private let socket: Field?
    private let packet: Field?
    private let oldState: Field?
    private let newState: Field?
    private let reason: Field?
    private let error: Field?
    private let socketState: Field?
    private let thread: Field?
    private let isLastThread: Field?
    private let protocolNumber: Field?
    private let ports: (source: Field?, destination: Field?)
    private let source: (v4: Field?, v6: Field?)
    private let destination: (v4: Field?, v6: Field?)
    /// States and reasons, by the kernel's numbers.
    private let oldStates: [Int64: TCPState]
    private let newStates: [Int64: TCPState]
    private let socketStates: [Int64: TCPState]
    private let reasons: [Int64: KernelWord]

    init(_ kind: TracepointKind, _ format: TracepointFormat) {
        self.kind = kind
        identifier = UInt64(format.identifier)
        let fields = format.fields
        flags = fields["common_flags"]
        socket = fields[kind == .freePacket ? "rx_sk" : "skaddr"]
        packet = fields["skbaddr"]
        oldState = fields["oldstate"]
        newState = fields["newstate"]
        reason = fields["reason"]
        error = fields["error"]
        socketState = fields["state"]
        thread = fields["pid"]
        isLastThread = fields["group_dead"]
        protocolNumber = fields["protocol"]
        ports = (fields["sport"], fields["dport"])
        source = (fields["saddr"], fields["saddr_v6"])
        destination = (fields["daddr"], fields["daddr_v6"])
        oldStates = Self.states(format.symbols["oldstate"])
        newStates = Self.states(format.symbols["newstate"])
        socketStates = Self.states(format.symbols["state"])
        reasons = (format.symbols["reason"] ?? [:]).mapValues { KernelWord(Self.withoutPrefix($0)) }
    }

    private static func states(_ names: [Int64: String]?) -> [Int64: TCPState] {
        (names ?? [:]).compactMapValues { name in
            let short = name.hasPrefix("TCP_") ? String(name.dropFirst(4)) : name
            return TCPState(named: short == "NEW_SYN_RECV" ? "SYN_RECV" : short)
        }
    }

    private static func withoutPrefix(_ name: String) -> String {
        for prefix in ["SKB_DROP_REASON_", "SK_RST_REASON_"] where name.hasPrefix(prefix) {
            return String(name.dropFirst(prefix.count))
        }
        return name
    }

    /// TRACE_FLAG_HARDIRQ and TRACE_FLAG_SOFTIRQ, which have had these values since 2.6.28.
    private static let interrupt: Int64 = 0x18

    func decode(_ record: RawSpan, time: Timestamp, pid: Int32) -> SocketEvent? {
        guard let what = content(record), let ends = ends(record) else { return nil }
        let context = number(record, flags) ?? Self.interrupt
        var event = SocketEvent(
            time: time, kind: what, socket: address(record, socket), packet: address(record, packet),
            local: ends.local, remote: ends.remote,
            // Pid 0 is the idle task.
            isProcessContext: context & Self.interrupt == 0 && pid != 0, pid: pid)
        if kind == .sendReset { event.resetState = number(record, socketState).flatMap(socketStateNumbered) }
        return event
    }

    /// Some kernels give this field's states by C identifier instead of number. Then Linux's own numbers apply, which
    /// are part of its ABI. 0 means no socket.
    private func socketStateNumbered(_ number: Int64) -> TCPState? {
        if !socketStates.isEmpty { return socketStates[number] }
        return UInt64(exactly: number).flatMap { TCPState(linuxNumber: $0) }
    }

    /// Whether the exit of a thread ends its process: it does if it is the last one (or, on old kernels that do not
    /// report this, the main thread).
    func isProcessExit(_ record: RawSpan, pid: Int32) -> Bool {
        if isLastThread != nil { return number(record, isLastThread) ?? 0 != 0 }
        return number(record, thread) == Int64(pid)
    }

    private func content(_ record: RawSpan) -> SocketEvent.Kind? {
        switch kind {
        case .setState:
            if let number = number(record, protocolNumber), number != 6 { return nil }
            guard let old = number(record, oldState), let new = number(record, newState), let from = oldStates[old],
                let to = newStates[new]
            else { return nil }
            return .transition(from: from, to: to)
        case .sendReset: return .resetSent(reason: number(record, reason).map(word))
        case .receiveReset: return .resetReceived
        case .retransmit: return .retransmit
        case .retransmitSynAck: return .synAckRetransmit
        case .errorReport:
            if let number = number(record, protocolNumber), number != 6 { return nil }
            return number(record, error).map { .socketError(errno: Int32(truncatingIfNeeded: $0)) }
        case .destroy: return .destroyed
        case .freePacket: return number(record, reason).map { .dropped(reason: word($0)) }
        case .processExit: return nil
        }
    }

    /// The kernel's name for a reason, or its number if it has no name.
    func word(_ reason: Int64) -> KernelWord { reasons[reason] ?? KernelWord("\(reason)") }

    private func ends(_ record: RawSpan) -> (local: SocketAddress, remote: SocketAddress)? {
        switch kind {
        case .freePacket, .processExit: return (SocketAddress(.anyV4, 0), SocketAddress(.anyV4, 0))
        // The format since Linux 6.10; before, this tracepoint has the same fields as the others.
        case .sendReset where ports.source == nil:
            guard let local = socketAddress(record, source.v4), let remote = socketAddress(record, destination.v4)
            else { return nil }
            return (local, remote)
        case .setState, .sendReset, .receiveReset, .retransmit, .retransmitSynAck, .errorReport, .destroy:
            guard let from = number(record, ports.source), let to = number(record, ports.destination),
                let local = ipAddress(record, source), let remote = ipAddress(record, destination)
            else { return nil }
            return (
                SocketAddress(local, UInt16(truncatingIfNeeded: from)),
                SocketAddress(remote, UInt16(truncatingIfNeeded: to))
            )
        }
    }

    // MARK: Fields

    /// The value of a field of 1, 2, 4 or 8 octets in this machine's order, or nil.
    private func number(_ record: RawSpan, _ field: Field?) -> Int64? {
        guard let field, let value = unsigned(record, field.offset, field.size) else { return nil }
        guard field.isSigned, field.size < 8 else { return Int64(bitPattern: value) }
        let shift = Int64((8 - field.size) * 8)
        return (Int64(bitPattern: value) << shift) >> shift
    }

    /// A kernel address; 0 if the field is absent.
    private func address(_ record: RawSpan, _ field: Field?) -> UInt64 {
        number(record, field).map { UInt64(bitPattern: $0) } ?? 0
    }

    /// A socket's address: the IPv6 field if it is set (it may hold an IPv4-mapped address), else the IPv4 field.
    private func ipAddress(_ record: RawSpan, _ fields: (v4: Field?, v6: Field?)) -> IPAddress? {
        if let field = fields.v6, field.size == 16 {
            guard let high = bigEndian(record, field.offset, 8), let low = bigEndian(record, field.offset + 8, 8) else {
                return nil
            }
            if high | low != 0 { return IPAddress(high: high, low: low) }
        }
        guard let field = fields.v4, field.size == 4, let v4 = bigEndian(record, field.offset, 4) else { return nil }
        return IPAddress(v4: UInt32(truncatingIfNeeded: v4))
    }

    /// Decodes a sockaddr_in or sockaddr_in6.
    private func socketAddress(_ record: RawSpan, _ field: Field?) -> SocketAddress? {
        guard let field, field.size >= 16, let family = unsigned(record, field.offset, 2),
            let port = bigEndian(record, field.offset + 2, 2)
        else { return nil }
        let number = UInt16(truncatingIfNeeded: port)
        // AF_INET and AF_INET6 are Linux's own constants, part of its ABI.
        switch family {
        case 2:
            guard let v4 = bigEndian(record, field.offset + 4, 4) else { return nil }
            return SocketAddress(IPAddress(v4: UInt32(truncatingIfNeeded: v4)), number)
        case 10:
            guard field.size >= 24, let high = bigEndian(record, field.offset + 8, 8),
                let low = bigEndian(record, field.offset + 16, 8)
            else { return nil }
            return SocketAddress(IPAddress(high: high, low: low), number)
        default: return nil
        }
    }
}
