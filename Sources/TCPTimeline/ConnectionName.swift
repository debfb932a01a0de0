// What distinguishes a connection from all others, in one capture and across captures.

public import TCPModel

/// The identity of a connection: its number, and what its `uid` is made of.
public struct ConnectionName: BitwiseCopyable, Sendable, Equatable {
    /// Counted from 1 in the order of first segments.
    public let number: UInt64
    /// From the originator to the responder.
    public let tuple: FourTuple
    /// SEG.SEQ of the first segment.
    public let firstSequence: SequenceNumber
    /// Time of the first segment.
    public let firstTime: Timestamp
}
