// The page of ladders and Mermaid's diagrams: well-formed whatever the names are, with the same rows and states as the
// text.

import Exchanges
import Foundation
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// The elements of a page, in order.
private final class Page: NSObject, XMLParserDelegate {
    struct Element {
        var name: String
        var kinds: [String]
        var attributes: [String: String]
        /// Its own text and that of its descendants.
        var text = ""
    }

    private(set) var elements: [Element] = []
    private(set) var fault: String?
    private var open: [Int] = []

    init(_ text: String) {
        super.init()
        let parser = XMLParser(data: Data(text.utf8))
        parser.delegate = self
        if !parser.parse() { fault = "line \(parser.lineNumber): \(String(describing: parser.parserError))" }
    }

    func all(_ name: String, _ kind: String = "") -> [Element] {
        elements.filter { $0.name == name && (kind.isEmpty || $0.kinds.contains(kind)) }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        open.append(elements.count)
        let kinds = (attributes["class"] ?? "").split(separator: " ").map(String.init)
        elements.append(Element(name: name, kinds: kinds, attributes: attributes))
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        for index in open { elements[index].text += text }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        open.removeLast()
    }
}

private func page(
    _ exchange: String, interface: String = "lo", scene: KernelScene? = nil, verbosity: Int = 0
) -> String {
    var style = TextStyle()
    style.detail.verbosity = verbosity
    return Render().run(exchange, HTMLReport(style: style), interface: interface, scene: scene)
}

@Suite struct HTMLReportTests {
    @Test func theSampleHasTheRowsAndStatesOfTheText() throws {
        let scene = KernelScene(client: .timeWait, server: nil)
        let drawn = Page(page(sample, scene: scene))
        #expect(drawn.fault == nil)
        let text = ladder(sample, scene: scene)
        // `  4+5  0.000334   +299us                |== 12 bytes ...`
        let rows = text.filter { $0.contains(/^ *\d+\+?\d* +\d+\.\d+ .*\|/) }
        #expect(drawn.all("g", "row").count == rows.count && rows.count > 5)
        let words = text.dropFirst(3).flatMap { line in
            line.matches(of: /[A-Z]+_?[A-Z]*_?[12]?\*?(?= \||$)/).map { String($0.output) }
        }
        #expect(drawn.all("text", "state").map(\.text).sorted() == words.filter { $0.count > 4 }.sorted(), "\(words)")
        let numbers = drawn.all("text", "end").map(\.text).filter { $0.contains(/^\d+\+?$/) }
        #expect(numbers == ["1", "2", "3", "4+", "6+", "8", "9", "10+", "12", "13"])
        let title = try #require(drawn.all("title").first { $0.text.hasPrefix("frame 2:") })
        #expect(title.text.contains("client: SYN_SENT to ESTABLISHED (inferred, 3.10.7.3-syn-ack)"))
    }

    /// The browser breaks these lines at its window's edge, and nothing else breaks them.
    @Test func eachSentenceIsALine() throws {
        var style = TextStyle()
        style.width = 100_000
        style.detail.verbosity = 1
        let scene = KernelScene(client: .timeWait, server: nil)
        let lines = lines(Render().run(sample, TextTimelineReport(style: style, order: .blocks), scene: scene))
        let closing = try #require(lines.firstIndex { $0.hasPrefix("closed (SF)") })
        let drawn = Page(page(sample, scene: scene)).all("span", "sentence").map(\.text)
        // The outcome, and the process at each end.
        #expect(drawn.count == 3 && drawn == Array(lines[closing..<closing + drawn.count]), "\(drawn) \(lines)")
    }

