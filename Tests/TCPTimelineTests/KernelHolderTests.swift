// Which processes hold a socket besides the named one, or instead of it.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct KernelHolderTests {
    private static let handshake = "0 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n"

    private let joined = Joined(handshake)
    private let client = ProcessIdentity(pid: 7, command: "c", uid: 0)
    private let server = ProcessIdentity(pid: 8, command: "s", uid: 0)
    private let child = SocketHolder(process: ProcessIdentity(pid: 9, command: "child", uid: 0), descriptor: 4)

    init() {
        joined.read(1, joined.client(.established), joined.server(.established))
        _ = joined.join.assign([11: client, 22: server], descriptors: [22: 5], time: joined.play.now)
    }

    private func wanted(age: Int64 = 100) -> [Int32: [UInt64: Int32?]] {
        joined.join.socketsToLookUp(
            youth: 100, at: joined.play.connection.firstTime.advanced(by: age), limit: 16, joined.play.timeline)
    }

    private func assign(_ holders: [UInt64: [SocketHolder]], of pid: Int32) -> [KernelEvent] {
        joined.join.assign(holders: holders, of: pid, time: joined.play.now)
    }

    private var view: KernelView { get throws { try #require(joined.join.view(joined.id)) } }

    @Test func theyAreAskedForOncePerState() {
        #expect(wanted(age: 99).isEmpty, "young")
        #expect(wanted() == [7: [11: nil], 8: [22: 5]])
        #expect(wanted().isEmpty, "asked for")
        joined.read(1, joined.client(.established), joined.server(.closeWait))
        #expect(wanted() == [8: [22: 5]], "its process may have closed it")
    }

    /// The process that listens need not be the one that accepts: a master forks workers.
    @Test func whoHoldsTheListenerIsAskedForWhileSomethingWaits() throws {
        let joined = Joined(Self.handshake)
        let listener = KernelSocket(
            local: joined.play.server, remote: SocketAddress(.anyV4, 0), state: .listen, receiveQueue: 1, inode: 33)
        func wanted(age: Int64) -> [UInt64: Int32] {
            joined.join.listenersToLookUp(
                youth: 100, at: joined.play.connection.firstTime.advanced(by: age), joined.play.timeline)
        }
        joined.read(1, joined.client(.established), joined.server(.established, inode: 0), listener)
        _ = joined.join.assign([33: server], time: joined.play.now)
        #expect(wanted(age: 99).isEmpty && wanted(age: 100) == [33: 8] && wanted(age: 200).isEmpty)
        #expect(joined.join.processesToWaitFor(limit: 9) == [8])
        _ = joined.join.assign(
            holders: [33: [SocketHolder(process: server, descriptor: 5), child]], of: 8, time: joined.play.now)
        let side = try #require(joined.join.view(joined.id)).responder
        #expect(side.listenerProcess == server && side.listenerSharers == [child] && side.listenerSharerCount == 1)
        #expect(joined.join.processesToWaitFor(limit: 9) == [8, 9])
        #expect(wanted(age: 200 + 2 * Span.second) == [33: 8], "a worker may have come, or gone")
    }

    /// Several processes hold the socket, and no event reports which of them has closed its copy.
    @Test func inCloseWaitTheyAreAskedForAgain() {
        joined.read(1, joined.client(.finWait2), joined.server(.closeWait))
        #expect(wanted() == [7: [11: nil], 8: [22: 5]])
        #expect(wanted(age: 100 + 2 * Span.second - 1).isEmpty)
        #expect(wanted(age: 100 + 2 * Span.second) == [8: [22: 5]])
        #expect(wanted(age: 200 + 2 * Span.second).isEmpty)
    }

    @Test func othersThatShareIt() throws {
        let own = SocketHolder(process: client, descriptor: 3)
        #expect(assign([11: [own, child]], of: 7).isEmpty, "no other owner")
        let side = try view.originator
        #expect(side.process == client && side.descriptor == 3 && side.sharers == [child] && side.sharerCount == 1)
        let crowd = (20..<60).map {
            SocketHolder(process: ProcessIdentity(pid: $0, command: "worker", uid: 0), descriptor: 3)
        }
        _ = assign([11: [own] + crowd], of: 7)
        #expect(try view.originator.sharers == Array(crowd.prefix(KernelJoin.sharerLimit)))
        #expect(try view.originator.sharerCount == 40)
    }

    /// A server forks for each connection, and closes its own copy of the socket.
    @Test func theChildThatIsLeftTakesItsPlace() throws {
        let events = assign([22: [child]], of: 8)
        #expect(try view.responder.process == child.process && view.responder.descriptor == 4)
        #expect(events.count == 1 && events.first?.process == child.process && events.first?.side == .responder)
        #expect(try view.responder.sharerCount == 0)
    }

    /// A process forks and exits: its child shares the socket and inherits it.
    @Test func theHeirOfWhoHasEndedTakesItsPlace() throws {
        #expect(joined.join.namedProcesses() == [7, 8])
        _ = assign([11: [SocketHolder(process: client, descriptor: 3), child]], of: 7)
        #expect(try view.originator.sharers == [child])
        #expect(joined.join.inodesWithoutProcess().isEmpty)
        joined.join.noteGone([7])
        #expect(joined.join.inodesWithoutProcess() == [11])
        let events = joined.join.assign([11: child.process], descriptors: [11: 4], time: joined.play.now)
        #expect(events.map(\.process) == [child.process] && events.first?.side == .originator)
        let side = try view.originator
        #expect(side.process == child.process && side.descriptor == 4 && side.sharers.isEmpty && side.sharerCount == 0)
        #expect(joined.join.inodesWithoutProcess().isEmpty && joined.join.namedProcesses() == [8, 9])
    }

    @Test func theSameProcessWithAnotherProgram() throws {
        let anew = SocketHolder(process: ProcessIdentity(pid: 8, command: "exec", uid: 0), descriptor: 5)
        #expect(assign([22: [anew]], of: 8).map(\.process) == [anew.process])
        #expect(try view.responder.process?.command == "exec")
        #expect(assign([22: [anew]], of: 8).isEmpty)
    }

    /// The socket was passed on otherwise than by fork(2): all of /proc is searched again, and the old name stays until
    /// then.
    @Test func nobodyAmongTheKin() throws {
        #expect(joined.join.inodesWithoutProcess().isEmpty)
        #expect(assign([22: []], of: 8).isEmpty)
        #expect(try view.responder.process == server && joined.join.inodesWithoutProcess() == [22])
        _ = joined.join.assign([22: child.process], descriptors: [22: 6], time: joined.play.now)
        #expect(try view.responder.process == child.process && view.responder.descriptor == 6)
        #expect(joined.join.inodesWithoutProcess().isEmpty)
        #expect(assign([:], of: 9).isEmpty && joined.join.inodesWithoutProcess().isEmpty, "nobody may tell")
    }
}
