// What there is to notice in a scenario, by what was seen.

import TCPTimeline

/// Sentences of which each is said only if it is true.
struct Observations {
    private(set) var sentences: [String] = []

    /// Says what was seen, or that it was not.
    mutating func note(_ wasSeen: Bool, _ sentence: @autoclosure () -> String, otherwise: @autoclosure () -> String) {
        sentences.append(wasSeen ? sentence() : otherwise())
    }

    /// Says it as it is.
    mutating func note(_ sentence: String) { sentences.append(sentence) }

    /// Says why a segment went out twice, if one did: no frame is lost on loopback.
    mutating func noteLossProbe(_ connection: Connection?) {
        guard let connection else { return }
        for (side, names) in [("client", "server"), ("server", "client")].enumerated()
        where connection.counters[side].retransmissions > 0 {
            note(
                "One of the \(names.0)'s segments went out twice: the \(names.1)'s Linux delayed its ACK, and the "
                    + "\(names.0)'s tail loss probe did not wait for it. Nothing was lost.")
        }
    }
}
