// How much memory there is for what is shown of frames, and how much of it each takes: while it waits, and when it is written.

public import TCPModel

/// Bounds what waits to be shown of frames. A line feed becomes a line with a margin, and an octet five characters or more in hexadecimal: so
/// what will be written counts, too, for a connection's whole text is written at once.
public struct ExcerptRoom: Sendable {
    /// Octets of memory that a buffer takes for each that is written into it, at most: when it is full, one of twice its size is made and
    /// filled before it is given back.
    static let growth = 3
    /// The most characters of a remark: a link header with four tags, or what is missing.
    static let linkLength = 160
    static let lackLength = 96
    /// Columns that are left for a connection's number where rows of several connections mix.
    static let prefix = 8

    /// Octets of memory for all together.
    public private(set) var most: Int

    private let octets: OctetStyle
    private let edge: Int
    private let margin: Int
    /// Octets around each line's words: the connection's number, a line feed.
    private let around: Int
    /// Octets of the colour of a remark.
    private let ink: Int

    /// The room on a page of this style.
    init(_ style: TextStyle, _ layout: TimelineLayout, isStream: Bool, most: Int) {
        let prefix = isStream ? Self.prefix : 0
        octets = style.detail.octets
        edge = layout.excerptEdge - prefix
        margin = layout.excerptMargin
        around = prefix + 1
        ink = style.color ? 8 : 0
        self.most = most
    }

    /// This one's memory becomes that of one of `count` parts.
    public mutating func share(among count: Int) { most /= count }

    /// An excerpt as it is kept beside others that take `used` octets: without its text if it has no room.
    public func fit(_ excerpt: FrameExcerpt, beside used: Int) -> KeptExcerpt {
        let size = size(of: excerpt)
        if size <= most - used { return KeptExcerpt(excerpt: excerpt, size: size) }
        let lean = excerpt.withoutText
        return KeptExcerpt(excerpt: lean, size: self.size(of: lean))
    }

    /// Octets of memory that it takes, at most: its own, and those of the buffers that what is shown of it will be written into.
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

    /// Each line feed ends a line; a line is broken where the page's room is full.
    private func size(ofLines text: [UInt8], _ columns: TimelineWriter.ExcerptColumns) -> Int {
        var feeds = 0
        for octet in text where octet == 0x0a { feeds += 1 }
        return text.count - feeds + (feeds + text.count / columns.room + 1) * (columns.margin + around)
    }

    private func size(ofDump count: Int, _ columns: TimelineWriter.ExcerptColumns) -> Int {
        let lines = (count + columns.octets - 1) / columns.octets
        return lines * (columns.margin + columns.dumpWidth(octets) + around)
    }

    /// Words are kept whole where they can be: two lines of them have more than the page's room together.
    private func size(ofRemark length: Int, _ columns: TimelineWriter.ExcerptColumns) -> Int {
        length + (2 * length / columns.room + 1) * (columns.margin + around + ink)
    }
}

/// What is shown of a row's frame, and the memory that it takes while it waits: as `ExcerptRoom` has it.
public struct KeptExcerpt: Sendable {
    /// What is shown.
    public let excerpt: FrameExcerpt
    /// Octets of memory.
    public let size: Int
}
