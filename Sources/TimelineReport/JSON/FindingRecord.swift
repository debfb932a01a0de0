// The `finding` record.

import TCPTimeline

extension JSONObject {
    /// Adds the contents of a finding: code, severity, endpoint, message, frames and evidence (spans in seconds, with
    /// `_s`).
    mutating func add(_ finding: Finding) {
        add("code", string: finding.code.rawValue)
        add("severity", literal: finding.code.severity.name)
        if let side = finding.side { add("endpoint", literal: side.jsonName) }
        add("message", string: finding.message)
        add(
            "frames",
            raw: { out in
                out.append("[")
                for (index, frame) in finding.frames.enumerated() {
                    if index > 0 { out.append(",") }
                    out.append(number: frame)
                }
                out.append("]")
            })
        guard !finding.evidence.isEmpty else { return }
        addObject("evidence") { evidence in
            for fact in finding.evidence {
                switch fact.value {
                case .number(let number): evidence.add(fact.name, number: number)
                case .span(let span): evidence.add(span: fact.name, nanoseconds: span)
                case .text(let text): evidence.add(fact.name, string: text)
                }
            }
        }
    }
}
