// One process as /proc/PID shows it: start time, name, user, and which of its descriptors are sockets.

import Glibc
import TCPModel

/// An open /proc/PID.
///
/// The open directory stays bound to the process it was opened for. Once that process is gone, every call through it
/// fails with ESRCH, even if its pid has been reused. What is read through one value therefore never mixes two
/// processes.
struct ProcessDirectory: ~Copyable {
    /// The process id.
    let pid: Int32
    private let directory: Descriptor

    /// Opens `root`/`pid`; nil with errno set if there is no such process, or it is hidden.
    init?(root: String, pid: Int32) {
        guard let directory = Descriptor(path: "\(root)/\(pid)", flags: O_RDONLY | O_DIRECTORY) else { return nil }
        self.pid = pid
        self.directory = directory
    }

    /// The process's current status; nil if it is gone.
    func status() -> ProcessStatus? { directory.contents(of: "stat", limit: 1024).flatMap { ProcessStatus($0) } }

    /// Whether the process has used up its descriptors (RLIMIT_NOFILE), so that accept(2) fails with EMFILE. False
    /// where the kernel does not report their number: before Linux 6.2 the size of `fd` is 0.
    func isOutOfDescriptors() -> Bool {
        guard let folder = Descriptor(below: directory, name: "fd", flags: O_RDONLY | O_DIRECTORY),
            let count = folder.size(), count > 0, let limits = directory.contents(of: "limits", limit: 4096),
            let line = limits.split(separator: UInt8(ascii: "\n")).first(where: {
                $0.starts(with: "Max open files".utf8)
            }),
            let limit = line.split(separator: UInt8(ascii: " ")).dropFirst(3).first
        else { return false }
        return Int(String(decoding: limit, as: UTF8.self)).map { count >= $0 } ?? false
    }

    /// The process's name, user and start time. Nil if the process is gone, or is a kernel thread: such a thread may
    /// act on a program's behalf (MPTCP opens and closes subflows this way) but owns no socket.
    func identity() -> (process: ProcessIdentity, startTicks: UInt64)? {
        guard let status = status(), !status.isKernelThread,
            var name = directory.contents(of: "comm", limit: 256),
            let uid = directory.ownerUser()
        else { return nil }
        if name.last == UInt8(ascii: "\n") { name.removeLast() }
        return (ProcessIdentity(pid: pid, command: String(decoding: name, as: UTF8.self), uid: uid), status.startTicks)
    }

    /// The executable, the control group, and what the group's path reveals. Meant for display, so overlong paths are
    /// truncated.
    func details() -> ProcessDetails {
        var target = [UInt8](repeating: 0, count: 4096)
        let executable = directory.linkTarget(of: "exe", into: &target).map {
            String(decoding: target[..<$0], as: UTF8.self)
        }
        var group = directory.contents(of: "cgroup", limit: ControlGroup.sizeLimit).flatMap { ControlGroup(text: $0) }
        // While a process exits, cgroup v1 hierarchies report the root, whatever its group was (proc_cgroup_show()); v2
        // keeps the true path. The status is read last: a process not exiting now was not exiting when the group was
        // read.
        if group?.path == "/", status()?.isEnding != false { group = nil }
        return ProcessDetails(
            executable: executable, controlGroup: group?.path, container: group?.container, unit: group?.unit)
    }

    /// Calls `found` with the inode and descriptor number of every socket that the process holds, until it returns
    /// false.
    ///
    /// Returns 0, or the errno if the descriptors may not be listed (EACCES: another user's process) or the process is
    /// gone. Descriptors closed in the meantime are skipped.
    func forEachSocket(_ found: (_ inode: UInt64, _ descriptor: Int32) -> Bool) -> Int32 {
        guard let folder = Descriptor(below: directory, name: "fd", flags: O_RDONLY | O_DIRECTORY),
            var entries = DirectoryStream(below: folder, name: ".")
        else { return errno }
        var target = [UInt8](repeating: 0, count: 32)
        while let descriptor = entries.nextNumber() {
            guard let length = folder.linkTarget(of: String(descriptor), into: &target) else {
                if errno == EACCES || errno == EPERM { return errno }
                continue
            }
            if let inode = socketInode(target[..<length]), !found(inode, descriptor) { break }
        }
        return 0
    }

    /// Whether descriptor `number` currently refers to the socket with this inode.
    func holds(inode: UInt64, descriptor: Int32) -> Bool {
        var target = [UInt8](repeating: 0, count: 32)
        guard let length = directory.linkTarget(of: "fd/\(descriptor)", into: &target) else { return false }
        return socketInode(target[..<length]) == inode
    }
}

/// The N of a link target `socket:[N]`; nil for any other target.
func socketInode(_ target: ArraySlice<UInt8>) -> UInt64? {
    let prefix = Array("socket:[".utf8)
    guard target.starts(with: prefix), target.last == UInt8(ascii: "]") else { return nil }
    var inode: UInt64 = 0
    let digits = target.dropFirst(prefix.count).dropLast()
    for byte in digits {
        let digit = byte &- UInt8(ascii: "0")
        let (shifted, overflow) = inode.multipliedReportingOverflow(by: 10)
        let (sum, carry) = shifted.addingReportingOverflow(UInt64(digit))
        if digit > 9 || overflow || carry { return nil }
        inode = sum
    }
    return digits.isEmpty ? nil : inode
}
