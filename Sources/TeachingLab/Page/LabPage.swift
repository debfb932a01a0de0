// The look of the tour: headings, socket tables and sentences, collected in a buffer and written to standard output.

import Glibc
import PacketSource
import TimelineReport
import TraceSession

/// The page being written.
struct LabPage {
    /// Longer lines make sentences hard to read.
    private static let longestLine = 100

    private let width: Int
    private let color: Bool
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    private var buffer = OutputBuffer()

    init(_ style: TextStyle) {
        width = style.width
        color = style.color
    }

    // MARK: Parts

    /// The heading of a scenario, and a summary of it.
    mutating func heading(_ name: String, _ summary: String) {
        let room = min(width, Self.longestLine)
        let line = "=== \(name) "
        emphasized(line + String(repeating: "=", count: max(3, room - line.count)))
        paragraph(summary)
    }

    /// The title of a part of the page.
    mutating func title(_ text: String) {
        buffer.newline()
        for line in Self.wrapped(text, to: min(width, Self.longestLine)) { emphasized(line) }
    }

    /// Sockets as listed by `tcptrace sockets`; `others` tells what is omitted.
    mutating func table(_ rows: [SocketRow], others: String?) {
        var part = OutputBuffer()
        if rows.isEmpty {
            part.append("(none)\n")
        } else {
            // The tour is about the holders of sockets, so their names are never cut.
            SocketTable(width: nil).append(rows, to: &part)
        }
        // On a page of 80 columns the table needs the full width.
        let indent = width < 90 ? "" : "  "
        for line in part.bytes.split(separator: 0x0a) {
            buffer.append(text: indent)
            buffer.append(contentsOf: Array(line))
            buffer.newline()
        }
        if let others { paragraph(others, first: indent, next: indent) }
    }

    /// The tracer's output.
    mutating func timeline(_ part: inout OutputBuffer) {
        buffer.append(contentsOf: part.bytes)
        part.clear()
    }

    /// The sentences on what was seen.
    mutating func notice(_ sentences: [String]) {
        title("What to notice")
        for sentence in sentences { paragraph(sentence, first: "  - ", next: "    ") }
        buffer.newline()
    }

    /// Text wrapped to the page. It must contain printable characters only.
    mutating func paragraph(_ text: String, first: String = "", next: String = "") {
        let room = max(20, min(width, Self.longestLine) - next.count)
        for (index, line) in Self.wrapped(text, to: room).enumerated() {
            buffer.append(text: index == 0 ? first : next)
            buffer.append(text: line)
            buffer.newline()
        }
    }

    private mutating func emphasized(_ line: String) {
        if color { buffer.append("\u{1b}[1m") }
        buffer.append(text: line)
        if color { buffer.append("\u{1b}[0m") }
        buffer.newline()
    }

    static func wrapped(_ text: String, to room: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty && line.count + 1 + word.count > room {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [line]
    }

    // MARK: Output

    /// Writes everything so far.
    mutating func write() throws(TourError) {
        do throws(ResultOutputError) {
            try output.write(&buffer)
        } catch {
            switch error {
            case .closedPipe: throw .closedPipe
            case .failed(let code):
                throw .failed("standard output: \(describeErrno(code)); is the disk full?")
            }
        }
    }
}
