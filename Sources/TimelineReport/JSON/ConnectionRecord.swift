// The `conn` record: the summary of a connection.

import TCPMachine
import TCPModel
import TCPTimeline

extension JSONObject {
    /// Adds what the packets showed: the `conn` record's keys from `proto` to `handshake`.
    mutating func add(_ connection: Connection) {
        let counters = connection.counters
        add("proto", literal: "tcp")
        add("duration", seconds: connection.duration)
        add("orig_bytes", number: counters[0].uniqueBytes)
        add("resp_bytes", number: counters[1].uniqueBytes)
        add("conn_state", literal: connection.zeekConnectionState)
        add("missed_bytes", number: connection.missedBytes)
        add(
            "history",
            raw: { buffer in
                let history = connection.history
                buffer.append("\"")
                for index in 0..<history.count { buffer.append(byte: history[index]) }
                buffer.append("\"")
            })
        add("orig_pkts", number: counters[0].packets)
        add("orig_ip_bytes", number: counters[0].ipBytes)
        add("resp_pkts", number: counters[1].packets)
        add("resp_ip_bytes", number: counters[1].ipBytes)
        add(
            "community_id",
            raw: { buffer in
                buffer.append("\"")
                buffer.append(communityIDOf: connection.tuple)
                buffer.append("\"")
            })
        if connection.tunnel != .none { add("tunnel", literal: connection.tunnel.name) }
        add("completeness", number: connection.completeness.rawValue)
        add("outcome", literal: connection.outcome.name)
        if let closer = connection.closer { add("closed_by", literal: closer.jsonName) }
        if let name = connection.originator.state.openTelemetryName { add("orig_state", literal: name) }
        if let name = connection.endpoint(.responder).state.openTelemetryName { add("resp_state", literal: name) }
        guard connection.synAckDelay >= 0 else { return }
        addObject("handshake") { handshake in
            handshake.add("synack_s", seconds: connection.synAckDelay)
            if connection.handshakeTime >= 0 {
                handshake.add("ack_s", seconds: max(0, connection.handshakeTime - connection.synAckDelay))
            }
        }
    }

    /// Adds what the kernel showed: the owners of the sockets, and how long the responder's waited for accept().
    mutating func add(_ kernel: borrowing KernelView, _ connection: Connection) {
        add(process: kernel.originator, "orig_process")
        add(process: kernel.responder, "resp_process")
        guard let delay = kernel.responder.acceptDelay(connection) else { return }
        addObject("accept") { accept in
            accept.add("min_s", seconds: delay.least)
            if let most = delay.most { accept.add("max_s", seconds: most) }
        }
    }

    /// Adds what each side offered in its SYN or SYN-ACK, if that was captured.
    mutating func add(offersOf statistics: ConnectionStatistics) {
        add(offersOf: statistics[.originator], "orig_opts")
        add(offersOf: statistics[.responder], "resp_opts")
    }

    private mutating func add(offersOf direction: DirectionStatistics, _ name: StaticString) {
        guard direction.syns > 0 else { return }
        addObject(name) { options in
            if let mss = direction.maximumSegmentSize { options.add("mss", number: mss) }
            if let scale = direction.windowScale { options.add("wscale", number: scale) }
            if direction.offersSACK { options.add("sack_permitted", bool: true) }
            if direction.offersTimestamps { options.add("timestamps", bool: true) }
        }
    }

    /// Adds the ends as the sockets see them, where addresses were translated.
    mutating func add(_ ends: SocketEnds) {
        if ends.isEmpty { return }
        if let address = ends.called { add(.called(address)) }
        if let address = ends.client { add(.client(address)) }
        if let address = ends.served { add(.served(address)) }
        if let address = ends.caller { add(.caller(address)) }
    }

    /// Adds one translated end.
    mutating func add(_ end: TranslatedEnd) {
        switch end {
        case .called(let end): add("called_h", "called_p", end)
        case .client(let end): add("client_h", "client_p", end)
        case .served(let end): add("served_h", "served_p", end)
        case .caller(let end): add("caller_h", "caller_p", end)
        }
    }

    private mutating func add(_ host: StaticString, _ port: StaticString, _ end: SocketAddress) {
        add(host, address: end.address)
        add(port, number: end.port)
    }

    /// Adds the number of segments, of both sides, that carried octets sent before.
    mutating func addRetransmissions(_ connection: Connection) {
        let counters = connection.counters
        add("retransmissions", number: UInt64(counters[0].retransmissions) + UInt64(counters[1].retransmissions))
    }

    private mutating func add(process view: borrowing KernelSideView, _ name: StaticString) {
        guard let process = view.process else { return }
        addObject(name) { owner in
            owner.add("pid", number: process.pid)
            owner.add("comm", string: process.command)
            // If a process was gone before it could be looked up, only its name is known.
            if process.uid != .max { owner.add("uid", number: process.uid) }
            if let inode = view.socket?.inode, inode != 0 { owner.add("inode", number: inode) }
            if let descriptor = view.descriptor { owner.add("fd", number: descriptor) }
            if view.wasClosedByExit { owner.add("closed_by_exit", bool: true) }
            if let details = process.details { owner.add(details) }
            owner.add(sharersOf: view)
        }
    }

    private mutating func add(sharersOf view: borrowing KernelSideView) {
        guard view.sharerCount > 0 else { return }
        let sharers = view.sharers
        add("shared_by", number: view.sharerCount)
        add("sharers", objects: sharers.count) { object, index in
            let process = sharers[index].process
            object.add("pid", number: process.pid)
            object.add("comm", string: process.command)
            if process.uid != .max { object.add("uid", number: process.uid) }
            object.add("fd", number: sharers[index].descriptor)
        }
    }
}
