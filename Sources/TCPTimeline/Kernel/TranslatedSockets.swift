// Sockets whose packets are translated (NAT) between them and the capture: which connection each belongs to.
//
// Nothing in the packets shows that. A socket that matches none of the captured connections, and a connection without a
// socket at that end, belong together if they have one end in common and began together:
//
// 1. DNAT changes the address that a client calls, and where a server is, but not the client's own end.
// 2. SNAT changes the client's own end, but not the server's. Linux keeps the client's port if that is free.
// 3. SNAT may choose another port (`masquerade random`, as in front of the pods of Kubernetes). Then only the server is
//    the same, and only a client is found, provided that no other client began to call that server at that time.
//
// A rule applies only if the ones before it give no answer; two answers count as none.

import TCPModel

/// A socket that has waited in vain for a connection with its own four-tuple.
struct TranslatedSocket {
    let local: SocketAddress
    let remote: SocketAddress
    /// When it was born as a client's socket, before its SYN; nil for a server's.
    let connectTime: Timestamp?
    /// The time of the first waiting event.
    let firstTime: Timestamp

    /// How long a socket waits for a connection with its own four-tuple before others are considered, in nanoseconds:
    /// its frames may still be on their way here from another processor.
    static let patience = 5 * Span.millisecond
    /// The longest time from the start of connect() to the capture of the SYN, in nanoseconds; and from the SYN to a
    /// server's socket, which is created when the handshake is over.
    private static let (synDelay, openingTime) = (5 * Span.millisecond, 3 * Span.second)

    /// The connection found for a socket, and which of its ends differs from the wire.
    struct Match {
        let of: EndpointReference
        /// The client's end first, as the socket has them.
        let ends: FourTuple
        let translated: TranslatedEnd
        /// When the socket or its connection was first seen, whichever is later.
        let time: Timestamp
    }

    private var side: Side { connectTime == nil ? .responder : .originator }
    private var client: SocketAddress { connectTime == nil ? remote : local }
    private var server: SocketAddress { connectTime == nil ? local : remote }

    /// The connections of these sockets, in time order. `lacksSocket` says whether an end's socket is still unknown.
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
            // A translated connection is watched under several addresses.
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
        // If two clients began together, it is open whose the one connection is.
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

    /// Whether it may be an end of this connection, by their times.
    private func fits(_ end: WatchedEnd) -> Bool {
        if let connectTime {
            return (-SocketTracks.clockError...Self.synDelay).contains(end.firstTime.since(connectTime))
        }
        return (-SocketTracks.clockError...Self.openingTime).contains(firstTime.since(end.firstTime))
    }
}
