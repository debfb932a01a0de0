// What a segment of a connection's usual course does to the numbers of both endpoints, where all numbers meet: it begins with
// SND.NXT of its sender, which is RCV.NXT of its receiver, and acknowledges all that the receiver has sent.
//
// What it does to states is not written down here: `EndpointShape` is what `sent` and `arrives` made of it once.

public import TCPModel

/// All that an endpoint is besides numbers: its state, how sure it is, and which of its variables are known.
///
/// Where all numbers meet and are in order, what a segment does to two endpoints depends on nothing else.
public struct EndpointShape: BitwiseCopyable, Sendable, Equatable {
    let state: TCPState
    let certainty: Certainty
    let knowledge: UInt32

    /// All of it in one word.
    public var word: UInt64 {
        UInt64(knowledge) << 16 | UInt64(state.rawValue) << 8 | UInt64(certainty.rawValue)
    }
}

extension EndpointMachine {
    /// What is known besides, and changes nothing where all numbers meet.
    private static var unasked: Knowledge { [.tookUnseen, .farFromOwnSyn, .farFromPeerSyn] }

    /// Its shape.
    public var shape: EndpointShape {
        EndpointShape(state: state, certainty: certainty, knowledge: knowledge.rawValue & ~Self.unasked.rawValue)
    }

    /// Whether its numbers are near each other, so that before and after are what they seem: it has little in flight, and has
    /// acknowledged nearly all that came. To be asked for each segment, because numbers move on where ACKs are not captured.
    @inlinable @inline(__always) public func isOrderly() -> Bool {
        guard sendNext.offset(from: sendUnacknowledged) < SequenceNumber.furthestInFlight else { return false }
        return knowledge.rawValue & Knowledge.window.rawValue == 0
            || receiveNext.offset(from: acknowledged) < SequenceNumber.furthestInFlight
    }

    /// Whether SYN and FINs are where its shape says, whatever made up or lost segments came before: nothing but the SYN was taken
    /// in SYN-RECEIVED, and either FIN is the last number of its side.
    public var isWhereItSeems: Bool {
        if state == .synReceived && receiveNext != irs.advanced(by: 1) { return false }
        if knowledge.contains(.ownFin) && sendNext != ownFin.advanced(by: 1) { return false }
        guard knowledge.contains(.peerFin) else { return true }
        return knowledge.contains(.peerFinProcessed) && receiveNext == peerFin.advanced(by: 1)
    }

    /// Takes on a shape.
    @inline(__always) public mutating func become(_ shape: EndpointShape) {
        state = shape.state
        certainty = shape.certainty
        knowledge.rawValue = knowledge.rawValue & Self.unasked.rawValue | shape.knowledge
    }

    /// Whether all numbers meet in a segment with ACK on its way to this endpoint: with SND.NXT and RCV.NXT of its sender, and
    /// here. A SYN-ACK's own number is new. Whether they are in any order `isOrderly` says, of either end.
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

    /// The numbers of `sent`, and the shape after it.
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

    /// The numbers of `arrives`, and the shape after it.
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
