// Which processes descend from the traced command, by records of forks and exits in the order in which the rings are
// read.

import Testing

@testable import KernelSockets

extension Descendants {
    fileprivate func contains(_ pid: Int32) -> Bool? { kinship(of: pid)?.isDescendant }
}

@Suite struct DescendantsTests {
    @Test func childrenOfChildrenThatHaveGone() {
        var family = Descendants(of: 7, strangers: [1, 2])
        family.begin(8, parent: 7, at: 10)
        family.begin(9, parent: 8, at: 20)
        family.begin(10, parent: 2, at: 30)
        for pid in [Int32(8), 9, 10] { family.end(pid) }
        family.endReading(isComplete: true)
        #expect([Int32(7), 8, 9].allSatisfy { family.contains($0) == true })
        #expect([Int32(1), 2, 10].allSatisfy { family.contains($0) == false })
        #expect(family.contains(11) == nil, "nobody told of it")
        // Another process reuses the pid.
        family.begin(9, parent: 1, at: 40)
        family.endReading(isComplete: true)
        #expect(family.contains(9) == false && family.contains(8) == true)
    }

    @Test func ringsAreReadOneAfterTheOther() {
        var family = Descendants(of: 7, strangers: [1])
        // The grandchild's record, on one processor, is read before the child's, on another one.
        family.begin(9, parent: 8, at: 20)
        family.begin(8, parent: 7, at: 10)
        family.endReading(isComplete: true)
        #expect(family.contains(9) == true)
        // The parent's record is only read in the next reading.
        family.begin(11, parent: 10, at: 40)
        family.endReading(isComplete: true)
        #expect(family.contains(11) == nil)
        family.begin(10, parent: 9, at: 30)
        family.endReading(isComplete: true)
        #expect(family.contains(10) == true && family.contains(11) == true)
    }

    @Test func whereRecordsWereLostTheyAreNoProof() {
        var family = Descendants(of: 7, strangers: [1])
        family.begin(8, parent: 7, at: 10)
        family.endReading(isComplete: false)
        #expect(family.kinship(of: 8) == Kinship(isDescendant: true, isCertain: false))
        #expect(family.kinship(of: 9) == nil)
    }

    @Test func memoryStaysBounded() {
        var family = Descendants(of: 7, strangers: [])
        for pid in Int32(100)..<60_000 {
            family.begin(pid, parent: 7, at: UInt64(pid))
            family.end(pid)
            if pid % 100 == 0 { family.endReading(isComplete: true) }
        }
        family.endReading(isComplete: true)
        #expect(family.contains(59_999) == true && family.contains(50_000) == true)
        #expect(family.contains(100) == nil, "those that ended the longest ago are forgotten")
    }
}
