// Processes outside this pid namespace are noticed by sockets that no visible process holds.

import Foundation
import Testing

@testable import KernelSockets
@testable import TraceSession

@Suite struct UnseenOwnersTests {
    @Test func aSocketThatNobodyHoldsTwice() {
        var owners = UnseenOwners(isPossible: true)
        owners.note(sought: [1, 2], found: [1])
        #expect(owners.complaint() == nil, "its process may just have ended")
        owners.note(sought: [3], found: [])
        #expect(owners.complaint() == nil)
        owners.note(sought: [3, 4], found: [4])
        #expect(owners.complaint()?.contains("docker run --pid=host") == true)
        #expect(owners.complaint() == nil, "said once")
    }

    @Test func whereAllAreSeenThereAreNone() {
        var owners = UnseenOwners(isPossible: false)
        for _ in 0..<3 { owners.note(sought: [1], found: []) }
        #expect(owners.complaint() == nil)
    }

    @Test func whichNamespaceItIs() throws {
        let proc = FileManager.default.temporaryDirectory.appendingPathComponent("pidns-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: proc) }
        #expect(ProcessNamespace.isHosts(root: proc.path) == nil, "nothing is told")
        let directory = proc.appendingPathComponent("self/ns")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let link = directory.appendingPathComponent("pid").path
        for (name, isHosts) in [("pid:[4026531836]", true), ("pid:[4026532999]", false)] {
            try? FileManager.default.removeItem(atPath: link)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: name)
            #expect(ProcessNamespace.isHosts(root: proc.path) == isHosts)
        }
    }
}
