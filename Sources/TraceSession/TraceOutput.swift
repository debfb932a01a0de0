// The output formats of a trace.
//
// A closed list, so that each run is compiled for its own report: the per-frame path looks up no type at run time.

public import TimelineReport

/// A report, ready to receive events.
public enum TraceOutput {
    /// The ladder timeline.
    case timeline(TextTimelineReport)
    /// A table with one line per connection.
    case table(SummaryReport)
    /// An HTML page of ladders.
    case html(HTMLReport)
    /// Ladders as Mermaid diagrams.
    case mermaid(MermaidReport)
    /// NDJSON.
    case json(JSONReport)
    /// Zeek's conn.log.
    case zeek(ZeekLog)
    /// CSV with one line per connection.
    case csv(CSVReport)
    /// Only the number of packets.
    case count(CountReport)
    /// No report: standard output carries the frames.
    case nothing(SilentReport)
}
