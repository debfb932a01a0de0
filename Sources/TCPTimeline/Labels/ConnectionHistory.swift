// Zeek's history: one letter an event, upper case for the originator (conn.log's `history`).

/// The letters so far, in a fixed space.
public struct ConnectionHistory: BitwiseCopyable, Sendable {
    /// How many letters fit; a longer history ends in `+`.
    static let capacity = 22
    private var letters: InlineArray<22, UInt8> = .init(repeating: 0)
    private var length: UInt8 = 0
    /// Letters that are recorded once a direction: one bit each for a, d, i, q of either side.
    private var once: UInt8 = 0

    /// An empty history.
    public init() {}

    /// The number of letters.
    public var count: Int { Int(length) }

    /// The letter at `index`, which is less than `count`, as ASCII.
    public subscript(index: Int) -> UInt8 { letters[index] }

    /// Appends `letter` (lower case ASCII), in upper case if it is the originator's.
    mutating func append(_ letter: UInt8, originator: Bool) {
        guard length < Self.capacity else { return }
        letters[Int(length)] = length == Self.capacity - 1 ? 0x2b : originator ? letter - 0x20 : letter
        length += 1
    }

    /// Appends `^`: the roles were taken the other way than the first packet suggested.
    mutating func appendFlip() {
        guard length < Self.capacity else { return }
        letters[Int(length)] = 0x5e
        length += 1
    }

    /// Appends Zeek's letter for a wrong checksum, once a direction. Rare, so that no bit remembers it.
    mutating func appendCorrupt(originator: Bool) {
        let letter = originator ? Self.corrupt - 0x20 : Self.corrupt
        for index in 0..<count where letters[index] == letter { return }
        append(Self.corrupt, originator: originator)
    }

    /// Appends a letter that counts once a direction; `bit` is 0 ... 3.
    mutating func appendOnce(_ letter: UInt8, bit: UInt8, originator: Bool) {
        let mask = UInt8(1) << (bit + (originator ? 4 : 0))
        guard once & mask == 0 else { return }
        once |= mask
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
