// The scenarios of the tour: their names, and the sentence that says what will happen.

/// One scenario of the tour.
public enum LabScenario: String, CaseIterable, Sendable {
    /// An ordinary connection from beginning to end.
    case oneClient = "one-client"
    /// A server that forgets to close.
    case fin
    /// Two clients of a server that serves one at a time.
    case twoClients = "two-clients"
    /// Two clients of a server that serves each in a thread.
    case threaded
    /// A client without a server.
    case refused
    /// A client that closes with a RST.
    case reset

    /// What will happen, for the heading and the list.
    public var summary: String {
        switch self {
        case .oneClient: "A server listens, one client connects, sends a line and closes; then the server closes too."
        case .fin: "The client says \"fin\", closes and ends, but the server forgets to close its socket."
        case .twoClients: "A server that serves one client at a time gets a second one meanwhile."
        case .threaded: "The same two clients, and a server with a thread for each."
        case .refused: "A client connects to a port where nobody listens."
        case .reset: "The client closes with a RST (SO_LINGER with time 0) instead of a FIN."
        }
    }

    func play(_ stage: inout Stage) throws(TourError) {
        switch self {
        case .oneClient: try playOneClient(&stage)
        case .fin: try playFin(&stage)
        case .twoClients: try playTwoClients(&stage)
        case .threaded: try playThreaded(&stage)
        case .refused: try playRefused(&stage)
        case .reset: try playReset(&stage)
        }
    }
}
