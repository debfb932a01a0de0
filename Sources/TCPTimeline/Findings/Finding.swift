// One finding: a cause by name, a sentence that states it, and what proves it.

public import TCPModel

/// What was found out about one connection.
public struct Finding: Sendable {
    /// One fact that the finding rests on.
    public struct Evidence: Sendable {
        /// Its name, snake_case.
        public var name: StaticString
        /// Its value.
        public var value: Value

        /// The kinds of values.
        public enum Value: Sendable {
            /// A count, an inode, a pid.
            case number(Int64)
            /// Nanoseconds.
            case span(Int64)
            /// Untrusted text: escape it before showing.
            case text(String)
        }

        /// A fact from its parts.
        public init(_ name: StaticString, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// The connection that it is about.
    public var connection: ConnectionID
    /// The cause.
    public var code: FindingCode
    /// When it became certain.
    public var time: Timestamp
    /// The side it is about; nil = both, or neither.
    public var side: Side?
    /// One plain sentence, without the final full stop. It may contain process names: untrusted, escape before showing.
    public var message: String
    /// The frames that show it, oldest first.
    public var frames: [UInt64]
    /// The facts that prove it.
    public var evidence: [Evidence]

    /// A finding from its parts.
    public init(
        connection: ConnectionID, code: FindingCode, time: Timestamp, side: Side?, message: String, frames: [UInt64],
        evidence: [Evidence]
    ) {
        self.connection = connection
        self.code = code
        self.time = time
        self.side = side
        self.message = message
        self.frames = frames
        self.evidence = evidence
    }
}
