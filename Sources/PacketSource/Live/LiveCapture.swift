// Captures from a network interface through libpcap, without ever waiting.

import CPcap
import Glibc
public import TCPModel

/// A running capture on one interface.
///
/// Wait on `fileDescriptor`, then call `dispatch`, or `nextTime` and `deliver`. Frames that have arrived since the capture was opened and before
/// `setFilter` do not come: libpcap throws them away.
@safe public struct LiveCapture: ~Copyable {
    /// Which frames of an interface.
    public enum Direction: Sendable {
        /// Those received.
        case incoming
        /// Those sent.
        case outgoing
        /// Both.
        case both
    }

    /// How to capture.
    public struct Options: Sendable {
        /// The interface's name; `any` for all of them.
        public var interface: String
        /// Octets of each frame to keep.
        public var snapshotLength: Int
        /// Size of the kernel's ring in KiB; nil = libpcap's own choice (2 MiB).
        public var bufferKiB: Int?
        /// Whether to see frames that are not for this host.
        public var promiscuous: Bool
        /// Which frames.
        public var direction: Direction
        /// The link type to ask for; nil = the interface's own (LINUX_SLL2 for `any`).
        public var linkType: LinkType?

        /// Options with the defaults of this tool.
        public init(
            interface: String, snapshotLength: Int = 262_144, bufferKiB: Int? = nil, promiscuous: Bool = true,
            direction: Direction = .both, linkType: LinkType? = nil
        ) {
            self.interface = interface
            self.snapshotLength = snapshotLength
            self.bufferKiB = bufferKiB
            self.promiscuous = promiscuous
            self.direction = direction
            self.linkType = linkType
        }
    }

    /// The interface's name as it was asked for.
    public let device: String
    /// The link type of its frames.
    public let linkType: LinkType
    /// Octets of each frame that are kept.
    public let snapshotLength: Int
    /// Becomes readable when there are frames; -1 if the device has none. It stays the capture's own.
    public let fileDescriptor: Int32
    /// The ring's size in KiB that was asked for last and granted; nil = libpcap's choice.
    public let bufferKiB: Int?
    /// Whether the clock gives nanoseconds; otherwise microseconds.
    public let hasNanoseconds: Bool
    /// Whether frames that leave and come in again over loopback come once. libpcap never hands over the first of the two, but
    /// unless the kernel leaves it out it is copied into the ring and counted.
    public let leavesOutgoingOut: Bool
    /// libpcap's warning on opening, if any.
    public let warning: String?
    /// The number that frames carry as their interface.
    public var interface: UInt16 = 0

    private let handle: CaptureHandle
    private let unit: Int64
    private var counters = CaptureCounters()
    /// What `nextTime` found: a header, and octets that are libpcap's until the next call on the handle.
    private var waiting: FrameHeader?
    private var waitingOctets: UnsafePointer<UInt8>?

    /// Opens a capture. Throws when there is no such interface, it is down, may not be captured on, or cannot do what is asked.
    public init(_ options: Options) throws(CaptureError) {
        let device = options.interface
        var size = options.bufferKiB
        let opened = try Self.opened(options, bufferKiB: &size)
        try Self.choose(options.linkType, opened.handle)
        // In all that follows the handle is open and active.
        let pointer = unsafe opened.handle.pointer
        if options.direction != .both {
            let direction = options.direction == .incoming ? PCAP_D_IN : PCAP_D_OUT
            guard unsafe pcap_setdirection(pointer, direction) == 0 else {
                throw .other(device: device, message: opened.handle.message)
            }
        }
        let (status, message) = unsafe withErrorBuffer { unsafe pcap_setnonblock(pointer, 1, $0) }
        guard status == 0 else { throw .other(device: device, message: message) }
        // libpcap, too, goes by the name.
        leavesOutgoingOut = device == "lo" && leaveOutgoingOut(unsafe pcap_get_selectable_fd(pointer))
        self.device = device
        bufferKiB = size
        warning = opened.warning
        linkType = LinkType(dlt: unsafe pcap_datalink(pointer))
        snapshotLength = min(Int(unsafe pcap_snapshot(pointer)), max(options.snapshotLength, 1))
        fileDescriptor = unsafe pcap_get_selectable_fd(pointer)
        hasNanoseconds = unsafe pcap_get_tstamp_precision(pointer) == PCAP_TSTAMP_PRECISION_NANO
        unit = hasNanoseconds ? 1 : 1000
        handle = opened.handle
    }

    /// Lets only frames through that match a pcap-filter(7) expression. Throws `badFilter` when it is none.
    public func setFilter(_ text: String) throws(CaptureError) {
        let filter = try PacketFilter(text, on: handle)
        try filter.install(on: handle)
    }

    /// Delivers the frames that are there, at most `limit` of them, and never waits.
    ///
    /// - Returns: how many; fewer than `limit` means that there are no more at the moment.
    /// - Throws: `deviceGone` when the interface went away or down; it tells how many frames came before.
    public mutating func dispatch(
        limit: Int, _ body: (FrameHeader, RawSpan) -> Void
    ) throws(CaptureError) -> Int {
        var delivered = 0
        // What `nextTime` found comes first: the next call takes its octets back.
        if waiting != nil, limit > 0 {
            deliver(body)
            delivered = 1
        }
        while delivered < limit {
            var header: UnsafeMutablePointer<pcap_pkthdr>?
            var data: UnsafePointer<UInt8>?
            // The handle is active; what comes back is valid until the next call on it.
            switch unsafe pcap_next_ex(handle.pointer, &header, &data) {
            case 1:
                guard let header = unsafe header?.pointee, let data = unsafe data else { continue }
                let frame = frameHeader(header)
                // libpcap promises caplen bytes at data, and capturedLength is no more.
                unsafe body(frame, UnsafeRawBufferPointer(start: data, count: Int(frame.capturedLength)).bytes)
                delivered += 1
            case 0: return delivered
            default: throw gone(delivered)
            }
        }
        return delivered
    }

