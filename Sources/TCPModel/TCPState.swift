// The connection states of RFC 9293 3.3.2, and how certain a state is.

/// An endpoint's state. `unseen` describes our knowledge; the others are the eleven states of RFC 9293.
public enum TCPState: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// Nothing is known about this endpoint yet. Not an RFC state: an endpoint starts here if the capture begins
    /// midstream, or if no answer to a SYN is seen.
    case unseen
    /// No connection.
    case closed
    /// Waiting for a connection request.
    case listen
    /// A SYN was sent.
    case synSent
    /// A SYN was received, and a SYN was sent.
    case synReceived
    /// Open.
    case established
    /// This side closed first; its FIN is not acknowledged yet.
    case finWait1
    /// This side closed first; its FIN is acknowledged, and the peer has not closed.
    case finWait2
    /// The peer closed; this side has not.
    case closeWait
    /// Both sides closed at once; this side's FIN is not acknowledged yet.
    case closing
    /// The peer closed first, then this side; this side's FIN is not acknowledged yet.
    case lastAck
    /// Closed on both sides; waiting for 2 MSL so that old segments expire.
    case timeWait

    /// For people: netstat's spelling, FIN_WAIT_2, SYN_RECEIVED.
    public var displayName: StaticString {
        switch self {
        case .unseen: "(unknown)"
        case .closed: "CLOSED"
        case .listen: "LISTEN"
        case .synSent: "SYN_SENT"
        case .synReceived: "SYN_RECEIVED"
        case .established: "ESTABLISHED"
        case .finWait1: "FIN_WAIT_1"
        case .finWait2: "FIN_WAIT_2"
        case .closeWait: "CLOSE_WAIT"
        case .closing: "CLOSING"
        case .lastAck: "LAST_ACK"
        case .timeWait: "TIME_WAIT"
        }
    }

    /// For programs: OpenTelemetry's `network.connection.state` value; nil for `unseen`.
    public var openTelemetryName: StaticString? {
        switch self {
        case .unseen: nil
        case .closed: "closed"
        case .listen: "listen"
        case .synSent: "syn_sent"
        case .synReceived: "syn_received"
        case .established: "established"
        case .finWait1: "fin_wait_1"
        case .finWait2: "fin_wait_2"
        case .closeWait: "close_wait"
        case .closing: "closing"
        case .lastAck: "last_ack"
        case .timeWait: "time_wait"
        }
    }

    /// The state with this name in any of the usual spellings (close-wait, CLOSE_WAIT, FIN_WAIT2, SYN_RECV, ss's
    /// ESTAB), or nil.
    public init?(named name: String) {
        let folded = name.uppercased().filter { $0 != "_" && $0 != "-" && $0 != " " }
        switch folded {
        case "SYNRECV", "SYNRCVD": self = .synReceived
        case "ESTAB": self = .established
        case "CLOSE", "UNCONN": self = .closed
        case "LISTENING": self = .listen
        default:
            let match = Self.allCases.first {
                $0 != .unseen && "\($0.displayName)".filter { $0 != "_" } == folded
            }
            guard let match else { return nil }
            self = match
        }
    }
}

/// How certain a state or transition is.
public enum Certainty: UInt8, Comparable, Sendable, BitwiseCopyable {
    /// A guess: the capture started too late, or the evidence is indirect.
    case assumed
    /// The segment that causes it was seen on its way to this endpoint; its arrival is likely but not proven.
    case inferred
    /// This endpoint sent the segment that causes it, or one that proves it.
    case observed
    /// The kernel reports the same.
    case confirmed

    /// For programs.
    public var name: StaticString {
        switch self {
        case .assumed: "assumed"
        case .inferred: "inferred"
        case .observed: "observed"
        case .confirmed: "confirmed"
        }
    }

    /// Whether `left` is less certain than `right`.
    public static func < (left: Certainty, right: Certainty) -> Bool { left.rawValue < right.rawValue }
}
