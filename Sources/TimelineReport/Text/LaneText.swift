// The words on an arrow: flags, numbers, options, remarks; shortened in a fixed order until they fit.

import TCPMachine
import TCPModel
import TCPTimeline

/// The words on one row's arrow.
struct LaneText {
    /// The maximum width of the text in columns.
    let room: Int
    let detail: TimelineDetail
    /// The raw numbers that are added to relative ones with `-S`.
    let bases: (sender: UInt32, receiver: UInt32)
    /// Whether the window is left out, as it is below 100 columns.
    let isNarrow: Bool

    /// The words for rows that one side of this connection sent.
    init(room: Int, detail: TimelineDetail, of sender: Side, _ connection: Connection, isNarrow: Bool = false) {
        self.room = room
        self.detail = detail
        self.isNarrow = isNarrow
        bases = (
            connection.endpoint(sender).relativeBase.rawValue, connection.endpoint(sender.other).relativeBase.rawValue
        )
    }

    /// Puts as many words of a row into `words` as there is room for.
    func write(_ row: TimelineRow, _ words: inout LaneWords) {
        words.clear()
        if row.kind == .data { addData(row, &words) } else { addSegment(row, &words) }
        addRemarks(row, &words)
        words.fit(room)
    }

    private func addData(_ row: TimelineRow, _ words: inout LaneWords) {
        addText(row, weight: 100, &words)
        if row.ackDelay >= 0 {
            words.add(70) {
                $0.append("acked +")
                $0.append(span: row.ackDelay, isNarrow ? .compact : .measured)
            }
            if row.isAckDelayed { words.add(60) { $0.append("(delayed)") } }
        }
        if detail.unfolds { words.add(40) { appendAck(row, to: &$0) } }
        if detail.verbosity > 1 {
            addWindow(row, &words)
            addOptions(row, &words)
        }
        if row.flags.has(.urg) { words.add(55) { $0.append("URG") } }
        if detail.unfolds { addCongestion(row, &words) }
        if row.multipathSubtypes != 0 { addMultipath(row, isOpening: false, &words) }
    }

    /// The meaning of the ECN flags (RFC 3168 6.1): on a SYN, that ECN is offered or accepted; otherwise, that
    /// congestion was experienced or responded to.
    private func addCongestion(_ row: TimelineRow, _ words: inout LaneWords) {
        if row.flags.has(.syn) {
            if row.flags.has(.ack) ? row.flags.has(.ece) : row.flags.has([.ece, .cwr]) {
                words.add(43) { $0.append("ecn") }
            }
            return
        }
        if row.flags.has(.ece) { words.add(56) { $0.append("ECE") } }
        if row.flags.has(.cwr) { words.add(56) { $0.append("CWR") } }
    }

    private func addSegment(_ row: TimelineRow, _ words: inout LaneWords) {
        words.add(100) {
            guard row.frames > 1 else { return $0.append(flags: row.flags) }
            $0.append(number: row.frames)
            $0.append(" ACKs,")
        }
        let isProbe = !row.notes.isDisjoint(with: [.keepAlive, .windowProbe])
        if row.bringsText {
            addText(row, weight: 95, &words)
        } else if row.flags.hasAny(.synFinRst) || row.length > 0 || isProbe || detail.unfolds && !row.flags.isBareAck {
            words.add(80) {
                $0.append("seq ")
                $0.append(number: sequence(row.sequence))
                if row.length > 0 {
                    $0.append(":")
                    $0.append(number: sequence(row.sequence) &+ UInt32(truncatingIfNeeded: row.length))
                }
            }
        }
        if row.flags.has(.ack) { words.add(80) { appendAck(row, to: &$0) } }
        // The only news in a retransmitted SYN is its time.
        let isOpening = row.flags.has(.syn) && !row.flags.has(.ack) && row.attempt == 0
        if isOpening && !isNarrow || detail.verbosity > 1 || row.notes.contains(.windowUpdate) {
            addWindow(row, &words)
        }
        if isOpening || detail.verbosity > 1 { addOptions(row, &words) }
        if row.flags.has(.syn) && row.attempt == 0 || detail.unfolds { addCongestion(row, &words) }
        if row.multipathSubtypes != 0 { addMultipath(row, isOpening: isOpening, &words) }
    }

    /// Adds the amount of text and its range of numbers. A SYN takes the number before its first octet (RFC 9293 3.4).
    private func addText(_ row: TimelineRow, weight: Int, _ words: inout LaneWords) {
        let start = sequence(row.sequence) &+ (row.flags.has(.syn) ? 1 : 0)
        words.add(weight) {
            $0.append(number: row.length)
            $0.append(row.length == 1 ? " byte" : " bytes")
        }
        words.add(50) {
            $0.append(number: start)
            $0.append(":")
            $0.append(number: start &+ UInt32(truncatingIfNeeded: row.length))
            if row.kind == .data && row.ackDelay >= 0 { $0.append(",") }
        }
    }

