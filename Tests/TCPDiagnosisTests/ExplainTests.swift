// Every word of the output has a page, pages fit their width, and they cite only reviewed sections.

import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct ExplainTests {
    // MARK: Everything has a page

    @Test func everyFindingHasAPage() {
        for code in FindingCode.allCases {
            #expect(Explanations.page(of: code) != nil, "\(code.rawValue)")
            #expect(Explanations.pages(for: code.rawValue).contains { $0.kind == .finding && $0.name == code.rawValue })
        }
    }

    @Test func whatIsListedAsAFindingIsOne() {
        // Scripts pass these names to --fail-on.
        for page in Explanations.all where page.kind == .finding {
            #expect(FindingCode(rawValue: page.name) != nil, "\(page.name)")
        }
        #expect(Explanations.pages(for: "port-exhaustion").map(\.kind) == [.situation])
    }

    @Test func everyStateHasAPage() {
        for state in TCPState.allCases where state != .unseen {
            let pages = Explanations.pages(for: "\(state.displayName)")
            #expect(pages.contains { $0.kind == .state && $0.name == "\(state.displayName)" }, "\(state)")
        }
        for spelling in ["fin-wait-2", "FIN_WAIT2", "finwait2", "fin_wait_2"] {
            #expect(Explanations.pages(for: spelling).map(\.name) == ["FIN_WAIT_2"], "\(spelling)")
        }
        #expect(Explanations.pages(for: "SYN_RECV").map(\.name) == ["SYN_RECEIVED"])
    }

    @Test func everyOutcomeAndCertaintyHasAPage() {
        for outcome in Outcome.allCases {
            #expect(Explanations.pages(for: "\(outcome.name)").contains { $0.kind == .outcome }, "\(outcome)")
        }
        for certainty in [Certainty.observed, .inferred, .confirmed, .assumed] {
            #expect(Explanations.pages(for: "\(certainty.name)").map(\.kind) == [.certainty], "\(certainty)")
        }
    }

    /// Every value of `ZeekState` is among these, which are all that Zeek documents.
    @Test(arguments: ["S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH"])
    func everyZeekStateHasAPage(_ name: String) {
        #expect(Explanations.pages(for: name).first?.kind == .zeekState)
        #expect(Explanations.pages(for: name).first?.name == name)
    }

    @Test func everyLetterThatIsRecordedHasAPage() {
        for letter in ["s", "h", "a", "c", "d", "f", "r", "t", "w", "g", "i", "q", "^"] {
            for word in [letter, letter.uppercased()] {
                let page = Explanations.pages(for: word).first { $0.kind == .history }
                #expect(
                    page?.sections.contains { $0.paragraphs.contains { $0.contains("Never here") } } == false, "\(word)"
                )
            }
        }
    }

    /// The reasons that a live trace prints: drop_reason, reset_reason.
    @Test(arguments: [
        "NETFILTER_DROP", "NO_SOCKET", "TCP_ABORT_ON_CLOSE", "TCP_STATE", "TCP_OLD_SEQUENCE", "TCP_TIMEWAIT_SOCKET",
        "TCP_LISTEN_OVERFLOW", "SOCKET_FILTER", "TCP_KEEPALIVE_TIMEOUT", "TCP_ABORT_ON_DATA", "TCP_RFC7323_PAWS",
    ])
    func everyReasonOfTheKernelHasAPage(_ name: String) {
        for word in [name, name.lowercased(), "SKB_DROP_REASON_" + name, "SK_RST_REASON_" + name] {
            #expect(
                Explanations.pages(for: word).contains { $0.kind == .kernelReason && $0.name == name }, "\(word)")
        }
    }

    @Test func everyReasonThatFindingsTranslateHasAPage() {
        // The names of `dropMeaning`, which findings explain in half a sentence.
        for name in Explanation.kernelReasons.map(\.name) {
            #expect(Explanation.kernelReasons.count { $0.name == name } == 1, "\(name)")
        }
        for name in [
            "SOCKET_FILTER", "NETFILTER_DROP", "TC_INGRESS", "IP_RPFILTER", "SECURITY_HOOK", "XFRM_POLICY",
            "TCP_MD5NOTFOUND", "TCP_MD5UNEXPECTED", "TCP_MD5FAILURE", "TCP_AONOTFOUND", "TCP_AOUNEXPECTED",
            "TCP_AOKEYNOTFOUND", "TCP_AOFAILURE", "TCP_LISTEN_OVERFLOW", "SOCKET_RCVBUFF", "PROTO_MEM",
            "SOCKET_BACKLOG", "IP_INADDRERRORS", "IP_INVALID_DEST", "IP_INHDR", "IP_CSUM", "IPV6DISABLED",
            "PKT_TOO_BIG",
            "NEIGH_HH_FILLFAIL", "RECURSION_LIMIT", "SKB_GSO_SEG", "PSP_INPUT", "PSP_OUTPUT", "NOMEM", "PFMEMALLOC",
        ] {
            #expect(dropMeaning(KernelWord(name)) != name && Explanations.pages(for: name).count == 1, "\(name)")
        }
    }

    @Test func everyCounterThatIsShownHasAPage() throws {
        for (name, meaning) in HostCounterTroubles.meanings {
            let page = try #require(Explanations.pages(for: name).first, "\(name)")
            #expect(page.kind == .counter && page.summary.contains(meaning))
        }
        for word in ["TcpExtTCPTimeWaitOverflow", "TCPTimeWaitOverflow", "tcptimewaitoverflow"] {
            #expect(Explanations.pages(for: word).map(\.name) == ["TcpExtTCPTimeWaitOverflow"], "\(word)")
        }
        #expect(Explanations.pages(for: "ListenOverflows").map(\.name) == ["TcpExtListenOverflows"])
        #expect(Explanations.suggestions(for: "TCPSynRetran").first == "TcpExtTCPSynRetrans")
    }

    /// With `tcp_syncookies` 2 the kernel always sends cookies and counts each SYN as one that met a full queue
    /// (`tcp_syn_flood_action`).
    @Test(arguments: ["TcpExtSyncookiesSent", "TcpExtTCPReqQFullDoCookies"]) func cookiesWithoutAFullQueue(
        _ name: String
    ) throws {
        let page = try #require(Explanations.pages(for: name).first)
        #expect(page.summary.hasSuffix("a SYN queue was full, or tcp_syncookies is 2."), "\(page.summary)")
    }

    // MARK: What pages say

    @Test func aStatesPageHasTheDiagramsEdges() throws {
        for state in TCPState.allCases where state != .unseen {
            let page = try #require(Explanation.page(of: state))
            let entered = page.sections.first { $0.heading == "Entered from" }?.paragraphs ?? []
            let left = page.sections.first { $0.heading == "Left for" }?.paragraphs ?? []
            for edge in TransitionDiagram.rfcEdges {
                if edge.to == state { #expect(entered.contains { $0.hasPrefix("\(edge.from.displayName): ") }) }
                if edge.from == state { #expect(left.contains { $0.hasPrefix("\(edge.to.displayName): ") }) }
            }
            #expect(entered.count == TransitionDiagram.rfcEdges.count { $0.to == state })
        }
    }

    /// The figure of the diagram shows neither RSTs nor silent ends, but a reader who waits for the end of a state
    /// needs both.
    @Test func aStatesPageHasTheEndsWithoutAnEdge() throws {
        for state in TCPState.allCases where state != .unseen && state != .closed {
            let page = try #require(Explanation.page(of: state))
            let left = page.sections.first { $0.heading == "Left for" }?.paragraphs ?? []
            #expect(Set(left).count == left.count, "\(left)")
            let isSilent = TransitionDiagram.knowledgeEdges.contains { $0.from == state && $0.rule == .kernelClosed }
            #expect(left.contains { $0.contains("silently") } == isSilent, "\(state): \(left)")
            #expect(left.count { $0.hasPrefix("CLOSED: a RST") } <= 1, "\(state): \(left)")
        }
        let closed = try #require(Explanation.page(of: .closed))
        #expect(closed.sections.contains { $0.heading == "From any state with a connection" })
        // RFC 9293 3.10.5: an abort in SYN-SENT sends no RST.
        let synSent = try #require(Explanation.page(of: .synSent))
        #expect(
            synSent.sections.contains { $0.paragraphs.contains { $0.contains("close() or abort: nothing is sent (") } })
    }

    @Test func R_and_R_dot_differ() {
        #expect(Explanations.pages(for: "R").first?.name == "RST")
        #expect(Explanations.pages(for: "R.").first?.name == "RST,ACK")
        #expect(Explanations.pages(for: "[R.]").first?.name == "RST,ACK")
        #expect(Explanations.pages(for: "rst,ack").first?.name == "RST,ACK")
        #expect(Explanations.pages(for: "S.").first?.name == "SYN,ACK")
        #expect(Explanations.pages(for: "F.").first?.name == "FIN")
        #expect(Explanations.pages(for: "P.").first?.name == "PSH")
        #expect(Explanations.pages(for: ".").map(\.name) == ["ACK"])
        #expect(Explanations.pages(for: "SEW").first?.name == "SYN,ECE,CWR")
        #expect(Explanations.pages(for: "NS").first?.name == "AE")
        #expect(Explanations.pages(for: "FIN,PSH,ACK").first?.name == "FIN,PSH,ACK")
    }

    /// Words that the tool prints take precedence over their meaning as flag letters.
    @Test func aWordOfTheOutputIsNoSetOfLetters() {
        for word in [
            "PAWS", "mss", "ws", "win", "TLP", "SACK", "D-SACK", "MSL", "Recv-Q", "Send-Q", "idle", "data", "note",
        ] {
            #expect(Explanations.pages(for: word).map(\.kind) == [.word], "\(word)")
        }
        for (word, name) in [
            ("octets", "data"), ("bytes", "data"), ("warn", "note"), ("send-q", "Send-Q"), ("WS", "ws"),
            ("community_id", "Community ID"),
        ] {
            #expect(Explanations.pages(for: word).map(\.name) == [name], "\(word)")
        }
        #expect(Explanations.pages(for: "RTO").map(\.kind) == [.word, .remark])
        #expect(Explanations.pages(for: "(RTO)").map(\.kind) == [.remark])
        #expect(Explanations.pages(for: "[WS]").map(\.kind) == [.flags])
        for name in Explanation.otherWords.values {
            #expect(Explanation.words.contains { $0.name == name }, "\(name)")
        }
    }

    /// Words found in every ladder and table are the first that people look up.
    @Test func whatStandsInEveryRowHasAPage() {
        for (words, name, kind) in [
            (["seq", "SEQ", "sequence-number", "sequence number"], "seq", Explanation.Kind.word),
            (["retransmit", "Retransmit", "retransmitted"], "retransmit", .word),
            (["CLOSER", "closer", "closed_by", "closed-by"], "CLOSER", .word), (["=="], "==", .mark),
            (["4+", "4+5", "10+", "6+7"], "4+5", .mark), (["2|", "1|", "12345|"], "2|", .mark), (["=>"], "=>", .mark),
        ] {
            for word in words {
                let pages = Explanations.pages(for: word)
                #expect(pages.map(\.name) == [name] && pages.map(\.kind) == [kind], "\(word): \(pages.map(\.name))")
            }
        }
        for word in ["+", "+5", "4+5+6", "|", "||", "x|", "4+x", "=", "\u{662}|"] {
            #expect(!Explanations.pages(for: word).contains { $0.kind == .mark }, "\(word)")
        }
    }

    /// Remarks as they appear in rows, with the values of that row.
    @Test(arguments: [
        ("tail loss probe, nothing was lost", "tail-loss-probe"), ("frame 12 was not needed (D-SACK)", "D-SACK"),
        ("frame 12 was not needed (TSecr)", "spurious-retransmission"),
        ("kernel: client is CLOSE_WAIT, not captured", "not captured"), ("idle for 61s", "idle"),
        ("kernel: server is CLOSED, RST not captured", "not captured"), ("was lab-client[24727]", "was"),
        ("kernel: accepted after 183ms", "accepted after"), ("accepted within 100ms", "accepted after"),
        ("kernel: not accepted, no process owns it", "not accepted"), ("lab-server[7410] listens", "listens"),
        ("half-closed: server may still send", "half_closed"),
        ("half-closed (S2) when last heard, both CLOSED now", "half_closed"),
        ("kernel: CLOSE_WAIT socket was ended by a RST", "half-open-peer"),
        ("kernel: lab-client[24727] gave up: closed in SYN_SENT", "SYN_SENT"),
        ("kernel: curl[7] closed after ICMP error", "syn-unanswered"),
        ("kernel: server is SYN_RECEIVED, SYN-ACK dropped", "syn-unanswered"),
        ("| half-closed: client's socket has no owner  |", "has no owner"),
        ("kernel: tcp_send_reset TCP_ABORT_ON_CLOSE by lab-server[7410]", "TCP_ABORT_ON_CLOSE"),
        ("kernel: client gets ECONNRESET", "ECONNRESET"),
        ("kernel: packet for client dropped, NETFILTER_DROP", "NETFILTER_DROP"),
        ("[1400 of 1448 octets not captured]", "octets not captured"), ("acked +9.03us", "acked"),
        ("began before the capture: states assumed", "assumed"), ("same connection as TCP 1 (NAT)", "NAT"),
        ("client called 10.1.0.2:80 (redirected)", "redirected"), ("retransmit 1 (after 1.02s)", "retransmit"),
        ("... 600 rows, 1200 segments left out ...", "left out"), ("kernel: TIME_WAIT timer expired", "TIME_WAIT"),
        ("--- teardown (client closes first) ---", "teardown"), ("* = confirmed by the kernel", "confirmed"),
        ("kernel says client: (no socket)", "!"),
        ("handshake 36.8us", "handshake"), ("last segment after 115.9ms", "last segment after"),
    ])
    func aPastedSentenceHasAPage(_ sentence: String, _ name: String) {
        #expect(Explanations.pages(for: sentence).first?.name == name)
    }

    /// The column titles of the ladder, of -q and of `sockets`.
    @Test(arguments: [
        "OUTCOME", "SETUP", "DURATION", ">B", "<B", "CLOSER", "PROCESS", "delta", "teardown", "handshake",
        "PID/Program",
        "Recv-Q", "length",
    ])
    func aColumnHasAPage(_ title: String) { #expect(!Explanations.pages(for: title).isEmpty) }

    /// Every word of the list can be typed, except those in brackets.
    @Test func theListHasWordsToType() {
        for line in Explanations.list(width: 100) where !line.isHeading {
            for name in line.text.split(separator: #/ {2,}/#).map(String.init) where !name.hasPrefix("(") {
                #expect(!Explanations.pages(for: name).isEmpty, "\(name)")
            }
        }
    }

    /// The figure omits this step (RFC 9293 3.3.2, note 2), although a student's first connection may take it.
    @Test func theStepPastFIN_WAIT_2IsTold() throws {
        for state in [TCPState.finWait1, .timeWait] {
            let page = try #require(Explanation.page(of: state))
            let text = page.sections.flatMap(\.paragraphs).joined(separator: " ")
            #expect(text.contains("RFC 9293 3.3.2") && text.contains(state == .finWait1 ? "TIME_WAIT" : "FIN_WAIT_1"))
        }
    }

    @Test func aStateWithItsMarkIsTheState() {
        #expect(Explanations.pages(for: "LISTEN*").map(\.name) == ["LISTEN"])
        #expect(Explanations.pages(for: "CLOSED*").first?.kind == .state)
        #expect(Explanations.pages(for: "ESTABLISHED!").map(\.name) == ["ESTABLISHED"])
        #expect(
            Explanations.pages(for: "*").map(\.kind) == [.mark] && Explanations.pages(for: "!").map(\.kind) == [.mark])
    }

    /// RFC 9293 3.10.5: an endpoint that has sent and received a FIN deletes the connection, and sends nothing.
    @Test func anAbortAfterBothFINsSendsNothing() throws {
        for state in [TCPState.closing, .lastAck, .timeWait] {
            let page = try #require(Explanation.page(of: state))
            #expect(page.sections.contains { $0.paragraphs.contains { $0.contains("abort: nothing is sent") } })
            #expect(!page.sections.contains { $0.paragraphs.contains { $0.contains("a RST, sent or") } })
        }
    }

    @Test func aHistoryIsToldLetterByLetter() throws {
        let page = try #require(Explanations.pages(for: "ShADadFf").first)
        #expect(page.sections.first?.paragraphs.count == 8)
        #expect(page.sections.first?.paragraphs[1] == "h: responder, SYN and ACK: the answer to a SYN")
        #expect(Explanations.pages(for: "Sr").first?.kind == .history)
        #expect(Explanations.pages(for: "^hADdFaf").first?.kind == .history)
        #expect(Explanations.pages(for: "Sz").isEmpty)
    }

    @Test func aCompletenessIsToldBitByBit() throws {
        let page = try #require(Explanations.pages(for: "37").first)
        let seen = page.sections.first?.paragraphs.filter { $0.contains(" seen (") && !$0.contains("not seen") } ?? []
        #expect(seen.map { $0.prefix { $0.isNumber } } == ["1", "4", "32"])
        #expect(Explanations.pages(for: "31").first?.summary.contains("Complete, WITH_DATA") == true)
        #expect(Explanations.pages(for: "23").first?.summary.contains("Complete, NO_DATA") == true)
        #expect(Explanations.pages(for: "64").isEmpty)
        #expect(Explanations.pages(for: "-1").isEmpty)
    }

    @Test func aWordWithTwoMeaningsHasBothPages() {
        #expect(Explanations.pages(for: "reset").map(\.kind) == [.finding, .outcome])
        #expect(Explanations.pages(for: "closed").map(\.kind) == [.state, .outcome])
        #expect(Explanations.pages(for: "refused").map(\.kind) == [.finding, .outcome])
        #expect(Explanations.pages(for: "S").map(\.kind) == [.flags, .history])
        #expect(Explanations.pages(for: "32").map(\.kind) == [.errno, .completeness])
    }

    @Test func everyPageIsFoundByItsName() {
        for page in Explanations.all {
            #expect(
                Explanations.pages(for: page.name).contains { $0.name == page.name && $0.kind == page.kind },
                "\(page.kind) \(page.name)")
        }
    }

    /// `explain NAME` within a page promises that such a page exists.
    @Test func everyPageThatIsReferredToIsThere() {
        for page in Explanations.all {
            for text in [page.summary] + page.sections.flatMap(\.paragraphs) {
                for match in text.matches(of: /[Ee]xplain ([A-Za-z][A-Za-z0-9_,-]*)/) {
                    let name = match.output.1.drop { $0 == "," }
                    let plain = name.hasSuffix(",") ? name.dropLast() : name
                    #expect(!Explanations.pages(for: String(plain)).isEmpty, "\(page.name): explain \(plain)")
                }
            }
        }
    }

    // MARK: Form

    private static var pages: [Explanation] {
        Explanations.all + ["ShADadFf", "37", "31", "FIN,PSH,ACK"].flatMap { Explanations.pages(for: $0) }
    }

    @Test(arguments: [60, 80]) func everyLineFits(_ width: Int) {
        for page in Self.pages {
            for line in page.lines(width: width) { #expect(line.text.count <= width, "\(page.name): \(line.text)") }
        }
        for line in Explanations.list(width: width) { #expect(line.text.count <= width, "\(line.text)") }
    }

    /// A command is there to be copied.
    @Test func aCommandIsNotBroken() {
        for page in Self.pages {
            for line in page.lines(width: 60) {
                #expect(line.text.count { $0 == "`" } % 2 == 0, "\(page.name): \(line.text)")
            }
        }
    }

    @Test func aPageIsAPage() {
        for page in Self.pages {
            let count = page.lines(width: 80).count
            #expect(count <= 26, "\(page.kind) \(page.name) has \(count) lines")
            if [.finding, .state, .flags, .errno, .outcome, .zeekState].contains(page.kind) {
                #expect(count >= 6, "\(page.kind) \(page.name) has \(count) lines")
            }
            if page.kind == .finding { #expect(count >= 8, "\(page.name) has \(count) lines") }
        }
    }

    @Test func pagesAreASCII() {
        // ASCII is readable on a terminal in any locale.
        for page in Self.pages {
            for line in page.lines(width: 80) { #expect(line.text.utf8.allSatisfy { $0 < 0x7f && $0 >= 0x20 }) }
        }
    }

    /// The sections that pages may cite. Review a new one like code: look it up first.
    static let reviewedSections: Set<String> = [
        "RFC 792", "RFC 4443", "RFC 9293", "RFC 9293 3.1", "RFC 9293 3.3.2", "RFC 9293 3.4", "RFC 9293 3.4.1",
        "RFC 9293 3.4.2",
        "RFC 9293 3.5",
        "RFC 9293 3.5.1", "RFC 9293 3.5.2",
        "RFC 9293 3.6",
        "RFC 9293 3.6.1", "RFC 9293 3.8.1", "RFC 9293 3.8.2", "RFC 9293 3.8.3", "RFC 9293 3.8.4", "RFC 9293 3.8.5",
        "RFC 9293 3.8.6.1",
        "RFC 9293 3.7.1", "RFC 9293 3.7.4", "RFC 9293 3.8.6.3", "RFC 9293 3.9.1.2", "RFC 9293 3.9.2.2",
        "RFC 9293 3.10.1",
        "RFC 9293 3.10.4",
        "RFC 9293 3.10.5",
        "RFC 9293 3.10.7.1", "RFC 9293 3.10.7.2", "RFC 9293 3.10.7.3", "RFC 9293 3.10.7.4", "RFC 9293 3.10.8",
        "RFC 1122 4.2.2.13", "RFC 1191", "RFC 1337", "RFC 2018 2", "RFC 2018 3", "RFC 2883 4", "RFC 2923 2.1",
        "RFC 3168 6.1.1",
        "RFC 3168 6.1.2",
        "RFC 3168 6.1.3", "RFC 3540",
        "RFC 4821", "RFC 4987 3.6", "RFC 5681 3.2", "RFC 5961 3.2", "RFC 5961 4.2", "RFC 5961 5.2", "RFC 6093 4",
        "RFC 6191 2",
        "RFC 6298 2", "RFC 6298 5.5", "RFC 7323 2.3", "RFC 7323 3.2", "RFC 3168 6.1.1", "RFC 7323 5", "RFC 7413 4.2.2",
        "RFC 8201", "RFC 8985 6.2",
        "RFC 8985 7.2", "RFC 8985 7.3", "RFC 9768 3.1.1",
        "RFC 9768 3.2.2",
    ]

    @Test func pagesCiteOnlyReviewedSections() {
        var cited: Set<String> = []
        for page in Self.pages {
            for text in [page.summary] + page.sections.flatMap(\.paragraphs) {
                let plain = text.split(whereSeparator: { $0 == " " || $0 == "\n" }).joined(separator: " ")
                for match in plain.matches(of: /RFC [0-9]+(?: [0-9]+(?:\.[0-9]+)*)?/) {
                    let citation = String(match.output)
                    cited.insert(citation)
                    #expect(Self.reviewedSections.contains(citation), "\(page.name) cites \(citation)")
                }
            }
        }
        #expect(Self.reviewedSections.subtracting(cited).sorted() == [], "cited no more")
    }

    // MARK: Words that mean nothing

    @Test func theNearestNamesAreSuggested() {
        #expect(Explanations.suggestions(for: "closewaitleak").first == "close-wait-leak")
        #expect(Explanations.suggestions(for: "ECONRESET").first == "ECONNRESET")
        #expect(Explanations.suggestions(for: "TIEM_WAIT").first == "TIME_WAIT")
        #expect(Explanations.suggestions(for: "tail").first == "tail-loss-probe")
        #expect(Explanations.suggestions(for: "qqqqqqqqqqqq") == [])
        // A match in the middle of a word does not count, so neither challenge-ack nor silent-close is suggested.
        #expect(Explanations.suggestions(for: "len").isEmpty)
        #expect(Explanations.suggestions(for: "challenge").first == "challenge-ack")
        #expect(Explanations.suggestions(for: "synretra").contains("TcpExtTCPSynRetrans"))
        // For a row, the suggestions are its words that have a page, without similar ones.
        #expect(Explanations.suggestions(for: "-- SYN seq 0 win 65495 mss 65495 --->").contains("seq"))
        #expect(Explanations.suggestions(for: "the window is small") == ["win"])
        #expect(editDistance(Array("ab".unicodeScalars), Array("ba".unicodeScalars)) == 1)
        #expect(editDistance(Array("kitten".unicodeScalars), Array("sitting".unicodeScalars)) == 3)
        #expect(editDistance([], Array("abc".unicodeScalars)) == 3)
    }

    @Test(arguments: [
        "", " ", "\u{1b}[31m", "\0", "\u{202e}TIW", "🇨🇭", String(repeating: "a", count: 100_000),
        String(repeating: "S", count: 65), "--", "9999999999999999999999", "%s%n", "../../etc/passwd", "S\u{301}",
    ])
    func hostileWordsMeanNothing(_ word: String) {
        #expect(Explanations.pages(for: word).isEmpty)
        #expect(Explanations.suggestions(for: word).count <= 5)
    }
}
