// Sockets whose packets are translated (NAT) between them and the capture: which connection each is of.
//
// Nothing in the packets says so. A socket that none of the captured connections has, and a connection without a socket at that end, belong
// together when they have one end in common and began together:
//
// 1. DNAT changes whom a client calls, and where a server is, but not the client's own end.
// 2. SNAT changes the client's own end, but not the server's. Linux keeps the client's port where that is free.
// 3. SNAT may draw another port (`masquerade random`, as in front of the pods of Kubernetes). Then nothing but the server is the same, and
//    only a client is found, if nobody else began to call that server at that time.
//
// A rule is asked only if the ones before it have no answer, and what has two answers has none.

import TCPModel

/// A socket that has waited in vain for a connection of its own four-tuple.
struct TranslatedSocket {
    let local: SocketAddress
    let remote: SocketAddress
    /// When it was born as a client's socket, before its SYN; nil: it is a server's.
    let connectTime: Timestamp?
    /// The time of the first event that waits.
    let firstTime: Timestamp

    /// How long a socket waits for a connection of its own four-tuple before others are thought of, in nanoseconds: its frames may be on
    /// their way here from another processor.
    static let patience = 5 * Span.millisecond
    /// A SYN is captured at most so long after connect() began, in nanoseconds; and a server's socket is there so long after the SYN: it is
    /// made when the handshake is over.
    private static let (synDelay, openingTime) = (5 * Span.millisecond, 3 * Span.second)

    /// The connection that a socket was found for, and which of its ends are others than on the wire.
    struct Match {
        let of: EndpointReference
        /// The client's first, as the socket has them.
        let ends: FourTuple
        let translated: TranslatedEnd
        /// When it was first heard of, or its connection.
        let time: Timestamp
    }

    private var side: Side { connectTime == nil ? .responder : .originator }
    private var client: SocketAddress { connectTime == nil ? remote : local }
    private var server: SocketAddress { connectTime == nil ? local : remote }

    /// The connections of these sockets, in the order of time. `lacksSocket` says of an end whether its socket is still unknown.
    static func matches(
        of sockets: [TranslatedSocket], among ends: WatchedEnds, lacksSocket: (EndpointReference) -> Bool
    ) -> [Match] {
        guard !sockets.isEmpty else { return [] }
        let byClient = Dictionary(grouping: sockets.indices) { sockets[$0].client }
        let byServer = Dictionary(grouping: sockets.indices) { sockets[$0].server }
        var candidates: [[Rule: [WatchedEnd]]] = Array(repeating: [:], count: sockets.count)
        func consider(_ end: WatchedEnd, _ index: Int, _ rule: Rule) {
            guard sockets[index].fits(end) else { return }
            let reference = EndpointReference(id: end.id, number: end.number, side: sockets[index].side)
            // One that is translated is watched under several addresses.
            if candidates[index][rule]?.contains(where: { $0.number == end.number }) == true { return }
            if lacksSocket(reference) { candidates[index][rule, default: []].append(end) }
        }
        ends.forEach { end in
            for index in byClient[end.originator] ?? [] { consider(end, index, .sameClient) }
            for index in byServer[end.responder] ?? [] {
                if sockets[index].client.port == end.originator.port {
                    consider(end, index, .sameServerAndPort)
                } else if sockets[index].side == .originator {
                    consider(end, index, .sameServer)
                }
            }
        }
        // Two clients that began together leave it open whose the one connection is.
        var claims: [UInt64: Int] = [:]
        for all in candidates { for end in all[.sameServer] ?? [] { claims[end.number, default: 0] += 1 } }
        return sockets.indices.compactMap { index in
            guard
                let (rule, found) = Rule.allCases.lazy.compactMap({ rule in candidates[index][rule].map { (rule, $0) } }
                )
                .first, found.count == 1, let end = found.first, rule != .sameServer || claims[end.number] == 1
            else { return nil }
            return sockets[index].match(end, rule)
        }.sorted { $0.time < $1.time }
    }

    /// What a socket has in common with its connection on the wire.
    private enum Rule: CaseIterable {
        case sameClient, sameServerAndPort, sameServer
    }

    private func match(_ end: WatchedEnd, _ rule: Rule) -> Match {
        let isClient = side == .originator
        let translated: TranslatedEnd =
            rule == .sameClient
            ? isClient ? .called(remote) : .served(local) : isClient ? .client(local) : .caller(remote)
        return Match(
            of: EndpointReference(id: end.id, number: end.number, side: side),
            ends: FourTuple(source: client, destination: server), translated: translated,
            time: max(firstTime, end.firstTime))
    }

    /// Whether it may be an end of a connection, by their times.
    private func fits(_ end: WatchedEnd) -> Bool {
        if let connectTime {
            return (-SocketTracks.clockError...Self.synDelay).contains(end.firstTime.since(connectTime))
        }
        return (-SocketTracks.clockError...Self.openingTime).contains(firstTime.since(end.firstTime))
    }
}