    private func appendAck(_ row: TimelineRow, to buffer: inout OutputBuffer) {
        buffer.append("ack ")
        buffer.append(number: row.acknowledgment &+ (detail.rawSequence ? bases.receiver : 0))
    }

    private func sequence(_ relative: UInt32) -> UInt32 { relative &+ (detail.rawSequence ? bases.sender : 0) }

    private func addWindow(_ row: TimelineRow, _ words: inout LaneWords) {
        words.add(20) {
            $0.append("win ")
            $0.append(number: row.window)
        }
    }

    private static let namedOptions: [(kind: TCPOptions.Kinds, name: StaticString)] = [
        (.fastOpen, "fast-open"), (.md5Signature, "md5"), (.authentication, "tcp-ao"), (.accurateECN, "accecn"),
    ]

    private func addOptions(_ row: TimelineRow, _ words: inout LaneWords) {
        if row.options.contains(.maximumSegmentSize) {
            words.add(40) {
                $0.append("mss ")
                $0.append(number: row.maximumSegmentSize)
            }
        }
        if row.options.contains(.windowScale) {
            words.add(30) {
                $0.append("ws ")
                $0.append(number: row.windowScale)
            }
        }
        if detail.verbosity > 1 { addStampsAndBlocks(row, &words) }
        for option in Self.namedOptions where row.options.contains(option.kind) {
            words.add(45) { $0.append(option.name) }
        }
        if row.options.contains(.userTimeout) {
            words.add(35) {
                $0.append("uto ")
                $0.append(number: row.userTimeout)
                $0.append("s")
            }
        }
        if row.options.contains(.experiment) {
            words.add(35) {
                $0.append("exid 0x")
                $0.append(hex: UInt32(row.experimentIdentifier), digits: 4)
            }
        }
    }

    private func addStampsAndBlocks(_ row: TimelineRow, _ words: inout LaneWords) {
        if row.options.contains(.sackPermitted) { words.add(28) { $0.append("sack-ok") } }
        if row.sackCount > 0 {
            words.add(42) {
                $0.append("sack ")
                $0.append(number: row.sackBlock.left &+ (detail.rawSequence ? bases.receiver : 0))
                $0.append(":")
                $0.append(number: row.sackBlock.right &+ (detail.rawSequence ? bases.receiver : 0))
            }
            if row.sackCount > 1 {
                words.add(41) {
                    $0.append("and ")
                    $0.append(number: row.sackCount - 1)
                    $0.append(" more")
                }
            }
        }
        if row.options.contains(.timestamps) {
            words.add(15) {
                $0.append("ts ")
                $0.append(number: row.timestamps.value)
                $0.append(" ecr ")
                $0.append(number: row.timestamps.echo)
            }
        }
    }

