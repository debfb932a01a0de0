// The parts of a frame that can be shown besides its meaning: its link header and the octets of its segment's text.

/// Which parts of frames have been requested.
public struct ExcerptNeeds: BitwiseCopyable, Sendable {
    /// Whether the octets of the text are requested.
    public var text = false
    /// Whether the link header is requested.
    public var link = false

    /// Requests nothing.
    public init() {}

    /// Requests the given parts.
    public init(text: Bool, link: Bool) {
        self.text = text
        self.link = link
    }

    /// Whether nothing is requested.
    public var isNothing: Bool { !text && !link }
}

/// A copied part of a frame. Excerpts take memory of their own, so none is made unless it is requested.
public final class FrameExcerpt: Sendable {
    /// Why octets of the text are missing.
    public enum Lack: UInt8, Sendable {
        /// The capture's snapshot length cut them off.
        case notCaptured
        /// The frame ends before the text does, according to its IP header.
        case notInFrame
        /// The packet came in fragments, and some of them were cut or did not arrive.
        case fragments
        /// Too many other octets are waiting to be shown.
        case noRoom
    }

    /// The link header, if it was requested.
    public let link: LinkHeader?
    /// The name of the frame's interface, if known. Untrusted: the interface's owner chose it.
    public let device: String?
    /// Length of the whole frame on the link, in octets.
    public let frameLength: UInt32
    /// The available octets of the text.
    public let text: [UInt8]
    /// How many octets of the text are missing.
    public let missing: UInt32
    /// Why they are missing.
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

    /// Its approximate memory use in octets.
    public var size: Int { text.count + 128 }

    /// A copy without the text, which counts as missing for want of room.
    public var withoutText: FrameExcerpt {
        if text.isEmpty { return self }
        return FrameExcerpt(
            link: link, device: device, frameLength: frameLength, text: [],
            missing: missing + UInt32(clamping: text.count),
            lack: .noRoom)
    }
}
