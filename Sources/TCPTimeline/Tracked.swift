// The result of taking in a segment, for callers that have not asked for an event.

import TCPMachine

extension Timeline {
    /// What `track` found, small enough to be returned in registers.
    public struct Tracked: BitwiseCopyable, Sendable {
        /// The segment's connection.
        public let connection: ConnectionID
        /// The place of the replaced connection, counted from 1; 0 = none.
        @usableFromInline let replacedPlace: UInt32
        @usableFromInline let marks: Marks
        /// The frame that the segment's frame is another copy of; 0 if it is no copy, and was taken in.
        public let copyOf: UInt64

        /// The older incarnation of the four-tuple that it ended, to be reported and then retired.
        @inlinable public var replaced: ConnectionID? {
            replacedPlace == 0 ? nil : ConnectionID(slot: replacedPlace &- 1)
        }
        /// Whether it is the connection's first segment.
        @inlinable public var isFirst: Bool { marks.contains(.first) }
        /// Whether it changed no state: it took the fast path, or its frame was a copy.
        @inlinable public var isSteady: Bool { marks.contains(.steady) }
        /// Whether the connection ended with this segment.
        @inlinable public var ended: Bool { marks.contains(.ended) }
        /// Whether any endpoint changed its state.
        @inlinable public var hasTransitions: Bool { marks.contains(.transitions) }

        @usableFromInline struct Marks: OptionSet, BitwiseCopyable, Sendable {
            @usableFromInline let rawValue: UInt32
            @usableFromInline init(rawValue: UInt32) { self.rawValue = rawValue }
            @inlinable static var first: Marks { Marks(rawValue: 1) }
            @inlinable static var steady: Marks { Marks(rawValue: 2) }
            @inlinable static var ended: Marks { Marks(rawValue: 4) }
            @inlinable static var transitions: Marks { Marks(rawValue: 8) }

            /// The marks of this step.
            init(_ step: borrowing Connection.Step) {
                rawValue = 0
                if step.ended { insert(.ended) }
                if step.sent.count &+ step.arrived.count > 0 { insert(.transitions) }
            }
        }

        /// For a segment that changed nothing.
        @inline(__always) init(_ connection: ConnectionID, copyOf: UInt64 = 0) {
            self.connection = connection
            replacedPlace = 0
            marks = .steady
            self.copyOf = copyOf
        }

        /// For a segment that did what the marks say.
        @inline(__always) init(
            _ connection: ConnectionID, replaced: ConnectionID? = nil, isFirst: Bool, _ marks: Marks
        ) {
            self.connection = connection
            replacedPlace = replaced.map { $0.slot &+ 1 } ?? 0
            self.marks = isFirst ? marks.union(.first) : marks
            copyOf = 0
        }
    }
}
