// The connection from which the usual course is learnt: its segments, and what makes two of its states the same.

import TCPMachine
import TCPModel

/// Produces an example of every situation on the usual course.
enum UsualExample {
    private static var client: SocketAddress { SocketAddress(.loopbackV4, 35924) }
    private static var server: SocketAddress { SocketAddress(.loopbackV4, 9500) }

    /// A connection from which nothing has been seen.
    static var blank: HotPart {
        let nothing = Segment(
            tuple: FourTuple(source: client, destination: server), sequence: SequenceNumber(1000), flags: .syn)
        return HotPart(
            number: 1, tuple: nothing.tuple, first: nothing, time: Timestamp(nanoseconds: 0), interface: 0)
    }

    /// The segment of this kind that a side would send now; all its numbers meet.
    static func segment(_ kind: UsualKind, from own: Int, in hot: HotPart) -> Segment {
        let tuple = FourTuple(source: client, destination: server)
        let isFirst = kind.hasSyn
        let text: UInt32 = kind == .text || kind == .finWithText ? 100 : 0
        let flags: TCPFlags =
            switch kind {
            case .syn: .syn
            case .synAck: [.syn, .ack]
            case .ack, .text: .ack
            case .fin, .finWithText: [.fin, .ack]
            }
        return Segment(
            tuple: own == 0 ? tuple : tuple.reversed,
            sequence: isFirst ? SequenceNumber(own == 0 ? 1000 : 5000) : hot.endpoints[own].sendNext,
            acknowledgment: kind == .syn ? SequenceNumber(0) : hot.endpoints[1 - own].sendNext, flags: flags,
            window: 500, payloadLength: text, ipLength: 40 + text)
    }

    /// Whether the numbers that must meet are known, so that they do not meet by chance.
    static func knowsNumbers(for kind: UsualKind, from own: Int, in hot: HotPart) -> Bool {
        let knowsOwn = hot.endpoints[own].knowsSendSequence
        let knowsPeer = hot.endpoints[1 - own].knowsSendSequence
        return switch kind {
        case .syn: own == 0 && !knowsOwn && !knowsPeer
        case .synAck: !knowsOwn && knowsPeer
        case .ack, .text, .fin, .finWithText: knowsOwn && knowsPeer
        }
    }

    /// A number shared by the states of the example that have the same situations ahead: those at one place, with
    /// either side's text or FIN still unacknowledged or not.
    static func number(of hot: HotPart) -> Int {
        number(hot.sides[0].course, hasFlight(hot, 0), hasFlight(hot, 1))
    }

    /// The number of the state to which a segment leads by its row: then what it brings is unacknowledged,
    /// and nothing from the other side is.
    static func number(after kind: UsualKind, from own: Int, by row: UsualCourse.Row, _ hot: HotPart) -> Int {
        let hasFlight = hasFlight(hot, own) || kind != .ack
        return number(row.originator.course, own == 0 && hasFlight, own == 1 && hasFlight)
    }

    private static func number(_ course: UInt8, _ originator: Bool, _ responder: Bool) -> Int {
        Int(course) * 4 + (originator ? 2 : 0) + (responder ? 1 : 0)
    }

    private static func hasFlight(_ hot: HotPart, _ side: Int) -> Bool {
        hot.endpoints[side].sendUnacknowledged != hot.endpoints[side].sendNext
    }

    /// Whether two connections are equal in everything that is kept of them.
    static func areSame(_ one: HotPart, _ other: HotPart) -> Bool {
        for side in 0..<2 where one.endpoints[side] != other.endpoints[side] || one.sides[side] != other.sides[side] {
            return false
        }
        return one.tuple == other.tuple && one.facts == other.facts && one.interface == other.interface
            && one.firstSequence == other.firstSequence && one.rarePlace == other.rarePlace
            && one.lastTime == other.lastTime && one.lastLiveTime == other.lastLiveTime
            && one.firstTime == other.firstTime && one.number == other.number && one.history == other.history
            && one.handshake == other.handshake && one.zeek == other.zeek
            && one.completeness == other.completeness && one.tunnel == other.tunnel
    }

    /// Whether two rows are equal.
    static func areSame(_ one: UsualCourse.Row, _ other: UsualCourse.Row) -> Bool {
        one.isLive == other.isLive && one.originator == other.originator && one.responder == other.responder
            && one.facts == other.facts && one.zeek == other.zeek
            && one.sender == other.sender && one.receiver == other.receiver
            && one.isOver == other.isOver && one.marks == other.marks
    }
}
