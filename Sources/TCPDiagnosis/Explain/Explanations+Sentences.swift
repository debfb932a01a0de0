// Finds the pages for a sentence pasted from a row. Details of that one row are ignored, and the longest known run of
// words determines the page.

import TCPModel
import TCPTimeline

extension Explanations {
    /// A longer input, in octets, is no sentence of ours; even a line of a wide page is shorter.
    private static let longestSentence = 256
    /// The maximum number of words in a run that is looked up.
    private static let longestRun = 6

    /// Folded words of rows, closing lines and heads, with the page that explains them. Names of pages need no entry.
    private static let sentences: [String: String] = [
        "nothing-was-lost": "tail-loss-probe", "was-not-needed": "spurious-retransmission",
        "was-not-needed-d-sack": "D-SACK", "idle-for": "idle", "may-still-send": "half_closed",
        "states-assumed": "assumed", "no-process-owns-it": "not accepted", "not-accepted-for": "not accepted",
        "accepted-within": "accepted after", "segments-left-out": "left out", "rows-left-out": "left out",
        "time-wait-timer-expired": "TIME_WAIT", "time-wait-socket-is-gone": "TIME_WAIT",
        "fin-wait-2-timed-out": "FIN_WAIT_2", "socket-is-gone": "silent-close", "kernel-says": "!",
        "same-connection-as-tcp": "NAT", "connected-to-itself": "self-connect",
        "confirmed-by-the-kernel": "confirmed", "lost-by-the-capture": "capture-gap", "closes-first": "teardown",
        "quoting-seq": "ICMP", "end-in": "TIME_WAIT", "end-of-fin-wait-2-in": "FIN_WAIT_2",
        "discarded-here": "discarded here", "was-ended-by-a-rst": "half-open-peer", "gave-up-closed-in": "SYN_SENT",
        "closed-after-icmp-error": "syn-unanswered",
        "syn-ack-dropped": "syn-unanswered", "when-last-heard": "half_closed",
        "retransmit-after": "retransmit", "retransmits": "retransmit", "accepts-the-rst": "reset",
    ]

    /// Names of pages that mean the same in a sentence as on their own, folded, together with `sentences`.
    private static let known: [String: String] = {
        var known = sentences
        let kinds: Set<Explanation.Kind> = [.finding, .situation, .remark, .errno, .kernelReason, .counter]
        for page in all where kinds.contains(page.kind) { known[fold(page.name)] = page.name }
        return known
    }()

    /// The words of a sentence, folded: without surrounding brackets and punctuation, without the pid after a process
    /// name, and without numbers, times and addresses.
    private static func words(of sentence: String) -> [String] {
        sentence.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" }).compactMap { part in
            let isOfOurs: (Character) -> Bool = { $0.isLetter || $0.isNumber }
            guard let first = part.firstIndex(where: isOfOurs) else { return nil }
            var word = part[first...]
            // `lab-client[7511]`
            if let bracket = word.firstIndex(of: "["), bracket > word.startIndex { word = word[..<bracket] }
            while let last = word.last, !isOfOurs(last) { word.removeLast() }
            return word.isEmpty || word[word.startIndex].isNumber ? nil : fold(String(word))
        }
    }

    /// The known runs of words in a sentence, longest first, as names of pages. Runs shorter than `least` octets are
    /// ordinary words of any sentence, as is `was`, unless they begin it.
    private static func runs(in sentence: String, least: Int, _ isKnown: (String) -> String?) -> [String] {
        guard sentence.utf8.count <= longestSentence else { return [] }
        let words = words(of: sentence)
        var found: [(length: Int, name: String)] = []
        for start in words.indices {
            for end in start..<min(words.count, start + longestRun) {
                let run = words[start...end].joined(separator: "-")
                guard run.utf8.count >= least && run != "was" || start == 0, let name = isKnown(run) else { continue }
                found.append((run.utf8.count, name))
            }
        }
        var names: [String] = []
        for run in found.sorted(by: { $0.length > $1.length }) where !names.contains(run.name) {
            names.append(run.name)
        }
        return names
    }

    /// The pages for a sentence of the output; empty if nothing in it is recognized reliably.
    static func pages(forSentence sentence: String) -> [Explanation] {
        let isSentence = sentence.contains { $0 == " " || $0 == "[" }
        guard isSentence, let name = runs(in: sentence, least: 5, { known[$0] }).first else { return [] }
        return pages(for: name)
    }

    /// The names of the pages whose words occur in a sentence, those with the longest words first.
    static func names(in sentence: String) -> [String] {
        guard sentence.contains(" ") else { return [] }
        return runs(in: sentence, least: 3) { run in
            if let name = known[run] { return name }
            if let word = Explanation.words.first(where: { fold($0.name) == fold(Explanation.otherWords[run] ?? run) })
            {
                return word.name
            }
            return TCPState(named: run).map { "\($0.displayName)" } ?? Outcome(named: run).map { "\($0.name)" }
        }
    }
}