    /// MPTCP options are shown where they open, join or end something; all subtypes are shown from `-v` on.
    private func addMultipath(_ row: TimelineRow, isOpening: Bool, _ words: inout LaneWords) {
        for subtype in MultipathSubtype.allCases where row.multipathSubtypes & 1 << UInt16(subtype.rawValue) != 0 {
            let isTelling = isOpening || subtype == .fastClose || subtype == .reset || subtype == .fail
            guard isTelling || detail.unfolds else { continue }
            // Omit a reason that says nothing next to an option that ends the whole connection.
            if subtype == .reset, row.multipathDetail == 0, !detail.unfolds,
                row.multipathSubtypes & 1 << UInt16(MultipathSubtype.fastClose.rawValue) != 0
            {
                continue
            }
            words.add(subtype == .reset || subtype == .fastClose ? 85 : 46) {
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

    // MARK: Remarks

    private static let namedNotes: [(note: SegmentNotes, name: StaticString)] = [
        (.keepAlive, "(keep-alive)"), (.windowProbe, "(window probe)"), (.zeroWindow, "(window 0)"),
        (.windowUpdate, "(window update)"), (.duplicateAck, "(duplicate ACK)"), (.hole, "(hole before)"),
        (.badChecksum, "(bad checksum)"), (.incomplete, "(fragments missing)"),
    ]

    private static let namedAnomalies: [(anomaly: Anomalies, name: StaticString)] = [
        (.meaninglessFlags, "(meaningless flags)"), (.synInsideConnection, "(SYN inside connection)"),
        (.initialSequenceChanged, "(other ISN)"), (.unacceptableAck, "(unacceptable ACK)"),
        (.acknowledgedUnseen, "(acks unseen data)"), (.blindAck, "(blind ACK, ignored)"),
        (.resetNotExact, "(not exact: challenged)"), (.resetIgnored, "(ignored)"),
        (.finBeforeOpen, "(FIN before open)"), (.finMoved, "(another FIN)"),
        (.sentAfterClose, "(after own close)"), (.beyondWindow, "(beyond window)"), (.ackMissing, "(no ACK)"),
        (.resetAnswersBadAck, "(answers a bad ACK)"), (.resetUnheeded, "(RST not heeded)"),
        (.oldTimestamp, "(old timestamp: dropped)"), (.staleSegment, "(of an older connection)"),
    ]

    private func addRemarks(_ row: TimelineRow, _ words: inout LaneWords) {
        if row.originalFrame > 0 {
            words.add(95, spacing: "  ") {
                $0.append("(copy of frame ")
                $0.append(number: row.originalFrame)
                $0.append(")")
            }
        }
        if row.attempt > 0 {
            words.add(90, spacing: "  ") {
                $0.append("retransmit ")
                $0.append(number: row.attempt)
            }
            // If nothing came in between, the delta column shows it too.
            if row.attemptDelay >= 0 {
                words.add(25) {
                    $0.append("(after ")
                    $0.append(span: row.attemptDelay, isNarrow ? .compact : .measured)
                    $0.append(")")
                }
            }
        } else if let record = row.verdict.retransmission {
            addRetransmission(record, &words)
        } else if row.notes.contains(.retransmission) && row.verdict.late == nil {
            words.add(remark: row.verdict.probesWindow ? "(window probe)" : "(retransmission)")
        }
        switch row.verdict.late {
        case .reordered: words.add(remark: "(reordered)")
        case .reorderedInCapture: words.add(remark: "(late in capture)")
        case .lostBeforeCapture: words.add(remark: "(fills hole)")
        case nil: break
        }
        if row.kind == .segment && row.notes.isEmpty && row.isAckDelayed {
            words.add(remark: "(delayed ACK)")
        }
        if row.answersProbe { words.add(remark: "(answer)") }
        if !row.notes.isEmpty { addNotes(row, &words) }
        if !row.anomalies.isEmpty { addAnomalies(row.anomalies, &words) }
    }

    private func addNotes(_ row: TimelineRow, _ words: inout LaneWords) {
        for remark in Self.namedNotes where row.notes.contains(remark.note) {
            // From -vv on, window and blocks matter more than their meaning.
            let isMeaning = remark.note == .duplicateAck || remark.note == .windowUpdate
            if isMeaning && detail.verbosity > 1 {
                words.add(18, spacing: "  ") { $0.append(remark.name) }
            } else {
                words.add(remark: remark.name)
            }
        }
        if row.notes.contains(.fillsHole) && row.verdict.late == nil {
            // Only the capture can place a SYN after the segments that follow it: its sender waits for the answer.
            words.add(remark: row.flags.has(.syn) ? "(late in capture)" : "(fills hole)")
        }
    }

    private func addAnomalies(_ anomalies: Anomalies, _ words: inout LaneWords) {
        var left = anomalies
        // A SYN inside a connection obviously has another ISN.
        if left.contains(.synInsideConnection) { left.remove(.initialSequenceChanged) }
        for remark in Self.namedAnomalies where left.contains(remark.anomaly) { words.add(remark: remark.name) }
    }

    /// Adds words such as `retransmit (RTO, 2nd)`: the kind stays if there is no room for both.
    private func addRetransmission(_ record: RetransmissionRecord, _ words: inout LaneWords) {
        let kind: StaticString =
            switch record.kind {
            case .opening, .other: "(retransmission)"
            case .fast: "(fast)"
            case .timeout: record.followsProbe ? "(RTO after probe)" : "(RTO)"
            case .timeoutRecovery: "(after RTO)"
            case .tailLossProbe: "(loss probe)"
            case .timeoutOrProbe: "(RTO or probe)"
            case .acknowledged: "(spurious)"
            case .pathMTU: "(path MTU)"
            case .fastOpen: "(not taken with SYN)"
            }
        if record.kind == .opening || record.kind == .other { return words.add(remark: kind) }
        words.add(26, spacing: "  ") { $0.append("retransmit") }
        words.add(90) {
            guard record.timeouts > 1 else { return $0.append(kind) }
            $0.append("(RTO, ")
            $0.append(number: record.timeouts)
            $0.append(Self.ordinal(record.timeouts))
            $0.append(")")
        }
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
    /// Whether there is only ACK (with or without PSH and ECN's bits).
    var isBareAck: Bool { has(.ack) && !hasAny([.syn, .fin, .rst, .urg]) }
}

extension OutputBuffer {
    /// Appends the flags that matter for states, in the usual order: `SYN,ACK`, `FIN,ACK`, `RST`, `none`.
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
