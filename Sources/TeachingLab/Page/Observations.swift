// What to notice in a scenario, according to what was seen.

import TCPTimeline

/// Collects sentences, each of which depends on whether it was observed.
struct Observations {
    private(set) var sentences: [String] = []

    /// Adds the sentence for what was seen, or the one for its absence.
    mutating func note(_ wasSeen: Bool, _ sentence: @autoclosure () -> String, otherwise: @autoclosure () -> String) {
        sentences.append(wasSeen ? sentence() : otherwise())
    }

    /// Adds a sentence unconditionally.
    mutating func note(_ sentence: String) { sentences.append(sentence) }

    /// Explains why a segment was sent twice, if one was: no frame is lost on loopback.
    mutating func noteLossProbe(_ connection: Connection?) {
        guard let connection else { return }
        for (side, names) in [("client", "server"), ("server", "client")].enumerated()
        where connection.counters[side].retransmissions > 0 {
            note(
                "One of the \(names.0)'s segments was sent twice: the \(names.1)'s kernel delayed its ACK, and the "
                    + "\(names.0)'s tail loss probe did not wait for it. Nothing was lost.")
        }
    }
}
