// The settings of the lab's client.

/// The settings of `LabClient`; the defaults are the lab's.
public struct ClientOptions: Sendable {
    /// The server's address.
    public var host = "127.0.0.1"
    /// The server's port.
    public var port: UInt16 = 9500
    /// The client's own port; nil lets the kernel pick one.
    public var sourcePort: UInt16?
    /// How long to wait for the server's SYN-ACK; nil leaves it to the kernel.
    public var connectTimeout: Duration?
    /// Seconds of silence after which the kernel probes the server (keep-alive); nil for no probes.
    public var keepAlive: Int32?
    /// How long to stay connected and silent before the first line.
    public var hold: Duration = .zero
    /// How long to wait between lines.
    public var delay: Duration = .zero
    /// How long to wait for the answer to a line before sending the next one; zero means not to wait.
    public var replyWait: Duration = .milliseconds(500)
    /// How long to stay connected after the last line before closing.
    public var slowClose: Duration = .zero
    /// Whether to send our FIN after the last line and continue to read until the server closes.
    public var halfClose = false
    /// Whether to close with a RST.
    public var lingerZero = false

    /// Creates the lab's settings.
    public init() {}
}
