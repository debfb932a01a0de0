// The `packet` record: one segment with its options and Wireshark's analysis.

import TCPMachine
import TCPModel
import TCPTimeline

extension JSONObject {
    /// Adds the keys specific to a `packet` record, after those of every record.
    mutating func add(_ event: SegmentEvent, _ analysis: AnalysisFlags?) {
        let segment = event.segment
        add("frame", number: event.frame)
        if event.notes.contains(.duplicateFrame) { add("duplicate_of", number: event.originalFrame) }
        add("dir", literal: event.sender.jsonName)
        add("flags", raw: { $0.append(segment.flags) })
        add("seq", number: event.relativeSequence)
        if segment.flags.has(.ack) { add("ack", number: event.relativeAck) }
        add("win", number: segment.window)
        add("len", number: segment.payloadLength)
        if event.notes.contains(.badChecksum) { add("checksum", literal: "bad") }
        if event.notes.contains(.incomplete) { add("fragments", literal: "missing") }
        if !segment.options.present.isEmpty {
            addObject("opts") { $0.addOptions(segment.options, event.acknowledgedBase) }
        }
        add(event.verdict)
        if !event.anomalies.isEmpty {
            add(
                "anomalies",
                literals: Anomalies.names.filter { event.anomalies.contains($0.anomaly) }.map { $0.name })
        }
        if let analysis { add("analysis", literals: analysis.names) }
    }

    private mutating func addOptions(_ options: TCPOptions, _ base: SequenceNumber) {
        if options.present.contains(.maximumSegmentSize) { add("mss", number: options.maximumSegmentSize) }
        if options.present.contains(.windowScale) { add("wscale", number: options.windowScale) }
        if options.present.contains(.sackPermitted) { add("sack_permitted", bool: true) }
        if options.present.contains(.sack) {
            add(
                "sack",
                raw: { buffer in
                    buffer.append("[")
                    for index in 0..<min(Int(options.sackBlockCount), 4) {
                        let block = options.sackBlocks[index]
                        if index > 0 { buffer.append(",") }
                        buffer.append(pair: block.left.offset(from: base), block.right.offset(from: base))
                    }
                    buffer.append("]")
                })
        }
        if options.present.contains(.timestamps) {
            add("ts", raw: { $0.append(pair: options.timestampValue, options.timestampEchoReply) })
        }
        if options.present.contains(.fastOpen) { add("tfo", number: options.fastOpenCookieLength) }
        if options.present.contains(.multipath) { add("mptcp", number: options.multipathSubtype) }
        if options.present.contains(.multipath) { addMultipath(options) }
        if options.present.contains(.md5Signature) { add("md5", bool: true) }
        if options.present.contains(.authentication) { add("ao", bool: true) }
        if options.present.contains(.userTimeout) {
            add("user_timeout_s", number: options.userTimeoutSeconds)
        }
        if options.present.contains(.accurateECN) { add("accecn", bool: true) }
        if options.present.contains(.experiment) { add("exid", number: options.experimentIdentifier) }
        if options.present.contains(.unknown) { add("unknown", bool: true) }
    }

    private mutating func addMultipath(_ options: TCPOptions) {
        let subtypes = MultipathSubtype.allCases.filter { options.has($0) }
        add("mptcp_ops", literals: subtypes.map { $0.name })
        if options.has(.capable) { add("mptcp_version", number: options.multipathDetail) }
        if options.has(.join) && options.multipathValue != 0 {
            add("mptcp_token", string: hexadecimal(UInt32(truncatingIfNeeded: options.multipathValue)))
        }
        if options.has(.reset) { add("mptcp_reason", number: options.multipathDetail) }
    }
}

extension TCPOptions {
    /// The user timeout in seconds (RFC 5482 3.3: the highest bit selects minutes).
    var userTimeoutSeconds: UInt32 {
        userTimeout & 0x8000 == 0 ? UInt32(userTimeout) : UInt32(userTimeout & 0x7fff) * 60
    }
}

/// Formats a number as in `0x0123abcd`.
func hexadecimal(_ word: UInt32) -> String {
    var buffer = OutputBuffer()
    buffer.append("0x")
    buffer.append(hex: word, digits: 8)
    return String(decoding: buffer.bytes, as: UTF8.self)
}

extension OutputBuffer {
    fileprivate mutating func append(pair first: UInt32, _ second: UInt32) {
        append("[")
        append(number: first)
        append(",")
        append(number: second)
        append("]")
    }

    /// Appends one letter per flag, lowest bit first: `SA` is SYN and ACK; E is ECN-Echo, C CWR, N AE (formerly NS).
    fileprivate mutating func append(_ flags: TCPFlags) {
        let letters: InlineArray<9, UInt8> = [0x46, 0x53, 0x52, 0x50, 0x41, 0x55, 0x45, 0x43, 0x4e]
        append("\"")
        for bit in letters.indices where flags.rawValue & 1 << bit != 0 { append(byte: letters[bit]) }
        append("\"")
    }
}
