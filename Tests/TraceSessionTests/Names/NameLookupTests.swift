// Look-ups that answer, hang and fail: no wait exceeds its limit, and nothing grows without bound.

import Foundation
import KernelSockets
import Synchronization
import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

/// A resolver that counts its questions, and answers only while its gate is open.
private final class Resolver: Sendable {
    let asked = Mutex<[NameQuestion]>([])
    let isOpen: Mutex<Bool>

    init(isOpen: Bool = true) { self.isOpen = Mutex(isOpen) }

    func answer(_ question: NameQuestion) -> NameAnswer {
        asked.withLock { $0.append(question) }
        while !isOpen.withLock({ $0 }) { usleep(1000) }
        switch question {
        case .host(let address): return address.v4 & 1 == 1 ? .name("host-\(address.v4 & 0xffff)") : .none
        case .service(let port): return port == 22 ? .name("ssh") : .none
        }
    }

    func open() { isOpen.withLock { $0 = true } }
    var count: Int { asked.withLock { $0.count } }

    func lookup(_ limits: NameLookup.Limits, isStopped: @escaping @Sendable () -> Bool = { false }) -> NameLookup {
        NameLookup(limits, isStopped: isStopped) { self.answer($0) }
    }
}

/// A value shared between threads.
private final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) { content = Mutex(value) }

    var value: Value { content.withLock { $0 } }
    func change(_ body: (inout Value) -> Void) { content.withLock { body(&$0) } }
}

private func end(_ number: UInt32, _ port: UInt16 = 22) -> SocketAddress {
    SocketAddress(IPAddress(v4: 10 << 24 | number), port)
}

private func milliseconds(_ body: () -> Void) -> Int64 {
    let begin = monotonicNow()
    body()
    return (monotonicNow() - begin) / Span.millisecond
}

private func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<5000 {
        if condition() { return true }
        usleep(1000)
    }
    return false
}

private let replay = NameLookup.Limits(patience: 2 * Span.second, allPatience: 10 * Span.second)

@Suite struct NameLookupTests {
    @Test func aReplayHasItsAnswersInTime() {
        let resolver = Resolver()
        let names = resolver.lookup(replay)
        #expect(names.name(of: end(1)) == EndName(host: "host-1", service: "ssh"))
        #expect(names.name(of: end(3, 80)) == EndName(host: "host-3", service: nil))
        #expect(names.name(of: end(2)) == EndName(host: nil, service: "ssh"))
        #expect(names.sentence == nil, "that there is no name is an answer")
        // Nothing is asked twice, and no service is asked for a port that is probably a client's.
        let count = resolver.count
        #expect(names.name(of: end(1, 40000)) == EndName(host: "host-1", service: nil))
        #expect(resolver.count == count)
        #expect(!names.isPending(end(1)) && !names.isBusy)
    }

    @Test func liveNobodyWaits() {
        let resolver = Resolver(isOpen: false)
        let names = resolver.lookup(.live)
        let took = milliseconds {
            names.prepare(FourTuple(source: end(1, 40000), destination: end(3)))
            #expect(names.isPending(end(1, 40000)) && names.isPending(end(3)))
            #expect(names.name(of: end(1)) == EndName(host: nil, service: nil))
        }
        #expect(took < 1000)
        // The heading for this address has been written without its name, so later ones do not wait for it either.
        #expect(!names.isPending(end(1)) && names.isPending(end(3)))
        #expect(names.sentence == "no answer in time for the name of 1 address")
        // An answer that comes late serves later reports.
        resolver.open()
        #expect(eventually { !names.isBusy })
        #expect(names.name(of: end(1)) == EndName(host: "host-1", service: "ssh") && !names.isPending(end(3)))
    }

    /// Four look-ups hang. A host listed in /etc/hosts has its name all the same, and so do services.
    @Test func whatIsListedWaitsForNoServer() {
        let isOpen = Box(false)
        let asked = Box<[NameQuestion]>([])
        for limits in [.live, replay] {
            let names = NameLookup(limits, listed: [end(77).address: "listed"], isStopped: { isOpen.value }) {
                question in
                asked.change { $0.append(question) }
                guard question.isHost else { return question == .service(22) ? .name("ssh") : .none }
                while !isOpen.value { usleep(1000) }
                return .none
            }
            for number in 1...9 {
                names.prepare(FourTuple(source: end(UInt32(number), 40000), destination: end(1, 40000)))
            }
            #expect(eventually { asked.value.count >= 4 })
            let took = milliseconds {
                #expect(names.name(of: end(77, 40000)) == EndName(host: "listed", service: nil))
                _ = names.name(of: end(77, 22))
            }
            #expect(took < 1500)
            #expect(eventually { names.name(of: end(77, 22)) == EndName(host: "listed", service: "ssh") })
            #expect(eventually { names.name(of: end(77, 80)) == EndName(host: "listed", service: nil) })
            #expect(!names.isPending(end(77, 22)) && names.isBusy)
            #expect(asked.value.filter(\.isHost).count == 4, "no more hosts at a time")
            #expect(!asked.value.contains(.host(end(77).address)))
            isOpen.change { $0 = true }
            #expect(eventually { !names.isBusy })
            #expect(asked.value.filter(\.isHost).count == 9)
            isOpen.change { $0 = false }
            asked.change { $0 = [] }
        }
    }