    /// Each lifeline is one line without gaps, with a piece for each state beside it.
    @Test func lifelinesHaveNoGaps() throws {
        let lives = Page(page(sample)).all("path", "life").compactMap { life in
            (life.attributes["d"] ?? "").firstMatch(of: /^M(\d+) (\d+)V(\d+)$/).flatMap { match in
                Int(match.1).flatMap { x in
                    Int(match.2).flatMap { from in Int(match.3).map { (x, from, $0, life.kinds) } }
                }
            }
        }
        let places = Set(lives.map(\.0)).sorted()
        #expect(places.count == 2)
        for x in places {
            let pieces = lives.filter { $0.0 == x }
            #expect(pieces.count == 7)
            for (one, next) in zip(pieces, pieces.dropFirst()) { #expect(one.2 == next.1) }
        }
        let kinds = lives.filter { $0.0 == places.first }.compactMap(\.3.last)
        #expect(kinds == ["closed", "closed", "opening", "established", "closing", "closing", "time-wait"])
    }

    /// The columns of numbers and times are as wide as their content: a character takes 7.2 units.
    @Test(arguments: [false, true])
    func wideNumbersDoNotTouch(_ nanoseconds: Bool) throws {
        var style = TextStyle()
        style.nanoseconds = nanoseconds
        let drawn = Page(
            Render().run(handshake + "\n12345 > P. 1:11 ack 1\n< . 1:1 ack 11\n", HTMLReport(style: style)))
        let ends = drawn.all("text", "end").filter { $0.kinds.contains("dim") && $0.text.contains(/^[0-9+.]/) }
        let places = ends.compactMap { item in
            item.attributes["x"].flatMap(Double.init).map { (Double(item.text.count) * 7.2, $0) }
        }
        for (width, x) in places { #expect(x - width >= 0) }
        let edges = Set(places.map(\.1)).sorted()
        #expect(edges.count == 3)
        for (edge, next) in zip(edges, edges.dropFirst()) {
            let widest = places.filter { $0.1 == next }.map(\.0).max() ?? 0
            #expect(next - widest > edge + 7)
        }
    }

    @Test func aResetEndsInACross() {
        let drawn = Page(page("0 > S 0:0\n0.1 < R. 0:0 ack 1\n"))
        #expect(drawn.all("g", "reset").count == 1)
        // The RST's arrow has no head.
        #expect(drawn.all("path", "head").count == 1)
    }

    @Test(arguments: hostileNames + ["<script>alert(1)</script>", "a&b\"c'd>", "]]>", "&lt;"])
    func namesAreText(_ name: String) throws {
        let scene = KernelScene(
            client: .established, server: .established, clientProcess: name, serverProcess: name)
        let text = page(handshake, interface: name, scene: scene)
        #expect(text.unicodeScalars.allSatisfy(isHarmless), "\(text.debugDescription)")
        let drawn = Page(text)
        #expect(drawn.fault == nil)
        let elements: Set = [
            "html", "head", "meta", "title", "style", "body", "h1", "p", "div", "span", "details", "summary", "svg",
            "text", "path", "g", "pre", "ul", "li", "b", "small",
        ]
        #expect(drawn.elements.allSatisfy { elements.contains($0.name) })
        var shown = OutputBuffer()
        shown.appendPrintable(name)
        let heading = try #require(drawn.all("h1").first)
        #expect(heading.text == String(decoding: shown.bytes, as: UTF8.self))
    }

    @Test func nothingIsAPageToo() {
        let drawn = Page(page(""))
        #expect(drawn.fault == nil && drawn.all("details").isEmpty)
        #expect(drawn.all("p").last?.text.hasPrefix("0 connections of 0 packets") == true)
    }

    @Test func ofManyRowsTheMiddleIsLeftOut() throws {
        var exchange = handshake + "\n"
        for number in 0..<600 { exchange += "+0.001 > . \(1 + number * 10):\(11 + number * 10) ack 1\n" }
        let drawn = Page(page(exchange, verbosity: 1))
        let rows = drawn.all("g", "row").count
        #expect(rows <= 400)
        #expect(
            drawn.all("text", "remark").contains {
                $0.text == "... \(603 - rows) rows, \(603 - rows) segments left out ..."
            })
    }
}

@Suite struct MermaidReportTests {
    /// Whether Mermaid knows a diagram's line, and its text contains no markup.
    private static func isKnown(_ line: Substring) -> Bool {
        guard line.hasPrefix("    ") else { return false }
        let rest: Substring
        if let match = line.firstMatch(of: /^    (C->>S|S->>C|C-->>S|S-->>C|C-xS|S-xC):/) {
            rest = line[match.range.upperBound...]
        } else if let match = line.firstMatch(of: /^    Note (over C,S|left of C|right of S):/) {
            rest = line[match.range.upperBound...]
        } else if let match = line.firstMatch(of: /^    participant [CS] as (client|server)<br\/>/) {
            rest = line[match.range.upperBound...]
        } else {
            return false
        }
        let text = rest.replacing("<br/>", with: "").replacing(/#(\d+|lt|gt|quot);/, with: "")
        return !text.contains { "#;<>\"`".contains($0) }
    }

    private func diagram(_ text: String) -> [Substring] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(of: "```mermaid"), let end = lines[(start + 1)...].firstIndex(of: "```"),
            lines[start + 1] == "sequenceDiagram"
        else { return [] }
        return Array(lines[(start + 2)..<end])
    }

    @Test func theSample() {
        let text = Render().run(sample, MermaidReport(style: TextStyle()))
        let lines = diagram(text)
        #expect(lines.allSatisfy(Self.isKnown), "\(text)")
        let states = lines.compactMap { $0.firstMatch(of: /Note (left|right) of [CS]: (.*)/).map { "\($0.1) \($0.2)" } }
        #expect(
            states == [
                "left CLOSED", "right LISTEN", "left SYN_SENT", "right SYN_RECEIVED", "left ESTABLISHED",
                "right ESTABLISHED", "left FIN_WAIT_1", "right CLOSE_WAIT", "left FIN_WAIT_2", "left TIME_WAIT",
                "right LAST_ACK", "right CLOSED",
            ])
        #expect(lines.count { $0.contains("->>") } == 10)
    }

    @Test(arguments: hostileNames + ["x;y", "a#35;b", "end", "%% comment", "<br/>", "```"])
    func namesAreText(_ name: String) {
        let scene = KernelScene(
            client: .established, server: .established, clientProcess: name, serverProcess: name)
        let text = Render().run(handshake, MermaidReport(style: TextStyle()), interface: name, scene: scene)
        #expect(text.unicodeScalars.allSatisfy(isHarmless), "\(text.debugDescription)")
        let lines = diagram(text)
        #expect(!lines.isEmpty && lines.allSatisfy(Self.isKnown), "\(text)")
    }
}
