// The BPF program that runs at each change of a socket's state and when a socket is destroyed. It writes what we need
// to a ring, and nothing for other ports.
//
// Perf reports the same but takes several times as long, and the traced program pays for it: perf assembles a whole
// record before it runs the filter, and copies it again on the way to its ring. The program reads through pointers
// whose types the kernel knows and checks, so a wrong offset is rejected at load time.

/// The layout of the kernel structures that the program reads.
struct SocketLayout: Equatable {
    /// In `struct sock_common`, with which every socket begins: the peer's IPv4 address and port, and the address
    /// family.
    var remoteAddress = 0
    var remotePort = 0
    var family = 0
    /// In `struct sock_common`: the IPv6 addresses of the peer and of the socket itself.
    var remoteAddress6 = 0
    var localAddress6 = 0
    /// In `struct inet_sock`: the socket's own address and port, which outlive the connection.
    var localAddress = 0
    var localPort = 0
    /// In the socket's lock: whether a system call holds it. Interrupts leave such a socket alone, and never take the
    /// lock that way themselves.
    var isOwned = 0

    /// The pointer to the network namespace in `struct sock_common`, and the namespace's number in `struct net`. Nil if
    /// the kernel has only one namespace.
    var namespace: Namespace?

    struct Namespace: Equatable {
        var pointer: Int
        var number: Int
    }

    /// The BTF type ids of the tracepoints.
    var setState = 0
    var destroy = 0

    init() {}

    /// Nil if this kernel's structures are not as the program expects.
    init?(_ types: TypeInformation) {
        guard let common = types.structure("sock_common"), let socket = types.structure("sock"),
            let inet = types.structure("inet_sock"), let lock = types.member("sk_lock", of: socket),
            let lockType = types.unqualified(lock.type),
            types.member("__sk_common", of: socket)?.offset == 0, types.member("sk", of: inet)?.offset == 0
        else { return nil }
        func offset(_ name: StaticString, of structure: Int, size: Int) -> Int? {
            guard let member = types.member(name, of: structure), types.size(of: member.type) == size,
                member.offset < 1 << 14
            else { return nil }
            return member.offset
        }
        guard let remoteAddress = offset("skc_daddr", of: common, size: 4),
            let remotePort = offset("skc_dport", of: common, size: 2),
            let family = offset("skc_family", of: common, size: 2),
            let remoteAddress6 = offset("skc_v6_daddr", of: common, size: 16),
            let localAddress6 = offset("skc_v6_rcv_saddr", of: common, size: 16),
            let localAddress = offset("inet_saddr", of: inet, size: 4),
            let localPort = offset("inet_sport", of: inet, size: 2),
            let isOwned = offset("owned", of: lockType, size: 4),
            let setState = types.typedef("btf_trace_inet_sock_set_state"),
            let destroy = types.typedef("btf_trace_tcp_destroy_sock")
        else { return nil }
        self.remoteAddress = remoteAddress
        self.remotePort = remotePort
        self.family = family
        self.remoteAddress6 = remoteAddress6
        self.localAddress6 = localAddress6
        self.localAddress = localAddress
        self.localPort = localPort
        self.isOwned = lock.offset + isOwned
        if let pointer = offset("skc_net", of: common, size: 8), let net = types.structure("net"),
            let base = types.member("ns", of: net), let inner = types.unqualified(base.type),
            let number = offset("inum", of: inner, size: 4), base.offset + number < 1 << 14
        {
            namespace = Namespace(pointer: pointer, number: base.offset + number)
        }
        self.setState = setState
        self.destroy = destroy
    }
}

/// Builds the programs for the two tracepoints.
struct SocketProgram {
    /// The tracepoint to which a program is attached.
    enum Tracepoint: UInt8, CaseIterable {
        /// inet_sock_set_state(sk, oldstate, newstate)
        case setState = 1
        /// tcp_destroy_sock(sk)
        case destroy = 2

        /// The tracepoint's BTF type id.
        func type(_ layout: SocketLayout) -> Int { self == .setState ? layout.setState : layout.destroy }
    }

