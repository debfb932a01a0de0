// What is shown of a frame besides what it means: its link header, and the octets of its segment's text.

/// What somebody asks to see of frames.
public struct ExcerptNeeds: BitwiseCopyable, Sendable {
    /// The octets of the text.
    public var text = false
    /// The link header.
    public var link = false

    /// Nothing.
    public init() {}

    /// These.
    public init(text: Bool, link: Bool) {
        self.text = text
        self.link = link
    }

    /// Whether nobody asks for anything.
    public var isNothing: Bool { !text && !link }
}

/// A piece of a frame, copied. There is none unless somebody asks to see it, for it takes memory of its own.
public final class FrameExcerpt: Sendable {
    /// Why octets of the text are not there.
    public enum Lack: UInt8, Sendable {
        /// The capture's snapshot length.
        case notCaptured
        /// The frame ends before the text does, as its IP header has it.
        case notInFrame
        /// The packet came in fragments, which were cut, or of which some did not come.
        case fragments
        /// Too much else waits to be shown.
        case noRoom
    }

    /// The link header, if that is asked for.
    public let link: LinkHeader?
    /// The name of the interface whose number it has, where that is known. Its owner chose it.
    public let device: String?
    /// Octets of the whole frame on the link.
    public let frameLength: UInt32
    /// The text, as far as it is there.
    public let text: [UInt8]
    /// How many octets of it are not.
    public let missing: UInt32
    /// Why.
    public let lack: Lack

    /// An excerpt from its parts.
    public init(
        link: LinkHeader?, device: String? = nil, frameLength: UInt32, text: [UInt8], missing: UInt32, lack: Lack
    ) {
        self.link = link
        self.device = device
        self.frameLength = frameLength
        self.text = text
        self.missing = missing
        self.lack = lack
    }

    /// Octets of memory that it takes, about.
    public var size: Int { text.count + 128 }

    /// The same without its text, for want of room.
    public var withoutText: FrameExcerpt {
        if text.isEmpty { return self }
        return FrameExcerpt(
            link: link, device: device, frameLength: frameLength, text: [],
            missing: missing + UInt32(clamping: text.count),
            lack: .noRoom)
    }
}
