// Which connections belong to the traced command, and which sockets a reading looks up.

import Exchanges
import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct KernelCommandTests {
    private static func process(_ pid: Int32) -> ProcessIdentity { ProcessIdentity(pid: pid, command: "x", uid: 0) }

    @Test func judgedByTheProcessesAtItsEnds() {
        let joined = Joined(handshake)
        joined.read(1, joined.client(.established), joined.server(.established))
        var asked: [Int32] = []
        func judge(_ own: Int32) {
            joined.join.judge {
                asked.append($0); return $0 == own
            }
        }
        judge(7)
        #expect(asked.isEmpty && joined.join.view(joined.id)?.isOfCommand == false)
        #expect(joined.join.view(joined.id)?.hasProcess == false)
        _ = joined.join.assign([11: Self.process(7), 22: Self.process(8)], time: joined.play.now)
        judge(7)
        judge(7)
        #expect(asked.sorted() == [7, 8], "each process is judged once")
        let view = joined.join.view(joined.id)
        #expect(
            view?.isOfCommand == true && view?.originator.isOfCommand == true && view?.responder.isOfCommand == false)
        let isOpen = joined.join.hasOpenConnectionOfCommand(joined.play.timeline)
        #expect(isOpen)
        joined.play.feed(IncarnationTests.closing)
        let isStillOpen = joined.join.hasOpenConnectionOfCommand(joined.play.timeline)
        #expect(!isStillOpen)
    }

    @Test func strangersStayStrangers() {
        let joined = Joined(handshake)
        joined.read(1, joined.client(.established), joined.server(.established))
        _ = joined.join.assign([11: Self.process(7)], time: joined.play.now)
        joined.join.judge { _ in false }
        #expect(joined.join.view(joined.id)?.isOfCommand == false)
        let isStillOpen = joined.join.hasOpenConnectionOfCommand(joined.play.timeline)
        #expect(!isStillOpen)
    }

    /// On a busy host, thousands of connections end and each end prompts a judgement, so only new connections may be
    /// examined.
    @Test func theOthersAreNotLookedAtAgain() {
        let joined = Joined(handshake)
        for slot in UInt32(100)..<2000 { joined.join.add(ConnectionID(slot: slot), number: UInt64(slot), nil) }
        #expect(joined.join.command.unjudged.isEmpty, "nobody is known of these")
        for slot in UInt32(100)..<2000 { joined.join.forget(ConnectionID(slot: slot)) }
        joined.read(1, joined.client(.established), joined.server(.established))
        _ = joined.join.assign([11: Self.process(7)], time: joined.play.now)
        #expect(joined.join.command.unjudged.count == 1)
        joined.join.judge { _ in true }
        #expect(joined.join.command.unjudged.isEmpty && joined.join.view(joined.id)?.isOfCommand == true)
    }

    @Test func theCommandsConnectionsAreForgottenWithTheirViews() {
        let joined = Joined(handshake)
        joined.read(1, joined.client(.established), joined.server(.established))
        _ = joined.join.assign([11: Self.process(7)], time: joined.play.now)
        joined.join.judge { _ in true }
        joined.join.forget(joined.id)
        let isStillOpen = joined.join.hasOpenConnectionOfCommand(joined.play.timeline)
        #expect(!isStillOpen)
    }

    @Test func theSocketsThatAReadingIsAskedFor() throws {
        let joined = Joined(handshake)
        let wanted = joined.join.watchedEnds(joined.play.timeline, limit: 1)
        let ends = try #require(wanted)
        #expect(
            ends.map(\.tuple) == [
                FourTuple(source: joined.play.client, destination: joined.play.server),
                FourTuple(source: joined.play.server, destination: joined.play.client),
            ])
        #expect(ends.allSatisfy { $0.isExpected }, "open on the wire, and never seen in the tables")
        let tooMany = joined.join.watchedEnds(joined.play.timeline, limit: 0)
        #expect(tooMany?.count == nil)
        joined.read(1, joined.client(.established))
        let later = joined.join.watchedEnds(joined.play.timeline, limit: 1)
        #expect(later?.map(\.isExpected) == [false, true])
    }

    /// A reading may miss a socket because it did not name its interface, so the socket is looked up there before it
    /// counts as gone.
    @Test func aSocketThatWasThereIsLookedForBeforeItIsGone() throws {
        let joined = Joined(handshake)
        var client = joined.client(.established)
        client.interface = 7
        joined.read(1, client, joined.server(.established))
        func wanted() throws -> [KernelJoin.EndToRead] {
            let ends = joined.join.watchedEnds(joined.play.timeline, limit: 1)
            return try #require(ends)
        }
        #expect(try wanted().map(\.interface) == [7, 0] && wanted().allSatisfy { !$0.isExpected && $0.isOpen })
        joined.read(1, joined.server(.established))
        #expect(try wanted().map(\.isExpected) == [true, false])
        #expect(try wanted().map(\.interface) == [7, 0], "where it was last")
        joined.read(1, client, joined.server(.established))
        #expect(try wanted().allSatisfy { !$0.isExpected })
    }
}
