// Reasons why a payload could not be read.

/// Why a payload is skipped.
public enum KernelRecordFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// It ends within its record, or claims more elements than it has room for.
    case cut
    /// It has a version that this program does not read.
    case unknownVersion(UInt16)
    /// It is of a kind that this program does not know.
    case unknownKind(UInt16)
    /// It contains a meaningless value, which the text describes briefly.
    case badValue(String)

    /// A short description for the user, without a full stop.
    public var description: String {
        switch self {
        case .cut: "the record is cut short"
        case .unknownVersion(let version): "the record has version \(version), which is not known"
        case .unknownKind(let kind): "the record is of kind \(kind), which is not known"
        case .badValue(let what): "the record has a value that means nothing: \(what)"
        }
    }
}
