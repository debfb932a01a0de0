// The socket programs, attached, and the memory-mapped ring that they share. Closing the descriptors takes everything back.

import CLinux
import Glibc

/// The kernel's account of states and ends of sockets, by programs of our own.
@safe final class SocketRing {
    // Three mappings, ours alone from init to deinit: the consumer's page; the producer's page and the ring twice in a row,
    // read only; and a page with one number.
    private let consumer: UnsafeMutableRawPointer
    private let producer: UnsafeMutableRawPointer
    private let lostCount: UnsafeMutableRawPointer
    private let page: Int
    /// A ring and a number, the programs, and where each of them is attached.
    private let maps: [Int32]
    private var programs: [Int32] = []
    private var attachments: [Int32] = []
    /// Whether a program tells of dropped packets, too.
    private(set) var tellsDrops = false

    /// Octets of the ring: a second of 5000 connections a second.
    private static let size = 4 << 20

    /// Attaches the programs for these ports (none: all); nil if this kernel, or our place in it, is not made for them. With reasons
    /// also the one for packets that are dropped for them, if the kernel takes it.
    init?(ports: [UInt16], dropReasons: [Int32] = []) {
        guard Self.isSupported, let types = TypeInformation(), let layout = SocketLayout(types) else { return nil }
        page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let ring = tcptrace_bpf_ring(UInt32(Self.size))
        guard ring >= 0 else { return nil }
        let number = tcptrace_bpf_number()
        guard number >= 0 else {
            close(ring)
            return nil
        }
        // The kernel maps as many octets as are asked for, or fails.
        let first = unsafe mmap(nil, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0)
        let second = unsafe mmap(nil, page + 2 * Self.size, PROT_READ, MAP_SHARED, ring, page)
        let third = unsafe mmap(nil, page, PROT_READ, MAP_SHARED, number, 0)
        guard let first = unsafe first, let second = unsafe second, let third = unsafe third,
            unsafe first != MAP_FAILED, unsafe second != MAP_FAILED, unsafe third != MAP_FAILED
        else {
            // Each of the three is unmapped with the length that it was mapped with, if it was.
            if let first = unsafe first, unsafe first != MAP_FAILED { unsafe munmap(first, page) }
            if let second = unsafe second, unsafe second != MAP_FAILED { unsafe munmap(second, page + 2 * Self.size) }
            if let third = unsafe third, unsafe third != MAP_FAILED { unsafe munmap(third, page) }
            close(ring)
            close(number)
            return nil
        }
        unsafe consumer = first
        unsafe producer = second
        unsafe lostCount = third
        maps = [ring, number]
        for tracepoint in SocketProgram.Tracepoint.allCases {
            let text = SocketProgram.text(tracepoint, layout, ports: ports, ring: ring, lost: number)
            guard attach(text, to: tracepoint.type(layout)) else { return nil }
        }
        if !dropReasons.isEmpty, let layout = PacketLayout(types) {
            let text = PacketProgram.text(layout, reasons: dropReasons, ring: ring, lost: number)
            tellsDrops = attach(text, to: layout.freePacket)
        }
    }

    /// Loads a program and attaches it to the tracepoint of this number among the types.
    private func attach(_ text: [UInt64], to type: Int) -> Bool {
        // The array is lent for the call, with its own length.
        let program = unsafe tcptrace_bpf_load(text, UInt32(text.count), UInt32(clamping: type))
        guard program >= 0 else { return false }
        programs.append(program)
        let attachment = tcptrace_bpf_attach(program)
        guard attachment >= 0 else { return false }
        attachments.append(attachment)
        return true
    }

    // The mappings are ours, with these very lengths; nothing uses them after deinit.
    deinit {
        unsafe munmap(consumer, page)
        unsafe munmap(producer, page + 2 * Self.size)
        unsafe munmap(lostCount, page)
        for descriptor in attachments + programs + maps { close(descriptor) }
    }

    /// Whether the kernel gives programs the numbers of processes that we see: those of the first pid namespace.
    private static var isSupported: Bool { 1.littleEndian == 1 && ProcessNamespace.isHosts() == true }

    /// Ends: nothing is written after that.
    func stop() {
        for attachment in attachments { close(attachment) }
        attachments = []
    }

    /// Records that found no room so far.
    var lost: UInt64 { unsafe tcptrace_bpf_position(lostCount) }

    /// Hits that a program did not see, because it was interrupted by them: the kernel does not let it begin twice on one CPU. Nil where
    /// the kernel does not tell, or (before 6.5) not without privileges.
    var missed: UInt64? {
        var sum: UInt64 = 0
        for program in programs {
            guard let count = UInt64(exactly: tcptrace_bpf_missed(program)) else { return nil }
            sum &+= count
        }
        return sum
    }

    /// Moves what the kernel has written to the end of `bytes`, and gives the room back. Only complete records are there, each
    /// with a header of 8 octets and padded to a multiple of 8.
    func drain(into bytes: inout [UInt8]) {
        // The mappings live as long as this value. The kernel writes the producer's position, only we the consumer's.
        let start = unsafe tcptrace_bpf_position(consumer)
        let head = unsafe tcptrace_bpf_position(producer)
        guard head > start, head - start <= UInt64(Self.size) else { return }
        let data = unsafe producer + page + Int(start % UInt64(Self.size))
        let available = Int(head - start)
        var length = 0
        while length + 8 <= available {
            // In front of the end of what was written: inside the mapping, which has the ring twice.
            let header = unsafe tcptrace_bpf_header(data + length)
            if header & Self.busy != 0 { break }
            let step = (Int(header & Self.lengthMask) + 15) & ~7
            guard step <= available - length else { break }
            length += step
        }
        // As far as was just walked.
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: data, count: length))
        unsafe tcptrace_bpf_consumed(consumer, start + UInt64(length))
    }

    /// BPF_RINGBUF_BUSY_BIT, and what is left beside it and the discard bit.
    private static let busy: UInt32 = 1 << 31
    private static let lengthMask: UInt32 = (1 << 30) - 1
}
