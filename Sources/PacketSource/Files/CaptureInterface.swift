// A capture file's description of an interface.

public import TCPModel

/// One interface of a capture file.
public struct CaptureInterface: Hashable, Sendable {
    /// The snapshot length that keeps frames whole: libpcap's largest, and tcpdump's default.
    public static let wholeFrame: UInt32 = 262_144

    /// Its name (`if_name`); nil if the file does not state it. Untrusted: escape before showing.
    public var name: String?
    /// Its link type.
    public var linkType: LinkType
    /// The most octets captured of a frame; 0 if no limit is stated.
    public var snapshotLength: UInt32

    /// An interface from its fields.
    public init(name: String? = nil, linkType: LinkType, snapshotLength: UInt32) {
        self.name = name
        self.linkType = linkType
        self.snapshotLength = snapshotLength
    }
}
