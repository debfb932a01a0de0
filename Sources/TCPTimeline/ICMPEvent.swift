// What an ICMP error meant: which connection's segment it quotes, and what its sender makes of it.

public import TCPMachine
public import TCPModel

/// An ICMP error in the connection that it is about.
public struct ICMPEvent: BitwiseCopyable, Sendable {
    /// What the host that gets it does, if it is a Linux.
    public enum Effect: UInt8, BitwiseCopyable, Sendable {
        /// Its attempt to open ends: connect() returns an error, or a listener forgets the request.
        case ends
        /// Nothing but a note for the application: the connection lives on (RFC 1122 4.2.3.9, RFC 5927 5.2).
        case soft
        /// It sends smaller segments from now on (RFC 1191, RFC 8201).
        case pathMTU
        /// Nothing: what is quoted is not on its way, or the error is one that hosts ignore.
        case ignored

        /// For programs.
        public var name: StaticString {
            switch self {
            case .ends: "ends"
            case .soft: "soft"
            case .pathMTU: "path_mtu"
            case .ignored: "ignored"
            }
        }
    }

    /// Its connection's place; another one where `KnownConnections.keep` has put it.
    public var connection: ConnectionID
    /// Who sent what is quoted, and gets the error.
    public let side: Side
    /// Time of capture.
    public let time: Timestamp
    /// Frame number, counted from 1.
    public let frame: UInt64
    /// The error.
    public let error: ICMPError
    /// The quoted sequence number, relative to the side's ISS (or to the first number seen).
    public let relativeSequence: UInt32
    /// What comes of it.
    public let effect: Effect
    /// What it did to that side, inferred.
    public let reaction: Reaction
    /// Whether the connection ended with it.
    public let ended: Bool
}
