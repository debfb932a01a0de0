// Draws lines over a logarithmic axis, as SVG: one panel for time, one for memory.

import Glibc

/// The growth of one workload's cost.
struct PlotLine {
    struct Point {
        let connections: Double
        /// Covers the whole run, start-up included.
        let nanosecondsPerPacket: Double
        let megabytes: Double
    }

    let name: String
    let points: [Point]
}

/// Plots nanoseconds per packet, and memory, over the number of connections.
func writePlot(_ lines: [PlotLine], to path: String) throws(BenchError) {
    guard let columns = DecadeAxis(lines.flatMap { $0.points.map { $0.connections } }) else { return }
    let time = Panel(left: 70, title: "ns a packet, start-up included", columns: columns)
    let memory = Panel(left: 540, title: "anonymous memory, MB", columns: columns)
    var svg = """
        <svg xmlns="http://www.w3.org/2000/svg" width="980" height="380" font-family="sans-serif" font-size="12">
        <rect width="980" height="380" fill="white"/>

        """
    svg += time.drawn(lines.map { ($0.name, $0.points.map { ($0.connections, $0.nanosecondsPerPacket) }) })
    svg += memory.drawn(lines.map { ($0.name, $0.points.map { ($0.connections, $0.megabytes) }) })
    svg += "</svg>\n"
    // The path and mode are NUL-terminated; the file is closed below.
    guard let file = unsafe fopen(path, "we") else { throw BenchError("\(path): cannot be written") }
    unsafe fputs(svg, file)
    unsafe fclose(file)
}

/// A logarithmic axis from one power of ten to another.
private struct DecadeAxis {
    let decades: ClosedRange<Int>

    init?(_ values: [Double]) {
        guard let least = values.min(), let most = values.max(), least > 0 else { return nil }
        let first = Int(log10(least).rounded(.down))
        decades = first...max(first + 1, Int(log10(most).rounded(.up)))
    }

    /// The position of a value on the axis, from 0 to 1.
    func place(_ value: Double) -> Double {
        (log10(value) - Double(decades.lowerBound)) / Double(decades.upperBound - decades.lowerBound)
    }

    /// The label of a power of ten: 1, 10, 100, 1k ...
    static func label(_ decade: Int) -> String {
        let unit = ["", "k", "M", "G"][min(max(decade, 0) / 3, 3)]
        return "1" + String(repeating: "0", count: max(decade, 0) % 3) + unit
    }
}

/// One pair of axes with its lines; the y axis starts at 0.
private struct Panel {
    let left: Double
    let title: String
    let columns: DecadeAxis

    private static let colours = ["#1f77b4", "#d62728", "#2ca02c"]
    private static let width = 320.0
    private static let top = 40.0
    private static let bottom = 320.0

    func drawn(_ lines: [(name: String, points: [(Double, Double)])]) -> String {
        let high = lines.flatMap { $0.points.map { $0.1 } }.max() ?? 1
        let step = Self.step(high)
        let most = max((high / step).rounded(.up), 1) * step
        func x(_ value: Double) -> Double { left + columns.place(value) * Self.width }
        func y(_ value: Double) -> Double { Self.bottom - value / most * (Self.bottom - Self.top) }
        var svg = label(title, left, 22, "start", "black")
        for index in 0...Int((most / step).rounded()) {
            let value = Double(index) * step
            let stroke = index == 0 ? "black" : "#dddddd"
            svg += "<path d=\"M\(number(left)) \(number(y(value)))h\(number(Self.width))\" stroke=\"\(stroke)\"/>\n"
            svg += label(text(value, step < 1 ? 1 : 0, 0), left - 6, y(value) + 4, "end", "black")
        }
        for decade in columns.decades {
            let at = x(pow(10, Double(decade)))
            svg += "<path d=\"M\(number(at)) \(number(Self.bottom))v5\" stroke=\"black\"/>\n"
            svg += label(DecadeAxis.label(decade), at, Self.bottom + 20, "middle", "black")
        }
        svg += label("connections in the file", left + Self.width / 2, Self.bottom + 42, "middle", "black")
        var ends: [(y: Double, x: Double, name: String, colour: String)] = []
        for (index, line) in lines.enumerated() {
            let colour = Self.colours[index % Self.colours.count]
            let places = line.points.map { (x($0.0), y($0.1)) }
            let list = places.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ")
            svg += "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\" points=\"\(list)\"/>\n"
            for place in places {
                svg += "<circle cx=\"\(number(place.0))\" cy=\"\(number(place.1))\" r=\"3\" fill=\"\(colour)\"/>\n"
            }
            if let last = places.last { ends.append((last.1, last.0, line.name, colour)) }
        }
        return svg + names(ends)
    }

    /// Draws each line's name beside its end; names that would overlap are moved down.
    private func names(_ ends: [(y: Double, x: Double, name: String, colour: String)]) -> String {
        var svg = ""
        var lowest = -Double.infinity
        for end in ends.sorted(by: { $0.y < $1.y }) {
            let y = max(end.y + 4, lowest + 14)
            lowest = y
            // With a white outline, so that lines behind it do not make it illegible.
            let name = label(end.name, end.x + 8, y, "start", end.colour)
            svg += "<g stroke=\"white\" stroke-width=\"4\">\(name)</g>\n" + name
        }
        return svg
    }

    /// A round step that divides `high` into three to six parts.
    private static func step(_ high: Double) -> Double {
        guard high > 0, high.isFinite else { return 1 }
        let unit = pow(10, log10(high / 3).rounded(.down))
        for factor in [1.0, 2, 5] where high / (unit * factor) <= 6 { return unit * factor }
        return unit * 10
    }

    private func label(_ words: String, _ x: Double, _ y: Double, _ anchor: String, _ colour: String) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\" fill=\"\(colour)\">\(words)</text>\n"
    }

    private func number(_ value: Double) -> String { text(value, 1, 0) }
}
