// `--resolve`: names beside addresses, from a file and live, whichever user asks and whatever hangs.

import Foundation
import Testing

/// This machine's name for 127.0.0.1, according to getent(1); nil without one.
private let localhost: String? = {
    let outcome = try? Program("/usr/bin/env", ["getent", "hosts", "127.0.0.1"]).end()
    let words = outcome?.text.split(separator: "\n").first?.split(whereSeparator: \.isWhitespace)
    return words.flatMap { $0.count > 1 ? String($0[1]) : nil }
}()

private let captures =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path + "/Captures/"

/// A shell line for a namespace whose packets go nowhere, so that no name server answers.
private let silent = """
    ip link set lo up && ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up \
    && ip addr add 203.0.113.1/24 dev v0 && ip neigh add 203.0.113.2 lladdr 02:00:00:00:00:02 dev v0 \
    && ip route add default via 203.0.113.2 && exec "$0" "$@"
    """

@Suite(.serialized) struct ResolveTests {
    @Test(.enabled(if: localhost != nil, "127.0.0.1 has no name here"), arguments: [100, 80, 60])
    func aLineWithNamesAndNothingElseIsNew(_ width: Int) throws {
        let name = localhost ?? ""
        let plain = try tcptrace("-r", captures + "fin.pcapng", "--width", "\(width)")
        let named = try tcptrace("-r", captures + "fin.pcapng", "--width", "\(width)", "--resolve")
        #expect(named.code == 0 && plain.errors == named.errors)
        let added = named.lines.difference(from: plain.lines)
        #expect(added.removals.isEmpty && added.insertions.count == 1)
        guard case .insert(let place, let line, _)? = added.insertions.first else { return }
        #expect(place == (width < 80 ? 1 : 2))
        let words = line.split(separator: " ").filter { $0 != ">" }
        #expect(words == ["\(name):35374", "\(name):9500"], "\(line)")
    }

    @Test(.enabled(if: localhost != nil, "127.0.0.1 has no name here"))
    func theTableAndDrawingsHaveThem() throws {
        let name = localhost ?? ""
        let table = try tcptrace("-r", captures + "fin.pcapng", "-q", "--width", "200", "--resolve")
        #expect(table.text.contains("  1 \(name):35374 \(name):9500 closed SF"), "\(table.text)")
        let page = try tcptrace("-r", captures + "fin.pcapng", "-T", "html", "--resolve")
        #expect(page.text.contains("\(name):35374 &gt; \(name):9500, "))
        let diagram = try tcptrace("-r", captures + "fin.pcapng", "-T", "mermaid", "--resolve")
        #expect(diagram.text.contains("server<br/>127.0.0.1:9500<br/>\(name):9500"))
    }

    @Test func theNumberOfThreadsDoesNotMatter() throws {
        let files = ["threaded", "two-clients", "ipv6", "self-connect"].flatMap { ["-r", captures + "\($0).pcapng"] }
        for format in [[], ["-q"], ["-T", "html"]] {
            let alone = try Program(Program.tcptrace, files + format + ["--resolve", "--workers", "1"]).end()
            for workers in ["2", "5"] {
                let several = try Program(Program.tcptrace, files + format + ["--resolve", "--workers", workers]).end()
                #expect(alone.code == 0 && several.text == alone.text && !alone.text.isEmpty)
            }
        }
    }

    @Test(arguments: [
        ("-n", "--resolve shows names, -n only numbers"), ("-nn", "--resolve shows names, -n only numbers"),
        ("-T json", "-T json has only addresses"), ("-T zeek", "-T zeek has only addresses"),
        ("-T csv", "-T csv has only addresses"), ("--count", "--count shows no connections"),
        ("-w -", "-w - only writes frames"),
    ])
    func whereNamesHaveNoPlaceItIsSaid(_ words: String, _ complaint: String) throws {
        let outcome = try Program(
            Program.tcptrace,
            ["-r", captures + "fin.pcapng", "--resolve"] + words.split(separator: " ").map(String.init)
        ).end()
        #expect(outcome.code == 64 && outcome.output.isEmpty && outcome.errors.contains(complaint), "\(outcome.errors)")
    }

    // MARK: Live

    /// A connection on this host, traced as root without root's capabilities, or as nobody.
    @Test(
        .enabled(if: isRoot && localhost != nil, "needs root and a name of 127.0.0.1"),
        arguments: [[], ["-Z", "nobody"], ["-q"], ["--no-kernel"]])
    func live(_ options: [String]) throws {
        let name = localhost ?? ""
        let peer = try python(Scripts.echoServer)
        try peer.say("\n")
        let port = try #require(Int(peer.output.split(separator: " ").last?.dropLast() ?? ""))
        let tracer = try Program(
            Program.tcptrace,
            ["-i", "lo", "--resolve", "--connections", "1", "--width", "120"] + options + ["tcp port \(port)"])
        try tracer.say("listening on lo")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(tracer.pid)/task").count == 1)
        _ = try python(Scripts.briefClient, "\(port)").end()
        let outcome = try tracer.end()
        #expect(outcome.code == 0 && !outcome.errors.contains("no answer"), "\(outcome.errors)")
        let row = try #require(outcome.lines.first { $0.contains("\(name):") }, "\(outcome.text)")
        #expect(row.split(separator: " ").filter { $0.hasPrefix("\(name):") }.count == 2, "\(row)")
        if options != ["-q"] { #expect(outcome.text.contains("127.0.0.1:\(port)  server")) }
    }

    @Test(.enabled(if: canUnshare, "needs root, unshare and ip"))
    func aReplayEndsAtCtrlCThoughLookupsHang() throws {
        let words = [
            "-n", "/bin/sh", "-c", silent, Program.tcptrace, "-r", captures + "mtu-black-hole.pcapng", "--resolve",
        ]
        let replay = try Program("/usr/bin/unshare", words)
        // The replay now waits for the name of its first address.
        try #require(wait(10) { replay.errors.contains("reading from file") })
        usleep(300_000)
        // Without a known name server the answer comes at once.
        guard !replay.hasEnded else { return }
        let begin = Date()
        replay.signal(SIGINT)
        let outcome = try replay.end(within: 20)
        #expect(Date().timeIntervalSince(begin) < 1.5)
        #expect([0, -SIGINT].contains(outcome.code))
    }

    @Test(.enabled(if: canUnshare, "needs root, unshare and ip"))
    func aReplayWaitsNoLongerThanItSays() throws {
        let begin = Date()
        let words = [
            "-n", "/bin/sh", "-c", silent, Program.tcptrace, "-r", captures + "mtu-black-hole.pcapng", "--resolve",
        ]
        let outcome = try Program("/usr/bin/unshare", words).end(within: 30)
        // Two addresses, looked up together: 2 s.
        let took = Date().timeIntervalSince(begin)
        #expect(outcome.code == 0 && took < 9)
        let plain = try tcptrace("-r", captures + "mtu-black-hole.pcapng")
        #expect(outcome.text == plain.text)
        // Without a known name server the answer comes at once.
        if took > 1.9 {
            #expect(outcome.errors.contains("no answer in time for the names of 2 addresses"), "\(outcome.errors)")
        }
    }
}
