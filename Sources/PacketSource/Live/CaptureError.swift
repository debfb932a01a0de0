// The errors of live captures and filters, as plain data. Their messages are in CaptureError+Text.swift.

/// Why capturing, or compiling a filter, failed.
public enum CaptureError: Error, Equatable, Sendable {
    /// There is no such interface; `available` lists those that exist.
    case noSuchDevice(device: String, available: [String])
    /// The system does not permit capturing on it; `message` is libpcap's.
    case permissionDenied(device: String, message: String)
    /// The interface is down.
    case interfaceDown(device: String)
    /// The interface went away or down during the capture. The call that noticed it had already delivered `delivered`
    /// frames, which count. `message` is libpcap's.
    case deviceGone(device: String, message: String, delivered: Int)
    /// The filter expression is invalid.
    case badFilter(FilterFault)
    /// The interface cannot capture with this link type; `available` lists those that it supports.
    case unsupportedLinkType(device: String, requested: String, available: [String])
    /// Any other failure, in libpcap's words.
    case other(device: String, message: String)
}

/// What is wrong with a filter expression.
public struct FilterFault: Error, Hashable, Sendable {
    /// The filter as given.
    public var text: String
    /// libpcap's message.
    public var message: String
    /// The offending word as a range of UTF-8 offsets in `text`: empty and at the end if something is missing there,
    /// nil if the word is unknown.
    public var range: Range<Int>?

    /// A fault from its fields.
    public init(text: String, message: String, range: Range<Int>? = nil) {
        self.text = text
        self.message = message
        self.range = range
    }
}
