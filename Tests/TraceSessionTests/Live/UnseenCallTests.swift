// What the end of a live trace says about connect() calls of which nothing was captured.

import TCPModel
import TCPTimeline
import Testing

@testable import TraceSession

@Suite struct UnseenCallTests {
    private static let remote = SocketAddress(IPAddress(10, 9, 9, 2), 7001)
    private static let local = SocketAddress(IPAddress(10, 9, 9, 1), 4242)
    private static let begin = Timestamp(nanoseconds: 1_795_363_634_000_000_000)

    private static func event(
        _ at: Int64, _ kind: SocketEvent.Kind, socket: UInt64 = 1, port: UInt16 = 4242,
        to remote: SocketAddress = remote
    ) -> SocketEvent {
        SocketEvent(
            time: begin.advanced(by: at), kind: kind, socket: socket, local: SocketAddress(local.address, port),
            remote: remote, isProcessContext: true, pid: 7,
            process: ProcessIdentity(pid: 7, command: "cu\u{1b}rl", uid: 0))
    }

    private static func calls(_ events: [SocketEvent]) -> [UnseenCall] {
        var join = KernelJoin()
        var timeline = Timeline(seed: 1)
        var said: [KernelEvent] = []
        join.take(events, now: begin, &timeline, &said, tellsAll: true)
        return join.unseenCalls()
    }

    private static func sentences(_ events: [SocketEvent]) -> [String] {
        UnseenCallWords.sentences(calls(events), now: begin.advanced(by: 4 * Span.second))
    }

    private static let start = SocketEvent.Kind.transition(from: .closed, to: .synSent)
    private static let end = SocketEvent.Kind.transition(from: .synSent, to: .closed)

