// Owners of sockets: fake process folders, and this process itself.

import Foundation
import Glibc
import TCPModel
import Testing

@testable import KernelSockets

@Suite struct ProcessOwnersTests {
    @Test func linkTargets() {
        func inode(_ text: String) -> UInt64? { socketInode(ArraySlice(text.utf8)) }
        #expect(inode("socket:[12345]") == 12345)
        #expect(inode("socket:[18446744073709551615]") == .max)
        for text in ["socket:[]", "socket:[1", "socket:[1x]", "pipe:[1]", "", "socket:[99999999999999999999]"] {
            #expect(inode(text) == nil)
        }
    }

    @Test func sharedSocketsListLowestPidFirst() throws {
        let proc = try FakeProc()
        try proc.process(300, comm: "child", start: 9, sockets: [3: 50, 4: 51])
        try proc.process(200, comm: "parent", start: 5, sockets: [7: 50, 3: 50])
        var owners = ProcessOwners(root: proc.root)
        let all = owners.allOwners()
        #expect(all[50]?.map(\.process.pid) == [200, 300])
        #expect(all[50]?.first?.descriptor == 3)
        #expect(all[51]?.map(\.process.command) == ["child"])
        #expect(owners.owners(of: [50, 51])[50]?.process.pid == 200)
    }

