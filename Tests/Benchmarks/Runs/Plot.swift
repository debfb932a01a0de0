// Lines over a logarithmic axis, as SVG.

import Glibc

/// One line of the plot.
struct PlotLine {
    let name: String
    let points: [(Double, Double)]
}

/// Writes nanoseconds a packet over connections.
func writePlot(_ lines: [PlotLine], to path: String) throws(BenchError) {
    let all = lines.flatMap { $0.points }
    guard let least = all.map({ $0.0 }).min(), let most = all.map({ $0.0 }).max(), let high = all.map({ $0.1 }).max()
    else { return }
    let span = max(log10(most) - log10(least), 0.01)
    func place(_ point: (Double, Double)) -> String {
        let x = 60 + (log10(point.0) - log10(least)) / span * 500
        let y = 320 - point.1 / high * 280
        return "\(text(x, 1, 0)),\(text(y, 1, 0))"
    }
    let colours = ["#1f77b4", "#d62728", "#2ca02c"]
    var svg = """
        <svg xmlns="http://www.w3.org/2000/svg" width="640" height="380" font-family="sans-serif" font-size="12">
        <path d="M60 20V320H580" fill="none" stroke="black"/>
        <text x="60" y="14">ns a packet (top: \(text(high, 0, 0)))</text>
        <text x="400" y="350">connections: \(text(least, 0, 0)) to \(text(most, 0, 0)), logarithmic</text>

        """
    for (index, line) in lines.enumerated() {
        let colour = colours[index % colours.count]
        svg +=
            "<polyline fill=\"none\" stroke=\"\(colour)\" points=\"\(line.points.map(place).joined(separator: " "))\"/>\n"
        svg += "<text x=\"80\" y=\"\(40 + 16 * index)\" fill=\"\(colour)\">\(line.name)</text>\n"
    }
    svg += "</svg>\n"
    // The path and mode are NUL-terminated; the file is closed below.
    guard let file = unsafe fopen(path, "we") else { throw BenchError("\(path): cannot be written") }
    unsafe fputs(svg, file)
    unsafe fclose(file)
}
