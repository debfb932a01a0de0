// Runs this tool and its peers on the same file, in turn, several times: medians, ratios, memory.

import Glibc

/// Compares programs on captures.
struct Comparison {
    let tool: String
    let directory: String
    let runs: Int
    let withPeers: Bool

    /// The programs to run on a capture, the reference first.
    private func programs(_ capture: Capture) -> [Program] {
        let filter = capture.workload == .flood ? "tcp port 80" : "tcp port 9500"
        var list = [Program(name: "tcpdump --count", arguments: ["tcpdump", "-r", "{}", "--count", filter])]
        list.append(Program(name: "tcptrace -q --workers 1", arguments: [tool, "-r", "{}", "-q", "--workers", "1"]))
        list.append(Program(name: "tcptrace -q", arguments: [tool, "-r", "{}", "-q"]))
        return list
    }

    /// Peers that take minutes where this tool takes less than a second: one run each, on short connections only.
    private var slowPeers: [Program] {
        [
            Program(name: "tshark conv,tcp", arguments: ["tshark", "-n", "-r", "{}", "-q", "-z", "conv,tcp"]),
            // Ostermann's tcptrace, by its path, since this tool has the same name.
            Program(name: "classic tcptrace", arguments: ["/usr/bin/tcptrace", "-n", "{}"]),
        ]
    }

    /// Whole timelines and records beside tcpdump's line per packet: one run each, on short connections only.
    private func printers(_ capture: Capture) -> [Program] {
        [
            Program(name: "tcpdump -n", arguments: ["tcpdump", "-n", "-r", "{}"]),
            Program(name: "tcptrace", arguments: [tool, "-r", "{}"]),
            Program(name: "tcptrace -T json", arguments: [tool, "-r", "{}", "-T", "json"]),
        ]
    }

    /// Measures on `capture` and prints one line per program.
    func measure(_ capture: Capture) throws(BenchError) {
        print(
            "\n\(capture.workload.rawValue): \(capture.frames) frames, \(capture.connections) connections, "
                + "\(capture.octets / 1_000_000) MB")
        print("  program                   median s   least s  cpu s  M pkt/s  ns/pkt  ratio  anon MB  B/conn")
        let programs = programs(capture).filter { Program.isInstalled($0.arguments[0]) || $0.arguments[0] == tool }
        var results: [[Run]] = programs.map { _ in [] }
        for _ in 0..<runs {
            for (index, program) in programs.enumerated() {
                results[index].append(try program.run(on: capture.path, output: "\(directory)/output"))
            }
        }
        let reference = programs.first?.arguments[0] == "tcpdump" ? median(results[0].map { $0.wall }) : .nan
        for (program, runs) in zip(programs, results) {
            let memory = try program.peakMemory(on: capture.path, output: "\(directory)/output")
            show(program.name, runs, capture, reference, memory)
        }
        guard withPeers, capture.workload == .short else { return }
        try comparePrinters(capture)
        guard let ours = results.last.map({ median($0.map { $0.wall }) }) else { return }
        for peer in slowPeers where Program.isInstalled(peer.arguments[0]) || peer.arguments[0].first == "/" {
            do throws(BenchError) {
                let run = try peer.run(on: capture.path, output: "\(directory)/output")
                show(peer.name, [run], capture, reference, nil)
                print("  \(text(peer.name, 24)) takes \(text(run.wall / ours, 0, 0)) times as long as tcptrace -q")
            } catch { print("  \(error)") }
        }
    }

    /// Compares the printers; ratios are to the first of them.
    private func comparePrinters(_ capture: Capture) throws(BenchError) {
        var reference = Double.nan
        for program in printers(capture) where Program.isInstalled(program.arguments[0]) || program.arguments[0] == tool
        {
            let run = try program.run(on: capture.path, output: "\(directory)/output")
            if program.arguments[0] == "tcpdump" { reference = run.wall }
            show(program.name, [run], capture, reference, nil)
        }
    }

    private func show(_ name: String, _ runs: [Run], _ capture: Capture, _ reference: Double, _ memory: Int?) {
        let wall = median(runs.map { $0.wall })
        let frames = Double(capture.frames)
        let octets = memory.map { Double($0) * 1024 } ?? .nan
        print(
            "  " + text(name, 24) + text(wall, 3, 10) + text(runs.map { $0.wall }.min() ?? .nan, 3, 10)
                + text(median(runs.map { $0.processor }), 2, 7) + text(frames / wall / 1e6, 2, 9)
                + text(wall / frames * 1e9, 1, 8) + text(wall / reference, 2, 7) + text(octets / 1e6, 1, 9)
                + text(octets / Double(capture.connections), 0, 8))
    }

    // MARK: Growth

    /// Measures how cost grows with the size of the file and with open connections; writes a plot to `plot` if given.
    func growth(scales: [Double], plot: String?) throws(BenchError) {
        var lines: [PlotLine] = []
        print("\ngrowth: ns a packet and anonymous memory as the file grows")
        for workload in [Workload.short, .open, .flood] {
            var points: [PlotLine.Point] = []
            for scale in scales {
                let capture = try workload.generate(to: "\(directory)/growth.pcap", scale: scale)
                let program = Program(name: "tcptrace -q", arguments: [tool, "-r", "{}", "-q"])
                var walls: [Double] = []
                for _ in 0..<runs {
                    walls.append(try program.run(on: capture.path, output: "\(directory)/output").wall)
                }
                let memory = try program.peakMemory(on: capture.path, output: "\(directory)/output")
                let cost = median(walls) / Double(capture.frames) * 1e9
                let megabytes = Double(memory) * 1024 / 1e6
                points.append(
                    .init(
                        connections: Double(capture.connections), nanosecondsPerPacket: cost, megabytes: megabytes))
                print(
                    "  " + text(workload.rawValue, 8) + text(Double(capture.connections), 0, 10) + " connections"
                        + text(cost, 1, 10) + " ns/pkt" + text(megabytes, 1, 9) + " MB")
            }
            lines.append(PlotLine(name: workload.rawValue, points: points))
        }
        // The path is NUL-terminated for the call.
        unsafe unlink("\(directory)/growth.pcap")
        if let plot { try writePlot(lines, to: plot) }
    }
}
