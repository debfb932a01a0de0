// The pages of Zeek's conn_state values and history letters, and of Wireshark's tcp.completeness.

import TCPTimeline

extension Explanation {
    static let zeekStates: [Explanation] = [
        zeek(
            "S0", "A SYN, and no reply.",
            "Also a capture of one direction, even with data (SAD): only the SYN counts.",
            "no_answer, or open if the originator went on"),
        zeek(
            "S1", "Established, not ended.",
            "Zeek says so as soon as it has SYN and SYN-ACK: without the third segment (Sh) the server may still be in SYN_RECEIVED.",
            "open, or half_open without the third segment"),
        zeek(
            "SF", "Normal opening and normal end.",
            "Both FINs are enough, even if the opening was not seen. Look for S and h in the history.",
            "closed, reset if a RST between or after the FINs ended it, or half_closed if one of the FINs cannot be from its apparent sender"
        ),
        zeek(
            "REJ", "The attempt was refused with a RST.", "[S], [R.]: nothing listens there (RFC 9293 3.10.7.1).",
            "refused, or reset if both sides sent a RST"),
        zeek(
            "S2", "Established, and the originator closed; no FIN from the responder.",
            "An ordinary half-close and a CLOSE_WAIT leak look the same here: explain half-close, close-wait-leak.",
            "half_closed"),
        zeek(
            "S3", "Established, and the responder closed; no FIN from the originator.",
            "Like S2, the other way round: the client's process has not closed.", "half_closed"),
        zeek(
            "RSTO", "Established, and the originator sent a RST.",
            "Also a scan that resets after the SYN-ACK (ShR), or a RST against an older connection's answer to the SYN, after which the connection opened. Zeek does not check whether the receiver obeys the RST.",
            "reset; closed, open, half_closed or half_open if the RST was not obeyed"),
        zeek(
            "RSTR", "The responder sent a RST.", "Like RSTO. The findings say which kind of RST it was.",
            "reset; closed, open, half_closed or half_open if the RST was not obeyed"),
        zeek(
            "RSTOS0", "A SYN, then a RST from the originator; no SYN-ACK seen.",
            "An ACK from the responder may come in between: an old socket's challenge ACK. See explain half-open-peer.",
            "half_open with that ACK, no_answer without it, reset if the RST has the next number expected"),
        zeek(
            "RSTRH", "A SYN-ACK, then a RST from the responder; no SYN seen.",
            "Also a connection captured from the middle that the responder reset, and a lone RST.",
            "reset, or refused if there is only a RST that answers a SYN"),
        zeek(
            "SH", "A SYN, then a FIN from the originator; no SYN-ACK seen: \"half open\".",
            "Also a capture of one direction, or from the middle with one FIN.",
            "half_closed, closed for a self-connect, or partial if no TCP sends such a FIN"),
        zeek(
            "SHR", "A SYN-ACK, then a FIN from the responder; no SYN seen.",
            "Like SH, the other way round.", "half_closed, or partial if no TCP sends such a FIN"),
        zeek(
            "OTH", "No SYN seen and no normal end: traffic from the middle of a connection.",
            "Also a lone SYN-ACK, and a reset from the middle by the originator. On lo, Zeek's defaults drop frames for their checksums: OTH everywhere.",
            "partial, reset, half_open after a lone SYN-ACK, or open if text followed that"),
    ]

    private static func zeek(_ name: String, _ summary: String, _ truth: String, _ outcome: String) -> Explanation {
        Explanation(
            .zeekState, name, summary, Section("Mind", [truth]), Section("Our word for it", [outcome + " (outcome)"]),
            .see("The labels page of the documentation, for Zeek's rule and every difference."))
    }

