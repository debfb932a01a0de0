// The formats a trace can be reported in.
//
// A closed list, so that each run is compiled for its own report: nothing in the per-frame path asks for a type at run time.

public import TimelineReport

/// A report, ready to be fed.
public enum TraceOutput {
    /// The ladder.
    case timeline(TextTimelineReport)
    /// The table, one line a connection.
    case table(SummaryReport)
    /// A page of ladders.
    case html(HTMLReport)
    /// Ladders as Mermaid's diagrams.
    case mermaid(MermaidReport)
    /// NDJSON.
    case json(JSONReport)
    /// Zeek's conn.log.
    case zeek(ZeekLog)
    /// CSV, one line a connection.
    case csv(CSVReport)
    /// Only the number of packets.
    case count(CountReport)
    /// Nothing: standard output is for frames.
    case nothing(SilentReport)
}
