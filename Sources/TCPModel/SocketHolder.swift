// A process and its descriptor for a socket. Several processes may share one socket, after fork(2) or through
// SCM_RIGHTS (unix(7)).

/// One of the processes that hold a socket.
public struct SocketHolder: Hashable, Sendable {
    /// The process.
    public var process: ProcessIdentity
    /// The number of its descriptor for the socket.
    public var descriptor: Int32

    /// A holder from its fields.
    public init(process: ProcessIdentity, descriptor: Int32) {
        self.process = process
        self.descriptor = descriptor
    }
}
