// The excerpt of a frame shown below its row: its link header, and the octets of its text.
//
// These octets are untrusted. Each line of text begins with a mark of our own, so that none can be taken for a row, and
// only printable ASCII is written.

import TCPModel
import TCPTimeline

extension TimelineWriter {
    /// The columns of an excerpt.
    struct ExcerptColumns {
        /// The number of octets in a line of hexadecimal if there is room, as in tcpdump.
        static let octets = 16

        /// The number of columns before the excerpt.
        var margin: Int
        /// The number of columns from there to the page's edge.
        var room: Int
        /// The number of octets in a line of hexadecimal.
        var octets = Self.octets
        /// The number of hexadecimal digits of an offset.
        let digits: Int

        /// The columns on a page with `edge` columns, for `count` octets of text. The margin gives way to hexadecimal.
        init(edge: Int, margin wanted: Int, count: Int, _ style: OctetStyle) {
            var digits = 4
            while count > 1 << (4 * digits) { digits += 1 }
            self.digits = digits
            (margin, room) = (wanted, 0)
            while octets > 2 && dumpWidth(style) > edge - 2 { octets /= 2 }
            let isHex = style == .hex || style == .hexAndASCII
            if isHex { margin = max(2, min(wanted, edge - dumpWidth(style))) }
            room = max(4, edge - margin)
        }

        /// The width of a line of hexadecimal: `0x0000:`, a space, groups of two octets with a space before each, and
        /// the same octets as text after two more spaces.
        func dumpWidth(_ style: OctetStyle) -> Int {
            4 + digits + octets / 2 * 5 + (style == .hexAndASCII ? 2 + octets : 0)
        }
    }

    /// Writes the excerpt of a row's frame.
    func write(_ excerpt: FrameExcerpt, of sender: Side, prefix: UInt64?, _ out: inout OutputBuffer) {
        let columns = excerptColumns(excerpt, prefix)
        if let link = excerpt.link {
            let words = text { $0.append(link, device: excerpt.device, length: excerpt.frameLength) }
            writeRemark(words, columns, prefix, &out)
        }
        switch style.detail.octets {
        case .hidden: return
        case .ascii: writeLines(of: excerpt.text, from: sender, columns, prefix, &out)
        case .hex: writeDump(of: excerpt.text, hasASCII: false, columns, prefix, &out)
        case .hexAndASCII: writeDump(of: excerpt.text, hasASCII: true, columns, prefix, &out)
        }
        if excerpt.missing > 0 { writeRemark(text { $0.append(lackOf: excerpt) }, columns, prefix, &out) }
    }

    private func excerptColumns(_ excerpt: FrameExcerpt, _ prefix: UInt64?) -> ExcerptColumns {
        ExcerptColumns(
            edge: layout.excerptEdge - prefixWidth(prefix), margin: layout.excerptMargin, count: excerpt.text.count,
            style.detail.octets)
    }

    /// The width of a connection's number, which does not count towards the other columns.
    private func prefixWidth(_ prefix: UInt64?) -> Int {
        prefix.map { prefix in text { $0.append(number: prefix) }.count + 1 } ?? 0
    }

    private func writeLine(_ prefix: UInt64?, _ out: inout OutputBuffer, _ body: (inout Line) -> Void) {
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        body(&line)
        line.end(to: &out)
    }

    /// Writes our own words, dimmed.
    private func writeRemark(
        _ words: ArraySlice<UInt8>, _ columns: ExcerptColumns, _ prefix: UInt64?, _ out: inout OutputBuffer
    ) {
        for piece in Self.wrap(words, columns.room) {
            writeLine(prefix, &out) {
                $0.pad(to: columns.margin)
                if style.color { $0.ink(Ink.dim) }
                $0.put(piece)
                if style.color { $0.ink(Ink.off) }
            }
        }
    }

    // MARK: -A

    /// Writes the lines of the text, marked with its direction; `:` marks the continuation of the line above.
    private func writeLines(
        of octets: [UInt8], from sender: Side, _ columns: ExcerptColumns, _ prefix: UInt64?, _ out: inout OutputBuffer
    ) {
        var start = 0
        while start < octets.count {
            let feed = octets[start...].firstIndex(of: 0x0a) ?? octets.count
            // As in tcpdump, a carriage return before a line feed is part of the line end.
            let hasReturn = feed < octets.count && feed > start && octets[feed - 1] == 0x0d
            let end = hasReturn ? feed - 1 : feed
            var mark: StaticString = sender == .originator ? ">" : "<"
            repeat {
                let next = min(end, start + columns.room)
                writeLine(prefix, &out) { line in
                    line.pad(to: columns.margin - 2)
                    line.put(mark, columns: 1)
                    if next > start { line.put(" ", columns: 1) }
                    for index in start..<next { line.put(octet: octets[index]) }
                }
                start = next
                mark = ":"
            } while start < end
            start = feed + 1
        }
    }