    /// The time of the next frame, which `deliver` hands over; nil if there is none at the moment. Never waits. Whoever merges
    /// several captures by time uses these two in place of `dispatch`.
    ///
    /// - Throws: `deviceGone` as `dispatch` does.
    public mutating func nextTime() throws(CaptureError) -> Timestamp? {
        if let waiting { return waiting.time }
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        // The handle is active; what comes back is valid until the next call on it, and that is made here only, once `deliver`
        // has handed it over.
        switch unsafe pcap_next_ex(handle.pointer, &header, &data) {
        case 1:
            guard let header = unsafe header?.pointee, let data = unsafe data else { return nil }
            waiting = frameHeader(header)
            unsafe waitingOctets = data
            return waiting?.time
        case 0: return nil
        default: throw gone(0)
        }
    }

    /// Hands over the frame that `nextTime` found.
    public mutating func deliver(_ body: (FrameHeader, RawSpan) -> Void) {
        guard let frame = waiting, let data = unsafe waitingOctets else { return }
        waiting = nil
        // libpcap promises caplen bytes at data until the next call, and capturedLength is no more.
        unsafe body(frame, UnsafeRawBufferPointer(start: data, count: Int(frame.capturedLength)).bytes)
    }

    @inline(__always) private func frameHeader(_ header: pcap_pkthdr) -> FrameHeader {
        FrameHeader(
            time: Timestamp(seconds: Int64(header.ts.tv_sec), nanoseconds: Int64(header.ts.tv_usec) &* unit),
            capturedLength: min(header.caplen, UInt32(truncatingIfNeeded: snapshotLength)),
            originalLength: header.len, linkType: linkType, interface: interface)
    }

    /// What the kernel counted so far, beyond the 32 bits that it counts in. When it does not answer: the last it said.
    public mutating func statistics() -> CaptureStatistics {
        var raw = pcap_stat()
        // The handle is active and raw is a whole struct pcap_stat.
        if unsafe pcap_stats(handle.pointer, &raw) == 0 {
            counters.update(received: raw.ps_recv, kernel: raw.ps_drop, interface: raw.ps_ifdrop)
        }
        return counters.total
    }

    // MARK: - Inside

    private struct Opened: ~Copyable {
        var handle: CaptureHandle
        var warning: String?
    }

    /// Opens and activates, with ever smaller rings if memory does not suffice. `size` becomes what was granted.
    private static func opened(_ options: Options, bufferKiB size: inout Int?) throws(CaptureError) -> Opened {
        while true {
            let attempt = try configured(options, bufferKiB: size)
            let failure: CaptureError
            do {
                let warning = try attempt.activate()
                return Opened(handle: attempt, warning: warning)
            } catch {
                failure = error
            }
            // libpcap shrinks a ring itself, down to one block; what is left is a block that is too large, or no memory.
            guard case .other(_, let message) = failure, message.contains("Cannot allocate memory"),
                let current = size, current > 256
            else { throw failure }
            size = current / 2
        }
    }

    private static func configured(_ options: Options, bufferKiB: Int?) throws(CaptureError) -> CaptureHandle {
        let handle = try CaptureHandle(options.interface)
        // The handle is not active yet, so none of these can fail for another reason than a value out of range.
        let pointer = unsafe handle.pointer
        // The ring of the immediate mode rounds its frames down by a few bytes: ask for more, and cut on delivery.
        let margin = options.snapshotLength < 262_144 ? 16 : 0
        unsafe pcap_set_snaplen(pointer, Int32(clamping: max(options.snapshotLength, 1) + margin))
        unsafe pcap_set_promisc(pointer, options.promiscuous && options.interface != "any" ? 1 : 0)
        // Frames come as soon as they arrive: no timeout holds them back.
        unsafe pcap_set_immediate_mode(pointer, 1)
        unsafe pcap_set_tstamp_precision(pointer, PCAP_TSTAMP_PRECISION_NANO)
        if let bufferKiB {
            let (bytes, overflow) = max(bufferKiB, 1).multipliedReportingOverflow(by: 1024)
            unsafe pcap_set_buffer_size(pointer, overflow ? .max : Int32(clamping: bytes))
        }
        return handle
    }

    private static func choose(_ wanted: LinkType?, _ handle: borrowing CaptureHandle) throws(CaptureError) {
        let available = handle.linkTypes
        if let wanted {
            // The handle is active; a number that it does not know is refused.
            guard unsafe pcap_set_datalink(handle.pointer, wanted.dlt) == 0 else {
                throw .unsupportedLinkType(
                    device: handle.device, requested: wanted.name, available: available.map(\.name))
            }
        } else if available.first == .linuxSLL {
            // Version 2 tells the interface as well; an old libpcap refuses, and version 1 stays.
            _ = unsafe pcap_set_datalink(handle.pointer, LinkType.linuxSLL2.dlt)
        }
    }

    private func gone(_ delivered: Int) -> CaptureError {
        .deviceGone(device: device, message: handle.message, delivered: delivered)
    }
}

/// Tells the packet socket that only what is received counts; false if it is none, or the kernel is older than 4.20.
private func leaveOutgoingOut(_ socket: Int32) -> Bool {
    guard socket >= 0 else { return false }
    var one: Int32 = 1
    // SOL_PACKET and PACKET_IGNORE_OUTGOING, part of Linux's ABI; the value is the four octets of `one`.
    return unsafe setsockopt(socket, 263, 23, &one, 4) == 0
}
