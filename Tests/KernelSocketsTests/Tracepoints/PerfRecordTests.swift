// perf records from raw octets: the kinds in use, cut at every length, and with wrong lengths.

import SeededRandom
import Testing

@testable import KernelSockets

private func little(_ value: UInt64, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
}

private func record(_ type: UInt64, misc: UInt64 = 0, _ body: [UInt8], size: Int? = nil) -> [UInt8] {
    little(type, 4) + little(misc, 2) + little(UInt64(size ?? body.count + 8), 2) + body
}

private func sample(_ raw: [UInt8], claimed: Int? = nil) -> [UInt8] {
    record(9, little(4711, 4) + little(4712, 4) + little(99, 8) + little(UInt64(claimed ?? raw.count), 4) + raw)
}

extension PerfRecord {
    fileprivate static func next(_ bytes: [UInt8], at position: Int) -> (record: PerfRecord, end: Int)? {
        unsafe next(bytes.span.bytes, at: position)
    }
}

@Suite struct PerfRecordTests {
    @Test func samplesInARow() throws {
        let bytes = sample([1, 2, 3, 4]) + sample([5, 6, 7, 8])
        let first = try #require(PerfRecord.next(bytes, at: 0))
        #expect(first.record == .sample(pid: 4711, time: 99, record: 28..<32) && first.end == 32)
        let second = try #require(PerfRecord.next(bytes, at: first.end))
        #expect(second.record == .sample(pid: 4711, time: 99, record: 60..<64))
        #expect(PerfRecord.next(bytes, at: second.end) == nil)
    }

    @Test func lostNamesForksAndEnds() {
        let id = little(1, 8) + little(2, 8)
        #expect(PerfRecord.next(record(2, little(7, 8) + little(41, 8) + id), at: 0)?.record == .lost(41))
        let name = Array("a\u{1b}b".utf8) + [0, 0, 0, 0, 0]
        #expect(
            PerfRecord.next(record(3, misc: 0x2000, little(8, 4) + little(8, 4) + name + id), at: 0)?.record
                == .name(pid: 8, name: "a\u{1b}b", time: 2))
        #expect(
            PerfRecord.next(record(3, little(8, 4) + little(9, 4) + name + id), at: 0)?.record == .other,
            "a thread's name is not its process's")
        let task = little(8, 4) + little(1, 4) + little(8, 4) + little(1, 4) + little(5, 8) + id
        #expect(PerfRecord.next(record(7, task), at: 0)?.record == .fork(pid: 8, parent: 1, time: 5))
        #expect(PerfRecord.next(record(4, task), at: 0)?.record == .exit(pid: 8))
    }

    @Test func lengthsThatLie() {
        for claimed in [5, 100, 0xffff_ffff] {
            #expect(PerfRecord.next(sample([1, 2, 3, 4], claimed: claimed), at: 0)?.record == .damaged)
        }
        for size in [0, 7, 9] {
            let answer = PerfRecord.next(record(9, [1, 2, 3, 4, 5, 6, 7, 8], size: size), at: 0)
            #expect(answer?.record == .damaged && answer?.end == 16, "nothing after it is believed")
        }
        #expect(PerfRecord.next(record(9, [1, 2, 3, 4, 5, 6, 7, 8], size: 800), at: 0) == nil)
        for body in 0..<20 where body % 8 == 0 {
            #expect(PerfRecord.next(record(9, [UInt8](repeating: 0, count: body)), at: 0)?.record == .damaged)
        }
    }

    @Test func anyOctetsEnd() {
        var random = SplitMix(seed: 65)
        for _ in 0..<500 {
            let bytes = (0..<200).map { _ in UInt8.random(in: 0...(Bool.random() ? 255 : 9), using: &random) }
            var position = 0
            var steps = 0
            while let (_, end) = PerfRecord.next(bytes, at: position) {
                #expect(end > position)
                position = end
                steps += 1
                if steps > 100 { break }
            }
            #expect(steps <= 25)
        }
    }
}
