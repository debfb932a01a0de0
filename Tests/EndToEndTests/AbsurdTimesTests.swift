// Captures whose time stamps leap over centuries, back and forth: all that is added up, divided or written must stand it.

import Foundation
import Testing

@Suite struct AbsurdTimesTests {
    /// Connections with text and ACKs both ways; each frame's time is one of those that a file can claim at all.
    private static func file(_ seed: UInt64) -> [UInt8] {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func next(_ limit: UInt64) -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state % limit
        }
        var file = Blocks()
        for offset: Int64 in [0, 9_223_372_036, -9_223_372_036] { file.interface("x", offset: offset) }
        func add(_ out: Bool, _ flags: UInt8, _ seq: UInt32, _ ack: UInt32, _ count: Int = 0, port: UInt16) {
            let frame = HandMade.frame(
                out ? port : 9500, out ? 9500 : port, flags, seq: (out ? 1000 : 5000) + seq,
                ack: flags & 16 == 0 ? 0 : (out ? 5000 : 1000) + ack, payload: [UInt8](repeating: 65, count: count))
            // Mostly an hour like any other.
            let usual = next(3) != 0
            let times: [UInt64] = [0, UInt64(Int64.max), .max, 1 << 62, next(.max)]
            let time = usual ? 1_700_000_000_000_000_000 + next(1_000_000_000) : times[Int(next(5))]
            file.frame(frame, on: usual ? 0 : UInt32(next(3)), at: time)
        }
        for port: UInt16 in [40001, 40002] {
            add(true, 2, 0, 0, port: port)
            add(false, 18, 0, 1, port: port)
            add(true, 16, 1, 1, port: port)
            for turn: UInt32 in 0..<12 {
                // Some of it twice.
                for _ in 0...next(2) { add(true, 24, 1 + turn * 10, 1 + turn * 20, 10, port: port) }
                for _ in 0...next(2) { add(false, 24, 1 + turn * 20, 11 + turn * 10, 20, port: port) }
                add(true, 16, 11 + turn * 10, 21 + turn * 20, port: port)
            }
            add(true, 17, 121, 241, port: port)
            add(false, 17, 241, 122, port: port)
            add(true, 16, 122, 242, port: port)
        }
        return file.bytes
    }

    @Test(arguments: [
        [], ["-q"], ["-vvv"], ["--long"], ["-ttt"], ["-tttt"], ["-T", "json"], ["-T", "json", "--events", "packet"],
        ["-T", "csv"], ["-T", "zeek"], ["-q", "--workers", "2"], ["-T", "html"], ["-T", "mermaid"],
    ]) func noFormatTrips(_ form: [String]) throws {
        let scratch = try Scratch()
        for seed in UInt64(1)...12 {
            let path = try scratch.write(Self.file(seed), as: "a.pcapng")
            let outcome = try Program(Program.tcptrace, ["-r", path] + form).end()
            #expect(outcome.code == 0, "seed \(seed): \(outcome.errors)")
            #expect(outcome.errors.contains("connections traced"), "seed \(seed): \(outcome.errors)")
        }
    }
}
