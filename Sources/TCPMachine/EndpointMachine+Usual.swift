// What a segment of a connection's usual course does to the numbers of both endpoints, where all numbers meet: it begins with
// SND.NXT of its sender, which is RCV.NXT of its receiver, and acknowledges all that the receiver has sent.
//
// What it does to states is not written down here: `EndpointShape` is what `sent` and `arrives` made of it once.

public import TCPModel

/// All that an endpoint is besides numbers: its state, how sure it is, and which of its variables are known.
///
/// Where all numbers meet, what a segment does to two endpoints depends on nothing else.
public struct EndpointShape: BitwiseCopyable, Sendable, Equatable {
    let state: TCPState
    let certainty: Certainty
    let knowledge: UInt32
}

extension EndpointMachine {
    /// What is known besides and changes nothing where all numbers meet.
    private static var aside: Knowledge { [.tookUnseen, .farFromOwnSyn, .farFromPeerSyn] }

    /// Its shape.
    public var shape: EndpointShape {
        EndpointShape(state: state, certainty: certainty, knowledge: knowledge.rawValue & ~Self.aside.rawValue)
    }

    /// Whether its numbers are in the order that `sent` and `arrives` keep, so that those of a usual segment can meet them.
    public var isOrderly: Bool {
        let flight = sendNext.offset(from: sendUnacknowledged)
        return flight < 1 << 30 && !(knowledge.contains(.window) && receiveNext.isBefore(acknowledged))
    }

    /// Takes on a shape.
    @inline(__always) public mutating func become(_ shape: EndpointShape) {
        state = shape.state
        certainty = shape.certainty
        knowledge.rawValue = knowledge.rawValue & Self.aside.rawValue | shape.knowledge
    }

    /// Whether all numbers meet in a segment with ACK from `sender`, on its way to this endpoint. A SYN-ACK's own number is new.
    @inline(__always) public func meets(_ segment: Segment, from sender: borrowing EndpointMachine) -> Bool {
        guard segment.acknowledgment == sendNext, sender.receiveNext == sendNext else { return false }
        if segment.flags.has(.syn) { return true }
        guard segment.sequence == sender.sendNext else { return false }
        return segment.sequence == receiveNext
    }

    /// The numbers of `sent`, and the shape after it.
    public mutating func sentUsually(_ segment: Segment, _ shape: EndpointShape) {
        let flags = segment.flags
        let end = segment.sequenceEnd
        if flags.has(.syn) {
            iss = segment.sequence
            sendUnacknowledged = segment.sequence
            ownShift = Self.shift(of: segment)
        } else if end != sendNext && end.offset(from: iss) >= 1 << 30 {
            knowledge.insert(.farFromOwnSyn)
        }
        sendNext = end
        if flags.has(.fin) { ownFin = segment.finSequence }
        if flags.has(.ack) {
            let shift = flags.has(.syn) ? 0 : windowShift ?? 14
            let edge = segment.acknowledgment.advanced(by: UInt32(segment.window) << UInt32(shift))
            if !knowledge.contains(.window) || edge.isAfter(receiveLimit) { receiveLimit = edge }
            // It lies at RCV.NXT, and nothing beyond that has been acknowledged.
            acknowledged = segment.acknowledgment
            noteTimestamp(segment)
        }
        become(shape)
    }

    /// The numbers of `arrives`, and the shape after it.
    public mutating func arrivesUsually(_ segment: Segment, _ shape: EndpointShape) {
        let flags = segment.flags
        let end = segment.sequenceEnd
        if flags.has(.syn) {
            irs = segment.sequence
            peerShift = Self.shift(of: segment)
        } else if segment.payloadLength > 0 && segment.finSequence.offset(from: irs) >= 1 << 30 {
            knowledge.insert(.farFromPeerSyn)
        }
        receiveNext = end
        if flags.has(.fin) { peerFin = segment.finSequence }
        if flags.has(.ack) { sendUnacknowledged = segment.acknowledgment }
        become(shape)
    }
}
