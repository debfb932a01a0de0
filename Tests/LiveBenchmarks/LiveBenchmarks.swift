// `make benchlive`: the cost of a live trace to the programs that it traces, and its own cost.

import Glibc

/// The live benchmarks as a program. With certain first words it runs one end of the traffic instead, as a process of
/// its own.
@main struct LiveBenchmarks {
    static let usage = """
        usage: tcptrace-bench-live [--quick] [--tool FILE] [--rounds N] [--seconds S]
                                   [--loop] [--rate N] [--bulk] [--idle] [--flood N]
        Without a choice it does --loop, --rate 10000, --bulk, --idle and --flood 200000. Needs root.
        """

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do throws(BenchError) {
            let words = Array(CommandLine.arguments.dropFirst())
            if try Traffic.run(words) { return }
            try run(words)
        } catch {
            print("tcptrace-bench-live: \(error)")
            exit(1)
        }
    }

    private static func run(_ words: [String]) throws(BenchError) {
        var runs = LiveRuns()
        var chosen: [(what: String, count: Int)] = []
        var rest = words[...]
        func number(_ word: String?) throws(BenchError) -> Int {
            guard let value = word.flatMap({ Int($0) }), value > 0 else { throw BenchError(usage) }
            return value
        }
        while let word = rest.popFirst() {
            switch word {
            case "--quick": (runs.rounds, runs.seconds) = (3, 1)
            case "--tool": runs.tool = rest.popFirst() ?? runs.tool
            case "--rounds": runs.rounds = try number(rest.popFirst())
            case "--seconds": runs.seconds = try number(rest.popFirst())
            case "--loop", "--bulk", "--idle": chosen.append((word, 0))
            case "--rate", "--flood": chosen.append((word, try number(rest.popFirst())))
            default: throw BenchError("\(word)?\n\(usage)")
            }
        }
        if chosen.isEmpty {
            chosen = [("--loop", 0), ("--rate", 10_000), ("--bulk", 0), ("--idle", 0), ("--flood", 200_000)]
        }
        for (what, count) in chosen {
            switch what {
            case "--loop": try runs.loop()
            case "--rate": try runs.rate(count)
            case "--bulk": try runs.bulk()
            case "--idle": try runs.idle()
            default: try runs.flood(count)
            }
        }
    }
}

/// Why a measurement failed.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Seconds of the monotonic clock.
func now() -> Double {
    var time = timespec()
    // The call fills the structure passed to it.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// The median; for an even number of values, the lower of the middle two.
func median(_ values: [Double]) -> Double { values.isEmpty ? .nan : values.sorted()[(values.count - 1) / 2] }

/// A number with `decimals` decimals, right-aligned in `width` columns.
func text(_ number: Double, _ decimals: Int, _ width: Int) -> String {
    guard number.isFinite else { return String(repeating: " ", count: max(0, width - 1)) + "-" }
    var unit = 1.0
    for _ in 0..<decimals { unit *= 10 }
    var digits = String(Int((number.magnitude * unit).rounded()))
    while digits.count <= decimals { digits = "0" + digits }
    if decimals > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals)) }
    let plain = (number < 0 ? "-" : "") + digits
    return String(repeating: " ", count: max(0, width - plain.count)) + plain
}

/// Text, left-aligned in `width` columns.
func text(_ words: String, _ width: Int) -> String {
    words + String(repeating: " ", count: max(0, width - words.count))
}
