// How a segment on a connection's usual course changes the numbers of both endpoints when all numbers meet: it begins
// at its sender's SND.NXT, which is its receiver's RCV.NXT, and acknowledges everything that the receiver has sent.
//
// Its effect on states is not written here: an `EndpointShape` is what `sent` and `arrives` once made of it.

public import TCPModel

/// Everything about an endpoint except its numbers: its state, how certain that is,
/// and which of its variables are known.
///
/// When all numbers meet and are in order, a segment's effect on both endpoints depends on nothing else.
public struct EndpointShape: BitwiseCopyable, Sendable, Equatable {
    let state: TCPState
    let certainty: Certainty
    let knowledge: UInt32

    /// The whole shape packed into one word.
    public var word: UInt64 {
        UInt64(knowledge) << 16 | UInt64(state.rawValue) << 8 | UInt64(certainty.rawValue)
    }
}

extension EndpointMachine {
    /// Knowledge that makes no difference when all numbers meet, and so is not part of the shape.
    private static var unasked: Knowledge { [.tookUnseen, .farFromOwnSyn, .farFromPeerSyn] }

    /// This endpoint's shape.
    public var shape: EndpointShape {
        EndpointShape(state: state, certainty: certainty, knowledge: knowledge.rawValue & ~Self.unasked.rawValue)
    }

    /// Whether its numbers are close enough together to be ordered reliably: it has little in
    /// flight, and has acknowledged nearly everything that arrived. Check it for each segment,
    /// because numbers move on even if ACKs are not captured.
    @inlinable @inline(__always) public func isOrderly() -> Bool {
        guard sendNext.offset(from: sendUnacknowledged) < SequenceNumber.furthestInFlight else { return false }
        return knowledge.rawValue & Knowledge.window.rawValue == 0
            || receiveNext.offset(from: acknowledged) < SequenceNumber.furthestInFlight
    }

    /// Whether the SYN and the FINs are where the shape implies, whatever forged or lost segments came before: nothing
    /// but the SYN arrived in SYN-RECEIVED, and each FIN is the last number of its side.
    public var isWhereItSeems: Bool {
        if state == .synReceived && receiveNext != irs.advanced(by: 1) { return false }
        if knowledge.contains(.ownFin) && sendNext != ownFin.advanced(by: 1) { return false }
        guard knowledge.contains(.peerFin) else { return true }
        return knowledge.contains(.peerFinProcessed) && receiveNext == peerFin.advanced(by: 1)
    }

    /// Adopts a shape.
    @inline(__always) public mutating func become(_ shape: EndpointShape) {
        state = shape.state
        certainty = shape.certainty
        knowledge.rawValue = knowledge.rawValue & Self.unasked.rawValue | shape.knowledge
    }

    /// Whether all numbers meet for a segment with ACK on its way to this endpoint: those of the segment, SND.NXT
    /// (`sent`) and RCV.NXT (`received`) of its sender, and those of this endpoint. A SYN-ACK's own number is new.
    /// Whether the numbers are in order is up to `isOrderly`, for both ends.
    @inlinable @inline(__always) public func meets(
        _ segment: borrowing Segment, sent: SequenceNumber, received: SequenceNumber
    ) -> Bool {
        guard segment.acknowledgment == sendNext, received == sendNext,
            segment.payloadLength < SequenceNumber.furthestInFlight
        else { return false }
        if segment.flags.has(.syn) { return true }
        guard segment.sequence == sent else { return false }
        return segment.sequence == receiveNext
    }

    /// Updates the numbers as `sent` does, and adopts the shape that follows.
    public mutating func sentUsually(_ segment: Segment, _ shape: EndpointShape) {
        let flags = segment.flags
        if flags.has(.syn) {
            startSending(segment)
        } else if segment.sequenceLength > 0 {
            moveSendNext(to: segment.sequenceEnd)
        }
        if flags.has(.fin) { ownFin = segment.finSequence }
        if flags.has(.ack) {
            noteTimestamp(segment)
            noteWindow(segment)
        }
        become(shape)
    }

    /// Updates the numbers as `arrives` does, and adopts the shape that follows.
    public mutating func arrivesUsually(_ segment: Segment, _ shape: EndpointShape) {
        let flags = segment.flags
        if flags.has(.syn) {
            learnPeerSyn(segment)
        } else if segment.payloadLength > 0 {
            moveReceiveNext(to: segment.finSequence)
        }
        if flags.has(.fin) {
            peerFin = segment.finSequence
            receiveNext = segment.sequenceEnd
        }
        if flags.has(.ack) { sendUnacknowledged = segment.acknowledgment }
        become(shape)
    }
}
