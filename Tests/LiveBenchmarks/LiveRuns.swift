// The measurements: short rounds that alternate between no tracer and each tracer, so that other load on the machine
// affects all alike.

import Glibc

/// A tracer to compare. "No tracer" has an empty command line.
private struct Tracer {
    let name: String
    let words: [String]
    /// The file for its results.
    var output = "/dev/null"
}

/// The results of one run.
private struct Sample {
    /// The traffic's connections or octets, and its duration in seconds.
    var count = 0.0
    var seconds = 0.0
    /// Processor time of both ends of the traffic, in seconds.
    var traffic = 0.0
    /// Processor time of the tracer while there was traffic, in seconds.
    var processor = 0.0
    /// Anonymous memory of the tracer at the end of the traffic, in KiB.
    var memory = 0
    /// Frames dropped by the kernel, and kernel events lost.
    var dropped = 0
    var lost = 0

    var perSecond: Double { count / seconds }
}

/// The live measurements, with their durations and repetitions.
struct LiveRuns {
    var tool = ".build/release/tcptrace"
    var rounds = 9
    var seconds = 2
    private let port = 9731

    /// Client-server pairs in the loop, each with its own port.
    private let pairs = max(1, min(16, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    private var filter: String { "tcp portrange \(port)-\(port + pairs - 1)" }
    private func traced(_ name: String, _ words: [String], to output: String = "/dev/null") -> Tracer {
        Tracer(name: name, words: [tool, "-i", "lo", "-v"] + words + [filter], output: output)
    }
    private var table: Tracer { traced("tcptrace -q", ["-q"], to: "/tmp/tcptrace-bench-live.txt") }
    private var json: Tracer { traced("tcptrace -T json", ["-T", "json"], to: "/tmp/tcptrace-bench-live.json") }
    private var tcpdump: Tracer {
        Tracer(name: "tcpdump -s 128 -w", words: ["tcpdump", "-i", "lo", "-s", "128", "-w", "/dev/null", filter])
    }
    private let nobody = Tracer(name: "no tracer", words: [])

    // MARK: What is measured

    /// One client and one server per processor, as fast as they can go: how much of their speed each tracer leaves.
    /// With fewer pairs, processors go idle between packets and take so long to wake up that a tracer that keeps them
    /// awake makes everything faster.
    func loop() throws(BenchError) {
        print("\nconnect, exchange, close in a loop; \(pairs) clients at a time, \(rounds) rounds of \(seconds) s")
        print("  tracer                connections/s   left  us/conn: traffic   tracer  dropped  events lost")
        let all = [nobody, tcpdump, traced("tcptrace -q --no-kernel", ["-q", "--no-kernel"]), table, json]
        try compare(all, traffic: ["connect", "\(port)", "\(seconds)", "0", "0"], server: "serve", pairs: pairs) {
            "\(text($0, 0, 13))"
        }
    }

    /// The loop at a steady rate: whether anything is lost.
    func rate(_ rate: Int) throws(BenchError) {
        let long = seconds * 3
        print("\n\(rate) connections a second for \(long) s, \(rounds / 3 + 1) rounds")
        print("  tracer                connections/s   left  us/conn: traffic   tracer  dropped  events lost")
        var shorter = self
        shorter.rounds = rounds / 3 + 1
        try shorter.compare(
            [nobody, table, json], traffic: ["connect", "\(port)", "\(long)", "\(rate)", "0"], server: "serve"
        ) { "\(text($0, 0, 13))" }
    }

    /// One connection with as much data as possible.
    func bulk() throws(BenchError) {
        print("\nbulk over one connection (sendfile, discarded by the receiver)")
        print("  tracer                       Gbit/s   left ms CPU/s: traffic   tracer  dropped  events lost")
        try compare(
            [nobody, tcpdump, table, json], traffic: ["pour", "\(port)", "\(seconds)"], server: "swallow", isBulk: true
        ) { text($0 * 8 / 1e9, 1, 13) }
    }

    /// The cost of an idle trace.
    func idle() throws(BenchError) {
        let long = max(seconds * 2, 5)
        for (what, holds) in [("nothing open", false), ("one connection open", true)] {
            let server = try Child([Self.executable, "serve", "\(port)"], reading: 1)
            usleep(100_000)
            let tracer = try start(table)
            let client = holds ? try Child([Self.executable, "hold", "\(port)", "\(long + 2)"], reading: 1) : nil
            sleep(1)
            let before = tracer.processorTime
            sleep(UInt32(long))
            let share = (tracer.processorTime - before) / Double(long) * 100
            _ = try tracer.end(SIGINT)
            _ = try client?.end(SIGKILL)
            _ = try server.end(SIGKILL)
            print("\nidle, \(what): \(text(share, 2, 0)) % of a processor")
        }
    }

    /// Very many connections in a row: whether memory use stays constant.
    func flood(_ count: Int) throws(BenchError) {
        print("\n\(count) connections in a row, four times: anonymous memory after each, MB")
        for tracer in [table, json] {
            let server = try Child([Self.executable, "serve", "\(port)"], reading: 1)
            usleep(100_000)
            let child = try start(tracer)
            var line = "  " + text(tracer.name, 18)
            for _ in 0..<4 {
                _ = try Child([Self.executable, "connect", "\(port)", "0", "0", "\(count / 4)"], reading: 1).end(nil)
                line += text(Double(child.anonymousMemory) / 1000, 1, 8)
            }
            let sample = losses(try child.end(SIGINT))
            _ = try server.end(SIGKILL)
            print(line + "   dropped \(sample.dropped), events lost \(sample.lost)")
        }
    }

    // MARK: How

    private func compare(
        _ tracers: [Tracer], traffic: [String], server: String, pairs: Int = 1, isBulk: Bool = false,
        _ speed: (Double) -> String
    ) throws(BenchError) {
        var servers: [Child] = []
        defer { for server in servers { _ = try? server.end(SIGKILL) } }
        for pair in 0..<pairs { servers.append(try Child([Self.executable, server, "\(port + pair)"], reading: 1)) }
        usleep(100_000)
        var samples: [[Sample]] = tracers.map { _ in [] }
        for _ in 0..<rounds {
            for (index, tracer) in tracers.enumerated() { samples[index].append(try run(tracer, traffic, servers)) }
        }
        for (tracer, runs) in zip(tracers, samples) {
            // Compare each run with the run without a tracer from the same round.
            let left = median(zip(runs, samples[0]).map { $0.perSecond / $1.perSecond * 100 })
            func cost(_ time: (Sample) -> Double) -> Double {
                median(runs.map { time($0) / (isBulk ? $0.seconds / 1000 : $0.count / 1e6) })
            }
            print(
                "  " + text(tracer.name, 22) + speed(median(runs.map { $0.perSecond })) + text(left, 1, 6) + "%"
                    + text(cost { $0.traffic }, 1, 18)
                    + (tracer.words.isEmpty
                        ? ""
                        : text(cost { $0.processor }, 1, 9) + text(Double(runs.reduce(0) { $0 + $1.dropped }), 0, 9)
                            + text(Double(runs.reduce(0) { $0 + $1.lost }), 0, 13)))
        }
    }

    private func run(_ tracer: Tracer, _ traffic: [String], _ servers: [Child]) throws(BenchError) -> Sample {
        func served() -> Double { servers.reduce(0) { $0 + $1.processorTime } }
        let serverBefore = served()
        if tracer.words.isEmpty {
            var found = try clients(traffic, servers.count)
            found.traffic += served() - serverBefore
            return found
        }
        let child = try start(tracer)
        let before = child.processorTime
        let result = Result { () throws(BenchError) in try clients(traffic, servers.count) }
        let after = child.processorTime
        let serverAfter = served()
        let memory = child.anonymousMemory
        var found = losses(try child.end(SIGINT))
        let made = try result.get()
        (found.count, found.seconds) = (made.count, made.seconds)
        found.traffic = made.traffic + serverAfter - serverBefore
        found.processor = after - before
        found.memory = memory
        return found
    }

    /// Runs `count` clients at a time. Returns their combined counts, with the duration of the slowest.
    private func clients(_ traffic: [String], _ count: Int) throws(BenchError) -> Sample {
        var children: [Child] = []
        for pair in 0..<count {
            // The second word is the port of the client's server.
            let words = [Self.executable, traffic[0], "\(port + pair)"] + traffic[2...]
            children.append(try Child(words, reading: 1))
        }
        var sum = Sample()
        for child in children {
            let one = try sample(child.end(nil))
            sum.count += one.count
            sum.traffic += one.traffic
            sum.seconds = max(sum.seconds, one.seconds)
        }
        return sum
    }

    private func start(_ tracer: Tracer) throws(BenchError) -> Child {
        let child = try Child(tracer.words, reading: 2, output: tracer.output)
        child.hear("listening on")
        usleep(50_000)
        return child
    }

    /// Parses the final output of a traffic process.
    private func sample(_ text: String) throws(BenchError) -> Sample {
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard numbers.count == 3, numbers[0] > 0 else { throw BenchError("the traffic failed: \(text)") }
        return Sample(count: numbers[0], seconds: numbers[1], traffic: numbers[2])
    }

    /// Parses the losses that a tracer reports at its end.
    private func losses(_ text: String) -> Sample {
        var sample = Sample()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasSuffix("dropped by kernel") { sample.dropped = words.first.flatMap { Int($0) } ?? 0 }
            if line.contains("kernel events read"), let place = words.firstIndex(of: "lost,"), place > 0 {
                sample.lost = Int(words[place - 1]) ?? 0
            }
        }
        return sample
    }

    private static var executable: String { CommandLine.arguments[0] }
}
