// The documentation page of the state diagram is generated from `TransitionDiagram`; this test regenerates it and
// compares.

import TCPMachine
import TCPModel
import Testing

@Suite struct DiagramPageTests {
    /// The name of a state as the RFC and the documentation write it, such as FIN-WAIT-1.
    static func name(_ state: TCPState) -> String {
        state == .unseen ? "(unknown)" : "\(state.displayName)".replacing("_", with: "-")
    }

    /// The name of a state's node. Mermaid does not allow hyphens there.
    static func node(_ state: TCPState) -> String { "\(state.displayName)" }

    static func table(_ edges: [TransitionDiagram.Edge]) -> String {
        var lines = ["| From | To | Rule |", "|---|---|---|"]
        lines += edges.map { "| \(name($0.from)) | \(name($0.to)) | `\($0.rule.id)` |" }
        return lines.joined(separator: "\n")
    }

    static func page() -> String {
        let arrows = TransitionDiagram.rfcEdges.map { "    \(node($0.from)) --> \(node($0.to)) : \($0.rule.id)" }
        let resets = TransitionDiagram.resetEdges.filter { $0.rule == .reset }.map { name($0.from) }
        let aborts = TransitionDiagram.resetEdges.filter { $0.rule == .abort }.map { name($0.from) }
        return """
            # States

            Every edge that an endpoint may take, and the rule that takes it.

            ## Overview

            This page is generated from `TransitionDiagram`. One test compares the two; another one checks every transition
            that the machine can make against the same list. A rule's name begins with its section of RFC 9293. The `rule`
            of a `state` record (<doc:Schema>) is one of these names.

            ```mermaid
            stateDiagram-v2
                [*] --> CLOSED
                [*] --> LISTEN
            \(arrows.joined(separator: "\n"))
            ```

            ## Edges that the machine takes

            Three edges of RFC 9293's figure 5 cannot be recognised on the wire: the passive OPEN from CLOSED to LISTEN, CLOSE
            from LISTEN to CLOSED, and SEND from LISTEN to SYN-SENT, whose SYN looks like any other. The table includes the
            notes of the figure, and what Linux does at an ICMP error (RFC 9293 3.9.2.2 allows it for hard errors only):

            \(table(TransitionDiagram.rfcEdges))

            ## Edges to CLOSED by a RST

            A RST arrives with exactly RCV.NXT, `\(RFCRule.reset.id)`: from \(resets.joined(separator: ", ")).

            The endpoint sends a RST, `\(RFCRule.abort.id)`: from \(aborts.joined(separator: ", ")).
            In CLOSING, LAST-ACK and TIME-WAIT an abort sends nothing (RFC 9293 3.10.5), and neither does Linux. If a RST from
            there is captured all the same, it ends them here.

            ## Edges of knowledge

            These edges are not TCP's. They are taken when the capture did not show how a state was entered, when a later
            segment proves more than was captured (`\(RFCRule.evidence.id)`), when one disproves what was inferred
            (`\(RFCRule.retraction.id)`), or when the kernel no longer has the socket (`\(RFCRule.kernelClosed.id)`).

            \(table(TransitionDiagram.knowledgeEdges))

            """
    }

    @Test func goldenPageHasTheDiagram() throws {
        try GoldenFile("Sources/tcptrace/Documentation.docc/States.md").compare(Self.page())
    }
}
