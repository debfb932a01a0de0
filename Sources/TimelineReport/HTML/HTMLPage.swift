// `-T html`: a single self-contained page that loads nothing and runs no scripts. Each connection is a table line that
// expands to its ladder.

import TCPTimeline

import TCPModel

/// `-T html`.
public typealias HTMLReport = DrawnReport<HTMLPage>

/// Writes the HTML page.
public struct HTMLPage: LadderDrawing {
    /// Connections up to this number are initially expanded.
    private static let open = 8
    /// The line width, in columns, for sentences under a ladder: each is a single line, which the browser wraps to its
    /// window.
    private static let columns = 100_000

    private let writer: TimelineWriter

    /// Takes detail, timestamps and raw numbers from the style; colours and columns are the page's own.
    public init(style: TextStyle) {
        var style = style
        style.width = Self.columns
        style.ascii = true
        style.color = false
        style.time = .sinceStart
        writer = TimelineWriter(style: style)
    }

    // MARK: The document

    /// Writes the page's head and the table's titles.
    public func begin(_ capture: CaptureDescription, _ out: inout OutputBuffer) {
        out.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n")
        // No scripts, and no external resources.
        out.append(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
        )
        out.append("<meta name=\"viewport\" content=\"width=device-width\"/>\n<title>")
        out.append(escaped: { Self.appendSource(capture, &$0) })
        out.append(" - tcptrace</title>\n<style>\n")
        out.append(PageStyle.sheet)
        out.append("</style>\n</head>\n<body>\n<h1>")
        out.append(escaped: { Self.appendSource(capture, &$0) })
        out.append("</h1>\n<p class=\"source\">")
        out.append(escaped: {
            $0.append("filter ")
            $0.appendPrintable(capture.filter)
            $0.append(", ")
            $0.append(text: capture.tool)
        })
        out.append("</p>\n<p class=\"legend\">")
        for entry in PageStyle.legend { out.append(element: "span", entry.kind) { $0.append(entry.words) } }
        out.append("</p>\n<div class=\"line titles\">")
        for title in Self.titles { out.append(element: "span", title.kind) { $0.append(title.words) } }
        out.append("</div>\n")
    }

    private static func appendSource(_ capture: CaptureDescription, _ out: inout OutputBuffer) {
        if let file = capture.file { return file == "-" ? out.append("standard input") : out.appendPrintable(file) }
        for (index, interface) in capture.interfaces.enumerated() {
            if index > 0 { out.append(", ") }
            out.appendPrintable(interface.name)
        }
    }

    private static let titles: [(kind: StaticString, words: StaticString)] = [
        ("number", "#"), ("ends", "client > server"), ("outcome", "outcome"), ("time", "handshake"),
        ("time", "lasted"), ("octets", "B >"), ("octets", "B <"), ("codes", "findings"),
    ]

    /// Notes that frames were lost.
    public func gap(_ count: UInt64, _ out: inout OutputBuffer) {
        out.append("<p class=\"gap\">")
        out.append(lostFrames: count)
        out.append("</p>\n")
    }

    /// Writes the counts and closes the page.
    public func end(_ counts: CaptureCounts, drawn: UInt64, late: UInt64, _ out: inout OutputBuffer) {
        out.append("<p class=\"source\">")
        out.append(number: drawn)
        out.append(drawn == 1 ? " connection of " : " connections of ")
        out.append(number: counts.captured)
        out.append(counts.captured == 1 ? " packet" : " packets")
        if counts.dropped > 0 {
            out.append(", ")
            out.append(number: counts.dropped)
            out.append(" lost by the capture")
        }
        if late > 0 {
            out.append(". ")
            out.append(undrawnSegments: late)
        }
        out.append(
            ". * = confirmed by the kernel. Rest the pointer on a row to read all of it.</p>\n</body>\n</html>\n")
    }

    // MARK: A connection

