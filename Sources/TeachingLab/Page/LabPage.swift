// How the tour looks: headings, socket tables and sentences, appended to one buffer and written to standard output.

import Glibc
import TimelineReport
import TraceSession

/// The page being written.
struct LabPage {
    /// Sentences are hard to read in longer lines.
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

    /// The heading of a scenario, and what will happen in it.
    mutating func heading(_ name: String, _ summary: String) {
        let room = min(width, Self.longestLine)
        let line = "=== \(name) "
        emphasized(line + String(repeating: "=", count: max(3, room - line.count)))
        paragraph(summary)
    }

    /// The title of a part.
    mutating func title(_ text: String) {
        buffer.newline()
        for line in Self.wrapped(text, to: min(width, Self.longestLine)) { emphasized(line) }
    }

    /// Sockets as `tcptrace sockets` lists them; `others` says what is left out.
    mutating func table(_ rows: [SocketRow], others: String?) {
        var part = OutputBuffer()
        if rows.isEmpty {
            part.append("(none)\n")
        } else {
            // Who holds a socket is what the tour is about: names are never cut.
            SocketTable(width: nil).append(rows, to: &part)
        }
        // On a page of 80 columns the table needs them all.
        let indent = width < 90 ? "" : "  "
        for line in part.bytes.split(separator: 0x0a) {
            buffer.append(text: indent)
            buffer.append(contentsOf: Array(line))
            buffer.newline()
        }
        if let others { paragraph(others, first: indent, next: indent) }
    }

    /// What the tracer printed.
    mutating func timeline(_ part: inout OutputBuffer) {
        buffer.append(contentsOf: part.bytes)
        part.clear()
    }

    /// The sentences about what was seen.
    mutating func notice(_ sentences: [String]) {
        title("What to notice")
        for sentence in sentences { paragraph(sentence, first: "  - ", next: "    ") }
        buffer.newline()
    }

    /// Text in lines that fit. What is in it is printable already.
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
