// Names of hosts and services: where they appear, how hostile ones are escaped, and that none can pass for a number.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

/// A name book with these names.
final class ListedNames: NameBook {
    let hosts: [IPAddress: String]
    let services: [UInt16: String]

    init(_ hosts: [IPAddress: String], services: [UInt16: String] = [:]) {
        self.hosts = hosts
        self.services = services
    }

    func prepare(_ tuple: FourTuple) {}
    func isPending(_ end: SocketAddress) -> Bool { false }
    func name(of end: SocketAddress) -> EndName {
        EndName(host: hosts[end.address], service: services[end.port])
    }
}

private let here = IPAddress(192, 0, 2, 7)
private let there = IPAddress(198, 51, 100, 80)

private func play(_ client: IPAddress = here, _ server: IPAddress = there) -> Play {
    let play = Play()
    play.client = SocketAddress(client, 35924)
    play.server = SocketAddress(server, 443)
    return play
}

/// The first lines of a ladder, without the heading and its date.
private func head(
    _ names: ListedNames, width: Int, scene: KernelScene? = nil, _ count: Int = 3, _ play: Play = play()
) -> [String] {
    var style = TextStyle()
    style.width = width
    style.names = names
    let text = Render(play).run(sample, TextTimelineReport(style: style, order: .blocks), scene: scene)
    return Array(lines(text).dropFirst().prefix(count))
}

private func table(_ names: ListedNames?, width: Int, _ play: Play = play()) -> [String] {
    lines(Render(play).run(sample, SummaryReport(width: width, names: names)))
}

private let both = ListedNames([here: "desk.example.org", there: "example.com"], services: [443: "https"])

