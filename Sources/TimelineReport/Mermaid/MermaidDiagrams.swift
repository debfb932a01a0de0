// `-T mermaid`: Markdown with one sequence diagram per connection, to be pasted where Mermaid is rendered (GitHub,
// GitLab, notebooks).

import TCPModel
import TCPTimeline

/// `-T mermaid`.
public typealias MermaidReport = DrawnReport<MermaidDiagrams>

/// Writes Mermaid diagrams.
public struct MermaidDiagrams: LadderDrawing {
    /// The number of characters on an arrow: the diagram becomes as wide as its longest arrow.
    private static let arrowRoom = 60

    private let writer: TimelineWriter

    /// Takes detail and raw numbers from the style.
    public init(style: TextStyle) {
        var style = style
        style.width = 100
        style.ascii = true
        style.color = false
        style.time = .sinceStart
        writer = TimelineWriter(style: style)
    }

    /// Nothing precedes the first diagram.
    public func begin(_ capture: CaptureDescription, _ out: inout OutputBuffer) {}

    /// Notes that frames were lost.
    public func gap(_ count: UInt64, _ out: inout OutputBuffer) {
        out.append("*")
        out.append(lostFrames: count)
        out.append(".*\n\n")
    }

    /// Notes the segments that are in no diagram.
    public func end(_ counts: CaptureCounts, drawn: UInt64, late: UInt64, _ out: inout OutputBuffer) {
        guard late > 0 else { return }
        out.append("*")
        out.append(undrawnSegments: late)
        out.append(".*\n")
    }

    /// Writes a connection: its title, diagram, closing line and findings.
    public func draw(_ block: LadderBlock, _ out: inout OutputBuffer) {
        let connection = block.connection
        out.append("## TCP ")
        out.append(number: connection.number)
        out.append(": ")
        out.append(markdown: {
            $0.append(connection.tuple.source)
            $0.append(" > ")
            $0.append(connection.tuple.destination)
        })
        out.append("\n\n```mermaid\nsequenceDiagram\n")
        let names = writer.style.names(of: connection.tuple)
        writeParticipant("C", "client", connection.tuple.source, names?.client, block.kernel?.originator, &out)
        writeParticipant("S", "server", connection.tuple.destination, names?.server, block.kernel?.responder, &out)
        for step in block.steps {
            switch step {
            case .phase(let phase): writeNote("over C,S", &out) { $0.append(titleOf: phase, connection) }
            case .before(let sides): write(sides, &out)
            case .row(let row, let sides):
                write(row, block, &out)
                write(sides, &out)
            case .note(let note, let sides):
                let words = noteWords(note, block.kernel, writer)
                writeNote("over C,S", &out) { $0.append(contentsOf: words) }
                write(sides, &out)
            }
        }
        out.append("```\n\n")
        out.append(markdown: {
            writeClosing(
                connection, block.kernel, copies: block.copies, showsAnswers: block.showsAnswers,
                block.statistics, layout: writer.layout, prefix: nil, &$0)
        })
        out.append("\n")
        for finding in block.findings {
            out.append("- **")
            out.append(finding.severity.displayName)
            out.append(": ")
            out.append(text: finding.code.rawValue)
            out.append("** ")
            out.append(markdown: { $0.append(messageOf: finding, block.connection) })
            out.append("\n")
        }
        if !block.findings.isEmpty { out.append("\n") }
    }

    private func writeParticipant(
        _ name: StaticString, _ role: StaticString, _ end: SocketAddress, _ known: EndName?,
        _ kernel: KernelSideView?, _ out: inout OutputBuffer
    ) {
        out.append("    participant ")
        out.append(name)
        out.append(" as ")
        out.append(role)
        out.append("<br/>")
        out.append(diagram: { $0.append(end) })
        if let known, known.host != nil {
            out.append("<br/>")
            out.append(diagram: { $0.append(end, named: known) })
        }
        if let kernel {
            let process = writer.text { $0.append(processOf: kernel) }
            if !process.isEmpty {
                out.append("<br/>")
                out.append(diagram: { $0.append(contentsOf: process) })
            }
        }
        out.newline()
    }

    private func write(_ row: TimelineRow, _ block: LadderBlock, _ out: inout OutputBuffer) {
        let goesRight = row.sender == .originator
        out.append(goesRight ? "    C" : "    S")
        // A cross at the end of a RST, a dotted line for a retransmission.
        let isAgain = row.attempt > 0 || row.verdict.retransmission != nil
        out.append(row.flags.has(.rst) ? "-x" : isAgain ? "-->>" : "->>")
        out.append(goesRight ? "S: " : "C: ")
        var words = LaneWords()
        LaneText(room: Self.arrowRoom, detail: writer.style.detail, of: row.sender, block.connection).write(row, &words)
        out.append(diagram: {
            $0.append(contentsOf: words.bytes)
            // A repeated SYN states its own waiting time.
            if row.delta >= 0 && row.attempt == 0 {
                $0.append(" +")
                $0.append(span: row.delta)
            }
        })
        out.newline()
    }

    private func write(_ sides: LadderSides, _ out: inout OutputBuffer) {
        if !sides.left.isEmpty { writeNote("left of C", &out) { $0.append(sides.left) } }
        if !sides.right.isEmpty { writeNote("right of S", &out) { $0.append(sides.right) } }
    }

    private func writeNote(_ place: StaticString, _ out: inout OutputBuffer, _ make: (inout OutputBuffer) -> Void) {
        out.append("    Note ")
        out.append(place)
        out.append(": ")
        out.append(diagram: make)
        out.newline()
    }
}

extension OutputBuffer {
    /// Appends the output of `make` as text of a diagram: characters that would end the text or act as markup become
    /// Mermaid entities.
    fileprivate mutating func append(diagram make: (inout OutputBuffer) -> Void) {
        replace(make) { byte in
            switch byte {
            case 0x23: "#35;"
            // Two of them begin a comment; with a brace, a directive.
            case 0x25: "#37;"
            case 0x3b: "#59;"
            case 0x3c: "#lt;"
            case 0x3e: "#gt;"
            case 0x22: "#quot;"
            case 0x60: "#96;"
            case 0x0a: " "
            default: nil
            }
        }
    }

    /// Appends the output of `make` as Markdown text without any markup.
    fileprivate mutating func append(markdown make: (inout OutputBuffer) -> Void) {
        replace(make) { byte in
            switch byte {
            case 0x26: "&amp;"
            case 0x3c: "&lt;"
            case 0x3e: "&gt;"
            case 0x2a: "&#42;"
            case 0x5b: "&#91;"
            case 0x5c: "&#92;"
            case 0x5f: "&#95;"
            case 0x60: "&#96;"
            case 0x7c: "&#124;"
            case 0x7e: "&#126;"
            default: nil
            }
        }
    }
}
