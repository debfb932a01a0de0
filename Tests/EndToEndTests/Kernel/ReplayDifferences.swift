// The differences between a live trace and the replay of the capture file that it wrote.

import Foundation
import Testing

/// The records in which a live trace and the replay of its own file differ, one per line: `live` or `replay`, and the
/// record. Empty if they agree. Only the source of the frames, the times of the run and live-only facts are left out.
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

/// The records to compare, in an order independent of when they were written.
private func comparable(_ json: String) throws -> [String] {
    try json.split(separator: "\n").compactMap { line in
        var record = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        switch record["_path"] as? String {
        case "capture": return nil
        case "host": for key in ["ts", "ts_ns"] { record[key] = nil }
        // Only a live trace can count the sockets that hold the ports.
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
