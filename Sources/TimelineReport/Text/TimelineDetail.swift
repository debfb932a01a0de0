// How much the text timeline shows of each segment.

import TCPModel

/// How the octets of a segment's text are shown.
public enum OctetStyle: Sendable {
    /// Not at all.
    case hidden
    /// As text (`-A`).
    case ascii
    /// In hexadecimal (`-x`).
    case hex
    /// In both (`-X`).
    case hexAndASCII
}

/// How much to show of each segment.
public struct TimelineDetail: Sendable {
    /// 0 folds data with its ACKs, 1 shows every segment, 2 adds options and windows, 3 adds the reason for each
    /// transition.
    public var verbosity = 0
    /// Whether sequence numbers are shown as they are, not relative.
    public var rawSequence = false
    /// How the segments' text is shown.
    public var octets = OctetStyle.hidden
    /// Whether frames' link headers are shown.
    public var linkHeaders = false

    /// The parts of frames that must be kept.
    var excerpts: ExcerptNeeds { ExcerptNeeds(text: octets != .hidden, link: linkHeaders) }
    /// Whether each segment has a row of its own, so that its excerpt can be shown below it.
    var unfolds: Bool { verbosity > 0 || !excerpts.isNothing }

    /// The default detail.
    public init() {}
}
