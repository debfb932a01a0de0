// The kernel's own words, such as the reason for dropping a packet. Each is stored once, so that an event that carries
// one remains a plain value.

import Synchronization

/// A word that the kernel uses (`NO_SOCKET`, `TCP_ABORT_ON_CLOSE`), represented by a number. Equal words have equal
/// numbers.
public struct KernelWord: Hashable, Sendable, BitwiseCopyable {
    private let number: UInt16
    private static let known = Mutex(KnownWords())

    /// The word with this text. Takes a lock, so make words once, not for each event.
    public init(_ text: String) { number = Self.known.withLock { $0.number(of: text) } }

    /// Its text. Untrusted: escape before showing.
    public var text: String { Self.known.withLock { $0.text(of: number) } }
}

/// The words that diagnosis rules look for.
extension KernelWord {
    /// An nftables or iptables rule dropped it (SKB_DROP_REASON_NETFILTER_DROP).
    public static let netfilterDrop = KernelWord("NETFILTER_DROP")
    /// Its TCP checksum is wrong (SKB_DROP_REASON_TCP_CSUM).
    public static let wrongChecksum = KernelWord("TCP_CSUM")
    /// Its IPv4 header's checksum is wrong (SKB_DROP_REASON_IP_CSUM).
    public static let wrongHeaderChecksum = KernelWord("IP_CSUM")
    /// A router could not forward it: the next link's MTU is smaller (SKB_DROP_REASON_PKT_TOO_BIG).
    public static let packetTooBig = KernelWord("PKT_TOO_BIG")
    /// There was no socket for it (SKB_DROP_REASON_NO_SOCKET, SK_RST_REASON_NO_SOCKET).
    public static let noSocket = KernelWord("NO_SOCKET")
    /// All of it had already been received: a window probe, a keep-alive, a retransmission
    /// (SKB_DROP_REASON_TCP_OLD_SEQUENCE).
    public static let oldSequence = KernelWord("TCP_OLD_SEQUENCE")
    /// The socket was destroyed or disconnected (SK_RST_REASON_TCP_STATE).
    public static let tcpState = KernelWord("TCP_STATE")
    /// Keep-alives went unanswered (SK_RST_REASON_TCP_KEEPALIVE_TIMEOUT).
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

/// The words seen so far. The kernel has about two hundred; a limit keeps malformed input from adding words without
/// end, and all words beyond it become one.
struct KnownWords {
    /// The word that stands for all words beyond the limit.
    static let beyond = "?"
    /// How many different words are kept.
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
