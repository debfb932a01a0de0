// The number of connections, as worded in the line at the end.

import TCPModel
import TimelineReport

/// `2 connections traced`, and how many of them are the same as others, seen on the other side of an address
/// translation: such connections have two rows. `overview`: that of the connections shown, once all are over.
func tracedText(
    _ connections: UInt64, translated: UInt64, _ overview: TraceOverview?, _ selection: ConnectionSelection
) -> String {
    var text = "\(counted(connections, "connection")) traced"
    if translated > 0 { text += ", \(translated) of them the same as another (NAT)" }
    if let shown = overview?.shown, shown < connections, !selection.isEverything {
        text += ", \(shown) of them \(selection.ofCommand ? "the command's and " : "")shown"
    }
    return text
}
