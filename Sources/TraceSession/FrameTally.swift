// Counts of frames that were not traced, and the sentences that report them.

import TCPModel
import TCPWire

/// Counts of frames that were not traced as segments. Nothing is dropped silently: these are reported at the end.
struct FrameTally: Sendable {
    /// Frames that are not TCP, which is normal.
    var otherTraffic: UInt64 = 0
    /// Segments with a wrong checksum.
    var badChecksums: UInt64 = 0
    /// ICMP errors about segments of unknown connections.
    var strayErrors = StrayErrors()
    /// TCP segments left out because they belong to another connection than the first one in their frame (802.11
    /// aggregation).
    var leftOut: UInt64 = 0
    /// Outcomes of IP fragments.
    var fragments = FragmentCounts()
    /// Frames with a link type that is not supported.
    var unsupported: UInt64 = 0
    /// Damaged frames.
    var damaged: UInt64 = 0
    /// The number of the first damaged frame, and what is wrong with it.
    var firstDamage: (frame: UInt64, error: DecodeError)?

    mutating func note(_ kind: OtherTraffic) {
        switch kind {
        // Counted during reassembly.
        case .fragment: break
        case .unsupportedLinkType: unsupported &+= 1
        default: otherTraffic &+= 1
        }
    }

    mutating func note(_ error: DecodeError, frame: UInt64) {
        damaged &+= 1
        if firstDamage == nil { firstDamage = (frame, error) }
    }

    /// A copy that includes the outcomes of fragments; packets still waiting for fragments count as expired.
    func with(_ fragments: borrowing FragmentReassembly) -> FrameTally {
        var tally = self
        tally.fragments = fragments.counts
        tally.fragments.expired += UInt64(fragments.unfinished)
        return tally
    }
}

/// Sentences about what was not traced, for standard error; empty if everything was TCP.
func tallySentences(_ tally: FrameTally) -> [String] {
    var sentences: [String] = []
    func plural(_ count: UInt64) -> String { count == 1 ? "1 frame was" : "\(count) frames were" }
    if tally.otherTraffic > 0 { sentences.append("\(plural(tally.otherTraffic)) not TCP") }
    if tally.badChecksums > 0 {
        sentences.append("\(counted(tally.badChecksums, "frame")) had a bad checksum, and changed no state")
    }
    if let text = tally.strayErrors.sentence { sentences.append(text) }
    if tally.leftOut > 0 {
        let segments = tally.leftOut == 1 ? "1 segment was" : "\(tally.leftOut) segments were"
        sentences.append("\(segments) in the same frame behind a segment of another connection, and not traced")
    }
    if let text = fragmentSentence(tally.fragments) { sentences.append(text) }
    if tally.unsupported > 0 { sentences.append("\(plural(tally.unsupported)) of a link type that is not decoded") }
    if tally.damaged > 0 {
        var text = "\(plural(tally.damaged)) damaged and not traced"
        if let first = tally.firstDamage { text += "; the first is frame \(first.frame): \(first.error)" }
        sentences.append(text)
    }
    return sentences
}

/// A sentence about IP fragments; nil if there were none.
private func fragmentSentence(_ counts: FragmentCounts) -> String? {
    guard counts.fragments > 0 else { return nil }
    var parts = ["\(counted(counts.reassembled, "packet")) put together"]
    if counts.expired > 0 { parts.append("\(counted(counts.expired, "packet")) not complete") }
    if counts.begun > 0 { parts.append("\(counted(counts.begun, "packet")) known only by the first fragment") }
    if counts.evicted > 0 {
        parts.append("\(counted(counts.evicted, "packet")) given up, as there were too many at a time")
    }
    if counts.overlapping > 0 { parts.append("\(counted(counts.overlapping, "packet")) with overlapping fragments") }
    if counts.invalid > 0 { parts.append("\(counts.invalid) contradictory") }
    let frames = counts.fragments == 1 ? "1 frame was an IP fragment" : "\(counts.fragments) frames were IP fragments"
    return "\(frames): " + parts.joined(separator: ", ")
}
