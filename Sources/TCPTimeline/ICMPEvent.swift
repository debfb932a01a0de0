// What an ICMP error meant: which connection's segment it quotes, and how that segment's sender reacts.

public import TCPMachine
public import TCPModel

/// An ICMP error and the connection that it concerns.
public struct ICMPEvent: BitwiseCopyable, Sendable {
    /// What the host that receives it does, if it runs Linux.
    public enum Effect: UInt8, BitwiseCopyable, Sendable {
        /// Its attempt to open ends: connect() returns an error, or a listener forgets the request.
        case ends
        /// It is only noted for the application: the connection lives on (RFC 1122 4.2.3.9, RFC 5927 5.2).
        case soft
        /// It sends smaller segments from now on (RFC 1191, RFC 8201).
        case pathMTU
        /// Nothing: the quoted segment is not in flight, or hosts ignore such errors.
        case ignored

        /// The name for programs.
        public var name: StaticString {
            switch self {
            case .ends: "ends"
            case .soft: "soft"
            case .pathMTU: "path_mtu"
            case .ignored: "ignored"
            }
        }
    }

    /// The place of its connection; another one where `KnownConnections.keep` has put it.
    public var connection: ConnectionID
    /// The side that sent the quoted segment, and receives the error.
    public let side: Side
    /// Time of capture.
    public let time: Timestamp
    /// Frame number, counted from 1.
    public let frame: UInt64
    /// The error.
    public let error: ICMPError
    /// The quoted sequence number, relative to the side's ISS (or to the first number seen).
    public let relativeSequence: UInt32
    /// How that side reacts.
    public let effect: Effect
    /// The transitions of that side, inferred.
    public let reaction: Reaction
    /// Whether the connection ended with it.
    public let ended: Bool
}
