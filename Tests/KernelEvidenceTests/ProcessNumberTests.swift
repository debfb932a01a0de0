// Each process is defined only once, also when numbering restarts, and whatever its name is.

import KernelEvidence
import TCPModel
import Testing

@Suite struct ProcessNumberTests {
    private func octets(_ codec: inout Codec, _ process: ProcessIdentity) throws -> Int {
        let payloads = codec.payloads(.events([Sample.event(of: process)], taken: Sample.time))
        guard case .events(let events, _) = try codec.decode(try #require(payloads.first)) else { throw OtherRecord() }
        #expect(allOf(events.first?.process) == allOf(process))
        return payloads.reduce(0) { $0 + $1.count }
    }

    @Test func aProcessIsDefinedOnce() throws {
        var codec = Codec()
        let first = try octets(&codec, Sample.contained)
        let second = try octets(&codec, Sample.contained)
        #expect(first > second + 80)
        // Another object with equal content needs no new definition.
        let details = try #require(Sample.contained.details)
        let same = Sample.contained.with(
            ProcessDetails(
                executable: details.executable, controlGroup: details.controlGroup, container: details.container,
                unit: details.unit))
        #expect(try octets(&codec, same) == second)
    }

    @Test func anotherNameOrOtherDetailsAreDefinedAgain() throws {
        var codec = Codec()
        let known = try (octets(&codec, Sample.plain), octets(&codec, Sample.plain)).1
        let variants = [
            ProcessIdentity(pid: 4711, command: "sh", uid: 1000),
            ProcessIdentity(pid: 4711, command: "curl", uid: 0),
            Sample.plain.with(ProcessDetails(executable: "/bin/curl")),
            Sample.plain.with(ProcessDetails(executable: "/usr/bin/curl")),
            Sample.plain.with(ProcessDetails(executable: nil, controlGroup: "/a")),
            Sample.plain.with(ProcessDetails(executable: nil, unit: "a.service")),
            Sample.plain.with(ProcessDetails(executable: nil, container: .init(runtime: nil, identifier: "x"))),
            Sample.plain.with(
                ProcessDetails(executable: nil, container: .init(runtime: nil, identifier: "", pod: "p"))),
            Sample.plain.with(ProcessDetails(executable: nil)),
        ]
        for variant in variants { #expect(try octets(&codec, variant) > known) }
        // The decoder now knows the process both with details and without.
        #expect(try octets(&codec, Sample.plain) == known)
        #expect(try octets(&codec, try #require(variants.last)) == known)
    }

    @Test func numbersStartAnewWhenAllAreGiven() throws {
        var codec = Codec()
        var next = 0
        var restarts = 0
        for _ in 0..<140 {
            var processes = (next..<next + 1000).map { Sample.process($0) }
            // This process was defined long before. Its number is still valid, or it is defined again.
            processes[500] = Sample.process(3)
            next += 1000
            let events = processes.map { Sample.event(of: $0) }
            let payloads = codec.payloads(.events(events, taken: Sample.time))
            try #require(payloads.count == 1)
            // The number of the first definition follows the version, kind and count.
            if payloads[0][8..<12].allSatisfy({ $0 == 0 }) { restarts += 1 }
            guard case .events(let back, _) = try codec.decode(payloads[0]) else { throw OtherRecord() }
            #expect(back == events)
        }
        #expect(restarts == 3)
    }

    @Test func longDefinitionsStartNumbersAnewToo() throws {
        var codec = Codec()
        let path = String(repeating: "/x", count: 2000)
        var restarts = 0
        for portion in 0..<12 {
            let events = (0..<1000).map { number in
                Sample.event(
                    of: Sample.process(portion * 1000 + number).with(
                        ProcessDetails(executable: path, controlGroup: path)))
            }
            let payload = codec.payloads(.events(events, taken: Sample.time))[0]
            if payload[8..<12].allSatisfy({ $0 == 0 }) { restarts += 1 }
            guard case .events(let back, _) = try codec.decode(payload) else { throw OtherRecord() }
            #expect(back == events && back.allSatisfy { $0.process?.details?.controlGroup == path })
        }
        #expect(restarts == 4)
    }

    @Test func moreOwnersThanNumbers() throws {
        var codec = Codec()
        let owners = Dictionary(
            (0..<66_000).map { (UInt64($0), SocketHolder(process: Sample.process($0), descriptor: 1)) },
            uniquingKeysWith: { $1 })
        var back: [UInt64: SocketHolder] = [:]
        for record in try codec.passed(.owners(owners, time: Sample.time, source: .proc)) {
            guard case .owners(let some, _, _) = record else { throw OtherRecord() }
            back.merge(some) { $1 }
        }
        // Numbering restarts between two payloads: no owner is lost, and no socket gets another socket's owner.
        #expect(back.count == 66_000)
        #expect(back.allSatisfy { $0.key == UInt64($0.value.process.pid) })

        // The list of one socket is not split. If some of its holders have no number, the whole list is left out.
        let holders = [UInt64(1): Array(owners.values), 2: [SocketHolder(process: Sample.plain, descriptor: 1)]]
        var lists: [UInt64: [SocketHolder]] = [:]
        for record in try codec.passed(.holders(holders, of: 7, time: Sample.time, source: .proc)) {
            guard case .holders(let some, _, _, _) = record else { throw OtherRecord() }
            lists.merge(some) { $1 }
        }
        #expect(lists == [2: [SocketHolder(process: Sample.plain, descriptor: 1)]])
        // Later records are decoded as usual.
        #expect(try codec.events([Sample.transition()]) == [Sample.transition()])
    }

    @Test func beginForgetsProcesses() throws {
        var codec = Codec()
        _ = try codec.events([Sample.transition()])
        _ = try codec.single(.begin(KernelTraceSettings(hasEvents: true)))
        // `begin` makes the encoder define the process again, so that a file cut before `begin` can be decoded.
        var fresh = Codec()
        let payload = codec.payloads(.events([Sample.transition()], taken: Sample.time))[0]
        guard case .events(let events, _) = try fresh.decode(payload) else { throw OtherRecord() }
        #expect(events == [Sample.transition()])

        // A decoder that continues with another trace does not apply the earlier trace's process numbers to it.
        var second = Codec()
        _ = second.payloads(.events([Sample.event(of: Sample.contained)], taken: Sample.time))
        let reference = second.payloads(.events([Sample.event(of: Sample.contained)], taken: Sample.time))[0]
        _ = try fresh.decode(second.payloads(.begin(KernelTraceSettings(hasEvents: true)))[0])
        guard case .events(let others, _) = try fresh.decode(reference) else { throw OtherRecord() }
        #expect(others == [Sample.event(of: nil)])
    }

    @Test func numberZeroForgetsAllOthers() throws {
        var codec = Codec()
        let both = [Sample.event(of: Sample.plain), Sample.event(of: Sample.contained)]
        #expect(try codec.events(both) == both)
        var other = Codec()
        let anew = other.payloads(.events([Sample.event(of: Sample.process(1))], taken: Sample.time))[0]
        _ = try codec.decode(anew)
        #expect(try codec.events(both) == [Sample.event(of: Sample.process(1)), Sample.event(of: nil)])
    }

    @Test func whoStartsInTheMiddleKnowsNobody() throws {
        var codec = Codec()
        _ = codec.payloads(.events([Sample.transition()], taken: Sample.time))
        var anonymous = Sample.transition()
        anonymous.process = nil
        #expect(try codec.events([Sample.transition()]) == [anonymous])

        let known = SocketHolder(process: Sample.contained, descriptor: 1)
        let unknown = SocketHolder(process: Sample.plain, descriptor: 2)
        let owners = try codec.single(.owners([1: known, 2: unknown], time: Sample.time, source: .proc))
        guard case .owners(let back, _, _) = owners else { throw OtherRecord() }
        #expect(back == [1: known])
        let holders = try codec.single(
            .holders([1: [known], 2: [unknown], 3: [known, unknown], 4: []], of: 1, time: Sample.time, source: .proc))
        guard case .holders(let all, _, _, _) = holders else { throw OtherRecord() }
        // A list with an unknown holder is left out: shortened, it would claim that the process no longer holds the
        // socket.
        #expect(all == [1: [known], 4: []])
    }

    @Test func longNamesAreCutBetweenScalars() throws {
        var codec = Codec()
        // The texts have 1 + 3n octets, so the limits of 255 and 4095 octets fall within a scalar.
        let long = "a" + String(repeating: "\u{20ac}", count: 3000)
        let details = ProcessDetails(
            executable: long, controlGroup: long, container: .init(runtime: long, identifier: long, pod: long),
            unit: long)
        let process = ProcessIdentity(pid: 1, command: long, uid: 1, details: details)
        let back = try #require(try codec.events([Sample.event(of: process)])[0].process)
        let name = "a" + String(repeating: "\u{20ac}", count: 84)
        let path = "a" + String(repeating: "\u{20ac}", count: 1364)
        #expect(back.command == name && back.details?.unit == name)
        #expect(back.details?.executable == path && back.details?.controlGroup == path)
        #expect(back.details?.container == .init(runtime: name, identifier: name, pod: name))
        // The encoder recognises the process by its full names, not by the cut ones that it wrote.
        let events = [Sample.event(of: process)]
        #expect(codec.payloads(.events(events, taken: Sample.time))[0].count < 60)

        let word = SocketEvent.Kind.dropped(reason: KernelWord(long))
        let dropped = SocketEvent(time: Sample.time, kind: word, local: Sample.client, remote: Sample.server)
        #expect(try codec.events([dropped])[0].kind == .dropped(reason: KernelWord(name)))
    }

    @Test func exactlyTheLongestNameIsWhole() throws {
        var codec = Codec()
        let name = String(repeating: "n", count: 255)
        let process = ProcessIdentity(pid: 1, command: name, uid: 1)
        #expect(try codec.events([Sample.event(of: process)])[0].process?.command == name)
        let longer = ProcessIdentity(pid: 1, command: name + "n", uid: 1)
        #expect(try codec.events([Sample.event(of: longer)])[0].process?.command == name)
    }

    @Test func whatIsNoUTF8IsRepaired() throws {
        var codec = Codec()
        let process = ProcessIdentity(pid: 1, command: "ABCD", uid: 1)
        var payload = codec.payloads(.events([Sample.event(of: process)], taken: Sample.time))[0]
        let at = try #require(payload.indices.first { payload[$0...].starts(with: Array("ABCD".utf8)) })
        payload.replaceSubrange(at..<at + 4, with: [0xff, 0x00, 0xe2, 0x82])
        guard case .events(let events, _) = try codec.decode(payload) else { throw OtherRecord() }
        #expect(events[0].process?.command == "\u{fffd}\0\u{fffd}")
    }
}
