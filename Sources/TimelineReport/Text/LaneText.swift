// What stands on an arrow: flags, numbers, options, remarks; shortened in a fixed order until it fits.

import TCPMachine
import TCPModel
import TCPTimeline

/// The words on one row's arrow.
struct LaneText {
    /// The most that the text may take, in columns.
    let room: Int
    let detail: TimelineDetail
    /// Raw numbers to add to relative ones with `-S`.
    let bases: (sender: UInt32, receiver: UInt32)
    /// Under 100 columns the window is left out, as in the narrow form.
    let isNarrow: Bool

    func render(_ row: TimelineRow) -> ArraySlice<UInt8> {
        var parts = row.kind == .data ? dataParts(row) : segmentParts(row)
        parts += remarkParts(row)
        // The last parts are the least needed; but what a remark says is worth more than windows and options.
        var kept = parts
        while kept.count > 1 && length(kept) > room {
            let weakest = kept.indices.dropFirst().min { kept[$0].weight < kept[$1].weight } ?? kept.count - 1
            kept.remove(at: weakest)
        }
        var text = OutputBuffer(capacity: 128)
        for (index, part) in kept.enumerated() {
            if index > 0 { text.append(part.spacing) }
            text.append(contentsOf: part.bytes)
        }
        text.truncate(to: max(1, room))
        return text.bytes
    }

    private struct Part {
        var bytes: ArraySlice<UInt8>
        /// The part with the smallest weight goes first.
        var weight: Int
        var spacing: StaticString = " "
    }

    private func length(_ parts: [Part]) -> Int {
        parts.reduce(-1) { $0 + $1.bytes.count + $1.spacing.utf8CodeUnitCount }
    }

    private func part(_ weight: Int, spacing: StaticString = " ", _ make: (inout OutputBuffer) -> Void) -> Part {
        var buffer = OutputBuffer()
        make(&buffer)
        return Part(bytes: buffer.bytes, weight: weight, spacing: spacing)
    }

    private func dataParts(_ row: TimelineRow) -> [Part] {
        let start = sequence(row.sequence)
        let end = start &+ UInt32(truncatingIfNeeded: row.length)
        var parts = [
            part(100) {
                $0.append(number: row.length)
                $0.append(row.length == 1 ? " byte" : " bytes")
            },
            part(50) {
                $0.append(number: start)
                $0.append(":")
                $0.append(number: end)
                if row.ackDelay >= 0 { $0.append(",") }
            },
        ]
        if row.ackDelay >= 0 {
            parts.append(
                part(60) {
                    $0.append("acked +")
                    $0.append(span: row.ackDelay, compact: isNarrow)
                })
            if row.ackDelay >= Self.delayedAck { parts.append(part(70, spacing: "  ") { $0.append("(delayed ACK)") }) }
        }
        if detail.verbosity > 0 { parts.append(part(40) { appendAck(row, to: &$0) }) }
        if detail.verbosity > 1 {
            parts.append(windowPart(row))
            parts += optionParts(row)
        }
        if row.multipathSubtypes != 0 { parts += multipathParts(row, isOpening: false) }
        return parts
    }

    /// An ACK that takes this long after the text is delayed on purpose (Linux: 40 ms and more), in nanoseconds.
    static let delayedAck = 25 * Span.millisecond

    private func segmentParts(_ row: TimelineRow) -> [Part] {
        var parts = [part(100) { $0.append(flags: row.flags) }]
        let isProbe = !row.notes.isDisjoint(with: [.keepAlive, .windowProbe])
        if row.flags.hasAny(.synFinRst) || row.length > 0 || isProbe || detail.verbosity > 0 && !row.flags.isBareAck {
            parts.append(
                part(80) {
                    $0.append("seq ")
                    $0.append(number: sequence(row.sequence))
                    if row.length > 0 {
                        $0.append(":")
                        $0.append(number: sequence(row.sequence) &+ UInt32(truncatingIfNeeded: row.length))
                    }
                })
        }
        if row.flags.has(.ack) { parts.append(part(80) { appendAck(row, to: &$0) }) }
        // A SYN sent again says nothing new but when.
        let isOpening = row.flags.has(.syn) && !row.flags.has(.ack) && row.attempt == 0
        if isOpening && !isNarrow || detail.verbosity > 1 || row.notes.contains(.windowUpdate) {
            parts.append(windowPart(row))
        }
        if isOpening || detail.verbosity > 1 { parts += optionParts(row) }
        if row.multipathSubtypes != 0 { parts += multipathParts(row, isOpening: isOpening) }
        return parts
    }

