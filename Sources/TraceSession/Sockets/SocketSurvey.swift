// One look at all TCP sockets of this host and who holds them, as rows for the reports.

package import KernelSockets
import TCPModel
package import TimelineReport

/// Reads the kernel's tables and the owners together; keeps its memory from look to look.
package struct SocketSurvey {
    /// The sockets of the latest look.
    private(set) var snapshot = SocketSnapshot()
    /// The owners of the latest look, by inode.
    private(set) var owners: [UInt64: [SocketOwner]] = [:]
    /// The rows of the latest look, in the list's order.
    package private(set) var rows: [SocketRow] = []
    /// What could not be read, or was not understood, in the latest look. Owners that are not seen are told of each row.
    var faults: ReadingFaults {
        var faults = ReadingFaults()
        faults.malformedRows = snapshot.malformedLines
        faults.unknownStates = snapshot.unknownStates
        faults.incompleteLists = incompleteLists
        return faults
    }

    /// Who is who in /proc.
    private(set) var finder: ProcessOwners
    private var reader: ProcNetTCP
    /// Whether sock_diag is asked, which tells what the kernel measures of each socket, and not /proc.
    private let wantsDetails: Bool
    private var incompleteLists = 0

    /// A survey of the tables below `root`.
    package init(root: String = "/proc", wantsDetails: Bool = false) {
        reader = ProcNetTCP(root: root)
        finder = ProcessOwners(root: root)
        self.wantsDetails = wantsDetails
    }

    /// Looks again.
    package mutating func look() throws(KernelViewError) {
        rows.removeAll(keepingCapacity: true)
        if wantsDetails {
            var diag = try SockDiag()
            let found = try diag.list(into: &snapshot)
            incompleteLists = diag.counts.incomplete
            owners = finder.allOwners()
            for detailed in found { add(detailed.socket, detailed.details) }
        } else {
            try reader.read(into: &snapshot)
            owners = finder.allOwners()
            for socket in snapshot.sockets { add(socket, nil) }
        }
        rows.sort { $0.orders(before: $1) }
    }

    private mutating func add(_ socket: KernelSocket, _ details: SocketDetails?) {
        rows.append(
            SocketRow(
                socket, holder(of: socket), descriptors: owners[socket.inode]?.map(\.descriptor) ?? [],
                details: details))
    }

    private func holder(of socket: KernelSocket) -> SocketRow.Holder {
        guard socket.inode == 0 else {
            guard let owners = owners[socket.inode] else { return .unknown }
            return .processes(owners.map(\.process))
        }
        switch socket.state {
        case .timeWait, .synReceived, .listen, .closed, .unseen: return .none
        case .established, .closeWait: return snapshot.listener(for: socket.local) == nil ? .noProcess : .notAccepted
        case .synSent, .finWait1, .finWait2, .closing, .lastAck: return .noProcess
        }
    }
}
