// A survey of all TCP sockets of this host and their holders, as rows for the reports.

package import KernelSockets
import TCPModel
package import TimelineReport

/// Reads the kernel's tables together with the owners; keeps its memory between readings.
package struct SocketSurvey {
    /// The sockets of the latest reading.
    private(set) var snapshot = SocketSnapshot()
    /// The owners in the latest reading, by inode.
    private(set) var owners: [UInt64: [SocketOwner]] = [:]
    /// The rows of the latest reading, in the list's order.
    package private(set) var rows: [SocketRow] = []
    /// Counts of what could not be read or was not understood in the latest reading. Invisible owners are not included:
    /// each row shows them.
    var faults: ReadingFaults {
        var faults = ReadingFaults()
        faults.malformedRows = snapshot.malformedLines
        faults.unknownStates = snapshot.unknownStates
        faults.incompleteLists = incompleteLists
        return faults
    }

    /// Finds processes in /proc.
    private(set) var finder: ProcessOwners
    private var reader: ProcNetTCP
    /// Whether to query sock_diag, which includes the kernel's measurements of each socket, instead of /proc.
    private let wantsDetails: Bool
    private var incompleteLists = 0

    /// A survey of the tables below `root`.
    package init(root: String = "/proc", wantsDetails: Bool = false) {
        reader = ProcNetTCP(root: root)
        finder = ProcessOwners(root: root)
        self.wantsDetails = wantsDetails
    }

    /// Reads everything again.
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