    @Test func noPortIsFree() {
        var events: [SocketEvent] = []
        for socket in 1...4 as ClosedRange<UInt64> {
            let at = Int64(socket) * 100
            events += [
                Self.event(at, Self.start, socket: socket, port: 0),
                Self.event(at + 9, Self.end, socket: socket, port: 0),
            ]
        }
        #expect(
            Self.sentences(events) == [
                "cu\\x1brl[7] called connect() to 10.9.9.2:7001 4 times, and it failed before any SYN: EADDRNOTAVAIL, no port in"
                    + " net.ipv4.ip_local_port_range is free for that destination (TIME_WAIT counts, too)"
            ])
    }

    /// A call between two other network namespaces is not one that the trace missed.
    @Test func whoseAddressIsNotOursIsSomewhereElse() {
        let events = [Self.event(0, Self.start), Self.event(Span.second, .socketError(errno: 111))]
        func said(_ isLocal: Bool) -> String {
            UnseenCallWords.sentences(Self.calls(events), now: Self.begin.advanced(by: 4 * Span.second)) { _ in isLocal
            }
            .joined()
        }
        #expect(said(false).contains("from \(Self.local) (in another network namespace"), "\(said(false))")
        #expect(!said(true).contains("namespace") && said(true).contains("from \(Self.local)"))
    }

    @Test func whyAPacketWasDroppedAndWhatTheCallFailedWithAreBothSaid() {
        let drop = SocketEvent(
            time: Self.begin.advanced(by: 2 * Span.second), kind: .dropped(reason: .netfilterDrop), local: Self.local,
            remote: Self.remote)
        let events = [
            Self.event(0, Self.start), drop, Self.event(3 * Span.second, .socketError(errno: 113)),
            Self.event(3 * Span.second, Self.end),
        ]
        let sentence = Self.sentences(events).first ?? ""
        #expect(sentence.contains("the kernel dropped a packet of it: NETFILTER_DROP"), "\(sentence)")
        #expect(sentence.hasSuffix("; connect() = EHOSTUNREACH"), "\(sentence)")
    }

    @Test func whatTheKernelSaysIsSaid() {
        let drop = SocketEvent(
            time: Self.begin.advanced(by: 9), kind: .dropped(reason: .netfilterDrop), local: Self.remote,
            remote: Self.local)
        let name = "cu\\x1brl[7] called connect() to 10.9.9.2:7001"
        #expect(
            Self.sentences([Self.event(0, Self.start, port: 0), drop]) == [
                name
                    + ", and nothing of it was captured: in SYN_SENT for 4.00s; the kernel dropped a packet of it: NETFILTER_DROP,"
                    + " a firewall rule on this host (nftables, iptables)"
            ])
        let over = [Self.event(0, Self.start, port: 0), Self.event(3 * Span.second, Self.end)]
        let unreachable = over + [Self.event(3 * Span.second, .socketError(errno: 113))]
        #expect(
            Self.sentences(unreachable) == [
                name
                    + " from 10.9.9.1:4242, and nothing of it was captured: SYN_SENT, CLOSED after 3.00s; connect() = EHOSTUNREACH:"
                    + " no neighbour answered (ARP, NDP), or a router reported it (ICMP)"
            ])
        #expect(Self.sentences(over)[0].hasSuffix("CLOSED after 3.00s; " + UnseenCallWords.unseen))
        let answered = [
            over[0], Self.event(5, .transition(from: .synSent, to: .established)),
            Self.event(Span.second, .transition(from: .established, to: .finWait1)),
        ]
        #expect(
            Self.sentences(answered)[0].contains(
                "SYN_SENT, FIN_WAIT_1 after 1.00s; its packets do not pass the traced interfaces"))
    }

    @Test func whereThereIsNoRouteNothingElseTells() {
        #expect(UnseenCallWords.sentences(noRoutes: 0).isEmpty)
        #expect(
            UnseenCallWords.sentences(noRoutes: 2)[0].contains(
                "a route was missing 2 times during the trace (IpOutNoRoutes)"))
    }

    @Test func manyAreCounted() {
        let events = (1...9).map { place in
            Self.event(
                Int64(place), Self.start, socket: UInt64(place), port: 0,
                to: SocketAddress(Self.remote.address, UInt16(place)))
        }
        let said = Self.sentences(events)
        #expect(said.count == 4 && said.last == "6 more calls of connect() of which nothing was captured")
    }

    @Test(arguments: [
        ("tcp", true), ("port 7001", true), ("host 10.9.9.2 and port 7001", true), ("host 10.9.9.3", false),
        ("dst port 4242", false), ("ether host 00:00:00:00:00:01", true),
    ])
    func theFilterDecides(_ filter: String, _ passes: Bool) throws {
        let call = try #require(Self.calls([Self.event(0, Self.start), Self.event(5, Self.end)]).first)
        #expect(UnseenCallWords.passes(filter, call) == passes)
    }

    private static func choice(
        _ interfaces: [String], filter: String = "tcp", isSilent: Bool = false, end: Timestamp? = nil,
        isLocal: @escaping (IPAddress) -> Bool = { $0 == local.address }
    ) -> UnseenCallChoice {
        UnseenCallChoice(filter: filter, interfaces: interfaces, isSilent: isSilent, end: end, isLocal: isLocal)
    }

    /// A failed call is reported even if others were captured: on a busy host there is always another connection.
    @Test func aCallThatFailedIsToldWhateverElseWasCaptured() throws {
        let over = [Self.event(0, Self.start), Self.event(5, Self.end)]
        let failed = try #require(Self.calls(over + [Self.event(5, .socketError(errno: 113))]).first)
        let unknown = try #require(Self.calls(over).first)
        let answered = try #require(
            Self.calls([over[0], Self.event(5, .transition(from: .synSent, to: .established))]).first)
        for interfaces in [["any"], [], ["eth0", "any"]] {
            let choice = Self.choice(interfaces)
            #expect(choice.tells(failed) && !choice.tells(unknown) && !choice.tells(answered))
        }
        let silent = Self.choice(["any"], isSilent: true)
        #expect(silent.tells(failed) && silent.tells(unknown) && !silent.tells(answered))
        #expect(!Self.choice(["any"], filter: "port 80").tells(failed), "the filter would not have let it pass")
        #expect(!Self.choice(["any"], end: Self.begin.advanced(by: -1)).tells(failed), "it began later")
        #expect(!Self.choice(["any"], isLocal: { _ in false }).tells(failed), "in another network namespace")
    }

    /// A call is only reported if its SYN would surely have been captured; its route is not known for certain.
    @Test func itsSynShouldHaveBeenCaptured() throws {
        let events = [Self.event(0, Self.start), Self.event(5, Self.end), Self.event(5, .socketError(errno: 113))]
        let failed = try #require(Self.calls(events).first)
        let isHere: (IPAddress) -> Bool = { _ in true }
        #expect(Self.choice(["lo"], isLocal: isHere).tells(failed) && !Self.choice(["lo"]).tells(failed))
        #expect(!Self.choice(["eth0"], isLocal: isHere).tells(failed) && !Self.choice(["eth0"]).tells(failed))
        #expect(Self.choice(["eth0"], filter: "port 7001").tells(failed))
        #expect(!Self.choice(["lo"], filter: "port 7001").tells(failed))
    }

    @Test func callsThatGoAnotherWayMakeRoom() throws {
        var events: [SocketEvent] = []
        for socket in 1...300 as ClosedRange<UInt64> {
            let at = Int64(socket) * 10
            events.append(Self.event(at, Self.start, socket: socket, port: UInt16(10_000 + socket)))
            let answer = SocketEvent.Kind.transition(from: .synSent, to: .established)
            events.append(Self.event(at + 1, answer, socket: socket, port: UInt16(10_000 + socket)))
        }
        events += [
            Self.event(5000, Self.start, socket: 999), Self.event(6000, .socketError(errno: 113), socket: 999),
            Self.event(6000, Self.end, socket: 999),
        ]
        #expect(Self.calls(events).filter(Self.choice(["any"]).tells).map(\.errno) == [.hostUnreachable])
    }

    @Test func whoOfTheCommandCalled() {
        var callers = CommandCallers()
        callers.note(7, isElsewhere: false)
        callers.note(8, isElsewhere: true)
        callers.note(9, isElsewhere: true)
        callers.judge { $0 == 7 ? nil : $0 == 8 }
        #expect(callers.here.isEmpty && callers.elsewhere == [8])
        callers.judge { _ in true }
        #expect(callers.here == [7] && callers.elsewhere == [8], "9 was a stranger, and is not asked again")
        callers.note(5, isElsewhere: false)
        for _ in 0..<4 { callers.judge { _ in nil } }
        callers.judge { _ in true }
        #expect(callers.here == [7], "it is asked for four turns")
    }

    @Test func theFilterDecidesForIPv6() throws {
        let six = SocketAddress(.loopbackV6, 7001)
        let event = SocketEvent(
            time: Self.begin, kind: Self.start, socket: 1, local: SocketAddress(.loopbackV6, 0), remote: six)
        let call = try #require(Self.calls([event]).first)
        #expect(UnseenCallWords.passes("ip6 and dst port 7001", call) && !UnseenCallWords.passes("port 80", call))
        #expect(!UnseenCallWords.passes("ip", call))
    }
}
