// The row of an ICMP error in the text timeline: its meaning, its sender, and the segment it quotes.

import TCPModel
import TCPTimeline

/// The parts of the sentence, none of which should be broken: `ICMP port unreachable`, `from 10.0.0.1,`, `quoting seq
/// 0`.
func icmpWords(_ event: ICMPEvent, _ writer: TimelineWriter) -> [ArraySlice<UInt8>] {
    var parts = [
        writer.text {
            $0.append("ICMP ")
            $0.append(event.error.kind.displayName)
            if event.error.kind == .other {
                $0.append(" ")
                $0.append(number: event.error.type)
                $0.append("/")
                $0.append(number: event.error.code)
            }
            if event.error.nextHopMTU > 0 {
                $0.append(", MTU ")
                $0.append(number: event.error.nextHopMTU)
            }
        },
        writer.text {
            $0.append("from ")
            $0.append(text: event.error.sender.description)
            $0.append(",")
        },
        writer.text {
            $0.append("quoting seq ")
            let raw = writer.style.detail.rawSequence
            $0.append(number: raw ? event.error.sequence.rawValue : event.relativeSequence)
        },
    ]
    if event.effect == .ignored { parts.append(writer.text { $0.append("(ignored)") }) }
    return parts
}

/// The sentence in rows of at most `room` columns, with its parts unbroken if possible.
func icmpRows(_ event: ICMPEvent, _ writer: TimelineWriter, room: Int) -> [ArraySlice<UInt8>] {
    var rows: [ArraySlice<UInt8>] = []
    for whole in icmpWords(event, writer) {
        var part = whole
        // A long address on a narrow page.
        while part.count > room {
            rows.append(part.prefix(room))
            part.removeFirst(room)
        }
        if let last = rows.last, last.count + 1 + part.count <= room {
            rows[rows.count - 1] = last + [0x20] + part
        } else {
            rows.append(part)
        }
    }
    return rows
}

extension TimelineWriter {
    /// Writes the sentence in as many rows as it needs; the time and the states are in the first one.
    func writeICMP(
        _ event: ICMPEvent, time: ArraySlice<UInt8>, left: StateWords, right: StateWords, prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        // On a narrow page the states come after the words.
        let beside = 3 + 2 + 3 + max(1, left.count) + max(1, right.count)
        let room = max(16, layout.form == .line ? layout.width - beside : layout(beside: prefix).lane)
        let rows = icmpRows(event, self, room: room)
        for (index, row) in rows.enumerated() {
            let isFirst = index == 0
            writeNote(
                row, time: isFirst ? time : [], left: isFirst ? left : .none, right: isFirst ? right : .none,
                prefix: prefix,
                &out)
        }
    }
}
