// The memory limit for excerpts of frames, and the memory that each takes while it waits and when it is written.

public import TCPModel

/// Limits the memory of excerpts that wait to be shown. In the output a line feed becomes a line with a margin, and an
/// octet becomes five or more characters in hexadecimal. The output therefore counts as well, because a connection's
/// whole text is written at once.
public struct ExcerptRoom: Sendable {
    /// An upper bound on the octets of memory per octet written to a buffer: a full buffer is copied to one of twice
    /// its size before it is freed.
    static let growth = 3
    /// The maximum length of remarks in characters: a link header with four tags, and what is missing.
    static let linkLength = 160
    static let lackLength = 96
    /// The columns reserved for a connection's number where the rows of several connections are mixed.
    static let prefix = 8

    /// The memory limit in octets, for all excerpts together.
    public private(set) var most: Int

    private let octets: OctetStyle
    private let edge: Int
    private let margin: Int
    /// The octets around each line's words: the connection's number and a line feed.
    private let around: Int
    /// The octets for the colour of a remark.
    private let ink: Int

    /// The limits for a page with this style.
    init(_ style: TextStyle, _ layout: TimelineLayout, isStream: Bool, most: Int) {
        let prefix = isStream ? Self.prefix : 0
        octets = style.detail.octets
        edge = layout.excerptEdge - prefix
        margin = layout.excerptMargin
        around = prefix + 1
        ink = style.color ? 8 : 0
        self.most = most
    }

    /// Reduces the limit to that of one of `count` partial reports.
    public mutating func share(among count: Int) { most /= count }

    /// The excerpt in the form in which it is kept, given that others already take `used` octets: without its text if
    /// there is no room.
    public func fit(_ excerpt: FrameExcerpt, beside used: Int) -> KeptExcerpt {
        let size = size(of: excerpt)
        if size <= most - used { return KeptExcerpt(excerpt: excerpt, size: size) }
        let lean = excerpt.withoutText
        return KeptExcerpt(excerpt: lean, size: self.size(of: lean))
    }

    /// An upper bound on the memory that an excerpt takes, in octets: its own, and that of the buffers into which it
    /// will be written.
    func size(of excerpt: FrameExcerpt) -> Int {
        let columns = TimelineWriter.ExcerptColumns(
            edge: edge, margin: margin, count: excerpt.text.count, octets)
        var written = 0
        if !excerpt.text.isEmpty {
            switch octets {
            case .hidden: break
            case .ascii: written = size(ofLines: excerpt.text, columns)
            case .hex, .hexAndASCII: written = size(ofDump: excerpt.text.count, columns)
            }
        }
        if excerpt.link != nil { written += size(ofRemark: Self.linkLength, columns) }
        if excerpt.missing > 0 { written += size(ofRemark: Self.lackLength, columns) }
        return excerpt.size + Self.growth * written
    }

    /// Each line feed ends a line; longer lines are broken at the page's edge.
    private func size(ofLines text: [UInt8], _ columns: TimelineWriter.ExcerptColumns) -> Int {
        var feeds = 0
        for octet in text where octet == 0x0a { feeds += 1 }
        return text.count - feeds + (feeds + text.count / columns.room + 1) * (columns.margin + around)
    }

    private func size(ofDump count: Int, _ columns: TimelineWriter.ExcerptColumns) -> Int {
        let lines = (count + columns.octets - 1) / columns.octets
        return lines * (columns.margin + columns.dumpWidth(octets) + around)
    }

    /// Words are kept whole if possible, so that any two lines together exceed the page's room.
    private func size(ofRemark length: Int, _ columns: TimelineWriter.ExcerptColumns) -> Int {
        length + (2 * length / columns.room + 1) * (columns.margin + around + ink)
    }
}

/// The excerpt of a row's frame, and the memory that it takes while it waits, as computed by `ExcerptRoom`.
public struct KeptExcerpt: Sendable {
    /// The excerpt.
    public let excerpt: FrameExcerpt
    /// Its memory in octets.
    public let size: Int
}
