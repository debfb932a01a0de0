// One tracepoint record, octets in the layout of its `format` file, to a SocketEvent. Every access is checked.

import TCPModel

/// Decodes the records of the tracepoints that the running kernel has.
struct TracepointDecoder: Sendable {
    /// Layouts by record number.
    private(set) var formats: [UInt16: (kind: TracepointKind, format: TracepointFormat)] = [:]
    /// In the order of their names: what is missing, for people.
    private(set) var missing: [(kind: TracepointKind, why: String)] = []

    /// Takes in the `format` file of a tracepoint; nil if the kernel has none. False if it cannot be used.
    mutating func add(_ kind: TracepointKind, format text: String?) -> TracepointFormat? {
        guard let text, let format = TracepointFormat(text) else {
            missing.append((kind, "this kernel does not have it"))
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
        formats[format.identifier] = (kind, format)
        return format
    }

    /// Takes a tracepoint away that could not be opened.
    mutating func remove(_ kind: TracepointKind, why: String) {
        formats = formats.filter { $0.value.kind != kind }
        missing.append((kind, why))
    }

    /// The event in `record`; nil if it is of no tracepoint that is known, too short, or says nothing of TCP.
    func decode(_ record: ArraySlice<UInt8>, time: Timestamp, pid: Int32) -> SocketEvent? {
        guard let number = unsigned(record, 0, 2), let (kind, format) = formats[UInt16(truncatingIfNeeded: number)]
        else { return nil }
        let reader = Reader(record: record, format: format)
        guard let what = content(kind, reader), let ends = ends(kind, reader) else { return nil }
        let context = reader.number("common_flags") ?? Self.interrupt
        return SocketEvent(
            time: time, kind: what, socket: reader.address(kind == .freePacket ? "rx_sk" : "skaddr"),
            packet: reader.address("skbaddr"), local: ends.local, remote: ends.remote,
            // TRACE_FLAG_HARDIRQ and TRACE_FLAG_SOFTIRQ, with these values since 2.6.28; 0 is the idle task.
            isProcessContext: context & Self.interrupt == 0 && pid != 0, pid: pid)
    }

    private static let interrupt: Int64 = 0x18

    private func content(_ kind: TracepointKind, _ reader: Reader) -> SocketEvent.Kind? {
        switch kind {
        case .setState:
            if let number = reader.number("protocol"), number != 6 { return nil }
            guard let from = reader.state("oldstate"), let to = reader.state("newstate") else { return nil }
            return .transition(from: from, to: to)
        case .sendReset: return .resetSent(reason: reader.symbol("reason"))
        case .receiveReset: return .resetReceived
        case .retransmit: return .retransmit
        case .retransmitSynAck: return .synAckRetransmit
        case .errorReport:
            if let number = reader.number("protocol"), number != 6 { return nil }
            guard let error = reader.number("error") else { return nil }
            return .socketError(errno: Int32(truncatingIfNeeded: error))
        case .destroy: return .destroyed
        case .freePacket:
            guard let reason = reader.symbol("reason") else { return nil }
            return .dropped(reason: reason)
        }
    }

    private func ends(_ kind: TracepointKind, _ reader: Reader) -> (local: SocketAddress, remote: SocketAddress)? {
        switch kind {
        case .freePacket: return (SocketAddress(.anyV4, 0), SocketAddress(.anyV4, 0))
        case .sendReset:
            guard let local = reader.socketAddress("saddr"), let remote = reader.socketAddress("daddr") else {
                return nil
            }
            return (local, remote)
        case .setState, .receiveReset, .retransmit, .retransmitSynAck, .errorReport, .destroy:
            guard let from = reader.number("sport"), let to = reader.number("dport"),
                let source = reader.ipAddress("saddr"), let destination = reader.ipAddress("daddr")
            else { return nil }
            return (
                SocketAddress(source, UInt16(truncatingIfNeeded: from)),
                SocketAddress(destination, UInt16(truncatingIfNeeded: to))
            )
        }
    }
}

/// Fields of one record by name.
private struct Reader {
    let record: ArraySlice<UInt8>
    let format: TracepointFormat

    /// A number of 1, 2, 4 or 8 octets in this machine's order, or nil.
    func number(_ name: String) -> Int64? {
        guard let field = format.fields[name], let value = unsigned(record, field.offset, field.size) else {
            return nil
        }
        guard field.isSigned, field.size < 8 else { return Int64(bitPattern: value) }
        let shift = Int64((8 - field.size) * 8)
        return (Int64(bitPattern: value) << shift) >> shift
    }

    /// A kernel address; 0 if there is none.
    func address(_ name: String) -> UInt64 { number(name).map { UInt64(bitPattern: $0) } ?? 0 }

    /// The name of an enum's value, or the number itself where the kernel has no name for it.
    func symbol(_ name: String) -> String? {
        number(name).map { value in
            format.symbols[name]?[value].map(withoutPrefix) ?? "\(value)"
        }
    }

    private func withoutPrefix(_ name: String) -> String {
        for prefix in ["SKB_DROP_REASON_", "SK_RST_REASON_"] where name.hasPrefix(prefix) {
            return String(name.dropFirst(prefix.count))
        }
        return name
    }

    /// A state by the name that the kernel has for its number.
    func state(_ name: String) -> TCPState? {
        guard let symbol = symbol(name) else { return nil }
        let short = symbol.hasPrefix("TCP_") ? String(symbol.dropFirst(4)) : symbol
        return TCPState(named: short == "NEW_SYN_RECV" ? "SYN_RECV" : short)
    }

    /// The address of a socket: that of IPv6 (where an IPv4 one is mapped) if there is one, else IPv4's.
    func ipAddress(_ name: String) -> IPAddress? {
        if let field = format.fields[name + "_v6"], field.size == 16 {
            guard let high = bigEndian(record, field.offset, 8), let low = bigEndian(record, field.offset + 8, 8) else {
                return nil
            }
            if high | low != 0 { return IPAddress(high: high, low: low) }
        }
        guard let field = format.fields[name], field.size == 4, let v4 = bigEndian(record, field.offset, 4) else {
            return nil
        }
        return IPAddress(v4: UInt32(truncatingIfNeeded: v4))
    }

    /// A sockaddr_in or sockaddr_in6.
    func socketAddress(_ name: String) -> SocketAddress? {
        guard let field = format.fields[name], field.size >= 16, let family = unsigned(record, field.offset, 2),
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

/// The number of 1 to 8 octets at `offset` in network order, or nil if the record ends before.
private func bigEndian(_ record: ArraySlice<UInt8>, _ offset: Int, _ size: Int) -> UInt64? {
    guard offset >= 0, size > 0, size <= 8, offset <= record.count - size else { return nil }
    var value: UInt64 = 0
    for index in 0..<size { value = value << 8 | UInt64(record[record.startIndex + offset + index]) }
    return value
}

/// The number of 1, 2, 4 or 8 octets at `offset` in this machine's order, or nil if the record ends before.
func unsigned(_ record: ArraySlice<UInt8>, _ offset: Int, _ size: Int) -> UInt64? {
    guard size == 1 || size == 2 || size == 4 || size == 8, let value = bigEndian(record, offset, size) else {
        return nil
    }
    return 1.littleEndian == 1 ? value.byteSwapped >> UInt64((8 - size) * 8) : value
}