    @Test func behindManyNobodyWaits() {
        let resolver = Resolver(isOpen: false)
        let names = resolver.lookup(.live)
        for number in 0..<8 { names.prepare(FourTuple(source: end(UInt32(number), 40000), destination: end(0, 40000))) }
        #expect(names.isPending(end(7, 40000)))
        names.prepare(FourTuple(source: end(9, 40000), destination: end(0, 40000)))
        #expect(!names.isPending(end(9, 40000)) && !names.isPending(end(7, 40000)))
        resolver.open()
    }

    @Test func aReplayWaitsForAnAddressOnceAndForAllNotLong() {
        let resolver = Resolver(isOpen: false)
        var limits = replay
        limits.patience = 100 * Span.millisecond
        limits.allPatience = 250 * Span.millisecond
        let names = resolver.lookup(limits)
        #expect(milliseconds { _ = names.name(of: end(1)) } >= 100)
        #expect(milliseconds { _ = names.name(of: end(1)) } < 100, "a second time it is not waited for")
        #expect(milliseconds { for number in 2..<200 { _ = names.name(of: end(UInt32(number))) } } < 1000)
        #expect(names.sentence == "no answer in time for the names of 199 addresses")
        resolver.open()
        #expect(eventually { !names.isBusy })
        #expect(names.name(of: end(101)).host == "host-101")
    }

    @Test func threadsThatWaitTogetherCountOnce() {
        let resolver = Resolver(isOpen: false)
        var limits = replay
        limits.patience = Span.second
        limits.allPatience = Span.second * 13 / 10
        let names = resolver.lookup(limits)
        let times = Box<[Int64]>([])
        for number in 1...4 {
            Thread.detachNewThread {
                let took = milliseconds { _ = names.name(of: end(UInt32(number))) }
                times.change { $0.append(took) }
            }
        }
        #expect(eventually { times.value.count == 4 })
        #expect(times.value.allSatisfy { $0 >= 900 })
        // The waits overlap, so together they use up one second, not four: some of the total patience is left.
        let took = milliseconds { _ = names.name(of: end(9)) }
        #expect(50..<900 ~= took, "\(took)")
        resolver.open()
    }

    @Test func whoWantsToEndDoesNotWait() {
        let resolver = Resolver(isOpen: false)
        let isStopped = Box(false)
        let names = resolver.lookup(replay) { isStopped.value }
        Thread.detachNewThread {
            usleep(100_000)
            isStopped.change { $0 = true }
        }
        #expect(milliseconds { _ = names.name(of: end(1)) } < 1900)
        #expect(milliseconds { for number in 2..<100 { _ = names.name(of: end(UInt32(number))) } } < 1000)
        resolver.open()
    }

    @Test func noMoreNamesAreKeptThanAllowed() {
        let resolver = Resolver()
        var limits = replay
        limits.names = 16
        let names = resolver.lookup(limits)
        for number in 0..<100 {
            #expect(names.name(of: end(UInt32(number * 2 + 1), UInt16(number))).host == "host-\(number * 2 + 1)")
        }
        #expect(names.counts == (16, 16))
        // The oldest names were evicted. A new look-up restores them.
        let count = resolver.count
        #expect(names.name(of: end(199, 99)).host == "host-199" && resolver.count == count)
        #expect(names.name(of: end(1, 99)).host == "host-1" && resolver.count == count + 1)
    }

    @Test func noMoreQuestionsWaitThanAllowed() {
        let resolver = Resolver(isOpen: false)
        var limits = NameLookup.Limits.live
        limits.waiting = 10
        limits.missed = 40
        let names = resolver.lookup(limits)
        // The threads take four of the questions, sooner or later.
        names.prepare(FourTuple(source: end(1, 40000), destination: end(3, 40000)))
        names.prepare(FourTuple(source: end(5, 40000), destination: end(7, 40000)))
        #expect(eventually { resolver.count == 4 })
        for number in 0..<50 { _ = names.name(of: end(UInt32(number * 2 + 1), 40000)) }
        #expect(
            names.sentence
                == "no answer in time for the names of more than 40 addresses; 26 of them were not looked up, as there were too many"
        )
        resolver.open()
        #expect(eventually { !names.isBusy } && resolver.count == 14)
    }

    @Test func whereNobodyCanTellItIsSaid() {
        let names = NameLookup(replay) { _ in .failed }
        #expect(names.name(of: end(1)) == EndName(host: nil, service: nil))
        #expect(names.sentence == "no answer in time for the name of 1 address")
    }

    @Test func theOldestNameGoesFirst() {
        var cache = NameCache<Int>(limit: 3)
        for key in 0..<5 { cache.insert("\(key)", for: key) }
        cache.insert(nil, for: 3)
        #expect(cache.count == 3 && cache[0] == nil && cache[1] == nil && cache[2] == "2" && cache[4] == "4")
        #expect(cache[3] == .some(nil))
        cache.insert("5", for: 5)
        #expect(cache[2] == nil && cache[3] == .some(nil) && cache.count == 3)
    }
}
