// Messages for failed captures and filters: tcpdump's own wording first, then the remedy.

import TCPModel

extension FilterFault: CustomStringConvertible {
    /// How many octets to show on either side of the offending word in a long filter.
    private static let surroundings = 100

    /// libpcap's message, the filter (only the part around the fault if it is long), and a line of carets under the
    /// offending word.
    public var description: String {
        let bytes = Array(text.utf8)
        func shown(_ range: Range<Int>) -> String { printable(String(decoding: bytes[range], as: UTF8.self)) }
        let meant = message.contains("syntax error") ? hint.map { "; did you mean \(printable($0))?" } ?? "" : ""
        let known = range.flatMap { $0.lowerBound >= 0 && $0.upperBound <= bytes.count ? $0 : nil }
        // Moves back to the start of a character.
        func start(at offset: Int) -> Int { bytes[..<offset].lastIndex { $0 & 0xc0 != 0x80 } ?? 0 }
        var part = 0..<bytes.count
        if bytes.count > 4 * Self.surroundings {
            let lower = max(0, (known?.lowerBound ?? 0) - Self.surroundings)
            let upper = min(bytes.count, lower + 2 * Self.surroundings)
            part = (lower == 0 ? 0 : start(at: lower))..<(upper == bytes.count ? upper : start(at: upper))
        }
        let dots = part.lowerBound > 0 ? "..." : ""
        let whole = message + meant + "\n  " + dots + shown(part) + (part.upperBound < bytes.count ? "..." : "")
        guard let known else { return whole }
        let before = dots.count + shown(part.lowerBound..<known.lowerBound).unicodeScalars.count
        let under = shown(known.clamped(to: part)).unicodeScalars.count
        let marks = "^" + String(repeating: "~", count: max(under - 1, 0))
        let hint = known.isEmpty ? " something is missing here" : ""
        return whole + "\n  " + String(repeating: " ", count: before + (known.isEmpty ? 1 : 0)) + marks + hint
    }
}

extension CaptureError: CustomStringConvertible {
    /// What went wrong, without the remedy.
    public var description: String {
        switch self {
        case .noSuchDevice(let device, _): "\(printable(device)): No such device exists"
        case .permissionDenied(let device, let message):
            "\(printable(device)): You don't have permission to perform this capture on that device"
                + (message.isEmpty ? "" : "\n(\(printable(message)))")
        case .interfaceDown(let device): "\(printable(device)): That device is not up"
        case .deviceGone(let device, let message, _): "\(printable(device)): \(printable(message))"
        case .badFilter(let fault): fault.description
        case .unsupportedLinkType(let device, let requested, _):
            "\(printable(requested)) is not one of the link types supported by \(printable(device))"
        case .other(let device, let message):
            device.isEmpty ? printable(message) : "\(printable(device)): \(printable(message))"
        }
    }

    /// The capabilities that a live trace can use, in the notation of setcap(8): for frames, promiscuous mode, other
    /// users' processes, and kernel events (the last two, for perf and for BPF programs).
    private static let fileCapabilities =
        "cap_net_raw,cap_net_admin,cap_sys_ptrace,cap_dac_read_search,cap_perfmon,cap_bpf=ep"

    /// What went wrong and what to do about it.
    ///
    /// - Parameters:
    ///   - command: the command line as it was typed, each word quoted for a shell, to be repeated after `sudo`.
    ///   - executable: the path of the program's file, for setcap.
    public func explanation(command: String, executable: String) -> String {
        let remedy: String
        switch self {
        case .noSuchDevice(let device, let available):
            let owner = (try? CaptureDevice.all())?.first { $0.addresses.contains { "\($0)" == device } }
            remedy =
                (owner.map { "It is an address of the interface \(printable($0.name)): -i \(shellWord($0.name))\n" }
                    ?? "")
                + (available.isEmpty
                    ? "No interface can be captured on: does this run lack privileges?"
                    : "There are: " + available.map(printable).joined(separator: ", "))
        case .permissionDenied:
            remedy = """
                Do one of:
                  sudo \(harmless(command))
                  sudo setcap \(Self.fileCapabilities) \(shellWord(executable))
                Reading a file needs no privileges:  tcptrace -r FILE
                """
        case .interfaceDown(let device):
            remedy = "Bring it up:  sudo ip link set dev \(shellWord(device)) up"
        case .unsupportedLinkType(_, _, let available):
            remedy = "There are: " + available.joined(separator: ", ")
        case .deviceGone, .badFilter, .other: return description
        }
        return description + "\n" + remedy
    }
}
