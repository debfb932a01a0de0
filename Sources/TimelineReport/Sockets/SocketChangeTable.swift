// A table of sockets with their states before and after an action.

import TCPModel

/// A socket before and after an action.
public struct SocketChange: Sendable {
    /// The socket before.
    public var before: SocketRow
    /// The socket with the same four-tuple afterwards; nil if there is none, or if nothing was done yet.
    public var after: SocketRow?
    /// Whether `after` is a new socket with the old one's addresses (such as a restarted server's listener).
    public var isSuccessor: Bool

    /// A change from its two rows; a successor is recognized by its inode.
    public init(before: SocketRow, after: SocketRow?) {
        self.before = before
        self.after = after
        let inodes = (before.socket.inode, after?.socket.inode ?? 0)
        isSuccessor = inodes.0 != 0 && inodes.1 != 0 && inodes.0 != inodes.1
    }

    /// A change from a row to the one of the later reading that is the same.
    public init(before: SocketRow, among later: [SocketRow]) {
        self.init(before: before, after: later.first { before.isSame(as: $0) })
    }
}

/// Writes changes as a human-readable table.
public struct SocketChangeTable: Sendable {
    /// A table.
    public init() {}

    /// Appends the changes in the given order, one line per change.
    public func append(_ changes: [SocketChange], to output: inout OutputBuffer) {
        var lines = [["Local Address", "Remote Address", "Before", "After"]]
        for change in changes {
            let socket = change.before.socket
            let remote = change.before.hasPeer ? "\(socket.remote)" : "\(socket.remote)".dropLast() + "*"
            let after = change.after.map { "\($0.socket.state.displayName)" } ?? "gone"
            lines.append(["\(socket.local)", remote, "\(socket.state.displayName)", after])
        }
        var widths = [0, 0, 0, 0]
        for line in lines {
            for (column, cell) in line.enumerated() { widths[column] = max(widths[column], cell.utf8.count) }
        }
        for (index, line) in lines.enumerated() {
            let start = output.count
            var column = 0
            for (cell, width) in zip(line, widths) {
                output.append(text: cell)
                column += width + 1
                output.pad(to: column, from: start)
            }
            if index == 0 { output.append("Process") } else { appendHolder(changes[index - 1], to: &output) }
            while output.bytes.last == 0x20 { output.truncate(to: output.count - 1) }
            output.newline()
        }
    }

    private func appendHolder(_ change: SocketChange, to output: inout OutputBuffer) {
        let row = change.after ?? change.before
        switch row.holder {
        case .processes(let processes):
            if change.after == nil { output.append("was ") }
            for (index, process) in processes.enumerated() {
                if index > 0 { output.append(", ") }
                output.appendPrintable(process.command)
                output.append(text: "[\(process.pid)]")
            }
            if change.isSuccessor { output.append(" (a new socket)") }
        case .unknown: output.append("?")
        case .notAccepted: output.append("(not accepted)")
        case .noProcess, .none: output.append("(no process)")
        }
    }
}
