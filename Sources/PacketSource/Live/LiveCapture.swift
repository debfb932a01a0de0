// Captures from a network interface through libpcap, without ever blocking.

import CPcap
import Glibc
public import TCPModel

/// A running capture on one interface.
///
/// Wait on `fileDescriptor`, then call `dispatch`, or `nextTime` and `deliver`. Frames that arrive between opening the
/// capture and `setFilter` are never delivered: libpcap discards them.
@safe public struct LiveCapture: ~Copyable {
    /// Which frames of an interface to capture.
    public enum Direction: Sendable {
        /// Frames received.
        case incoming
        /// Frames sent.
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
        /// Size of the kernel's ring in KiB; nil for libpcap's default (2 MiB).
        public var bufferKiB: Int?
        /// Whether to capture frames that are not for this host (promiscuous mode).
        public var promiscuous: Bool
        /// Which frames to capture.
        public var direction: Direction
        /// The link type to request; nil for the interface's own (LINUX_SLL2 for `any`).
        public var linkType: LinkType?

        /// Options with this tool's defaults.
        public init(
            interface: String, snapshotLength: Int = Int(CaptureInterface.wholeFrame), bufferKiB: Int? = nil,
            promiscuous: Bool = true,
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

    /// The interface's name as requested.
    public let device: String
    /// The link type of its frames.
    public let linkType: LinkType
    /// Octets of each frame that are kept.
    public let snapshotLength: Int
    /// Becomes readable when there are frames; -1 if the device has none. The capture keeps ownership.
    public let fileDescriptor: Int32
    /// The ring size in KiB that was requested and granted; nil if libpcap chose it.
    public let bufferKiB: Int?
    /// Whether timestamps have nanosecond resolution; otherwise microseconds.
    public let hasNanoseconds: Bool
    /// Whether the kernel leaves outgoing frames out of a capture on loopback, where every frame goes out and comes in
    /// again. libpcap never delivers the outgoing copy, but unless the kernel leaves it out, it takes up room in the
    /// ring and is counted.
    public let leavesOutgoingOut: Bool
    /// libpcap's warning from opening the capture, if any.
    public let warning: String?
    /// The interface number to put into frame headers.
    public var interface: UInt16 = 0

    private let handle: CaptureHandle
    private let unit: Int64
    private var counters = CaptureCounters()
    /// The frame that `nextTime` found: its header, and its octets, which libpcap owns until the next call on the
    /// handle.
    private var waiting: FrameHeader?
    private var waitingOctets: UnsafePointer<UInt8>?

    /// Opens a capture. Throws if there is no such interface, it is down, capturing on it is not permitted, or it does
    /// not support the options.
    public init(_ options: Options) throws(CaptureError) {
        let device = options.interface
        var size = options.bufferKiB
        let opened = try Self.opened(options, bufferKiB: &size)
        try Self.choose(options.linkType, opened.handle)
        // From here on the handle is open and active.
        let pointer = unsafe opened.handle.pointer
        if options.direction != .both {
            let direction = options.direction == .incoming ? PCAP_D_IN : PCAP_D_OUT
            guard unsafe pcap_setdirection(pointer, direction) == 0 else {
                throw .other(device: device, message: opened.handle.message)
            }
        }
        let (status, message) = unsafe withErrorBuffer { unsafe pcap_setnonblock(pointer, 1, $0) }
        guard status == 0 else { throw .other(device: device, message: message) }
        // libpcap also recognizes loopback by this name.
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

    /// Delivers only frames that match a pcap-filter(7) expression from now on. Throws `badFilter` if it is invalid.
    public func setFilter(_ text: String) throws(CaptureError) {
        let filter = try PacketFilter(text, on: handle)
        try filter.install(on: handle)
    }

    /// Delivers at most `limit` of the frames that have arrived, without blocking.
    ///
    /// - Returns: how many frames were delivered; fewer than `limit` means that no more are available at the moment.
    /// - Throws: `deviceGone` if the interface went away or down; it says how many frames were delivered before.
    public mutating func dispatch(
        limit: Int, _ body: (FrameHeader, RawSpan) -> Void
    ) throws(CaptureError) -> Int {
        var delivered = 0
        // The frame that `nextTime` found comes first: the next libpcap call invalidates its octets.
        if waiting != nil, limit > 0 {
            deliver(body)
            delivered = 1
        }
        while delivered < limit {
            var header: UnsafeMutablePointer<pcap_pkthdr>?
            var data: UnsafePointer<UInt8>?
            // The handle is active; the returned header and data are valid until the next call on it.
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

    /// The time of the next frame, which `deliver` then delivers; nil if none is available at the moment. Never blocks.
    /// To merge several captures by time, use these two in place of `dispatch`.
    ///
    /// - Throws: `deviceGone`, like `dispatch`.
    public mutating func nextTime() throws(CaptureError) -> Timestamp? {
        if let waiting { return waiting.time }
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        // The handle is active; the returned header and data are valid until the next call on it, which is made only
        // here and only after `deliver` has used them.
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

    /// Delivers the frame that `nextTime` found.
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

    /// The kernel's counters so far, extended beyond their 32 bits. If the kernel does not answer, the last known
    /// values.
    public mutating func statistics() -> CaptureStatistics {
        var raw = pcap_stat()
        // The handle is active, and `raw` is a whole struct pcap_stat.
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

    /// Opens and activates a handle, trying ever smaller rings if memory is short. `size` becomes the size granted.
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
            // libpcap itself shrinks a ring down to one block; if that failed too, a block is too large, or there is no
            // memory.
            guard case .other(_, let message) = failure, message.contains("Cannot allocate memory"),
                let current = size, current > 256
            else { throw failure }
            size = current / 2
        }
    }

    private static func configured(_ options: Options, bufferKiB: Int?) throws(CaptureError) -> CaptureHandle {
        let handle = try CaptureHandle(options.interface)
        // The handle is not active yet, so these calls can fail only for a value out of range.
        let pointer = unsafe handle.pointer
        // In immediate mode the ring rounds frame lengths down by a few bytes: ask for more, and cut them on delivery.
        let margin = options.snapshotLength < CaptureInterface.wholeFrame ? 16 : 0
        unsafe pcap_set_snaplen(pointer, Int32(clamping: max(options.snapshotLength, 1) + margin))
        unsafe pcap_set_promisc(pointer, options.promiscuous && options.interface != "any" ? 1 : 0)
        // Frames are delivered as soon as they arrive, not held back by a timeout.
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
            // The handle is active; an unknown number is refused.
            guard unsafe pcap_set_datalink(handle.pointer, wanted.dlt) == 0 else {
                throw .unsupportedLinkType(
                    device: handle.device, requested: wanted.name, available: available.map(\.name))
            }
        } else if available.first == .linuxSLL {
            // Version 2 also records the interface; an old libpcap refuses it, and version 1 stays in use.
            _ = unsafe pcap_set_datalink(handle.pointer, LinkType.linuxSLL2.dlt)
        }
    }

    private func gone(_ delivered: Int) -> CaptureError {
        .deviceGone(device: device, message: handle.message, delivered: delivered)
    }
}

/// Makes the packet socket ignore outgoing frames. Returns false if the descriptor is no packet socket, or the kernel
/// is older than 4.20.
private func leaveOutgoingOut(_ socket: Int32) -> Bool {
    guard socket >= 0 else { return false }
    var one: Int32 = 1
    // SOL_PACKET and PACKET_IGNORE_OUTGOING, part of Linux's ABI; the value is the four octets of `one`.
    return unsafe setsockopt(socket, 263, 23, &one, 4) == 0
}
