// Findings in human-readable form: `warning: close-wait-leak: sentence`, followed by the evidence with -v.

import TCPModel
import TCPTimeline

/// Writes one finding, wrapped to the page.
func writeFinding(
    _ finding: Finding, _ connection: Connection, _ style: TextStyle, layout: TimelineLayout, prefix: UInt64?,
    _ out: inout OutputBuffer
) {
    var margin = OutputBuffer()
    if let prefix {
        margin.append(number: prefix)
        margin.append("| ")
    }
    out.append(contentsOf: margin.bytes)
    if style.color { out.append(finding.severity.ink) }
    out.append(finding.severity.displayName)
    if style.color { out.append(Ink.off) }
    out.append(": ")
    var sentence = OutputBuffer()
    sentence.append(text: finding.code.rawValue)
    sentence.append(": ")
    sentence.append(messageOf: finding, connection)
    let head = margin.count + finding.severity.displayName.utf8CodeUnitCount + 2
    out.append(wrapped: sentence.bytes, from: head, to: layout.width, margin: margin.bytes)
    out.newline()
    guard style.detail.verbosity > 0 else { return }
    var evidence = OutputBuffer()
    evidence.append(evidenceOf: finding)
    guard evidence.count > 0 else { return }
    out.append(contentsOf: margin.bytes)
    out.append("    ")
    out.append(wrapped: evidence.bytes, from: margin.count + 4, to: layout.width, margin: margin.bytes)
    out.newline()
}

extension Finding {
    var severity: Severity { code.severity }
}

extension Severity {
    fileprivate var ink: StaticString {
        switch self {
        case .info: Ink.dim
        case .warning: Ink.waiting
        case .error: Ink.alarm
        }
    }
}

extension OutputBuffer {
    /// Appends the finding's sentence in printable form. A finding made before the connection's last segment says when,
    /// as in `found at 2.03s: 2 SYNs got no answer`, because later events and the closing line above may say otherwise.
    mutating func append(messageOf finding: Finding, _ connection: Connection) {
        if finding.time < connection.lastTime {
            append("found at ")
            append(span: finding.time.since(connection.firstTime))
            append(": ")
        }
        appendPrintable(finding.message)
    }

    /// Appends the evidence, as in `frames 3, 7; waited 1.02s; rx_queue 12`.
    mutating func append(evidenceOf finding: Finding) {
        if !finding.frames.isEmpty {
            append(finding.frames.count == 1 ? "frame " : "frames ")
            for (index, frame) in finding.frames.enumerated() {
                if index > 0 { append(", ") }
                append(number: frame)
            }
        }
        for fact in finding.evidence {
            if count > 0 { append("; ") }
            append(fact.name)
            append(" ")
            switch fact.value {
            case .number(let number): append(number: number)
            case .span(let span): append(span: span)
            case .text(let text): appendPrintable(text)
            }
        }
    }

    /// Appends printable text, wrapped at spaces to `width` columns. The first line begins at `column`; further lines
    /// begin with `margin` and are indented.
    mutating func append(
        wrapped text: ArraySlice<UInt8>, from column: Int, to width: Int, margin: ArraySlice<UInt8>
    ) {
        var column = column
        var isFirst = true
        for word in text.split(separator: 0x20) {
            let columns = TextColumns.count(word)
            if !isFirst && column + 1 + columns > width {
                newline()
                append(contentsOf: margin)
                append("    ")
                column = margin.count + 4
            } else if !isFirst {
                append(byte: 0x20)
                column += 1
            }
            append(contentsOf: word)
            column += columns
            isFirst = false
        }
    }
}
