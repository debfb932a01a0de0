// The documentation's page of the state diagram is made from `TransitionDiagram`: this test makes it and compares.

import TCPMachine
import TCPModel
import Testing

@Suite struct DiagramPageTests {
    /// FIN-WAIT-1, as the RFC and the documentation write states.
    static func name(_ state: TCPState) -> String {
        state == .unseen ? "(unknown)" : "\(state.displayName)".replacing("_", with: "-")
    }

    /// Mermaid takes no hyphens in names of states.
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

            This page is made from `TransitionDiagram`; a test compares them, and another one holds every transition that the
            machine can make against the same list. A rule's name begins with its section of RFC 9293; the `rule` of a
            `state` record (<doc:Schema>) is one of them.

            ```mermaid
            stateDiagram-v2
                [*] --> CLOSED
                [*] --> LISTEN
            \(arrows.joined(separator: "\n"))
            ```

            ## Edges that the machine takes

            Three edges of RFC 9293's figure 5 are never seen on the wire: the passive OPEN from CLOSED to LISTEN, CLOSE from LISTEN to
            CLOSED, and SEND from LISTEN to SYN-SENT, whose SYN looks like any other. Notes of the figure, and what Linux does at an ICMP
            error (RFC 9293 3.9.2.2 allows it for hard errors only), are among these:

            \(table(TransitionDiagram.rfcEdges))

            ## Edges to CLOSED by a RST

            By a RST that arrives with exactly RCV.NXT, `\(RFCRule.reset.id)`: from \(resets.joined(separator: ", ")).

            By sending one, `\(RFCRule.abort.id)`: from \(aborts.joined(separator: ", ")).
            In CLOSING, LAST-ACK and TIME-WAIT an abort sends nothing (RFC 9293 3.10.5), nor does Linux: a RST that is seen from there
            all the same ends them here.

            ## Edges of knowledge

            Not TCP's: how a state is entered when the capture did not see how, when a later segment proves more than was seen
            (`\(RFCRule.evidence.id)`), when one disproves what was inferred (`\(RFCRule.retraction.id)`), or when the kernel no longer has
            the socket (`\(RFCRule.kernelClosed.id)`).

            \(table(TransitionDiagram.knowledgeEdges))

            """
    }

    @Test func goldenPageHasTheDiagram() throws {
        try GoldenFile("Sources/tcptrace/Documentation.docc/States.md").compare(Self.page())
    }
}