    private func appendAck(_ row: TimelineRow, to buffer: inout OutputBuffer) {
        buffer.append("ack ")
        buffer.append(number: row.acknowledgment &+ (detail.rawSequence ? bases.receiver : 0))
    }

    private func sequence(_ relative: UInt32) -> UInt32 { relative &+ (detail.rawSequence ? bases.sender : 0) }

    private func windowPart(_ row: TimelineRow) -> Part {
        part(20) {
            $0.append("win ")
            $0.append(number: row.window)
        }
    }

    private func optionParts(_ row: TimelineRow) -> [Part] {
        var parts: [Part] = []
        if row.options.contains(.maximumSegmentSize) {
            parts.append(
                part(40) {
                    $0.append("mss ")
                    $0.append(number: row.maximumSegmentSize)
                })
        }
        if row.options.contains(.windowScale) {
            parts.append(
                part(30) {
                    $0.append("ws ")
                    $0.append(number: row.windowScale)
                })
        }
        let named: [(TCPOptions.Kinds, StaticString)] = [
            (.fastOpen, "fast-open"), (.md5Signature, "md5"), (.authentication, "tcp-ao"), (.accurateECN, "accecn"),
        ]
        for (kind, name) in named where row.options.contains(kind) { parts.append(part(45) { $0.append(name) }) }
        if row.options.contains(.userTimeout) {
            parts.append(
                part(35) {
                    $0.append("uto ")
                    $0.append(number: row.userTimeout)
                    $0.append("s")
                })
        }
        if row.options.contains(.experiment) {
            parts.append(
                part(35) {
                    $0.append("exid 0x")
                    $0.append(hex: UInt32(row.experimentIdentifier), digits: 4)
                })
        }
        return parts
    }

    /// What MPTCP does is shown where it opens, joins or ends something; every subtype from `-v` on.
    private func multipathParts(_ row: TimelineRow, isOpening: Bool) -> [Part] {
        MultipathSubtype.allCases.compactMap { subtype in
            guard row.multipathSubtypes & 1 << UInt16(subtype.rawValue) != 0 else { return nil }
            let isTelling = isOpening || subtype == .fastClose || subtype == .reset || subtype == .fail
            guard isTelling || detail.verbosity > 0 else { return nil }
            return part(subtype == .reset || subtype == .fastClose ? 85 : 46) {
                $0.append(subtype.displayName)
                switch subtype {
                case .capable:
                    $0.append(" v")
                    $0.append(number: row.multipathDetail)
                case .reset:
                    $0.append(" ")
                    $0.append(MultipathSubtype.resetReason(row.multipathDetail))
                default: break
                }
            }
        }
    }