    /// The offset of the record from the frame pointer.
    private static let record = -((SocketRecord.size6 + 7) & ~7)

    /// The instructions. `ring` and `lost` are maps: the destination of records, and the count of records that found no
    /// room.
    static func text(
        _ tracepoint: Tracepoint, _ layout: SocketLayout, ports: [UInt16], ring: Int32, lost: Int32
    ) -> [UInt64] {
        var text = ProgramText()
        var end = ProgramText.Label()
        text.move(.r6, .r1)
        text.load(.r1, 8, at: .r6, 0)
        // Skip sockets of MPTCP and other protocols, which have states too.
        text.call(.tcpSocket)
        text.jump(&end, if: .r0, is: 0)
        text.move(.r7, .r0)
        text.load(.r8, 2, at: .r7, layout.localPort)
        text.load(.r9, 2, at: .r7, layout.remotePort)
        if !ports.isEmpty {
            var found = ProgramText.Label()
            for port in ports {
                text.jump(&found, if: .r8, is: Int32(port.bigEndian))
                text.jump(&found, if: .r9, is: Int32(port.bigEndian))
            }
            text.jump(&end)
            text.set(found)
        }
        describe(tracepoint, layout, &text)
        write(layout, ring: ring, lost: lost, &end, &text)
        text.set(end)
        text.end()
        return text.words
    }

    /// Fills in the record, except for the IPv6 addresses.
    private static func describe(_ tracepoint: Tracepoint, _ layout: SocketLayout, _ text: inout ProgramText) {
        func store(_ from: ProgramText.Register, _ octets: Int, _ place: Int) {
            text.store(from, octets, at: .frame, record + place)
        }
        store(.r8, 2, SocketRecord.localPort)
        store(.r9, 2, SocketRecord.remotePort)
        store(.r7, 8, SocketRecord.socket)
        for (offset, place) in [
            (layout.localAddress, SocketRecord.localAddress), (layout.remoteAddress, SocketRecord.remoteAddress),
            (layout.isOwned, SocketRecord.isOwned),
        ] {
            text.load(.r1, 4, at: .r7, offset)
            store(.r1, 4, place)
        }
        if let namespace = layout.namespace {
            text.load(.r1, 8, at: .r7, namespace.pointer)
            text.load(.r1, 4, at: .r1, namespace.number)
        } else {
            text.move(.r1, 0)
        }
        store(.r1, 4, SocketRecord.namespace)
        text.load(.r8, 2, at: .r7, layout.family)
        store(.r8, 2, SocketRecord.family)
        text.move(.r1, Int32(tracepoint.rawValue))
        store(.r1, 2, SocketRecord.kind)
        for (argument, place) in [(1, SocketRecord.oldState), (2, SocketRecord.newState)] {
            if tracepoint == .setState { text.load(.r1, 8, at: .r6, argument * 8) } else { text.move(.r1, 0) }
            store(.r1, 2, place)
        }
        text.call(.process)
        store(.r0, 8, SocketRecord.process)
        text.call(.clock)
        store(.r0, 8, SocketRecord.time)
    }

    private static func write(
        _ layout: SocketLayout, ring: Int32, lost: Int32, _ end: inout ProgramText.Label, _ text: inout ProgramText
    ) {
        var version4 = ProgramText.Label()
        var written = ProgramText.Label()
        // AF_INET6, part of Linux's ABI.
        text.jump(&version4, unless: .r8, is: 10)
        text.read(to: record + SocketRecord.localAddress6, 16, from: .r7, layout.localAddress6)
        text.read(to: record + SocketRecord.remoteAddress6, 16, from: .r7, layout.remoteAddress6)
        text.output(record, SocketRecord.size6, ring: ring)
        text.jump(&written)
        text.set(version4)
        text.output(record, SocketRecord.size4, ring: ring)
        text.set(written)
        text.jump(&end, if: .r0, is: 0)
        text.count(lost)
    }
}
