// Why a payload could not be read.

/// Why a payload is left out.
public enum KernelRecordFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// It ends within its record, or counts more than it has room for.
    case cut
    /// It has another version than this program reads.
    case unknownVersion(UInt16)
    /// It holds something that this program does not know.
    case unknownKind(UInt16)
    /// A value that means nothing: which, in a few words.
    case badValue(String)

    /// A few words for people, without a full stop.
    public var description: String {
        switch self {
        case .cut: "the record is cut short"
        case .unknownVersion(let version): "the record has version \(version), which is not known"
        case .unknownKind(let kind): "the record is of kind \(kind), which is not known"
        case .badValue(let what): "the record has a value that means nothing: \(what)"
        }
    }
}
