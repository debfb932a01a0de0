// What taking in a segment came to, for whoever has not asked for an event.

import TCPMachine

extension Timeline {
    /// What `track` found, in as few words as a function returns in registers.
    public struct Tracked: BitwiseCopyable, Sendable {
        /// The segment's connection.
        public let connection: ConnectionID
        /// The place of the replaced connection, counted from 1; 0 = none.
        @usableFromInline let replacedPlace: UInt32
        @usableFromInline let marks: Marks
        /// The frame that the segment's is another copy of; 0 if it is none, and was taken in.
        public let copyOf: UInt64

        /// The older incarnation of the four-tuple that it ended, to be reported and then retired.
        @inlinable public var replaced: ConnectionID? {
            replacedPlace == 0 ? nil : ConnectionID(slot: replacedPlace &- 1)
        }
        /// Whether it is the connection's first segment.
        @inlinable public var isFirst: Bool { marks.contains(.first) }
        /// Whether it took the short way of segments that change nothing.
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

            /// What this step did.
            init(_ step: borrowing Connection.Step) {
                rawValue = 0
                if step.ended { insert(.ended) }
                if step.sent.count &+ step.arrived.count > 0 { insert(.transitions) }
            }
        }

        /// Of a segment that changed nothing.
        @inline(__always) init(_ connection: ConnectionID, copyOf: UInt64 = 0) {
            self.connection = connection
            replacedPlace = 0
            marks = .steady
            self.copyOf = copyOf
        }

        /// Of one that did this.
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
