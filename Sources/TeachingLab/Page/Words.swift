// Names, times and rows in words, for the sentences of the tour.

import TCPModel
import TCPTimeline
import TimelineReport
import TraceSession

extension SocketRow {
    /// `lab-server[7410]`, escaped; nil if no process is known.
    var owner: String? {
        processes.first.map { "\(printable($0.command))[\($0.pid)]" }
    }

    /// The name of the state, as in the tables.
    var stateName: String { "\(socket.state.displayName)" }
}

extension [SocketRow] {
    /// The socket with the local port `local`, connected to the peer port `remote`.
    func end(_ local: UInt16, to remote: UInt16) -> SocketRow? {
        first { $0.socket.local.port == local && $0.socket.remote.port == remote && $0.socket.state != .listen }
    }

    /// The socket with which this program waits for an answer to its SYN.
    func connecting(_ program: LabProgram) -> SocketRow? {
        first { $0.socket.state == .synSent && $0.processes.map(\.pid) == [program.pid] }
    }

    /// The listening socket on this port.
    func listener(_ port: UInt16) -> SocketRow? {
        first { $0.socket.local.port == port && $0.socket.state == .listen }
    }
}
