// Captures whose timestamps jump back and forth over centuries: every sum, quotient and output of times must survive
// them.

import Foundation
import SeededRandom
import Testing

/// Random numbers below a limit, the same in every run.
private struct Draw {
    private var numbers: SplitMix

    init(_ seed: UInt64) { numbers = SplitMix(seed: seed) }

    mutating func callAsFunction(_ limit: UInt64) -> UInt64 { numbers.next(upperBound: limit) }
}

/// A file of connections between some client ports and port 9500, on interfaces with clocks far apart.
private struct AbsurdFile {
    private var file = Blocks()

    /// Creates one interface for each clock offset, in seconds.
    init(offsets: [Int64]) { for offset in offsets { file.interface("x", offset: offset) } }

    var bytes: [UInt8] { file.bytes }

    /// Adds a segment. Sequence numbers are relative: the client's to 1000, the server's to 5000.
    mutating func add(
        _ isOut: Bool, _ flags: UInt8, _ seq: UInt32, _ ack: UInt32, _ count: Int = 0, port: UInt16 = 40001,
        on interface: UInt32 = 0, at time: UInt64
    ) {
        let frame = HandMade.frame(
            isOut ? port : 9500, isOut ? 9500 : port, flags, seq: (isOut ? 1000 : 5000) &+ seq,
            ack: flags & 16 == 0 ? 0 : (isOut ? 5000 : 1000) &+ ack, payload: [UInt8](repeating: 65, count: count))
        file.frame(frame, on: interface, at: time)
    }
}

