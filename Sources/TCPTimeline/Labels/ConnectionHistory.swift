// Zeek's history: one letter per event, upper case for the originator (conn.log's `history`).

/// The letters so far, in a fixed space.
public struct ConnectionHistory: BitwiseCopyable, Sendable, Equatable {
    /// How many letters fit; a longer history ends in `+`.
    static let capacity = 22
    /// Five bits per letter: 12 letters in the first word, 10 in the second,
    /// which has the length and the "once" bits above them.
    private var words: InlineArray<2, UInt64> = .init(repeating: 0)
    private static let lengthShift: UInt64 = 50
    private static let onceShift: UInt64 = 55

    /// An empty history.
    public init() {}

    /// Whether the letters are the same.
    public static func == (one: ConnectionHistory, other: ConnectionHistory) -> Bool {
        one.words[0] == other.words[0] && one.words[1] == other.words[1]
    }

    /// The number of letters.
    public var count: Int { Int(words[1] >> Self.lengthShift & 31) }

    // Letters that are recorded once per direction: above the length, one bit each for a, d, i, q of either side.

    /// The letter at `index`, which is less than `count`, as ASCII.
    public subscript(index: Int) -> UInt8 {
        let code = UInt8(truncatingIfNeeded: words[index / 12] >> UInt64(index % 12 * 5) & 31)
        if code == Self.flipCode { return 0x5e }
        if code == Self.moreCode { return 0x2b }
        let letter = Self.letter(code % Self.upperCode)
        return code >= Self.upperCode ? letter - 0x20 : letter
    }

    /// Codes: 0 ... 11 lower case, 12 ... 23 upper case, then `^` and `+`.
    private static let upperCode: UInt8 = 12
    private static let flipCode: UInt8 = 24
    private static let moreCode: UInt8 = 25

    private static func letter(_ code: UInt8) -> UInt8 {
        switch code {
        case 0: syn
        case 1: synAck
        case 2: ack
        case 3: data
        case 4: fin
        case 5: reset
        case 6: retransmission
        case 7: zeroWindow
        case 8: contentGap
        case 9: finReset
        case 10: corrupt
        default: multiFlag
        }
    }

    private static func code(_ letter: UInt8) -> UInt8 {
        switch letter {
        case syn: 0
        case synAck: 1
        case ack: 2
        case data: 3
        case fin: 4
        case reset: 5
        case retransmission: 6
        case zeroWindow: 7
        case contentGap: 8
        case finReset: 9
        case corrupt: 10
        default: 11
        }
    }

    @inline(__always) private mutating func append(code: UInt8) {
        let place = words[1] &>> Self.lengthShift & 31
        if place < 12 {
            words[0] |= UInt64(code) &<< (place &* 5)
        } else {
            guard place < Self.capacity else { return }
            words[1] |= UInt64(place == Self.capacity - 1 ? Self.moreCode : code) &<< ((place &- 12) &* 5)
        }
        words[1] &+= 1 << Self.lengthShift
    }

    /// Appends `letter` (lower-case ASCII), in upper case if it is the originator's.
    mutating func append(_ letter: UInt8, originator: Bool) {
        append(code: Self.code(letter) + (originator ? Self.upperCode : 0))
    }

    /// Appends `^`: the roles are the opposite of what the first packet suggested. It comes first.
    mutating func appendFlip() { append(code: Self.flipCode) }

    /// Appends Zeek's letter for a wrong checksum, once per direction. It is rare, so no bit is spent on it.
    mutating func appendCorrupt(originator: Bool) {
        let letter = originator ? Self.corrupt - 0x20 : Self.corrupt
        for index in 0..<count where self[index] == letter { return }
        append(Self.corrupt, originator: originator)
    }

    /// Appends a letter that is recorded once per direction; `bit` is 0 ... 3.
    @inline(__always) mutating func appendOnce(_ letter: UInt8, bit: UInt8, originator: Bool) {
        let mask: UInt64 = 1 << (Self.onceShift + UInt64(bit) + (originator ? 4 : 0))
        if words[1] & mask == 0 { appendFirst(letter, mask: mask, originator: originator) }
    }

    /// Appends the letter of a segment on the usual course.
    @inline(__always) mutating func append(_ kind: UsualKind, originator: Bool) {
        let side: UInt64 = originator ? 4 : 0
        var mask: UInt64 = 0
        if let bit = kind.historyBit { mask = 1 << (Self.onceShift &+ UInt64(bit) &+ side) }
        guard words[1] & mask == 0 else { return }
        words[1] |= mask
        append(code: kind.historyCode &+ (originator ? Self.upperCode : 0))
    }

    @inline(never) private mutating func appendFirst(_ letter: UInt8, mask: UInt64, originator: Bool) {
        words[1] |= mask
        append(letter, originator: originator)
    }
}

extension ConnectionHistory {
    static let syn = UInt8(ascii: "s")
    static let synAck = UInt8(ascii: "h")
    static let ack = UInt8(ascii: "a")
    static let data = UInt8(ascii: "d")
    static let fin = UInt8(ascii: "f")
    static let reset = UInt8(ascii: "r")
    static let retransmission = UInt8(ascii: "t")
    static let zeroWindow = UInt8(ascii: "w")
    static let contentGap = UInt8(ascii: "g")
    static let finReset = UInt8(ascii: "i")
    static let corrupt = UInt8(ascii: "c")
    static let multiFlag = UInt8(ascii: "q")

    /// Whether the `n`-th occurrence of a repeated event is recorded: the 1st, 10th, 100th ...
    static func isRecorded(occurrence: UInt32) -> Bool {
        var power: UInt32 = 1
        while power < occurrence && power <= .max / 10 { power *= 10 }
        return power == occurrence
    }
}
