// Words of the kernel's own, such as why it dropped a packet: each is kept once, so that an event that has one is a plain value.

import Synchronization

/// A word that the kernel uses (`NO_SOCKET`, `TCP_ABORT_ON_CLOSE`): a number that stands for it. Equal words are equal numbers.
public struct KernelWord: Hashable, Sendable, BitwiseCopyable {
    private let number: UInt16
    private static let known = Mutex(KnownWords())

    /// The word with this text. Takes a lock: made once, not for each event.
    public init(_ text: String) { number = Self.known.withLock { $0.number(of: text) } }

    /// Its text. Untrusted: escape before showing.
    public var text: String { Self.known.withLock { $0.text(of: number) } }
}

/// Words that rules ask for.
extension KernelWord {
    /// A rule of nftables or iptables dropped it (SKB_DROP_REASON_NETFILTER_DROP).
    public static let netfilterDrop = KernelWord("NETFILTER_DROP")
    /// A router could not pass it on: the next link's MTU is smaller (SKB_DROP_REASON_PKT_TOO_BIG).
    public static let packetTooBig = KernelWord("PKT_TOO_BIG")
    /// There was no socket for it (SKB_DROP_REASON_NO_SOCKET, SK_RST_REASON_NO_SOCKET).
    public static let noSocket = KernelWord("NO_SOCKET")
    /// All of it had been received before: a window probe, a keep-alive, a repetition (SKB_DROP_REASON_TCP_OLD_SEQUENCE).
    public static let oldSequence = KernelWord("TCP_OLD_SEQUENCE")
    /// Somebody destroyed the socket, or disconnected it (SK_RST_REASON_TCP_STATE).
    public static let tcpState = KernelWord("TCP_STATE")
    /// Keep-alives had no answer (SK_RST_REASON_TCP_KEEPALIVE_TIMEOUT).
    public static let keepaliveTimeout = KernelWord("TCP_KEEPALIVE_TIMEOUT")
}

extension KernelWord: ExpressibleByStringLiteral {
    /// The word with this text.
    public init(stringLiteral text: String) { self.init(text) }
}

extension KernelWord: CustomStringConvertible {
    /// Its text.
    public var description: String { text }
}

/// The words that were met. There are some two hundred; so that strange input cannot make ever more, all beyond a limit are one.
struct KnownWords {
    /// The word for those beyond the limit.
    static let beyond = "?"
    /// How many different ones are kept.
    static let limit = 4096

    private var texts = [Self.beyond]
    private var numbers: [String: UInt16] = [Self.beyond: 0]

    mutating func number(of text: String) -> UInt16 {
        if let number = numbers[text] { return number }
        guard texts.count <= Self.limit else { return 0 }
        let number = UInt16(texts.count)
        texts.append(text)
        numbers[text] = number
        return number
    }

    func text(of number: UInt16) -> String { texts[Int(number)] }
}
