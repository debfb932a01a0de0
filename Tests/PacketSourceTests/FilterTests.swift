// Filters: what they match, which do not compile, and which word is at fault.

import CaptureBuilding
import PacketSource
import TCPModel
import Testing

@Suite("Filters") struct FilterTests {
    /// An Ethernet frame with an IPv4 packet and a TCP SYN between these ports.
    private func tcp(_ source: UInt16, _ destination: UInt16) -> [UInt8] {
        var file = CaptureBytes(isBigEndian: true)
        file.bytes = Array(repeating: 0, count: 12) + [8, 0]
        file.bytes += [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]
        file.put16(source)
        file.put16(destination)
        file.bytes += Array(repeating: 0, count: 8) + [0x50, 0x02] + Array(repeating: 0, count: 6)
        return file.bytes
    }

    private func header(_ length: Int, _ linkType: LinkType) -> FrameHeader {
        FrameHeader(
            time: Timestamp(nanoseconds: 0), capturedLength: UInt32(length), originalLength: UInt32(length),
            linkType: linkType)
    }

    /// Whether each frame matches; its header claims `claimed` captured octets, whatever its real length.
    private func matches(_ filter: borrowing PacketFilter, _ frames: [[UInt8]], claimed: Int = 54) -> [Bool] {
        // Bytes have no padding: all of them are initialized.
        frames.map { filter.matches(header(claimed, .ethernet), unsafe $0.span.bytes) }
    }

    private func matches(_ filter: inout FilterSet, _ frame: [UInt8], _ linkType: LinkType) -> Bool {
        // Bytes have no padding: all of them are initialized.
        filter.matches(header(frame.count, linkType), unsafe frame.span.bytes)
    }

    @Test("frames that match and frames that do not")
    func matching() throws {
        let filter = try PacketFilter("tcp[tcpflags] & tcp-syn != 0 and port 9500", linkType: .ethernet)
        let found = matches(filter, [tcp(40_000, 9500), tcp(40_000, 80), tcp(9500, 1)])
        #expect(found == [true, false, true])
        let listing = filter.listing
        #expect(listing.hasPrefix("(000) ldh      [12]\n") && listing.contains("ret      #262144"))
        let all = matches(try PacketFilter("", linkType: .ethernet), [[1], tcp(1, 2)])
        #expect(all == [true, true])
    }

    @Test("a frame cut at any length, with a header that lies, is no over-read")
    func cutFrames() throws {
        let filter = try PacketFilter("port 9500 or tcp[40] = 1", linkType: .ethernet)
        let whole = tcp(1, 9500)
        let found = matches(filter, (0...whole.count).map { Array(whole[..<$0]) })
        #expect(found == (0...whole.count).map { $0 >= 38 })
    }

    @Test(
        "the offending word is found",
        arguments: [
            ("tcp and prot 9500", "prot"), ("prot", "prot"), ("tcp foo bar", "foo"), ("port nosuchport", "nosuchport"),
            ("tcp[13] & 2 ! = 0", "!"), ("(tcp or udp)) and port 80", ")"), ("port 80 port", "port"),
            ("host 1.2.3.4 andd port 1", "andd"), ("tcp and and port 80", "and"),
            ("tcp[tcpflags] & (tcp-syn|tcp-fin) !!= 0", "!"),
        ])
    func offendingWord(text: String, word: String) throws {
        do {
            _ = try PacketFilter(text, linkType: .ethernet)
            Issue.record("it compiled")
        } catch {
            guard case .badFilter(let fault) = error, let range = fault.range else {
                Issue.record("\(error)")
                return
            }
            #expect(String(decoding: Array(text.utf8)[range], as: UTF8.self) == word, "\(fault)")
        }
    }

    @Test("the search for the word gives up in time") func deepNesting() {
        // The wrong word is the last one: every shorter prefix is a valid beginning, behind ever more brackets.
        let text = String(repeating: "( ", count: 1900) + "x y"
        let began = ContinuousClock.now
        #expect(throws: CaptureError.self) { _ = try PacketFilter(text, linkType: .ethernet) }
        #expect(ContinuousClock.now - began < .seconds(5))
    }

    @Test(
        "a filter that ends too early points behind its end",
        arguments: ["tcp and", "port", "(tcp", "tcp[13", "host", "tcp[13] &"])
    func tooEarly(text: String) throws {
        do {
            _ = try PacketFilter(text, linkType: .ethernet)
            Issue.record("it compiled")
        } catch {
            guard case .badFilter(let fault) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(fault.range == text.utf8.count..<text.utf8.count, "\(fault)")
        }
    }

