// One compiled pcap-filter(7) expression, for one link type.

import CPcap
public import TCPModel

/// A filter program, which decides whether a frame matches. Owns libpcap's memory for it.
@safe public struct PacketFilter: ~Copyable {
    /// The expression.
    public let text: String
    /// The link type that it was compiled for.
    public let linkType: LinkType
    private var program: bpf_program

    /// Compiles `text` for frames of this link type. An empty text matches everything.
    ///
    /// Throws `badFilter` if libpcap cannot compile it.
    public init(
        _ text: String, linkType: LinkType, snapshotLength: Int = Int(CaptureInterface.wholeFrame)
    ) throws(CaptureError) {
        let handle = try CaptureHandle(linkType: linkType, snapshotLength: Int32(clamping: max(snapshotLength, 1)))
        try self.init(text, on: handle)
    }

    init(_ text: String, on handle: borrowing CaptureHandle) throws(CaptureError) {
        // The handle is open.
        let linkType = LinkType(dlt: unsafe pcap_datalink(handle.pointer))
        guard !text.utf8.contains(0) else {
            throw .badFilter(FilterFault(text: text, message: "can't parse filter expression: it has a NUL character"))
        }
        var program = unsafe bpf_program()
        // text is NUL-terminated for the call; program is filled only on success.
        guard unsafe pcap_compile(handle.pointer, &program, text, 1, Self.netmask(handle.device)) == 0 else {
            let message = handle.message
            let finder = FilterFaultFinder(text: text, message: message, linkType: linkType)
            throw .badFilter(FilterFault(text: text, message: message, range: finder.range()))
        }
        self.text = text
        self.linkType = linkType
        unsafe self.program = program
    }

    deinit {
        // pcap_compile filled program, and this is its only owner.
        var freed = unsafe program
        unsafe pcap_freecode(&freed)
    }

    /// Whether a frame matches. Never reads beyond `bytes`.
    public func matches(_ header: FrameHeader, _ bytes: RawSpan) -> Bool {
        // The program came from pcap_compile, which only makes valid ones.
        unsafe runFilter(program.bf_insns, header, bytes)
    }

    /// The program in the format of tcpdump -d, one instruction per line.
    public var listing: String {
        // bf_insns has bf_len instructions; bpf_image returns a static NUL-terminated buffer, copied at once.
        unsafe (0..<Int(program.bf_len)).map { index in
            unsafe String(cString: bpf_image(program.bf_insns + index, Int32(index))) + "\n"
        }.joined()
    }

    /// Transfers ownership of the program to the caller, who frees it with `pcap_freecode`.
    consuming func release() -> bpf_program {
        let released = unsafe program
        // An empty program, which deinit can free without effect.
        unsafe program = bpf_program()
        return unsafe released
    }

    /// Installs the program on an active capture.
    func install(on handle: borrowing CaptureHandle) throws(CaptureError) {
        // pcap_setfilter copies the program.
        var copy = unsafe program
        guard unsafe pcap_setfilter(handle.pointer, &copy) == 0 else {
            throw .other(device: handle.device, message: handle.message)
        }
    }

    /// The interface's netmask, which only filters with `broadcast` need.
    private static func netmask(_ device: String) -> UInt32 {
        let unknown: UInt32 = 0xffff_ffff
        guard !device.isEmpty, device != "any" else { return unknown }
        var network: UInt32 = 0
        var mask: UInt32 = 0
        let (status, _) = unsafe withErrorBuffer { unsafe pcap_lookupnet(device, &network, &mask, $0) }
        return status == 0 ? mask : unknown
    }
}

/// Runs a filter program over a frame.
@inline(__always)
func runFilter(_ program: UnsafeMutablePointer<bpf_insn>?, _ header: FrameHeader, _ bytes: RawSpan) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
        // bpf_filter checks each load against the number of bytes, which is the span's, whatever the header says. An
        // empty span may have no address: then no filter matches.
        let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard let start = unsafe start else { return false }
        return unsafe bpf_filter(program, start, header.originalLength, UInt32(truncatingIfNeeded: buffer.count)) != 0
    }
}
