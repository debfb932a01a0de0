// The settings of the lab's server.

/// How the server serves its clients.
public enum ServerMode: String, CaseIterable, Sendable {
    /// One client at a time; the next one is accepted when the current one has gone.
    case sequential
    /// Each client in a thread of its own.
    case threaded
}

/// The settings of `LabServer`; the defaults are the lab's.
public struct ServerOptions: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 lets the kernel pick one.
    public var port: UInt16 = 9500
    /// Whether non-loopback addresses are allowed.
    public var allowsRemote = false
    /// Whether clients are served one at a time or in threads.
    public var mode = ServerMode.sequential
    /// How long to wait after accepting a client before reading anything.
    public var hold: Duration = .zero
    /// Whether the sequential server closes a client's socket when the client has gone; the threaded one always does.
    public var closes = false
    /// How long to wait before closing.
    public var slowClose: Duration = .zero
    /// How long to wait for a client's own FIN after its `fin`, so that the client closes first.
    public var finWait: Duration = .milliseconds(500)
    /// The backlog of `listen`.
    public var backlog: Int32 = 10
    /// Whether to close with a RST.
    public var lingerZero = false
    /// Whether to send our FIN first and continue to read until the client closes.
    public var halfClose = false
    /// Whether to set SO_REUSEADDR.
    public var reuseAddress = true
    /// Whether messages are answered.
    public var replies = true
    /// A line to send just before closing.
    public var farewell: String?
    /// A descriptor to write the port to, once the server is listening.
    public var readyDescriptor: Int32?

    /// Creates the lab's settings.
    public init() {}

    /// Whether a client's socket is closed when the client has gone.
    var closesSockets: Bool { closes || halfClose || lingerZero || mode == .threaded }
}
