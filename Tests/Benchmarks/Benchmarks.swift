// `make bench`: generates captures, runs this tool and its peers on them, and prints the cost.

import Glibc

/// The benchmarks as a program.
@main struct Benchmarks {
    static let usage = """
        usage: tcptrace-bench [--quick] [--tool FILE] [--directory DIR] [--runs N] [--only WORKLOAD,...]
                              [--start] [--compare] [--stages] [--growth] [--svg FILE] [--peers]
        Without a choice of --start, --compare, --stages and --growth it does all four.
        """

    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            print("tcptrace-bench: \(error)")
            exit(1)
        }
    }

    private static func run(_ words: [String]) throws {
        var quick = false
        var tool = ".build/release/tcptrace"
        var directory = "/tmp/tcptrace-bench"
        var runs: Int?
        var only = Workload.allCases
        var chosen: Set<String> = []
        var svg: String?
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--quick": quick = true
            case "--tool": tool = rest.popFirst() ?? tool
            case "--directory": directory = rest.popFirst() ?? directory
            case "--runs": runs = rest.popFirst().flatMap { Int($0) }
            case "--svg": svg = rest.popFirst()
            case "--only":
                only = (rest.popFirst() ?? "").split(separator: ",").compactMap { Workload(rawValue: String($0)) }
            case "--start", "--compare", "--stages", "--growth", "--peers": chosen.insert(word)
            default: throw BenchError("\(word)?\n\(usage)")
            }
        }
        let wantsPeers = chosen.remove("--peers") != nil || !quick
        if chosen.isEmpty { chosen = ["--start", "--compare", "--stages", "--growth"] }
        // The directory may exist already.
        unsafe mkdir(directory, 0o755)
        if chosen.contains("--start") {
            try StartUp(tool: tool, directory: directory, runs: quick ? 20 : 200).measure()
        }
        let comparison = Comparison(
            tool: tool, directory: directory, runs: max(1, runs ?? (quick ? 1 : 5)), withPeers: wantsPeers)
        for workload in only where chosen.contains("--compare") || chosen.contains("--stages") {
            let path = "\(directory)/\(workload.rawValue).pcap"
            let capture = try workload.generate(to: path, scale: quick ? 0.02 : 1)
            if chosen.contains("--compare") { try comparison.measure(capture) }
            if chosen.contains("--stages") {
                let stages = Stages(capture: capture)
                try stages.measure()
                try stages.allocations()
            }
            unsafe unlink(path)
        }
        if chosen.contains("--growth") {
            try comparison.growth(scales: quick ? [0.002, 0.01] : [0.01, 0.03, 0.1, 0.3, 1], plot: svg)
        }
    }
}
