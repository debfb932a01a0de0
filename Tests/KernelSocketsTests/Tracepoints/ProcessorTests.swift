// Lists of processors, as kernels write them and as they never should, and rings for processors with gaps in their
// numbers.

import Foundation
import SeededRandom
import Testing

@testable import KernelSockets

@Suite struct ProcessorTests {
    private func parse(_ text: String) -> [Int32]? { OnlineProcessors.parse(Array(text.utf8)) }

    @Test func listsOfKernels() {
        #expect(parse("0\n") == [0])
        #expect(parse("0-3\n") == [0, 1, 2, 3])
        #expect(parse("0,2-4,31,64-65\n") == [0, 2, 3, 4, 31, 64, 65])
        #expect(parse("5\n") == [5], "processor 0 may be off")
        #expect(parse("8191\n") == [8191])
        #expect(parse("0-8191\n")?.count == 8192)
    }

    /// Refused: empty, cut or malformed lists, descending or repeated numbers, and numbers that no machine has.
    @Test(arguments: [
        "", "\n", "0-3", "0-", "0-\n", "-3\n", "0,\n", ",0\n", "0,,1\n", "3-1\n", "0-3,3\n", "4,2\n", "1,1\n",
        "0-1-2\n",
        "0 1\n", " 0\n", "+1\n", "a\n", "0x1\n", "0-3:2/4\n", "8192\n", "0-8192\n", "99999999999999999999\n", "0\n1\n",
        "\u{663}\n",
        "0-3\0\n",
    ])
    func whatIsNoList(_ text: String) { #expect(parse(text) == nil, "\(text.debugDescription)") }

    @Test func anyOctets() {
        var random = SplitMix(seed: 31)
        for _ in 0..<5000 {
            let length = Int.random(in: 0...24, using: &random)
            var text = (0..<length).map { _ in Array("0123456789,-\n".utf8).randomElement(using: &random) ?? 0 }
            if Bool.random(using: &random) { text.append(UInt8.random(in: .min ... .max, using: &random)) }
            guard let list = OnlineProcessors.parse(text) else { continue }
            #expect(!list.isEmpty && list == Set(list).sorted() && list.allSatisfy { 0..<OnlineProcessors.limit ~= $0 })
        }
    }

    @Test func listsForPeople() {
        #expect(OnlineProcessors.words([3]) == "processor 3")
        #expect(OnlineProcessors.words([0, 1, 2, 5, 7, 8]) == "processors 0-2, 5, 7-8")
    }

    @Test func thisMachines() throws {
        let online = try #require(OnlineProcessors.current())
        #expect(online.count == ProcessInfo.processInfo.activeProcessorCount)
        #expect(OnlineProcessors.current(folder: "/nonexistent") == nil)
        #expect(OnlineProcessors.counted().count >= online.count)
    }

    /// A processor that goes offline and returns has lost its perf events, and a new one has none: each of them is
    /// reported once.
    @Test func processorsThatComeAreToldOnce() {
        var watch = ProcessorWatch([0, 1, 2])
        #expect(watch.look([0, 1, 2]) == [])
        #expect(watch.look([0, 2]) == [])
        #expect(watch.look([0, 1, 2, 9]) == [1, 9])
        #expect(watch.look([0, 1, 2, 9]) == [])
    }

    @Test(.enabled(if: geteuid() == 0, "perf events need root")) func whatIsRefusedIsKnown() throws {
        let online = try #require(OnlineProcessors.current())
        // The kernel knows no such processor.
        let rings = try #require(PerfRings(processors: online + [8191], tracepoint: nil))
        #expect(rings.rings.count == online.count)
        #expect(rings.refused.map(\.processor) == [8191] && rings.refused.first?.code == EINVAL)
        #expect(PerfRings(processors: [8191], tracepoint: nil) == nil && errno == EINVAL)
    }
}
