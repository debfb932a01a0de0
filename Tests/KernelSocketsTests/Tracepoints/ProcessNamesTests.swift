// Names of processes that have ended before their events are read.

import Foundation
import TCPModel
import Testing

@testable import KernelSockets

@Suite struct ProcessNamesTests {
    /// Without /proc, as if every process had ended.
    private var names: ProcessNames { ProcessNames(root: "/nonexistent") }

    @Test func aChildHasTheNameOfItsParent() {
        var names = names
        names.rename(10, "server", at: 1)
        names.fork(11, parent: 10)
        names.fork(12, parent: 11)
        #expect(names.identity(12)?.command == "server" && names.identity(12)?.pid == 12)
        names.rename(12, "worker", at: 1)
        #expect(names.identity(12)?.command == "worker")
    }

    @Test func theOrderOfTwoCPUsDoesNotMatter() {
        var names = names
        // The fork of the grandchild is read before the child's.
        names.fork(12, parent: 11)
        names.rename(10, "server", at: 1)
        names.fork(11, parent: 10)
        #expect(names.identity(12)?.command == "server")
    }

    @Test func aNewNameIsNotLostToABeginningThatIsReadLater() {
        var names = names
        names.rename(10, "shell", at: 1)
        names.endReading()
        names.rename(11, "ss", at: 1)
        names.fork(11, parent: 10)
        #expect(names.identity(11)?.command == "ss")
        names.endReading()
        names.fork(11, parent: 10)
        #expect(names.identity(11)?.command == "shell", "another process of the same number")
    }

    @Test func aChildOfAProcessThatWasReadComesFromThere() throws {
        let proc = try FakeProc()
        try proc.process(10, comm: "server", start: 5, sockets: [:])
        try proc.write("10/cgroup", "0::/system.slice/web.service\n")
        var names = ProcessNames(root: proc.root)
        let server = names.identity(10)
        #expect(server?.details?.unit == "web.service")
        names.fork(11, parent: 10)
        #expect(names.identity(11)?.details === server?.details)
        // It ran another program, whose executable is not known.
        names.fork(12, parent: 10)
        names.rename(12, "sh", at: 1)
        #expect(names.identity(12)?.command == "sh" && names.identity(12)?.details == nil)
    }

    /// Work that a kernel thread does for a program (MPTCP's subflows) must not be attributed to that thread.
    @Test func aThreadOfTheKernelIsNobody() throws {
        let proc = try FakeProc()
        try proc.process(12, comm: "kworker/0:1", start: 5, sockets: [:])
        var names = ProcessNames(root: proc.root)
        #expect(names.identity(12)?.command == "kworker/0:1", "as far as its flags say")
        // The flags as in /proc: PF_WQ_WORKER, PF_FREEZER_SKIP, PF_NOFREEZE, PF_KTHREAD and others.
        try proc.write("12/stat", "12 (kworker/0:1) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n")
        names = ProcessNames(root: proc.root)
        #expect(names.identity(12) == nil)
    }

    /// The end of one process and the fork of the next one with its pid were lost.
    @Test func afterALossWhoIsThereIsAskedAgain() throws {
        let proc = try FakeProc()
        try proc.process(10, comm: "server", start: 5, sockets: [:])
        var names = ProcessNames(root: proc.root)
        #expect(names.identity(10)?.command == "server")
        try proc.process(10, comm: "another", start: 9, sockets: [:])
        #expect(names.identity(10)?.command == "server", "asked once")
        names.distrust()
        #expect(names.identity(10)?.command == "another")
        names.rename(11, "told", at: 1)
        names.distrust()
        #expect(names.identity(11)?.command == "told", "it has gone")
    }

    @Test func anEndedProcessIsForgotten() {
        var names = names
        names.rename(10, "server", at: 1)
        names.exit(10)
        #expect(names.identity(10) == nil)
        names.fork(10, parent: 9)
        #expect(names.identity(10) == nil)
        // A cycle of parents must not cause an endless search.
        names.fork(9, parent: 10)
        #expect(names.identity(9) == nil)
    }

    @Test func thoseThatAreThereAreKnownFromTheStart() {
        var names = ProcessNames()
        names.prime()
        names.fork(.max, parent: 1)
        let first = ProcessDirectory(root: "/proc", pid: 1)?.identity()?.process.command
        #expect(names.identity(.max)?.command == first)
    }

    /// Some kernels do not report every new name, so a name is read again after a moment while the process exists.
    @Test func aNewNameThatNobodyTold() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "python3", start: 5, sockets: [:])
        var names = ProcessNames(root: proc.root)
        #expect(names.identity(200)?.command == "python3")
        try proc.process(200, comm: "load-client", start: 5, sockets: [:])
        #expect(names.identity(200)?.command == "python3")
        usleep(150_000)
        #expect(names.identity(200)?.command == "load-client")
        try FileManager.default.removeItem(atPath: proc.root + "/200")
        usleep(150_000)
        #expect(names.identity(200)?.command == "load-client", "who has gone keeps it")
    }

    /// Events come from the rings of two processors; the ring of the processor that runs the process now is read first.
    @Test func theNameOfThePresentStays() {
        var names = self.names
        names.fork(9, parent: 7)
        names.rename(9, "python3", at: 20)
        names.rename(9, "load-client", at: 30)
        names.rename(9, "bash", at: 10)
        #expect(names.identity(9)?.command == "load-client")
        names.endReading()
        // Another process may have the pid by then.
        names.exit(9)
        names.rename(9, "next", at: 5)
        #expect(names.identity(9)?.command == "next")
    }
}
