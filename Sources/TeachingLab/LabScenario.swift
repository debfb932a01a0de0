// The scenarios of the tour: their names and summaries.

/// One scenario of the tour.
public enum LabScenario: String, CaseIterable, Sendable {
    /// An ordinary connection from beginning to end.
    case oneClient = "one-client"
    /// A server that is ended while a client is connected, and started again.
    case serverClosesFirst = "server-closes-first"
    /// A client that has sent everything, and continues to read.
    case halfClose = "half-close"
    /// A server that forgets to close.
    case fin
    /// Two clients of a server that serves one at a time.
    case twoClients = "two-clients"
    /// Two clients of a server that serves each in a thread.
    case threaded
    /// A server that is stopped rather than ended.
    case stopped
    /// A server that does not accept, and a client for which its queue has no room.
    case backlog
    /// A client that checks whether the server is still there.
    case keepAlive = "keep-alive"
    /// A client without a server.
    case refused
    /// A client that closes with a RST.
    case reset
    /// A client that is killed.
    case killed
    /// A server that is killed before it has read everything.
    case killedUnread = "killed-unread"

    /// A summary of the scenario, for the heading and the list.
    public var summary: String {
        switch self {
        case .oneClient: "A server listens, one client connects, sends a line and closes; then the server closes too."
        case .serverClosesFirst:
            "The server is ended while a client is connected, then started again: is its port free?"
        case .halfClose:
            "The client says that it has sent everything (shutdown), but still reads what the server sends after that."
        case .fin: "The client sends \"fin\", closes and exits, but the server forgets to close its socket."
        case .twoClients: "While a server that serves one client at a time is busy, a second client connects."
        case .threaded: "The same two clients with a server that has a thread for each."
        case .stopped:
            "The server is stopped (as by Ctrl-Z) when a client connects and sends a line; later it continues."
        case .backlog:
            "A stopped server's queue has room for one client that waits to be accepted. What happens to the second?"
        case .keepAlive:
            "Two seconds of silence: the client's kernel asks whether the other end is still there. The server is stopped."
        case .refused: "A client connects to a port where nothing listens."
        case .reset: "The client closes with a RST (SO_LINGER with time 0) instead of a FIN."
        case .killed: "The client is killed (kill -9) in mid-connection, with nothing left to read."
        case .killedUnread: "The server is killed (kill -9) before it has read what the client has sent."
        }
    }

    func play(_ stage: inout Stage) throws(TourError) {
        switch self {
        case .oneClient: try playOneClient(&stage)
        case .serverClosesFirst: try playServerClosesFirst(&stage)
        case .halfClose: try playHalfClose(&stage)
        case .fin: try playFin(&stage)
        case .twoClients: try playTwoClients(&stage)
        case .threaded: try playThreaded(&stage)
        case .stopped: try playStopped(&stage)
        case .backlog: try playBacklog(&stage)
        case .keepAlive: try playKeepAlive(&stage)
        case .refused: try playRefused(&stage)
        case .reset: try playReset(&stage)
        case .killed: try playKilled(&stage)
        case .killedUnread: try playKilledUnread(&stage)
        }
    }
}
