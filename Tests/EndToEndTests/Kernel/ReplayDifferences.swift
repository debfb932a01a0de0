// What the replay of a capture file tells otherwise than the live trace told that wrote it.

import Foundation
import Testing

/// The records in which a live trace and the replay of its own file differ, a line each: `live` or `replay`, and the record; none if
/// they tell the same. Only where the frames were read from and when the trace ran is left out, and what is told live only.
func differences(live: String, replay: String) throws -> [String] {
    let (live, replay) = try (comparable(live), comparable(replay))
    let difference = replay.difference(from: live)
    return difference.removals.map { change in
        guard case .remove(_, let line, _) = change else { return "" }
        return "live " + line
    }
        + difference.insertions.map { change in
            guard case .insert(_, let line, _) = change else { return "" }
            return "replay " + line
        }
}

/// The records that are compared, in an order that does not depend on when they were told.
private func comparable(_ json: String) throws -> [String] {
    try json.split(separator: "\n").compactMap { line in
        var record = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        switch record["_path"] as? String {
        case "capture": return nil
        case "host": for key in ["ts", "ts_ns"] { record[key] = nil }
        // The sockets that hold the ports are counted live.
        case "finding" where record["code"] as? String == "time-wait-held": return nil
        case "conn":
            for key in ["file", "interface"] { record[key] = nil }
            let codes = (record["findings"] as? [String])?.filter { $0 != "time-wait-held" }
            record["findings"] = codes?.isEmpty == false ? codes : nil
        default: break
        }
        return String(
            decoding: try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys]), as: UTF8.self)
    }.sorted()
}
