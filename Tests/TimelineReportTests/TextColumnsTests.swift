// Names in the ladder that are not ASCII: measured in terminal columns, and never cut inside a character.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

@Suite struct TextColumnsTests {
    private static let names = [
        "größe-東京", "サーバー", "한국어", "e\u{301}a\u{308}o\u{302}", "наблюдатель", "\u{1F600}\u{1F680}",
        "\u{1F1E9}\u{1F1EA}",
        String(repeating: "\u{fffd}", count: 15), String(repeating: "語", count: 60), "plain",
    ]

    @Test(arguments: [
        ("", 0), ("lab-server[7]", 13), ("größe", 5), ("東京", 4), ("ﾊﾝｶｸ", 4), ("ｗｉｄｅ", 8), ("e\u{301}", 1),
        ("\u{fffd}", 1),
        ("\u{1F600}", 2), ("\u{1F1E9}\u{1F1EA}", 2), ("한국", 4), ("наб", 3),
    ])
    func theyAreCountedAsTerminalsDo(_ text: String, _ columns: Int) {
        #expect(TextColumns.count(Array(text.utf8)[...]) == columns)
    }

    @Test(arguments: names, [1, 2, 3, 7, 20, 44, 60])
    func noCharacterIsCut(_ name: String, _ room: Int) {
        let words = "kernel: tcp_send_reset TCP_ABORT_ON_CLOSE by \(name)[31507] \(name)"
        let pieces = TimelineWriter.wrap(Array(words.utf8)[...], room)
        let texts = pieces.map { String(validating: $0, as: UTF8.self) }
        #expect(texts.allSatisfy { $0 != nil })
        #expect(pieces.allSatisfy { TextColumns.count($0) <= max(room, 2) })
        // Nothing is lost except the spaces at the breaks.
        func solid(_ text: String) -> String { String(text.filter { $0 != " " }) }
        #expect(solid(texts.compactMap { $0 }.joined()).unicodeScalars.elementsEqual(solid(words).unicodeScalars))
    }

    /// The column of each bar in a line, with each character as wide as terminals draw it.
    private func bars(_ line: String) -> [Int] {
        var (column, found): (Int, [Int]) = (0, [])
        for scalar in line.unicodeScalars {
            if scalar == "|" { found.append(column) }
            column += scalar.columns
        }
        return found
    }

    @Test(arguments: names, [100, 81, 80])
    func theLaneStaysStraight(_ name: String, _ width: Int) throws {
        var style = TextStyle()
        style.width = width
        var out = OutputBuffer()
        let writer = TimelineWriter(style: style)
        writer.writeNote([], prefix: nil, &out)
        writer.writeNote(
            Array("kernel: tcp_send_reset TCP_ABORT_ON_CLOSE by \(name)[31507]".utf8)[...], prefix: nil, &out)
        let rows = try #require(String(validating: out.bytes, as: UTF8.self)).split(separator: "\n").map(String.init)
        #expect(rows.count > 1 && Set(rows.map(bars)).count == 1, "\(rows.joined(separator: "\n"))")
    }

    @Test(arguments: names)
    func processesOverTheLaneEndAtItsBar(_ name: String) throws {
        let scene = KernelScene(client: .established, server: .established, clientProcess: name, serverProcess: name)
        let rows = ladder(handshake, scene: scene)
        let heading = try #require(rows.first { $0.contains(name + "[7410]") })
        let bar = try #require(rows.map(bars).first { $0.count == 2 })
        // Both names fit in the lane, or the server's follows the client's at once.
        let columns = TextColumns.count(Array(heading.utf8)[...])
        #expect(TextColumns.count(Array(name.utf8)[...]) > 20 || columns == bar[1], "\(heading)")
    }

    @Test(arguments: names, [30, 60, 100])
    func linesAreFoldedByColumns(_ name: String, _ width: Int) throws {
        var out = OutputBuffer()
        out.append(text: "1| client process \(name), uid 1000, fd 3, \(name), unit ssh.service")
        out.fold(from: 0, to: width, margin: 3)
        let rows = try #require(String(validating: out.bytes, as: UTF8.self)).split(separator: "\n")
        let longest = TextColumns.count(Array("1| client process \(name),".utf8)[...])
        #expect(rows.allSatisfy { TextColumns.count(Array($0.utf8)[...]) <= max(width, longest) })
        // No line ends earlier than it must.
        for (row, next) in zip(rows, rows.dropFirst()) {
            let item = next.dropFirst(5).prefix { $0 != "," } + ","
            #expect(TextColumns.count(Array("\(row) \(item)".utf8)[...]) > width, "\(row)")
        }
    }
}
