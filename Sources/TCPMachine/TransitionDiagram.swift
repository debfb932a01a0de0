// The state diagram as data: every edge an endpoint may take, and the rule that takes it (RFC 9293 3.3.2, figure 5).

public import TCPModel

/// The legal edges. A test checks every transition that the machine can make against this list, and vice versa.
public enum TransitionDiagram {
    /// One edge.
    public struct Edge: Hashable, Sendable {
        /// The state before.
        public var from: TCPState
        /// The state after.
        public var to: TCPState
        /// The rule that takes it.
        public var rule: RFCRule

        /// The edge `from` - `to`, taken by `rule`.
        public init(from: TCPState, to: TCPState, rule: RFCRule) {
            self.from = from
            self.to = to
            self.rule = rule
        }
    }

    /// The edges of RFC 9293's figure 5 and its notes, by the rules that take them.
    public static let rfcEdges: [Edge] = [
        Edge(from: .closed, to: .synSent, rule: .activeOpen),
        Edge(from: .listen, to: .synReceived, rule: .listenSyn),
        Edge(from: .synSent, to: .established, rule: .synSentSynAck),
        Edge(from: .synSent, to: .synReceived, rule: .synSentSyn),
        Edge(from: .synSent, to: .closed, rule: .synSentReset),
        Edge(from: .synSent, to: .closed, rule: .abort),
        Edge(from: .synSent, to: .closed, rule: .icmpError),
        Edge(from: .synReceived, to: .listen, rule: .icmpError),
        Edge(from: .synReceived, to: .established, rule: .synReceivedAck),
        Edge(from: .synReceived, to: .listen, rule: .synReceivedReset),
        Edge(from: .synReceived, to: .closed, rule: .synReceivedReset),
        Edge(from: .synReceived, to: .finWait1, rule: .closeCall),
        Edge(from: .established, to: .finWait1, rule: .closeCall),
        Edge(from: .established, to: .closeWait, rule: .fin),
        Edge(from: .closeWait, to: .lastAck, rule: .closeCall),
        Edge(from: .lastAck, to: .closed, rule: .lastAckAck),
        Edge(from: .finWait1, to: .finWait2, rule: .finWait1Ack),
        Edge(from: .finWait1, to: .closing, rule: .fin),
        Edge(from: .finWait2, to: .timeWait, rule: .fin),
        Edge(from: .closing, to: .timeWait, rule: .closingAck),
        Edge(from: .timeWait, to: .closed, rule: .timeWaitTimeout),
    ]

    /// A RST ends every state that has a connection, whichever side sends it.
    public static let resetEdges: [Edge] =
        [.established, .finWait1, .finWait2, .closeWait, .closing, .lastAck, .timeWait].flatMap {
            [Edge(from: $0, to: .closed, rule: .reset), Edge(from: $0, to: .closed, rule: .abort)]
        } + [Edge(from: .synReceived, to: .closed, rule: .abort)]

    /// Edges of knowledge, not of the RFC: how a state is entered when the capture missed how,
    /// or a retraction corrects it.
    public static let knowledgeEdges: [Edge] =
        [
            Edge(from: .unseen, to: .established, rule: .midstream),
            Edge(from: .unseen, to: .closed, rule: .midstream),
            Edge(from: .unseen, to: .closed, rule: .abort),
            Edge(from: .closed, to: .synSent, rule: .midstream),
            Edge(from: .listen, to: .synReceived, rule: .evidence),
            Edge(from: .synReceived, to: .established, rule: .evidence),
            Edge(from: .synSent, to: .established, rule: .evidence),
            Edge(from: .finWait1, to: .lastAck, rule: .evidence),
            Edge(from: .finWait2, to: .lastAck, rule: .evidence),
            Edge(from: .established, to: .synSent, rule: .retraction),
            Edge(from: .synReceived, to: .synSent, rule: .retraction),
            Edge(from: .established, to: .synReceived, rule: .retraction),
            Edge(from: .established, to: .listen, rule: .retraction),
            Edge(from: .closeWait, to: .established, rule: .retraction),
            Edge(from: .closeWait, to: .synReceived, rule: .retraction),
            Edge(from: .finWait2, to: .finWait1, rule: .retraction),
            Edge(from: .timeWait, to: .closing, rule: .retraction),
            Edge(from: .timeWait, to: .finWait1, rule: .retraction),
            Edge(from: .closed, to: .lastAck, rule: .retraction),
            Edge(from: .closed, to: .synSent, rule: .retraction),
            Edge(from: .closed, to: .established, rule: .retraction),
            Edge(from: .closed, to: .closeWait, rule: .retraction),
            Edge(from: .closed, to: .finWait1, rule: .retraction),
            Edge(from: .closed, to: .finWait2, rule: .retraction),
        ]
        + [.synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck].map {
            Edge(from: $0, to: .closed, rule: .kernelClosed)
        }

    /// All edges.
    public static let edges = rfcEdges + resetEdges + knowledgeEdges

    /// Whether the diagram has this transition.
    public static func allows(_ transition: Transition) -> Bool {
        edges.contains(Edge(from: transition.from, to: transition.to, rule: transition.rule))
    }
}