    @Test func hopelessInodesAreNotSearchedAgain() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "a", start: 5, sockets: [3: 50])
        var owners = ProcessOwners(root: proc.root, missLifetime: 60 * Span.second)
        #expect(owners.owners(of: [50, 99, 0]).count == 1)
        #expect(owners.counts.fullScans == 1)
        #expect(owners.owners(of: [50, 99]).count == 1)
        #expect(owners.counts.fullScans == 1)
        var impatient = ProcessOwners(root: proc.root, missLifetime: 0)
        _ = impatient.owners(of: [99])
        _ = impatient.owners(of: [99])
        #expect(impatient.counts.fullScans == 2)
    }

    @Test func theCacheIsCheckedAndRecentProcessesComeFirst() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "old", start: 5, sockets: [3: 50])
        var owners = ProcessOwners(root: proc.root)
        let first = try #require(owners.owners(of: [50])[50])
        #expect(owners.holds(first, inode: 50) && !owners.holds(first, inode: 51))
        // The same process opens another socket, which is found without another full scan.
        try proc.process(200, comm: "old", start: 5, sockets: [4: 51])
        #expect(owners.owners(of: [51])[51]?.descriptor == 4)
        #expect(owners.counts.fullScans == 1)
        // The pid is reused by a later process that happens to have the same link: it is not the same owner.
        try proc.process(200, comm: "new", start: 77, sockets: [3: 50])
        #expect(!owners.holds(first, inode: 50) && !owners.isPresent(first))
        #expect(owners.owners(of: [50])[50]?.process.command == "new")
    }

    @Test func whoIsStoppedAndByWhat() throws {
        let proc = try FakeProc()
        let states: [Character] = ["S", "T", "t", "R", "D", "Z"]
        for (pid, state) in zip(Int32(200)..., states) {
            // A process name may contain what looks like the state that follows it.
            try proc.process(pid, comm: "a) T", state: state, start: 5, sockets: [:])
        }
        let owners = ProcessOwners(root: proc.root)
        #expect(owners.troubled(among: [200, 201, 202, 203, 204, 205, 999]) == [201: .stopped, 202: .traced])
        // A folder on an ordinary file system has a size that does not count descriptors: it exceeds one limit, but not
        // the other.
        for (pid, limit) in [(200, 1), (203, 1 << 30)] {
            try proc.write(
                "\(pid)/limits",
                "Limit                     Soft Limit           Hard Limit           Units     \n"
                    + "Max open files            \(limit)                 4096                 files     \n")
        }
        #expect(owners.troubled(among: [200, 203]) == [200: .noDescriptors])
    }

    @Test func whoHasGone() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "a", start: 5, sockets: [:])
        try proc.process(201, comm: "b", state: "Z", start: 5, sockets: [:])
        // The process's first thread has ended, but another one still runs (field 20), so the process is not gone.
        try proc.process(203, comm: "d", state: "Z", start: 5, threads: 2, sockets: [:])
        #expect(ProcessOwners(root: proc.root).gone(among: [200, 201, 202, 203]) == [201, 202])
    }

    /// execve(2) keeps the pid, the start time and the descriptors: only the name changes.
    @Test func anOwnerThatRunsAnotherProgramHasItsName() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "shell", start: 5, sockets: [3: 50])
        var owners = ProcessOwners(root: proc.root)
        #expect(owners.owners(of: [50])[50]?.process.command == "shell")
        try proc.process(200, comm: "server", start: 5, sockets: [3: 50])
        #expect(owners.owners(of: [50])[50]?.process.command == "server" && owners.counts.fullScans == 1)
    }

    /// A folder that exists but cannot be opened may well belong to the owner. Here it is a link to itself; hidepid=1
    /// gives EPERM.
    @Test func whoRefusesHasNotGone() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "a", start: 5, sockets: [3: 50])
        try FileManager.default.createSymbolicLink(atPath: proc.root + "/300", withDestinationPath: "300")
        var owners = ProcessOwners(root: proc.root)
        #expect(owners.owners(of: [99]).isEmpty && owners.deniedInLatestScan == 1)
        #expect(owners.counts.denied == 1 && owners.counts.vanished == 0 && owners.counts.processes == 1)
        #expect(owners.allOwners().count == 1 && owners.deniedInLatestScan == 1)
    }

    @Test func whereAProcessComesFromIsReadOnce() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "a", start: 5, sockets: [3: 50, 9: 51])
        try FileManager.default.createSymbolicLink(
            atPath: proc.root + "/200/exe", withDestinationPath: "/usr/bin/\u{1b}[2J (deleted)")
        try proc.write("200/cgroup", "0::/system.slice/ssh.service\n")
        var owners = ProcessOwners(root: proc.root)
        let held = owners.owners(of: [50])
        let first = try #require(held[50]?.process.details)
        #expect(first.executable == "/usr/bin/\u{1b}[2J (deleted)" && first.unit == "ssh.service")
        try proc.write("200/cgroup", "0::/elsewhere\n")
        let again = owners.owners(of: [51])
        #expect(again[51]?.process.details === first)
        // Another process with the same pid is read anew. Details that it does not reveal stay empty.
        try FileManager.default.removeItem(atPath: proc.root + "/200/exe")
        try proc.process(200, comm: "b", start: 6, sockets: [3: 50])
        try proc.write("200/cgroup", Data())
        let anew = owners.owners(of: [50])
        let later = try #require(anew[50]?.process.details)
        #expect(later.executable == nil && later.controlGroup == nil)
    }

    /// For a process that has ended or is ending (PF_EXITING), the hierarchies of version 1 report `/`, as for one in
    /// the root group.
    @Test func theGroupOfAProcessThatEndsIsNotTheRoot() throws {
        let proc = try FakeProc()
        func group(flags: Int, _ text: String) throws -> String? {
            try proc.write("200/stat", "200 (a) S 1 0 0 0 -1 \(flags) 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n")
            try proc.write("200/cgroup", text)
            return ProcessDirectory(root: proc.root, pid: 200)?.details().controlGroup
        }
        #expect(try group(flags: 4_194_560, "4:memory:/\n0::/\n") == "/")
        #expect(try group(flags: 4_194_560 | 4, "4:memory:/\n0::/\n") == nil)
        #expect(try group(flags: 4_194_560 | 4, "0::/system.slice/web.service\n") == "/system.slice/web.service")
        // The process has gone since.
        try proc.write("200/cgroup", "0::/\n")
        try FileManager.default.removeItem(atPath: proc.root + "/200/stat")
        #expect(ProcessDirectory(root: proc.root, pid: 200)?.details().controlGroup == nil)
    }

    /// The same with the running kernel: a child that has ended and has not been waited for.
    @Test func aZombieHasNoGroupOrItsOwn() throws {
        let own = ProcessDirectory(root: "/proc", pid: getpid())?.details().controlGroup
        var pid: pid_t = 0
        let arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("/bin/true"), nil]
        defer { unsafe free(arguments[0]) }
        try #require(unsafe posix_spawn(&pid, "/bin/true", nil, nil, arguments, nil) == 0)
        // Wait for its end, but leave it as a zombie.
        try #require(waitid(P_PID, id_t(pid), nil, WEXITED | WNOWAIT) == 0)
        let directory = ProcessDirectory(root: "/proc", pid: pid)
        let details = directory?.details()
        #expect(directory?.status()?.isEnding == true && directory?.status()?.hasEnded == true)
        #expect(details?.executable == nil && details != nil)
        #expect(details?.controlGroup == nil || details?.controlGroup == own)
        #expect(details?.controlGroup != "/")
        var status: Int32 = 0
        try #require(unsafe waitpid(pid, &status, 0) == pid)
    }

    /// A parent made the socket and its children inherited it: all holders are found, whichever process the search
    /// starts from. The stranger has its own socket under the same descriptor number; the grandchild has closed its
    /// copy.
    @Test func holdersOfASharedSocket() throws {
        let proc = try FakeProc()
        try proc.process(100, comm: "shell", start: 1, sockets: [3: 77])
        try proc.process(200, comm: "parent", start: 5, parent: 100, sockets: [7: 50, 8: 51])
        try proc.process(210, comm: "child", start: 6, parent: 200, sockets: [7: 50])
        try proc.process(211, comm: "other", start: 7, parent: 200, sockets: [7: 50, 8: 51])
        try proc.process(220, comm: "grandchild", start: 8, parent: 210, sockets: [7: 99])
        try proc.process(300, comm: "stranger", start: 9, sockets: [7: 50])
        try proc.write("100/task/100/children", "200 ")
        // Each thread lists the children that it forked.
        try proc.write("200/task/200/children", "210 ")
        try proc.write("200/task/205/children", "211 ")
        try proc.write("210/task/210/children", "220 ")
        var owners = ProcessOwners(root: proc.root)
        for pid in [200, 210, 211] as [Int32] {
            let all = owners.holders(of: [50: 7], near: pid)
            #expect(
                all[50]?.map(\.process.pid) == [200, 210, 211] && all[50]?.allSatisfy { $0.descriptor == 7 } == true)
        }
        #expect(owners.holders(of: [50: nil, 51: nil], near: 200)[51]?.map(\.process.command) == ["parent", "other"])
        // The parent of a forking server has closed its copy, so the child holds the socket.
        try proc.process(200, comm: "parent", start: 5, parent: 100, sockets: [7: 60])
        #expect(owners.holders(of: [50: 7], near: 200)[50]?.map(\.process.pid) == [210, 211])
        #expect(owners.holders(of: [52: 9], near: 200) == [52: []], "nobody among them")
        #expect(owners.holders(of: [51: 7], near: 200)[51]?.map(\.descriptor) == [8, 8], "it has another number now")
        #expect(owners.holders(of: [52: nil], near: 200) == [52: []], "it does not, and no number to ask others for")
        #expect(
            owners.holders(of: [52: nil], near: 200, limit: 1).isEmpty, "it may be among those that were not looked at")
        #expect(owners.holders(of: [50: 7], near: 404) == [50: []], "it has gone")
        #expect(owners.counts.fullScans == 0 && Set(owners.descendants(of: 200)) == [210, 211, 220])
        #expect(
            owners.allOwners(of: [50, 60]).mapValues { $0.map(\.process.pid) } == [50: [210, 211, 300], 60: [200]])
    }

    /// The search is bounded, however many processes share the socket.
    @Test func holdersAreBounded() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "parent", start: 5, sockets: [3: 50, 4: 51, 9: 52])
        let children = (1000..<1200).map { Int32($0) }
        try proc.write("200/task/200/children", children.map { "\($0)" }.joined(separator: " "))
        for child in children { try proc.process(child, comm: "child", start: 6, parent: 200, sockets: [3: 50]) }
        var owners = ProcessOwners(root: proc.root)
        let all = try #require(owners.holders(of: [50: 3], near: 200)[50])
        #expect(all.count == 64 && all.first?.process.pid == 200)
        #expect(
            owners.holders(of: [50: nil, 51: nil, 52: nil], near: 200, limit: 0).count <= 1,
            "it stops after the first one")
    }

    @Test func strangeNames() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "a) S (b\n c", start: 1234, parent: 17, sockets: [3: 50])
        try proc.process(17, comm: "", start: 3, parent: 0, sockets: [3: 51])
        try proc.process(18, comm: "x", start: 3, sockets: [3: 52])
        try proc.write("18/comm", Data([0xff, 0x1b, 0x0a]))
        var owners = ProcessOwners(root: proc.root)
        let all = owners.allOwners()
        #expect(all[50]?.first?.process.command == "a) S (b\n c" && all[50]?.first?.startTicks == 1234)
        #expect(all[51]?.first?.process.command == "")
        #expect(all[52]?.first?.process.command == "\u{fffd}\u{1b}")
        #expect(owners.lineage(of: 200) == [200, 17])
    }

    @Test func brokenFoldersAreCounted() throws {
        let proc = try FakeProc()
        try proc.write("5/comm", "no fd folder\n")
        try proc.process(6, comm: "no stat", start: 1, sockets: [3: 50])
        try FileManager.default.removeItem(atPath: proc.root + "/6/stat")
        try proc.write("notapid/fd", "")
        var owners = ProcessOwners(root: proc.root)
        #expect(owners.allOwners().isEmpty)
        #expect(owners.counts.vanished == 1 && owners.counts.denied == 0)
        #expect(owners.owners(of: [50]).isEmpty)
        var nothing = ProcessOwners(root: "/nonexistent")
        #expect(nothing.allOwners().isEmpty)
    }
}
