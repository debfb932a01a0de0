// How long the tool takes to start, compared with tcpdump, and the size of its executable.

import Glibc

/// Measures the wait before anything is read.
struct StartUp {
    let tool: String
    let directory: String
    /// How often to run each program; they take turns.
    let runs: Int

    /// Measures `--version` of both programs, and the size of the tool without symbols, and prints one line for each.
    func measure() throws(BenchError) {
        let programs = [tool, "tcpdump"].filter { $0 == tool || Program.isInstalled($0) }.map {
            Program(name: $0, arguments: [$0, "--version"])
        }
        var walls: [[Double]] = programs.map { _ in [] }
        for _ in 0..<runs {
            for (index, program) in programs.enumerated() {
                walls[index].append(try program.run(on: "", output: "\(directory)/output").wall)
            }
        }
        let ours = median(walls[0])
        var line = "\nstart: \(tool) --version" + text(ours * 1e3, 1, 6) + " ms"
        if walls.count > 1 {
            let theirs = median(walls[1])
            line += ", tcpdump --version" + text(theirs * 1e3, 1, 6) + " ms, ratio" + text(ours / theirs, 2, 6)
        }
        print(line)
        guard Program.isInstalled("strip") else { return print("size: strip is not installed") }
        let stripped = "\(directory)/stripped"
        _ = try Program(name: "strip", arguments: ["strip", "-o", stripped, tool]).run(
            on: "", output: "\(directory)/output")
        var status = stat()
        // The path is NUL-terminated for the call, which fills the structure.
        guard unsafe stat(stripped, &status) == 0 else { throw BenchError("\(stripped) is not there") }
        print("size: \(tool) without symbols" + text(Double(status.st_size) / 1e6, 1, 6) + " MB")
        unsafe unlink(stripped)
    }
}
