// What a capture file says of an interface.

public import TCPModel

/// One interface of a capture file.
public struct CaptureInterface: Hashable, Sendable {
    /// Its name (`if_name`); nil when the file does not say. Untrusted: escape before showing.
    public var name: String?
    /// Its link type.
    public var linkType: LinkType
    /// Octets a frame at most was captured with; 0 = no limit stated.
    public var snapshotLength: UInt32

    /// An interface from its fields.
    public init(name: String? = nil, linkType: LinkType, snapshotLength: UInt32) {
        self.name = name
        self.linkType = linkType
        self.snapshotLength = snapshotLength
    }
}