    /// Neither 40 KB of brackets nor a line as long as the filter would help the reader.
    @Test func ofALongFilterWhatIsAroundTheFaultIsShown() throws {
        let middle = String(repeating: "tcp or ", count: 200) + "prt 80" + String(repeating: " or tcp", count: 200)
        for text in [
            String(repeating: "(", count: 20_000) + "tcp", middle, String(repeating: "port ä or ", count: 3000),
        ] {
            do {
                _ = try PacketFilter(text, linkType: .ethernet)
                Issue.record("it compiled")
            } catch {
                let lines = error.description.split(separator: "\n").map(String.init)
                #expect(lines.allSatisfy { $0.count < 260 } && !error.description.contains("\u{fffd}"), "\(error)")
                guard text == middle, lines.count == 3 else { continue }
                let mark = try #require(lines[2].firstIndex(of: "^"))
                let place = lines[1].index(
                    lines[1].startIndex, offsetBy: lines[2].distance(from: lines[2].startIndex, to: mark))
                #expect(
                    lines[1].hasPrefix("  ...") && lines[1].hasSuffix("...") && lines[1][place...].hasPrefix("prt"),
                    "\(error)")
            }
        }
    }

    @Test(
        "what was meant is said where it is clear",
        arguments: [
            ("prot 9500", "port"), ("tcp prot 80", "port"), ("tcp and hots 10.0.0.1", "host"), ("tpc port 80", "tcp"),
            ("host 1.2.3.4 andd port 1", "and"), ("host 127.0.0.1:9500", "host 127.0.0.1 and port 9500"),
            ("[::1]:9500", "host ::1 and port 9500"), ("tcp and [fe80::1]:80", "host fe80::1 and port 80"),
            ("portrange 7101:7110", "portrange 7101-7110"), ("tcp and port 7101:7110", "portrange 7101-7110"),
            ("portrange7101:7110", "portrange 7101-7110"), ("7101:7110", "portrange 7101-7110"),
            ("tcp.port==9500", "port 9500"), ("tcp.dstport eq 80", "dst port 80"),
            ("ip.addr == 1.2.3.4", "host 1.2.3.4"),
            ("ipv6.src==fe80::1", "src host fe80::1"), ("tcp.port == x", nil), ("tcp.flags.syn == 1", nil),
            ("portrange 7101:", nil), ("portrange 7101:99999", nil), ("portrange 1:2:3", nil),
            ("[1.2.3.4]:80", nil), ("[::g]:80", nil), ("[::1]:x", nil),
            ("tcp foo bar", nil), ("port 80 port", nil), ("(tcp or udp)) and port 80", nil), ("tcp \u{1b}[2J", nil),
        ] as [(String, String?)])
    func hints(text: String, meant: String?) throws {
        do {
            _ = try PacketFilter(text, linkType: .ethernet)
            Issue.record("it compiled")
        } catch {
            let line = error.description.split(separator: "\n").first ?? ""
            #expect(line.contains("did you mean") == (meant != nil), "\(error)")
            if let meant { #expect(line.hasSuffix("; did you mean \(meant)?"), "\(error)") }
        }
    }

    @Test("letters that are put in, taken out, replaced or changed with a neighbour")
    func distances() {
        func distance(_ left: String, _ right: String) -> Int { editDistance(Array(left.utf8), Array(right.utf8)) }
        #expect(distance("port", "port") == 0 && distance("prot", "port") == 1 && distance("prt", "port") == 1)
        #expect(distance("", "tcp") == 3 && distance("tcp", "") == 3 && distance("expalin", "explain") == 1)
        #expect(distance("ca", "abc") == 3 && distance("kitten", "sitting") == 3)
    }

    @Test("the caret line stands under the word")
    func caret() throws {
        do {
            _ = try PacketFilter("tcp and prot 9500", linkType: .ethernet)
        } catch {
            #expect(error.description.hasSuffix("\n  tcp and prot 9500\n          ^~~~"))
            #expect(error.description.contains("syntax error"))
        }
    }

    @Test(
        "hostile filters end in an error",
        arguments: ["\u{1b}[31m", "tcp\0udp", String(repeating: "(", count: 5000), "é ü"])
    func hostile(text: String) {
        do {
            _ = try PacketFilter(text, linkType: .ethernet)
            Issue.record("it compiled")
        } catch {
            #expect(!error.description.contains("\u{1b}"))
        }
    }

    @Test("a set compiles for each link type as it comes, and remembers where it cannot")
    func sets() throws {
        var set = try FilterSet("ether host 0:0:0:0:0:0 and port 9500")
        let bytes = tcp(1, 9500)
        var found: [Bool] = []
        for linkType in [LinkType.ethernet, .raw, .raw, .ethernet, .raw] {
            found.append(matches(&set, bytes, linkType))
        }
        #expect(found == [true, false, false, true, false])
        let rejected = set.rejected.map(\.linkType)
        #expect(rejected == [.raw])
        let frames = set.rejected.map(\.frames)
        #expect(frames == [3], "what does not match for that reason is counted")
        var ports = try FilterSet("port 9500")
        let datagram = Array(bytes[14...])
        for linkType in [LinkType.raw, .rawBSD, .rawOpenBSD, .ipv4] {
            let isFound = matches(&ports, datagram, linkType)
            #expect(isFound, "\(linkType.name)")
        }
        let isClean = ports.rejected.isEmpty
        #expect(isClean)
    }
}
