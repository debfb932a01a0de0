// What can go wrong with a live capture or a filter: plain data. The words for people are in CaptureError+Text.swift.

/// Why capturing or compiling a filter failed.
public enum CaptureError: Error, Equatable, Sendable {
    /// There is no such interface; `available` has the names there are.
    case noSuchDevice(device: String, available: [String])
    /// The system does not let us capture there; `message` is libpcap's own.
    case permissionDenied(device: String, message: String)
    /// The interface is down.
    case interfaceDown(device: String)
    /// The interface went away or down during the capture, after `delivered` frames of the dispatch that noticed it; those
    /// frames count. `message` is libpcap's own.
    case deviceGone(device: String, message: String, delivered: Int)
    /// The filter is none.
    case badFilter(FilterFault)
    /// The interface cannot capture with this link type; `available` has those that it can.
    case unsupportedLinkType(device: String, requested: String, available: [String])
    /// Something else, in libpcap's words.
    case other(device: String, message: String)
}

/// What is wrong with a filter expression.
public struct FilterFault: Error, Hashable, Sendable {
    /// The filter as it was given.
    public var text: String
    /// libpcap's message.
    public var message: String
    /// The offending word as a range of UTF-8 offsets in `text`; empty and at the end when something is missing there; nil
    /// when it cannot be told.
    public var range: Range<Int>?

    /// A fault from its fields.
    public init(text: String, message: String, range: Range<Int>? = nil) {
        self.text = text
        self.message = message
        self.range = range
    }
}
