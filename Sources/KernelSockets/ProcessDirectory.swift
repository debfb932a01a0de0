// One process as /proc/PID shows it: start time, name, user, and which sockets its descriptors are.

import Glibc
import TCPModel

/// An open /proc/PID.
///
/// The open directory stays that of the process it was opened for: once that process is gone, every call through it
/// fails with ESRCH, even if its number was given to another one meanwhile. So what is read through one value cannot mix
/// two processes.
struct ProcessDirectory: ~Copyable {
    /// The process id.
    let pid: Int32
    private let directory: Descriptor

    /// Opens `root`/`pid`; nil with errno set if there is no such process (or it is hidden).
    init?(root: String, pid: Int32) {
        guard let directory = Descriptor(path: "\(root)/\(pid)", flags: O_RDONLY | O_DIRECTORY) else { return nil }
        self.pid = pid
        self.directory = directory
    }

    /// How it is now; nil if it has gone.
    func status() -> ProcessStatus? { directory.contents(of: "stat", limit: 1024).flatMap { ProcessStatus($0) } }

    /// Whether it has as many descriptors as it may (RLIMIT_NOFILE): accept(2) fails with EMFILE. False where the kernel does not count
    /// them (before Linux 6.2 the folder has no size).
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

    /// The name, user and start time; nil if the process has gone, or is a thread of the kernel's own: that does a program's work (MPTCP
    /// opens and closes subflows so), and owns no socket.
    func identity() -> (process: ProcessIdentity, startTicks: UInt64)? {
        guard let status = status(), !status.isKernelThread,
            var name = directory.contents(of: "comm", limit: 256),
            let uid = directory.ownerUser()
        else { return nil }
        if name.last == UInt8(ascii: "\n") { name.removeLast() }
        return (ProcessIdentity(pid: pid, command: String(decoding: name, as: UTF8.self), uid: uid), status.startTicks)
    }

    /// Its executable, control group and what that tells; to be shown, so cut where it is longer than a path may be.
    func details() -> ProcessDetails {
        var target = [UInt8](repeating: 0, count: 4096)
        let executable = directory.linkTarget(of: "exe", into: &target).map {
            String(decoding: target[..<$0], as: UTF8.self)
        }
        var group = directory.contents(of: "cgroup", limit: ControlGroup.sizeLimit).flatMap { ControlGroup(text: $0) }
        // Of who ends, version 1's hierarchies say the root, whatever its group was (proc_cgroup_show()); version 2 keeps the true one.
        // Asked last: whoever does not end yet has not ended when the group was read.
        if group?.path == "/", status()?.isEnding != false { group = nil }
        return ProcessDetails(
            executable: executable, controlGroup: group?.path, container: group?.container, unit: group?.unit)
    }

    /// Calls `found` with the inode and number of every descriptor that is a socket, until it returns false.
    ///
    /// Returns the errno if the descriptors may not be listed (EACCES: another user's process) or the process has gone,
    /// 0 otherwise. Descriptors that are closed meanwhile are skipped.
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

    /// Whether descriptor `number` is the socket with this inode now.
    func holds(inode: UInt64, descriptor: Int32) -> Bool {
        var target = [UInt8](repeating: 0, count: 32)
        guard let length = directory.linkTarget(of: "fd/\(descriptor)", into: &target) else { return false }
        return socketInode(target[..<length]) == inode
    }
}

/// The N of a link target `socket:[N]`, or nil for any other.
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
