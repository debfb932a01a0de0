// Which processes belong to the traced command, and how rarely /proc is read to decide it.

import KernelSockets
import Testing

@testable import TraceSession

@Suite struct CommandFamilyTests {
    private static let lineages: [Int32: [Int32]] = [7: [7, 5, 2], 8: [8, 7, 5, 2], 9: [9, 2], 5: [5, 2]]

    @Test func itselfAndItsDescendants() {
        var family = CommandFamily(of: 7, startedBy: 5)
        let members = [Int32(7), 8, 9, 5, 77].filter { pid in
            family.contains(pid, at: 0) { Self.lineages[$0] ?? [] } == true
        }
        #expect(members == [7, 8], "neither a stranger, nor who started it, nor who has gone")
    }

    @Test func aProcessIsLookedUpOnceASecond() {
        var family = CommandFamily(of: 7, startedBy: 5)
        var asked = 0
        for connection in 0..<3000 {
            _ = family.contains(9, at: Int64(connection) * 1_000_000) {
                asked += 1; return Self.lineages[$0] ?? []
            }
        }
        #expect(asked == 3)
    }

    @Test func whoHasGoneIsWhatHeWas() {
        var family = CommandFamily(of: 7, startedBy: 5)
        let before = family.contains(8, at: 0) { Self.lineages[$0] ?? [] }
        let after = family.contains(8, at: 5_000_000_000) { _ in [] }
        let another = family.contains(8, at: 9_000_000_000) { _ in [8, 2] }
        #expect(before == true && after == true && another == false)
    }

    @Test func whoEndedAsAnOrphanIsOne() {
        var family = CommandFamily(of: 7, startedBy: 5)
        family.remember(8, at: 0)
        let after = family.contains(8, at: 5_000_000_000) { _ in [] }
        let another = family.contains(8, at: 9_000_000_000) { _ in [8, 2] }
        #expect(after == true && another == false)
    }

    @Test func theKernelsRecordsAreBelievedAndOfWhoHasGoneUnaskedNothingIsKnown() {
        let own = Kinship(isDescendant: true, isCertain: true)
        let other = Kinship(isDescendant: false, isCertain: true)
        let likely = Kinship(isDescendant: true, isCertain: false)
        var family = CommandFamily(of: 7, startedBy: 5)
        #expect(family.contains(77, at: 0, recorded: own) { _ in [] } == true, "it has gone, and was the command's")
        #expect(family.contains(78, at: 0, recorded: other) { _ in [] } == false)
        #expect(family.contains(79, at: 0) { _ in [] } == nil, "nothing tells")
        #expect(family.contains(79, at: 1, recorded: own) { _ in [] } == true, "it is asked again")
        // If records were lost, /proc takes precedence.
        #expect(family.contains(9, at: 0, recorded: likely) { Self.lineages[$0] ?? [] } == false)
        #expect(family.contains(80, at: 0, recorded: likely) { _ in [] } == true)
    }
}
