// The BPF program that runs where the kernel drops a packet. It records the reason and the packet's headers.
//
// The tracepoint reports neither addresses nor ports, and a firewall rule drops packets of every program. Without the
// headers, a drop could be matched to a connection only by guessing from its time.

/// The layout of the kernel structures that the program reads.
struct PacketLayout: Equatable {
    /// In `struct sk_buff`: the pointer to the packet buffer, the network header's offset in it, and that header's
    /// protocol.
    var head = 0
    var networkHeader = 0
    var protocolNumber = 0
    /// The BTF type id of the tracepoint.
    var freePacket = 0

    /// Nil if this kernel's structures are not as the program expects.
    init?(_ types: TypeInformation) {
        guard let packet = types.structure("sk_buff"), let head = types.member("head", of: packet),
            let networkHeader = types.member("network_header", of: packet), types.size(of: networkHeader.type) == 2,
            let protocolNumber = types.member("protocol", of: packet), types.size(of: protocolNumber.type) == 2,
            let freePacket = types.typedef("btf_trace_kfree_skb"),
            [head, networkHeader, protocolNumber].allSatisfy({ $0.offset < 1 << 14 })
        else { return nil }
        self.head = head.offset
        self.networkHeader = networkHeader.offset
        self.protocolNumber = protocolNumber.offset
        self.freePacket = freePacket
    }
}

/// kfree_skb(skb, location, reason, rx_sk)
enum PacketProgram {
    /// The offset of the record from the frame pointer.
    private static let record = -PacketRecord.size
    /// ETH_P_IP and ETH_P_IPV6, part of Linux's ABI.
    private static let protocols: [UInt16] = [0x0800, 0x86dd]

    /// The instructions, for packets dropped for one of these reasons. `ring` and `lost` are as in `SocketProgram`.
    static func text(_ layout: PacketLayout, reasons: [Int32], ring: Int32, lost: Int32) -> [UInt64] {
        var text = ProgramText()
        var end = ProgramText.Label()
        func store(_ from: ProgramText.Register, _ octets: Int, _ place: Int) {
            text.store(from, octets, at: .frame, record + place)
        }
        text.move(.r6, .r1)
        text.load(.r8, 8, at: .r6, 16)
        var isWanted = ProgramText.Label()
        for reason in reasons { text.jump(&isWanted, if: .r8, is: reason) }
        text.jump(&end)
        text.set(isWanted)
        text.load(.r7, 8, at: .r6, 0)
        text.load(.r9, 2, at: .r7, layout.protocolNumber)
        var isInternet = ProgramText.Label()
        for number in protocols { text.jump(&isInternet, if: .r9, is: Int32(number.bigEndian)) }
        text.jump(&end)
        text.set(isInternet)
        store(.r7, 8, PacketRecord.packet)
        store(.r8, 4, PacketRecord.reason)
        store(.r9, 2, PacketRecord.protocolNumber)
        text.load(.r1, 8, at: .r6, 24)
        store(.r1, 8, PacketRecord.socket)
        text.move(.r1, Int32(PacketRecord.kindNumber))
        store(.r1, 2, PacketRecord.kind)
        text.load(.r9, 8, at: .r7, layout.head)
        text.load(.r1, 2, at: .r7, layout.networkHeader)
        text.add(.r9, .r1)
        text.read(to: record + PacketRecord.header, PacketRecord.headerSize, from: .r9, 0)
        text.call(.clock)
        store(.r0, 8, PacketRecord.time)
        text.output(record, PacketRecord.size, ring: ring)
        text.jump(&end, if: .r0, is: 0)
        text.count(lost)
        text.set(end)
        text.end()
        return text.words
    }
}
