// Payloads that are cut, damaged or invented: each is refused or decoded, and nothing traps.

import KernelEvidence
import SeededRandom
import TCPModel
import Testing

@Suite struct DamagedPayloadTests {
    /// The payloads of a trace that has every kind of record.
    private var payloads: [[UInt8]] {
        var codec = Codec()
        return Sample.records.flatMap { codec.payloads($0) }
    }

    /// The head of a payload of this kind, without definitions.
    private func head(_ kind: UInt8) -> [UInt8] { [2, 0, kind, 0, 0, 0, 0, 0] }

    @Test func whatIsCutIsRefused() throws {
        // The decoder keeps what it has learnt, but must never use that to complete a payload that is cut.
        var codec = Codec()
        for payload in payloads {
            for length in 0..<payload.count {
                #expect(throws: KernelRecordFault.cut, "\(length) of \(payload.count)") {
                    try codec.decode(Array(payload.prefix(length)))
                }
            }
            _ = try codec.decode(payload)
        }
    }

    @Test func octetsBehindARecordAreIgnored() throws {
        var codec = Codec()
        for payload in payloads { _ = try codec.decode(payload + [0xff, 0, 0xff, 0xff, 1]) }
        guard case .begin(let settings) = try codec.decode(head(1) + [1, 9, 9]) else { throw OtherRecord() }
        #expect(settings.hasEvents)
    }

    @Test func anotherVersionOrKindIsRefused() {
        var codec = Codec()
        #expect(throws: KernelRecordFault.unknownVersion(1)) { try codec.decode([1, 0, 1, 0]) }
        #expect(throws: KernelRecordFault.unknownVersion(0x0101)) { try codec.decode([1, 1, 1, 0, 0, 0, 0, 0]) }
        #expect(throws: KernelRecordFault.unknownKind(11)) { try codec.decode(head(11)) }
        #expect(throws: KernelRecordFault.unknownKind(0)) { try codec.decode(head(0)) }
        #expect(throws: KernelRecordFault.unknownKind(0x0102)) { try codec.decode([2, 0, 2, 1, 0, 0, 0, 0]) }
    }

    @Test func anUnknownKindStillDefinesProcesses() throws {
        var codec = Codec()
        let connection = Sample.numbered(1)
        _ = try codec.reading([connection], at: 0)
        var unknown = codec.payloads(.events([Sample.transition()], taken: Sample.time))[0]
        unknown[2] = 0x99
        #expect(throws: KernelRecordFault.unknownKind(0x99)) { try codec.decode(unknown) }
        #expect(try codec.events([Sample.transition()]) == [Sample.transition()])
        // Connections are unchanged, too.
        #expect(try codec.reading([connection], at: 1).count == 1)
    }

    @Test func countsBeyondThePayloadAreRefusedAtOnce() {
        let time = zeros(8)
        let endless: [UInt8] = [0xff, 0xff, 0xff, 0xff]
        let rest = [UInt8](repeating: 1, count: 4096)
        let claims: [[UInt8]] = [
            joined([2, 0, 1, 0], endless), joined([2, 0, 2, 0], endless),
            joined(head(2), time, endless),
            joined(head(3), time, time, [0, 0], endless),
            joined(head(4), time, [0], endless),
            joined(head(5), zeros(4), time, [0], endless),
            joined(head(5), zeros(4), time, [0], [1, 0, 0, 0], time, endless),
            joined(head(6), time, time, endless), joined(head(8), time, [0], endless),
        ]
        var codec = Codec()
        let clock = ContinuousClock()
        let taken = clock.measure {
            for claim in claims {
                #expect(throws: KernelRecordFault.cut) { try codec.decode(claim) }
                #expect(throws: KernelRecordFault.cut) { try codec.decode(claim + rest) }
            }
        }
        #expect(taken < .seconds(1))
    }

    @Test func aPortionBeyondTheLimitIsRefused() throws {
        var codec = Codec()
        let connections = zeros(65_537 * 37)
        #expect(throws: KernelRecordFault.badValue("65537 elements")) {
            try codec.decode(joined(head(3), zeros(16), [0, 0], [1, 0, 1, 0], connections))
        }
    }

    @Test func whatWasToldIsOfFewConnections() throws {
        var codec = Codec()
        func told(_ count: UInt16) -> [UInt8] {
            let octets = [UInt8(truncatingIfNeeded: count), UInt8(count >> 8), 0, 0]
            return joined(head(8), zeros(8), [0], octets, zeros(Int(count) * 37))
        }
        guard case .told(let telling) = try codec.decode(told(1000)) else { throw OtherRecord() }
        #expect(telling.found.count == 1000)
        #expect(throws: KernelRecordFault.badValue("1001 connections")) { try codec.decode(told(1001)) }
    }

    @Test func valuesThatMeanNothingAreRefused() throws {
        let time = zeros(8)
        let ends = zeros(12)
        func event(_ what: UInt8, flags: UInt8 = 3, _ values: [UInt8]) -> [UInt8] {
            joined(head(2), time, [1, 0, 0, 0], [what, flags], time, zeros(4), ends, values)
        }
        func socket(state: UInt8, timer: UInt8) -> [UInt8] {
            joined(
                head(3), time, time, [0, 0], [1, 0, 0, 0], zeros(4), [0x26], ends, [3, state, timer], ends, zeros(22))
        }
        func definition(_ number: [UInt8], flags: UInt8 = 0, length: UInt16 = 0) -> [UInt8] {
            let count = [UInt8(truncatingIfNeeded: length), UInt8(length >> 8)]
            let texts = [UInt8](repeating: 0x61, count: 9000)
            return joined([2, 0, 1, 0, 1, 0, 0, 0], number, time, [flags], count, texts)
        }
        var codec = Codec()
        let bad: [([UInt8], String)] = [
            (event(0, [0, 0]), "event 0"), (event(10, [0, 0]), "event 10"), (event(1, [12, 0]), "state 12"),
            (event(1, [0, 255]), "state 255"), (event(8, flags: 0x43, [12]), "state 12"),
            (socket(state: 12, timer: 0), "state 12"), (socket(state: 1, timer: 5), "timer 5"),
            (joined(head(4), time, [3], zeros(4)), "source 3"),
            (joined(head(3), time, time, [3], zeros(5)), "source 3"),
            (definition([0, 0, 1, 0]), "number 65536 of a process"),
            (definition([0xff, 0xff, 0xff, 0xff]), "number 4294967295 of a process"),
            (definition([0, 0, 0, 0], length: 256), "a text of 256 octets"),
            (definition([0, 0, 0, 0], flags: 3, length: 0x61), "a text of 24929 octets"),
        ]
        for (payload, what) in bad {
            #expect(throws: KernelRecordFault.badValue(what)) { try codec.decode(payload) }
        }
        // The same payloads with good values are accepted, so it is the values that are refused.
        for good in [
            event(1, [11, 0]), event(8, flags: 0x43, [11]), socket(state: 11, timer: 4),
            definition([0xff, 0xff, 0, 0]),
        ] {
            _ = try codec.decode(good)
        }
    }

    @Test func sameInodeOrTupleTwiceIsNoTrap() throws {
        var codec = Codec()
        let definition = joined([1, 0, 0, 0], zeros(15))
        let owner = zeros(12)
        let owners = try codec.decode(
            joined(
                [2, 0, 4, 0], definition, zeros(8), [0], [2, 0, 0, 0], owner, [5, 0, 0, 0], owner, [6, 0, 0, 0]))
        guard case .owners(let back, _, _) = owners else { throw OtherRecord() }
        #expect(back.count == 1 && back[0]?.descriptor == 6)
        let list = zeros(12)
        let holders = try codec.decode(joined(head(5), zeros(4), zeros(8), [0], [2, 0, 0, 0], list, list))
        guard case .holders(let all, _, _, _) = holders else { throw OtherRecord() }
        #expect(all == [0: []])
        let twice = [Sample.numbered(1), Sample.numbered(1)]
        #expect(try codec.reading(twice, at: 0).count == 2)
    }

    @Test func mutationsNeverTrap() {
        let seed = UInt64.random(in: .min ... .max)
        print("mutations of kernel records: seed \(seed)")
        var random = SplitMix(seed: seed)
        let samples = payloads
        // One decoder sees many payloads, so that damaged definitions and connections meet good ones.
        var codec = Codec()
        var read = 0
        var refused = 0
        for round in 0..<20_000 {
            if round % 500 == 0 { codec = Codec() }
            var octets = samples[round % samples.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) where !octets.isEmpty {
                let at = Int.random(in: 0..<octets.count, using: &random)
                switch UInt8.random(in: 0..<5, using: &random) {
                case 0: octets[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: octets[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
                case 2: octets[at] = .random(in: 0...255, using: &random)
                case 3: octets.insert(.random(in: 0...255, using: &random), at: at)
                default: octets.removeSubrange(at..<min(octets.count, at + Int.random(in: 1...3, using: &random)))
                }
            }
            do throws(KernelRecordFault) {
                check(try codec.decode(octets), octets, seed)
                read += 1
            } catch {
                #expect(!error.description.isEmpty)
                refused += 1
            }
        }
        #expect(read > 1000 && refused > 1000, "seed \(seed): \(read) read, \(refused) refused")
    }

    @Test func noiseNeverTraps() {
        let seed = UInt64.random(in: .min ... .max)
        print("noise for kernel records: seed \(seed)")
        var random = SplitMix(seed: seed)
        var codec = Codec()
        for round in 0..<20_000 {
            let noise = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                // Small numbers appear often, so that some counts are plausible.
                Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random) : UInt8.random(in: 0...3, using: &random)
            }
            let octets = head(UInt8(round % 12)) + noise
            do throws(KernelRecordFault) { check(try codec.decode(octets), octets, seed) } catch {
                #expect(!error.description.isEmpty)
            }
        }
    }

    /// Checks the invariants of any record: it is no larger than its payload has room for, and it can be encoded again.
    private func check(_ record: KernelRecord, _ octets: [UInt8], _ seed: UInt64) {
        switch record {
        case .begin, .listening: break
        case .events(let events, _): if events.count > octets.count / 26 { Issue.record("seed \(seed): \(octets)") }
        case .reading(let reading):
            // Each connection in full takes at least 13 octets, and there are at most a thousand unchanged ones.
            if reading.connections.count > 1000 + octets.count / 13 { Issue.record("seed \(seed): \(octets)") }
        case .owners(let owners, _, _): if owners.count > octets.count / 16 { Issue.record("seed \(seed): \(octets)") }
        case .holders(let holders, _, _, _):
            if holders.count > octets.count / 12 { Issue.record("seed \(seed): \(octets)") }
        case .told(let telling):
            if telling.found.count > octets.count / 13 { Issue.record("seed \(seed): \(octets)") }
        case .troubled(let troubled, _):
            if troubled.count > octets.count / 5 { Issue.record("seed \(seed): \(octets)") }
        case .counters(let change), .total(let change):
            let names = change.increases.map(\.name)
            if names != names.sorted() || names.count > octets.count / 10 { Issue.record("seed \(seed): \(octets)") }
        }
        var again = Codec()
        if (try? again.passed(record)) == nil { Issue.record("seed \(seed): not written again: \(octets)") }
    }

    @Test func faultsSayWhatIsWrong() {
        let faults: [KernelRecordFault] = [.cut, .unknownVersion(9), .unknownKind(77), .badValue("state 12")]
        let texts = faults.map(\.description)
        #expect(texts[1].contains("9") && texts[2].contains("77") && texts[3].contains("state 12"))
        #expect(Set(texts).count == 4)
    }
}