@Suite struct AbsurdTimesTests {
    /// Connections with text and ACKs both ways; each frame has a time picked from the whole range that a file can
    /// claim.
    private static func scattered(_ seed: UInt64) -> [UInt8] {
        var next = Draw(seed)
        var file = AbsurdFile(offsets: [0, 9_223_372_036, -9_223_372_036])
        func add(_ out: Bool, _ flags: UInt8, _ seq: UInt32, _ ack: UInt32, _ count: Int = 0, port: UInt16) {
            // Most times are ordinary.
            let usual = next(3) != 0
            let times: [UInt64] = [0, UInt64(Int64.max), .max, 1 << 62, next(.max)]
            let time = usual ? 1_700_000_000_000_000_000 + next(1_000_000_000) : times[Int(next(5))]
            file.add(out, flags, seq, ack, count, port: port, on: usual ? 0 : UInt32(next(3)), at: time)
        }
        for port: UInt16 in [40001, 40002] {
            add(true, 2, 0, 0, port: port)
            add(false, 18, 0, 1, port: port)
            add(true, 16, 1, 1, port: port)
            for turn: UInt32 in 0..<12 {
                // Repeats some of the segments.
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

    /// Conversations at an ordinary pace, with pauses, repetitions, keep-alives, holes and either kind of end. Now and
    /// then their frames jump from one interface to another: times before and after a jump are sensible.
    private static func leaping(_ seed: UInt64) -> [UInt8] {
        var next = Draw(seed)
        let offsets: [Int64] = [
            0, 0, 0, -9_223_372_036, -9_223_372_036, 9_223_372_036, 9_000_000_000, -4_611_686_018,
        ]
        var file = AbsurdFile(offsets: offsets)
        let seldom = [20, 7, 3][Int(next(3))] as UInt64
        for port: UInt16 in 40001...40003 {
            var time: UInt64 = [1_000_000_000_000_000_000, 9_000_000_000_000_000_000][Int(next(2))]
            var interface: UInt32 = 0
            func add(_ out: Bool, _ flags: UInt8, _ seq: UInt32, _ ack: UInt32, _ count: Int = 0) {
                let pauses: [UInt64] = [0, 1000, 1_000_000, 10_000_000, 250_000_000, 1_000_000_000, 6_000_000_000]
                time += pauses[Int(next(7))]
                if next(seldom) == 0 { interface = UInt32(next(8)) }
                file.add(out, flags, seq, ack, count, port: port, on: interface, at: time)
            }
            add(true, 2, 0, 0)
            add(false, 18, 0, 1)
            if next(3) != 0 { add(true, 16, 1, 1) }
            var sent: [UInt32] = [1, 1]
            for _ in 0..<next(15) {
                let own = Int(next(2))
                let isOut = own == 0
                let (number, ack) = (sent[own], sent[1 - own])
                let count = [1, 10, 536, 1460, 3000][Int(next(5))] as UInt32
                switch next(8) {
                case 0...2:
                    add(isOut, 24, number, ack, Int(count))
                    sent[own] += count
                case 3: add(isOut, 16, number, ack)
                case 4: add(isOut, 24, number > count ? number - count : 1, ack, Int(count))
                case 5: add(isOut, 16, number - 1, ack)
                case 6: add(isOut, 24, number + count, ack, Int(count))
                default: add(isOut, 16, number, ack > 1460 ? ack - 1460 : 1)
                }
            }
            if next(2) == 0 {
                add(true, 17, sent[0], sent[1])
                add(false, 17, sent[1], sent[0] + 1)
                add(true, 16, sent[0] + 1, sent[1] + 1)
            } else {
                add(next(2) == 0, 20, sent[0], sent[1])
            }
        }
        return file.bytes
    }

    /// The last representable time, less 1000 s; an interface with the offset below leads to the first one.
    private static let late: UInt64 = 9_223_372_036_000_000_000 - 1_000_000_000_000
    private static let millisecond: UInt64 = 1_000_000

    /// A handshake far in the future, with its first text far in the past.
    private static var textBeforeAll: [UInt8] {
        var file = AbsurdFile(offsets: [0, -9_223_372_036])
        file.add(true, 2, 0, 0, at: late)
        file.add(false, 18, 0, 1, at: late + 10 * millisecond)
        file.add(true, 24, 1, 1, 10, on: 1, at: 0)
        file.add(false, 16, 1, 11, on: 1, at: 10 * millisecond)
        return file.bytes
    }

    /// A segment whose ACK comes far before it in time, and a delayed ACK after that.
    private static var ackBeforeText: [UInt8] {
        var file = AbsurdFile(offsets: [0, -9_223_372_036])
        file.add(true, 2, 0, 0, at: late)
        file.add(false, 18, 0, 1, at: late + 10 * millisecond)
        file.add(true, 16, 1, 1, at: late + 20 * millisecond)
        file.add(false, 24, 1, 1, 1200, at: late + 30 * millisecond)
        file.add(true, 16, 1, 1201, on: 1, at: 0)
        file.add(false, 24, 1201, 1, 10, on: 1, at: 10 * millisecond)
        file.add(true, 16, 1, 1211, on: 1, at: 120 * millisecond)
        return file.bytes
    }

    @Test(arguments: [
        [], ["-q"], ["-vvv"], ["--long"], ["-ttt"], ["-tttt"], ["-T", "json"], ["-T", "json", "--events", "packet"],
        ["-T", "csv"], ["-T", "zeek"], ["-q", "--workers", "2"], ["-T", "html"], ["-T", "mermaid"],
    ]) func noFormatTrips(_ form: [String]) throws {
        let scratch = try Scratch()
        let files =
            (UInt64(1)...12).map { ("scattered \($0)", Self.scattered($0)) }
            + (UInt64(1)...8).map { ("leaping \($0)", Self.leaping($0)) }
            + [("text before all", Self.textBeforeAll), ("ACK before its text", Self.ackBeforeText)]
        for (name, bytes) in files {
            let path = try scratch.write(bytes, as: "a.pcapng")
            let outcome = try Program(Program.tcptrace, ["-r", path] + form).end()
            #expect(outcome.code == 0, "\(name): \(outcome.errors)")
            #expect(outcome.errors.contains("connection"), "\(name): \(outcome.errors)")
        }
    }
}