    /// The meaning of each letter of the history, in lower case.
    static let historyLetters: [(letter: Character, meaning: String, note: String)] = [
        ("s", "SYN without ACK", "Repeated only with another ISN: retransmitted SYNs share one letter."),
        ("h", "SYN and ACK: the answer to a SYN", "Repeated only with another ISN."),
        ("a", "ACK without data", "Once per direction."),
        ("d", "data", "Once per direction, however much there is."),
        ("f", "FIN", "Repeated only with another number: retransmitted FINs share one letter."),
        ("r", "RST", "Repeated only with another number."),
        (
            "c", "wrong checksum",
            "Only with --verify-checksums or the kernel's report of it, and once per direction: with offload, checksums are unfinished at capture time. See explain 'bad checksum'."
        ),
        ("g", "gap: acknowledged data that the capture lacks", "The 1st, 10th, 100th time. See explain capture-gap."),
        ("t", "data retransmitted", "The 1st, 10th, 100th time. See explain retransmission."),
        (
            "w", "window of 0",
            "The 1st, 10th, 100th time; not in a RST, nor after the peer's FIN. See explain zero-window-stall."
        ),
        ("i", "FIN and RST in one segment", "Once per direction. No TCP sends it."),
        ("q", "SYN with FIN or RST in one segment", "Once per direction. Scanners send it."),
        ("^", "the roles are the reverse of what the first segment suggested", "The opening was missed."),
        ("x", "Zeek's analysis was cut short", "Never here: no analyzer reads contents."),
    ]

    static func page(ofLetter letter: Character) -> Explanation? {
        let lower = Character(letter.lowercased())
        guard let entry = historyLetters.first(where: { $0.letter == lower }) else { return nil }
        let side = letter == "^" ? "" : letter.isUppercase ? "originator, " : "responder, "
        let other = letter.isUppercase ? letter.lowercased() : letter.uppercased()
        let rule = letter == "^" ? "" : " \(other) is the same from the other side."
        return Explanation(.history, String(letter), side + entry.meaning + ".", .meaning(entry.note + rule))
    }

    /// The longest history that is explained: Zeek's histories repeat letters, ours end after 21.
    private static let longestHistory = 64

    static func page(ofHistory word: String) -> Explanation? {
        let letters = Array(word.prefix(longestHistory + 1))
        guard letters.count > 1, letters.count <= longestHistory else { return nil }
        var steps: [String] = []
        for (index, letter) in letters.enumerated() {
            if letter == "+" && index == letters.count - 1 {
                steps.append("+: more followed and was not kept")
            } else if let page = page(ofLetter: letter) {
                steps.append("\(letter): \(page.summary.dropLast())")
            } else {
                return nil
            }
        }
        return Explanation(
            .history, word, "What happened, in order; capital letters are the originator's.",
            sections: [
                Section("Letter by letter", steps),
                .see("explain S, explain h: a letter's own page says when it is repeated."),
            ])
    }

    static let completenessBits: [(bit: Completeness, name: String, note: String)] = [
        (.syn, "SYN", "a SYN without ACK"), (.synAck, "SYN-ACK", "SYN and ACK"),
        (.ack, "ACK", "ACK without SYN and data; [R.] and [F.] count too"), (.data, "DATA", "data"),
        (.fin, "FIN", "FIN and ACK"), (.reset, "RST", "a RST"),
    ]

    static func page(ofCompleteness number: UInt8) -> Explanation? {
        guard number < 64 else { return nil }
        let bits = Completeness(rawValue: number)
        let lines = completenessBits.map { entry in
            "\(entry.bit.rawValue): \(entry.name) \(bits.contains(entry.bit) ? "seen" : "not seen") (\(entry.note))"
        }
        let label =
            switch number {
            case 1: "Incomplete, SYN_SENT"
            case 3: "Incomplete, CLIENT_ESTABLISHED"
            case 7: "Incomplete, ESTABLISHED"
            case 15: "Incomplete, DATA"
            case 31, 47, 63: "Complete, WITH_DATA"
            case 23, 39, 55: "Complete, NO_DATA"
            default: "Incomplete"
            }
        var mind =
            "The numbers of all kinds of segments seen are added up. A connection captured from the middle is never complete."
        if number == 37 {
            mind = "37 is the usual number of a refused connection: SYN, and [R.], which counts as ACK and RST. " + mind
        }
        return Explanation(
            .completeness, "\(number)", "Wireshark 4.0 says: \(label).",
            sections: [Section("Bit by bit", lines), Section("Mind", [mind])])
    }
}