    /// Writes a connection's line and the contents that it expands to.
    public func draw(_ block: LadderBlock, _ out: inout OutputBuffer) {
        let connection = block.connection
        out.append("<details id=\"c")
        out.append(number: connection.number)
        out.append(connection.number <= Self.open ? "\" open=\"open\">" : "\">")
        writeLine(block, &out)
        out.append("<div class=\"body\">\n<p class=\"source\">")
        out.append(escaped: {
            if let names = writer.style.names(of: connection.tuple) {
                $0.append(connection.tuple.source, named: names.client)
                $0.append(" > ")
                $0.append(connection.tuple.destination, named: names.server)
                $0.append(", ")
            }
            if !block.interface.isEmpty {
                $0.appendPrintable(block.interface)
                $0.append(", ")
            }
            if connection.tunnel != .none {
                $0.append("in ")
                $0.append(connection.tunnel.name)
                $0.append(", ")
            }
            $0.append(date: connection.firstTime, nanoseconds: writer.style.nanoseconds)
            $0.append(", ")
            $0.append(communityIDOf: connection.tuple)
        })
        out.append("</p>\n")
        var picture = LadderPicture(block, writer)
        picture.write(&out)
        out.append("<pre class=\"closing\">")
        for line in writer.text({ writeSentences(block, &$0) }).split(separator: 0x0a) {
            out.append(element: "span", "sentence") { $0.append(contentsOf: line) }
        }
        out.append("</pre>\n")
        writeFindings(block, &out)
        out.append("</div></details>\n")
    }

    private func writeLine(_ block: LadderBlock, _ out: inout OutputBuffer) {
        let connection = block.connection
        out.append("<summary class=\"line\">")
        out.append(element: "span", "number") { $0.append(number: connection.number) }
        out.append(element: "span", "ends") {
            $0.append(connection.tuple.source)
            $0.append(" > ")
            $0.append(connection.tuple.destination)
            if connection.facts.contains(.rolesGuessed) { $0.append(" ?") }
        }
        out.append(element: "span", connection.hasFailed ? "outcome trouble" : "outcome") {
            $0.append(connection.outcome.displayName)
            $0.append(" ")
            $0.append(connection.zeekConnectionState)
        }
        out.append(element: "span", "time") {
            if connection.handshakeTime >= 0 { $0.append(span: connection.handshakeTime) } else { $0.append("-") }
        }
        out.append(element: "span", "time") { $0.append(span: connection.duration) }
        for side in 0..<2 {
            out.append(element: "span", "octets") { $0.append(number: connection.counters[side].uniqueBytes) }
        }
        out.append("<span class=\"codes\">")
        for finding in block.findings {
            out.append(element: "span", Self.kind(finding.severity)) { $0.append(text: finding.code.rawValue) }
        }
        out.append("</span></summary>\n")
    }

    private func writeSentences(_ block: LadderBlock, _ out: inout OutputBuffer) {
        writeClosing(
            block.connection, block.kernel, copies: block.copies, showsAnswers: block.showsAnswers, block.statistics,
            layout: writer.layout, prefix: nil, &out)
        writeProcessLines(block.connection, block.kernel, layout: writer.layout, prefix: nil, &out)
        if let statistics = block.statistics {
            writeStatistics(statistics, block.connection, layout: writer.layout, prefix: nil, &out)
        }
    }

    private func writeFindings(_ block: LadderBlock, _ out: inout OutputBuffer) {
        guard !block.findings.isEmpty else { return }
        out.append("<ul class=\"findings\">\n")
        for finding in block.findings {
            out.append("<li>")
            out.append(element: "b", Self.kind(finding.severity)) {
                $0.append(finding.severity.displayName)
                $0.append(": ")
                $0.append(text: finding.code.rawValue)
            }
            out.append(" ")
            out.append(escaped: { $0.append(messageOf: finding, block.connection) })
            out.append(" ")
            out.append(element: "small", "evidence") { $0.append(evidenceOf: finding) }
            out.append("</li>\n")
        }
        out.append("</ul>\n")
    }

    private static func kind(_ severity: Severity) -> StaticString {
        switch severity {
        case .info: "note"
        case .warning: "warning"
        case .error: "error"
        }
    }
}
