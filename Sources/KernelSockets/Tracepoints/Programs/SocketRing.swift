// The attached socket programs and the memory-mapped ring that they share. Closing the descriptors frees all kernel
// resources.

import CLinux
import Glibc

/// Reports changes of socket states and destroyed sockets through our own BPF programs.
@safe final class SocketRing {
    // Three mappings, owned by this object alone from init to deinit: the consumer's page; the producer's page followed
    // by the ring mapped twice in a row, read-only; and a page with one number.
    private let consumer: UnsafeMutableRawPointer
    private let producer: UnsafeMutableRawPointer
    private let lostCount: UnsafeMutableRawPointer
    private let page: Int
    /// The descriptors of the maps (the ring and a counter), of the programs, and of their attachments.
    private let maps: [Int32]
    private var programs: [Int32] = []
    private var attachments: [Int32] = []
    /// Whether a program reports dropped packets as well.
    private(set) var tellsDrops = false

    /// The ring's size in octets: enough for one second at 5000 connections per second.
    private static let size = 4 << 20

    /// Attaches the programs for these ports (empty: all); nil if this kernel does not support them, or our privileges
    /// or pid namespace do not permit it. With reasons, also attaches the program for packets dropped for them, if the
    /// kernel accepts it.
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
        // The kernel maps exactly the requested length, or fails.
        let first = unsafe mmap(nil, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0)
        let second = unsafe mmap(nil, page + 2 * Self.size, PROT_READ, MAP_SHARED, ring, page)
        let third = unsafe mmap(nil, page, PROT_READ, MAP_SHARED, number, 0)
        guard let first = unsafe first, let second = unsafe second, let third = unsafe third,
            unsafe first != MAP_FAILED, unsafe second != MAP_FAILED, unsafe third != MAP_FAILED
        else {
            // Each mapping that succeeded is unmapped with the length it was mapped with.
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

    /// Loads a program and attaches it to the tracepoint with this BTF type id.
    private func attach(_ text: [UInt64], to type: Int) -> Bool {
        // The array is borrowed for the call, with its own length.
        let program = unsafe tcptrace_bpf_load(text, UInt32(text.count), UInt32(clamping: type))
        guard program >= 0 else { return false }
        programs.append(program)
        let attachment = tcptrace_bpf_attach(program)
        guard attachment >= 0 else { return false }
        attachments.append(attachment)
        return true
    }

    // The mappings are ours and have exactly these lengths; nothing uses them after deinit.
    deinit {
        unsafe munmap(consumer, page)
        unsafe munmap(producer, page + 2 * Self.size)
        unsafe munmap(lostCount, page)
        for descriptor in attachments + programs + maps { close(descriptor) }
    }

    /// Whether programs get the same process ids as we do. The kernel gives them those of the initial pid namespace.
    private static var isSupported: Bool { 1.littleEndian == 1 && ProcessNamespace.isHosts() == true }

    /// Detaches the programs: nothing is written afterwards.
    func stop() {
        for attachment in attachments { close(attachment) }
        attachments = []
    }

    /// The number of records that found no room so far.
    var lost: UInt64 { unsafe tcptrace_bpf_position(lostCount) }

    /// Hits that a program missed because they interrupted it: the kernel does not run a program recursively on one
    /// CPU. Nil where the kernel does not report it or, before 6.5, does so only to privileged processes.
    var missed: UInt64? {
        var sum: UInt64 = 0
        for program in programs {
            guard let count = UInt64(exactly: tcptrace_bpf_missed(program)) else { return nil }
            sum &+= count
        }
        return sum
    }

    /// Appends what the kernel has written to `bytes` and frees the space in the ring. Only complete records are taken,
    /// each with a header of 8 octets and padded to a multiple of 8.
    func drain(into bytes: inout [UInt8]) {
        // The mappings live as long as this object. Only the kernel writes the producer's position, and only we write
        // the consumer's.
        let start = unsafe tcptrace_bpf_position(consumer)
        let head = unsafe tcptrace_bpf_position(producer)
        guard head > start, head - start <= UInt64(Self.size) else { return }
        let data = unsafe producer + page + Int(start % UInt64(Self.size))
        let available = Int(head - start)
        var length = 0
        while length + 8 <= available {
            // Below the producer's position, so inside the mapping, which has the ring twice.
            let header = unsafe tcptrace_bpf_header(data + length)
            if header & Self.busy != 0 { break }
            let step = (Int(header & Self.lengthMask) + 15) & ~7
            guard step <= available - length else { break }
            length += step
        }
        // Exactly the length just walked.
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: data, count: length))
        unsafe tcptrace_bpf_consumed(consumer, start + UInt64(length))
    }

    /// BPF_RINGBUF_BUSY_BIT, and the mask of the length without the busy and discard bits.
    private static let busy: UInt32 = 1 << 31
    private static let lengthMask: UInt32 = (1 << 30) - 1
}
