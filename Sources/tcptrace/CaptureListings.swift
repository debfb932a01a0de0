// -D, -L and -d: the interfaces, their link types, and the program that a filter compiles to.

import Glibc
import PacketSource
import TCPModel
import TimelineReport
import TraceSession

/// Listings after which the program ends.
enum CaptureListings {
    /// tcpdump's -D: number, name, description and flags of each interface.
    static func interfaces() -> Int32 {
        do throws(CaptureError) {
            var lines: [String] = []
            for (index, device) in try CaptureDevice.all().enumerated() {
                var flags: [String] = []
                if device.isUp { flags.append("Up") }
                if device.isRunning { flags.append("Running") }
                if device.isLoopback { flags.append("Loopback") }
                if device.isWireless { flags.append("Wireless") }
                if flags.isEmpty { flags.append("none") }
                let description = device.description.map { " (\($0))" } ?? ""
                lines.append("\(index + 1).\(device.name)\(description) [\(flags.joined(separator: ", "))]")
            }
            return print(lines)
        } catch { return fail(error) }
    }

    /// The interfaces given with -i. As with tcpdump, a number stands for the interface that `interfaces` lists under
    /// it, unless an interface has that name. A number that is not listed is left unchanged, and is then no interface.
    static func names(of words: [String]) -> [String] {
        guard words.contains(where: { number($0) != nil }) else { return words }
        // The same list as with -D: some devices are listed only for users who may capture on them.
        BorrowedPowers.takeUp()
        let devices = (try? CaptureDevice.all()) ?? []
        BorrowedPowers.layDown()
        return words.map { word in
            guard let index = number(word), devices.indices.contains(index - 1),
                !devices.contains(where: { $0.name == word })
            else { return word }
            return devices[index - 1].name
        }
    }

    private static func number(_ word: String) -> Int? {
        word.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int(word) : nil
    }

    /// tcpdump's -L: the link types of an interface.
    static func linkTypes(of device: String) -> Int32 {
        do throws(CaptureError) {
            let types = try CaptureDevice.linkTypes(of: device)
            return print(
                ["Data link types for \(device) (use option -y to set):"] + types.map { "  \($0.name) (\($0.summary))" }
            )
        } catch { return fail(error) }
    }

    /// tcpdump's -d: the program that would run, which depends on the link type.
    static func program(of options: TraceOptions) -> Int32 {
        do throws(CaptureError) {
            let known: LinkType?
            do throws(CaptureFileError) {
                known = try linkType(of: options)
            } catch {
                StandardStreams.complain(error.description)
                return 1
            }
            if known == nil {
                StandardStreams.complain(
                    "the link type of \(printable(options.interfaces.first ?? "any")) cannot be determined without privileges:"
                        + " this is the program for Ethernet; -y names another link type")
            }
            let filter = try PacketFilter(
                options.captureFilter, linkType: known ?? .ethernet, snapshotLength: options.snapshotLength)
            return print([filter.listing])
        } catch { return fail(error) }
    }

    /// The link type of `-y`, of the first file, or of the first interface; nil if it cannot be determined.
    private static func linkType(of options: TraceOptions) throws(CaptureFileError) -> LinkType? {
        if let chosen = options.linkType { return chosen }
        if let file = options.files.first { return try CaptureFileReader(path: file).interfaces.first?.linkType }
        guard let interface = options.interfaces.first, interface != "any" else { return .linuxSLL2 }
        return try? CaptureDevice.linkTypes(of: interface).first
    }

    private static func print(_ lines: [String]) -> Int32 {
        var buffer = OutputBuffer()
        for line in lines {
            for (index, part) in line.split(separator: "\n", omittingEmptySubsequences: true).enumerated() {
                if index > 0 { buffer.newline() }
                // libpcap aligns the columns of a program with tabs.
                for (column, cell) in part.split(separator: "\t", omittingEmptySubsequences: false).enumerated() {
                    if column > 0 { buffer.append("\t") }
                    buffer.appendPrintable(String(cell))
                }
            }
            buffer.newline()
        }
        return StandardStreams.writeResults(&buffer)
    }

    private static func fail(_ error: CaptureError) -> Int32 {
        StandardStreams.complain(
            error.explanation(
                command: Terminal.commandLine, executable: Terminal.executable))
        return 1
    }
}