    private func remarkParts(_ row: TimelineRow) -> [Part] {
        var parts: [Part] = []
        func remark(_ text: StaticString) { parts.append(part(90, spacing: "  ") { $0.append(text) }) }
        if row.originalFrame > 0 {
            parts.append(
                part(95, spacing: "  ") {
                    $0.append("(copy of frame ")
                    $0.append(number: row.originalFrame)
                    $0.append(")")
                })
        }
        if row.attempt > 0 {
            parts.append(
                part(90, spacing: "  ") {
                    $0.append("retransmit ")
                    $0.append(number: row.attempt)
                })
            // The delta column says it too.
            if row.delta >= 0 {
                parts.append(
                    part(25) {
                        $0.append("(after ")
                        $0.append(span: row.delta, compact: isNarrow)
                        $0.append(")")
                    })
            }
        } else if let record = row.verdict.retransmission {
            parts += retransmissionParts(record)
        } else if row.notes.contains(.retransmission) && row.verdict.late == nil {
            remark("(retransmission)")
        }
        if let late = row.verdict.late {
            switch late {
            case .reordered: remark("(reordered)")
            case .reorderedInCapture: remark("(late in capture)")
            case .lostBeforeCapture: remark("(fills hole)")
            }
        }
        if row.kind == .segment && row.notes.isEmpty && row.answerDelay >= Self.delayedAck
            && row.answerDelay < Span.second
        {
            remark("(delayed ACK)")
        }
        if row.answersProbe { remark("(answer)") }
        let notes: [(SegmentNotes, StaticString)] = [
            (.keepAlive, "(keep-alive)"), (.windowProbe, "(window probe)"), (.zeroWindow, "(window 0)"),
            (.windowUpdate, "(window update)"), (.duplicateAck, "(duplicate ACK)"), (.hole, "(hole before)"),
            (.badChecksum, "(bad checksum)"), (.incomplete, "(fragments missing)"),
        ]
        for (note, name) in notes where row.notes.contains(note) { remark(name) }
        if row.notes.contains(.fillsHole) && row.verdict.late == nil { remark("(fills hole)") }
        let anomalies: [(Anomalies, StaticString)] = [
            (.meaninglessFlags, "(meaningless flags)"), (.synInsideConnection, "(SYN inside connection)"),
            (.initialSequenceChanged, "(other ISN)"), (.unacceptableAck, "(unacceptable ACK)"),
            (.acknowledgedUnseen, "(acks unseen data)"), (.blindAck, "(blind ACK, ignored)"),
            (.resetNotExact, "(not exact: challenged)"), (.resetIgnored, "(ignored)"),
            (.finBeforeOpen, "(FIN before open)"), (.finMoved, "(another FIN)"),
            (.sentAfterClose, "(after own close)"), (.beyondWindow, "(beyond window)"), (.ackMissing, "(no ACK)"),
            (.resetAnswersBadAck, "(answers a bad ACK)"), (.resetUnheeded, "(RST not heeded)"),
            (.oldTimestamp, "(old timestamp: dropped)"), (.staleSegment, "(of an older connection)"),
        ]
        var left = row.anomalies
        // That it is inside a connection says already that it is another one.
        if left.contains(.synInsideConnection) { left.remove(.initialSequenceChanged) }
        for (anomaly, name) in anomalies where left.contains(anomaly) { remark(name) }
        return parts
    }
}

extension LaneText {
    /// `retransmit (RTO, 2nd)`: the kind stays when there is no room for both.
    private func retransmissionParts(_ record: RetransmissionRecord) -> [Part] {
        let kind: StaticString =
            switch record.kind {
            case .opening, .other: "(retransmission)"
            case .fast: "(fast)"
            case .timeout: "(RTO)"
            case .timeoutRecovery: "(after RTO)"
            case .tailLossProbe: "(loss probe)"
            case .acknowledged: "(spurious)"
            }
        if record.kind == .opening || record.kind == .other {
            return [part(90, spacing: "  ") { $0.append(kind) }]
        }
        return [
            part(26, spacing: "  ") { $0.append("retransmit") },
            part(90) {
                guard record.timeouts > 1 else { return $0.append(kind) }
                $0.append("(RTO, ")
                $0.append(number: record.timeouts)
                $0.append(Self.ordinal(record.timeouts))
                $0.append(")")
            },
        ]
    }

    private static func ordinal(_ number: UInt8) -> StaticString {
        if 11...13 ~= number % 100 { return "th" }
        return switch number % 10 {
        case 1: "st"
        case 2: "nd"
        case 3: "rd"
        default: "th"
        }
    }
}

extension TCPFlags {
    /// Only ACK (and PSH, and ECN's bits).
    var isBareAck: Bool { has(.ack) && !hasAny([.syn, .fin, .rst, .urg]) }
}

extension OutputBuffer {
    /// Appends the flags that matter for states, in the order people say them: `SYN,ACK`, `FIN,ACK`, `RST`, `none`.
    mutating func append(flags: TCPFlags) {
        let names: [(TCPFlags, StaticString)] = [
            (.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.urg, "URG"), (.ack, "ACK"),
        ]
        var isFirst = true
        for (flag, name) in names where flags.has(flag) {
            if !isFirst { append(",") }
            append(name)
            isFirst = false
        }
        if isFirst { append("none") }
    }
}
