// The connections of a generated capture, which yield their segments one by one.

import SeededRandom

/// A connection with a handshake, some requests and answers, and possibly a close.
struct Conversation {
    private let client: Path
    private var step = 0
    private var clientNext: UInt32
    private var serverNext: UInt32
    private let exchanges: Int
    private let closes: Bool

    /// Connection `index` of a capture, with its own four-tuple and sequence numbers and `exchanges` requests and
    /// answers.
    init(index: Int, exchanges: Int, closes: Bool, isIPv6: Bool = false, vlan: UInt16 = 0) {
        // 50 000 ports per client, so that no four-tuple repeats.
        client = Path(
            source: 0x0a00_0000 + UInt32(index / 50_000) + 2, destination: 0x0a80_0001,
            sourcePort: UInt16(10_000 + index % 50_000), destinationPort: 9500, isIPv6: isIPv6, vlan: vlan)
        var numbers = SplitMix(seed: UInt64(index))
        clientNext = UInt32(truncatingIfNeeded: numbers.next())
        serverNext = UInt32(truncatingIfNeeded: numbers.next())
        self.exchanges = exchanges
        self.closes = closes
    }

    private mutating func fromClient(_ flags: UInt8, payload: Int = 0) -> Packet {
        let packet = Packet(
            path: client, flags: flags, sequence: clientNext,
            acknowledgment: flags & Packet.ack != 0 ? serverNext : 0, payload: payload)
        clientNext &+= UInt32(payload) &+ (flags & (Packet.syn | Packet.fin) != 0 ? 1 : 0)
        return packet
    }

    private mutating func fromServer(_ flags: UInt8, payload: Int = 0) -> Packet {
        let packet = Packet(
            path: client.reversed, flags: flags, sequence: serverNext, acknowledgment: clientNext, payload: payload)
        serverNext &+= UInt32(payload) &+ (flags & (Packet.syn | Packet.fin) != 0 ? 1 : 0)
        return packet
    }

    /// The next segment; nil if there are no more.
    mutating func next() -> Packet? {
        defer { step += 1 }
        switch step {
        case 0: return fromClient(Packet.syn)
        case 1: return fromServer(Packet.syn | Packet.ack)
        case 2: return fromClient(Packet.ack)
        default: break
        }
        let inner = step - 3
        if inner < exchanges * 4 {
            switch inner % 4 {
            case 0: return fromClient(Packet.psh | Packet.ack, payload: 40)
            case 1: return fromServer(Packet.ack)
            case 2: return fromServer(Packet.psh | Packet.ack, payload: 600)
            default: return fromClient(Packet.ack)
            }
        }
        guard closes else { return nil }
        switch inner - exchanges * 4 {
        case 0: return fromClient(Packet.fin | Packet.ack)
        case 1: return fromServer(Packet.fin | Packet.ack)
        case 2: return fromClient(Packet.ack)
        default: return nil
        }
    }
}

/// A transfer of bulk data in one direction, optionally with loss and reordering.
struct Transfer {
    private let client: Path
    private var opening = 0
    private let initial: UInt32
    private var serverNext: UInt32
    private var sent = 0
    private var acknowledged = 0
    private var pending: [Packet] = []
    private let lossPerMille: Int
    private var numbers: SplitMix
    static let segment = 1448

    init(index: Int, lossPerMille: Int = 0) {
        client = Path(
            source: 0x0a01_0002 + UInt32(index), destination: 0x0a80_0001, sourcePort: UInt16(20_000 + index % 40_000),
            destinationPort: 9500)
        numbers = SplitMix(seed: UInt64(index) + 77)
        initial = UInt32(truncatingIfNeeded: numbers.next())
        serverNext = UInt32(truncatingIfNeeded: numbers.next())
        self.lossPerMille = lossPerMille
    }

    /// The next segment.
    mutating func next() -> Packet {
        if opening < 3 { return open() }
        if let packet = pending.popLast() { return packet }
        var first = data(at: sent)
        sent += 1
        let second = data(at: sent)
        sent += 1
        pending = [acknowledge(upTo: sent), second]
        guard lossPerMille > 0, numbers.below(1000) < lossPerMille else { return first }
        if numbers.below(2) == 0 {
            // Reordered: the second segment comes before the first.
            swap(&first, &pending[1])
            return first
        }
        // Lost before the capture: duplicate ACKs report the hole, then the segment is retransmitted.
        let behind = sent - 2
        let hole = acknowledge(upTo: behind)
        pending = [acknowledge(upTo: sent), data(at: behind), hole, hole, hole]
        return second
    }

    private mutating func open() -> Packet {
        opening += 1
        switch opening {
        case 1: return Packet(path: client, flags: Packet.syn, sequence: initial &- 1)
        case 2:
            serverNext &+= 1
            return Packet(
                path: client.reversed, flags: Packet.syn | Packet.ack, sequence: serverNext &- 1,
                acknowledgment: initial)
        default: return Packet(path: client, flags: Packet.ack, sequence: initial, acknowledgment: serverNext)
        }
    }

    private func data(at index: Int) -> Packet {
        Packet(
            path: client, flags: Packet.psh | Packet.ack,
            sequence: initial &+ UInt32(truncatingIfNeeded: index &* Self.segment), acknowledgment: serverNext,
            payload: Self.segment)
    }

    private func acknowledge(upTo index: Int) -> Packet {
        Packet(
            path: client.reversed, flags: Packet.ack, sequence: serverNext,
            acknowledgment: initial &+ UInt32(truncatingIfNeeded: index &* Self.segment), window: 4096)
    }
}