@Suite struct NamesTests {
    @Test func bothNamesStandUnderTheAddresses() {
        let wide = """
              #      time    delta         client  192.0.2.7:35924            198.51.100.80:443  server
                                                   desk.example.org:35924     example.com:https
            --- handshake --------------------------------------------------------------------------------------
            """
        #expect(head(both, width: 100) == lines(wide))
        // The lane has no room for both names.
        let narrow = """
              #   delta        client  192.0.2.7:35924     198.51.100.80:443  server
                                       desk.example.org:35924
                                                           example.com:https
            --- handshake at 0.000000s -----------------------------------------------------
            """
        #expect(head(both, width: 80, 4) == lines(narrow))
        #expect(
            head(both, width: 60, 3)[1...] == ["  desk.example.org:35924 > example.com:https", "     CLOSED / LISTEN"])
        #expect(head(both, width: 30, 4)[2...] == ["  desk.example.org:35924 >", "  example.com:https"])
    }

    @Test func processesStandBelowThem() {
        let local = ListedNames([.loopbackV4: "localhost"], services: [443: "https"])
        let rows = head(
            local, width: 100, scene: KernelScene(client: .timeWait), 3, play(.loopbackV4, .loopbackV4))
        #expect(rows[0].hasSuffix("client  127.0.0.1:35924                127.0.0.1:443  server"))
        #expect(rows[1] == String(repeating: " ", count: 39) + "localhost:35924              localhost:https")
        #expect(rows[2].contains("lab-client[7511]") && rows[2].contains("lab-server[7410]"))
    }

    @Test func whatHasNoNameStaysANumber() {
        let one = ListedNames([here: "desk"])
        let rows = head(one, width: 100)
        #expect(
            rows[1] == String(repeating: " ", count: 39) + "desk:35924                 198.51.100.80:443", "\(rows)")
        // A service name alone does not justify a line.
        let none = ListedNames([:], services: [443: "https"])
        #expect(head(none, width: 100)[1].hasPrefix("--- handshake"))
        #expect(head(none, width: 60, 2)[1] == "     CLOSED / LISTEN")
        #expect(table(none, width: 100) == table(nil, width: 100))
    }

    @Test func anIPv6EndWithoutANameKeepsItsBrackets() {
        let v6 = IPAddress(high: 0x2001_0db8_0000_0000, low: 1)
        let rows = head(both, width: 100, 3, play(v6, there))
        #expect(rows[1].hasSuffix("[2001:db8::1]:35924        example.com:https"))
    }

    @Test(arguments: [100, 80, 60, 40, 20]) func longNamesStayOnThePage(_ width: Int) {
        let long = ListedNames(
            [
                here: String(repeating: "a", count: 300) + ".example.org",
                there: "b." + String(repeating: "c", count: 70),
            ], services: [443: "https"])
        let rows = head(long, width: width, 4)
        #expect(rows.allSatisfy { $0.utf8.count <= width } || width < 40, "\(rows)")
        let text = rows.joined(separator: "\n")
        #expect(text.contains("aaa~:35924") && text.contains("~:https") || width < 40, "\(rows)")
        for row in table(long, width: width) where width >= 40 {
            #expect(row.utf8.count <= max(width, 130), "\(row)")
        }
    }

    @Test func theTableHasNamesInThePlaceOfAddresses() {
        let wide = """
              # CLIENT                SERVER                OUTCOME          SETUP DURATION       >B       <B CLOSER PROCESS
              1 desk.example.o~:35924 example.com:https     closed SF         35us  300.7ms       12       20 client

            """
        #expect(table(both, width: 100) == lines(wide))
        let columns = "1 desk.example.org:35924           example.com:https                closed SF"
        #expect(table(both, width: 140)[1].contains(columns))
        #expect(table(both, width: 60)[0].contains("desk.example.o~:35924 > example.com:https"))
        // If only one end has a name, the other keeps its address.
        let one = table(ListedNames([there: "example.com"]), width: 80)
        #expect(one[1].contains("1 192.0.2.7:35924 example.com:443 closed SF"), "\(one)")
    }

    /// The first name that does not fit takes all the room for names; later ones find their columns, however long they
    /// are.
    @Test(arguments: [100, 140, 200]) func columnsStayWhereTheyAre(_ width: Int) {
        let names = ListedNames([
            here: "desk.example.org", there: "a", IPAddress(v4: 0xc000_0208): String(repeating: "b", count: 80),
        ])
        var report = SummaryReport(width: width, names: names)
        var timeline = Timeline(seed: 1)
        var out = OutputBuffer()
        for (index, host) in [here, IPAddress(v4: 0xc000_0208), here].enumerated() {
            let tuple = FourTuple(
                source: SocketAddress(host, UInt16(60_000 + index)), destination: SocketAddress(there, 443))
            let segment = Segment(tuple: tuple, sequence: SequenceNumber(1), flags: .syn, window: 1)
            _ = timeline.observe(segment, time: Timestamp(nanoseconds: 0), frame: UInt64(index + 1))
        }
        for id in timeline.remaining() { report.finish(id, timeline.connections, nil, &out) }
        let all = lines(String(decoding: out.bytes, as: UTF8.self)).filter { !$0.isEmpty }
        #expect(all.count == 4 && all[2].contains("bbb~:60001"), "\(all)")
        let servers = all.map { $0.firstRange(of: " SERVER") ?? $0.firstRange(of: " a:443") }
        #expect(
            Set(zip(all, servers).map { $0.distance(from: $0.startIndex, to: $1?.lowerBound ?? $0.endIndex) }).count
                == 1)
        let outcomes = all.map { $0.firstRange(of: " OUTCOME") ?? $0.firstRange(of: " no answer") }
        #expect(
            Set(zip(all, outcomes).map { $0.distance(from: $0.startIndex, to: $1?.lowerBound ?? $0.endIndex) }).count
                == 1)
    }

    /// Rows written by parts of a replay carry their widths as octets.
    @Test func rowsOfPartsAreTheSame() {
        let whole = SummaryReport(width: 140, names: both)
        let names = play().feed(sample)
        var (part, merged) = (whole.part(of: 8), whole)
        var (said, out) = (OutputBuffer(), OutputBuffer())
        for id in names.timeline.remaining() { part.finish(id, names.timeline.connections, &said) }
        merged.merge(said, 0..<said.count, number: 1, &out)
        #expect(lines(String(decoding: out.bytes, as: UTF8.self)) == table(both, width: 140))
    }

    @Test func drawingsHaveThemToo() {
        var style = TextStyle()
        style.names = both
        let page = Render(play()).run(sample, HTMLReport(style: style))
        #expect(page.contains("<p class=\"source\">desk.example.org:35924 &gt; example.com:https, lo, "))
        let diagram = Render(play()).run(sample, MermaidReport(style: style))
        #expect(diagram.contains("participant S as server<br/>198.51.100.80:443<br/>example.com:https\n"))
    }

    // MARK: What names may do

    @Test(arguments: hostileNames, [100, 80, 60]) func aNameActsOnNothing(_ name: String, _ width: Int) {
        let hostile = ListedNames([here: name, there: name], services: [443: name])
        let text = head(hostile, width: width, 4).joined(separator: "\n") + table(hostile, width: width).joined()
        #expect(text.utf8.allSatisfy { 0x20..<0x7f ~= $0 || $0 == 0x0a }, "\(text.debugDescription)")
        var style = TextStyle()
        style.names = hostile
        for drawing in [
            Render(play()).run(sample, HTMLReport(style: style)),
            Render(play()).run(sample, MermaidReport(style: style)),
        ] {
            #expect(drawing.unicodeScalars.allSatisfy(isHarmless))
        }
    }

    @Test func markupInANameIsText() {
        var style = TextStyle()
        style.names = ListedNames([there: "<b>x&y</b>;end"])
        let page = Render(play()).run(sample, HTMLReport(style: style))
        #expect(page.contains("&lt;b&gt;x&amp;y&lt;/b&gt;;end:443") && !page.contains("<b>x"))
        let diagram = Render(play()).run(sample, MermaidReport(style: style))
        // `;` ends a statement in Mermaid.
        #expect(!diagram.contains("<b>x") && diagram.contains("#59;end:443"), "\(diagram)")
    }

    @Test(arguments: [
        "10.0.0.1", "10.0.0.1.", "127.1", "2130706433", "0x7f000001", "0X7F.1", "a.0x", "::1", "fe80::1%lo", "[::1]",
        "10.0.0.1:443", "host:22", "example.com.8", "...", ".", "",
    ])
    func whatLooksLikeAnAddressIsNoName(_ name: String) {
        #expect(EndName(host: name, service: name) == EndName(host: nil, service: nil))
    }

    @Test(arguments: [
        "localhost", "cafe.de", "10.0.0.1.example", "xn--bcher-kva.example", "a", "0xyz", "3com", "host.",
    ])
    func whatDoesNotIsOne(_ name: String) {
        #expect(EndName(host: name, service: nil).host == name)
    }

    @Test func aNameIsAsciiWithoutSpaces() {
        #expect(EndName(host: "my host", service: nil).host == "my\\x20host")
        // A Cyrillic letter that looks like an ASCII one.
        #expect(EndName(host: "ex\u{430}mple.com", service: nil).host == "ex\\u{0430}mple.com")
        #expect(EndName(host: "a\\b\u{1b}[2J", service: nil).host == nil, "it has a bracket")
        #expect(EndName(host: "a\\b\u{1b}c", service: nil).host == "a\\\\b\\x1bc")
        #expect(EndName(host: String(repeating: "a", count: 5000), service: nil).host?.utf8.count == 255)
        #expect(EndName(host: nil, service: String(repeating: "a", count: 5000)).service?.utf8.count == 24)
    }

    @Test func whatACutLeavesIsNoAddress() {
        func cut(_ name: String, _ room: Int) -> String {
            var out = OutputBuffer()
            out.append(SocketAddress(there, 443), named: EndName(host: name, service: nil), room: room)
            return String(decoding: out.bytes, as: UTF8.self)
        }
        #expect(cut("10.0.0.1.evil.example", 21) == "10.0.0.1.evil.ex~:443")
        // What a cut leaves could pass for another address, so the number is shown.
        #expect(cut("10.200.300.123.evil.example", 19) == "198.51.100.80:443")
        #expect(cut("10.200.300.123.evil.example", 20) == "198.51.100.80:443")
        #expect(cut("example.com", 15) == "example.com:443" && cut("example.com", 14) == "example.c~:443")
    }
}