    // MARK: -x, -X

    private func writeDump(
        of octets: [UInt8], hasASCII: Bool, _ columns: ExcerptColumns, _ prefix: UInt64?, _ out: inout OutputBuffer
    ) {
        for start in stride(from: 0, to: octets.count, by: columns.octets) {
            let end = min(octets.count, start + columns.octets)
            writeLine(prefix, &out) { line in
                line.pad(to: columns.margin)
                line.put {
                    $0.append("0x")
                    $0.append(hex: UInt32(start), digits: columns.digits)
                    $0.append(": ")
                }
                for index in start..<end {
                    if (index - start) % 2 == 0 { line.put(" ", columns: 1) }
                    line.put { $0.append(hex: UInt32(octets[index]), digits: 2) }
                }
                guard hasASCII else { return }
                line.pad(to: columns.margin + columns.digits + 4 + columns.octets / 2 * 5 + 2)
                for index in start..<end { line.put(octet: octets[index]) }
            }
        }
    }
}

extension TimelineWriter.Line {
    /// Puts an octet if it is printable ASCII, otherwise a dot.
    fileprivate mutating func put(octet: UInt8) { put { $0.append(byte: 0x20...0x7e ~= octet ? octet : 0x2e) } }
}

extension OutputBuffer {
    /// Appends the missing part, as in `[1400 of 1448 octets not captured]`.
    fileprivate mutating func append(lackOf excerpt: FrameExcerpt) {
        append("[")
        append(number: excerpt.missing)
        append(" of ")
        append(number: UInt64(excerpt.missing) + UInt64(excerpt.text.count))
        append(" octets ")
        switch excerpt.lack {
        case .notCaptured: append("not captured")
        case .notInFrame: append("not in the frame")
        case .fragments: append("not in the fragments")
        case .noRoom: append("left out: too much else waits to be shown")
        }
        append("]")
    }

    // MARK: -e

    /// Appends a link header, as in `02:42:ac:11:00:02 > 02:42:ac:11:00:03, vlan 100, ethertype IPv4, length 1514`.
    fileprivate mutating func append(_ link: LinkHeader, device: String?, length: UInt32) {
        switch link {
        case .none: append("no link header")
        case .loopback(let family):
            append("loopback, no addresses, family ")
            append(number: family)
        case .ethernet(let source, let destination, let tags):
            append(source)
            append(" > ")
            append(destination)
            append(tags)
        case .cooked(let type, let sender, let interface, let tags):
            append(packetType: type)
            if sender.count > 0 {
                append(", from ")
                append(sender)
            } else {
                append(", no address")
            }
            if let interface {
                append(", ifindex ")
                append(number: interface)
                if let device {
                    append(" (")
                    appendPrintable(device)
                    append(")")
                }
            }
            append(tags)
        case .other(let type):
            append("link header of ")
            append(nameOf: type)
            append(" not shown")
        case .cut: append("link header not captured")
        }
        append(", length ")
        append(number: length)
    }

    private mutating func append(_ address: HardwareAddress) {
        for index in 0..<Int(address.count) {
            if index > 0 { append(":") }
            append(hex: UInt32(address.octets >> UInt64(8 * (Int(address.count) - 1 - index)) & 0xff), digits: 2)
        }
        if address.isCut { append("...") }
    }

    private mutating func append(_ tags: LinkTags) {
        for index in 0..<tags.count {
            append(", vlan ")
            append(number: tags.vlan(index))
            if tags.priority(index) > 0 {
                append(" p ")
                append(number: tags.priority(index))
            }
        }
        guard tags.etherType >= 0x0600 else { return append(", 802.3") }
        append(", ethertype ")
        switch tags.etherType {
        case 0x0800: append("IPv4")
        case 0x86dd: append("IPv6")
        case 0x8847, 0x8848: append("MPLS")
        case 0x8864: append("PPPoE")
        default:
            append("0x")
            append(hex: UInt32(tags.etherType), digits: 4)
        }
    }

    /// Appends Linux's packet type (packet(7)), in tcpdump's words where it has some.
    private mutating func append(packetType: UInt16) {
        switch packetType {
        case 0: append("In")
        case 1: append("Broadcast")
        case 2: append("Multicast")
        case 3: append("To another host")
        case 4: append("Out")
        default:
            append("Packet type ")
            append(number: packetType)
        }
    }

    private mutating func append(nameOf type: LinkType) {
        switch type {
        case .ppp, .pppSerial, .pppEther: append("PPP")
        case .ciscoHDLC: append("Cisco HDLC")
        case .fddi: append("FDDI")
        case .arcnetBSD, .arcnetLinux: append("ARCNET")
        case .wireless, .prism, .radiotap, .avs: append("802.11")
        case .juniperEthernet, .juniperPPP, .juniperCiscoHDLC: append("Juniper")
        default:
            append("type ")
            append(number: type.rawValue)
        }
    }
}
