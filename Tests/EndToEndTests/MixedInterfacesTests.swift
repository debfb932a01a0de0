// pcapng files with several interfaces: their names everywhere, filters that a link type does not support, and lost
// frames.

import CaptureBuilding
import Foundation
import Testing

@Suite struct MixedInterfacesTests {
    /// Two interfaces at the beginning and one later, with a connection on each.
    private static var three: Blocks {
        var file = Blocks()
        file.interface("inner0")
        file.interface("outer0")
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7))
        file.frame(HandMade.frame(40002, 9500, 2, seq: 7), on: 1)
        file.interface("late0")
        file.frame(HandMade.frame(40003, 9500, 2, seq: 7), on: 2)
        return file
    }

    @Test func everyConnectionHasTheNameOfItsInterface() throws {
        let scratch = try Scratch()
        let path = try scratch.write(Self.three.bytes, as: "a.pcapng")
        let text = try tcptrace("-r", path).text
        #expect(text.contains("40001 > 127.0.0.1:9500   inner0"))
        #expect(text.contains("40002 > 127.0.0.1:9500   outer0"))
        #expect(text.contains("40003 > 127.0.0.1:9500   late0"), "\(text)")
        #expect(try tcptrace("-T", "html", "-r", path).text.contains("<p class=\"source\">late0, "))
        #expect(
            try records(tcptrace("-T", "json", "-r", path), "capture").first?["interface"] as? String == "inner0,outer0"
        )
    }

    /// Each file numbers its interfaces from 0, and equal numbers do not mean the same interface.
    @Test func interfacesOfSeveralFilesAreToldApart() throws {
        let scratch = try Scratch()
        var paths: [String] = []
        for (port, name) in [(UInt16(40001), "wan0"), (40002, "lan1"), (40003, "wan0")] {
            var file = Blocks()
            file.interface(name)
            file.frame(HandMade.frame(port, 9500, 2, seq: 7))
            paths += ["-r", try scratch.write(file.bytes, as: "\(port).pcapng")]
        }
        let copy = scratch.file("copy.pcapng")
        for (arguments, workers) in [(paths, "1"), (paths, "3"), (paths + ["-w", copy], "1"), (["-r", copy], "1")] {
            let text = try Program(Program.tcptrace, arguments + ["--workers", workers]).end().text
            for (port, name) in [(40001, "wan0"), (40002, "lan1"), (40003, "wan0")] {
                #expect(text.contains("\(port) > 127.0.0.1:9500   \(name)"), "\(text)")
            }
        }
    }

    /// A file may have as many interfaces as can be numbered, even one per frame.
    @Test(arguments: [[], ["-T", "html"], ["-q"]]) func veryManyInterfaces(_ form: [String]) throws {
        let scratch = try Scratch()
        var file = Blocks()
        for number in UInt32(0)..<20_000 {
            file.interface("i\(number)")
            if number % 100 == 0 {
                file.frame(HandMade.frame(UInt16(20_000 + number / 100), 9500, 2, seq: 7), on: number)
            }
        }
        let path = try scratch.write(file.bytes, as: "a.pcapng")
        let outcome = try Program(Program.tcptrace, ["-r", path] + form).end()
        #expect(outcome.code == 0 && outcome.errors.contains("200 connections traced"), "\(outcome.errors)")
        if form != ["-q"] { #expect(outcome.text.contains("i19900")) }
    }

    @Test func aCopySaysWhatWasLost() throws {
        let scratch = try Scratch()
        var file = Blocks()
        file.interface("eth0")
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7), lost: 7)
        let path = try scratch.write(file.bytes, as: "a.pcapng")
        let copy = scratch.file("b.pcapng")
        #expect(try tcptrace("-q", "-r", path, "-w", copy).errors.contains("7 packets were dropped"))
        #expect(try tcptrace("-q", "-r", copy).errors.contains("7 packets were dropped"))
    }

    /// Wireshark on Windows writes USB interfaces first.
    @Test func aFilterThatTheFirstLinkTypeCannotHave() throws {
        let scratch = try Scratch()
        var file = Blocks()
        file.interface("usb0", linkType: 249)
        file.interface("eth0")
        file.frame([UInt8](repeating: 0, count: 40))
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7), on: 1)
        let path = try scratch.write(file.bytes, as: "a.pcapng")
        let outcome = try tcptrace("-q", "-r", path, "port", "9500")
        #expect(outcome.code == 0 && outcome.text.contains("40001"), "\(outcome.errors)")
        #expect(outcome.errors.contains("1 frame of link-type USBPCAP left out"), "\(outcome.errors)")
        #expect(try tcptrace("-q", "-r", path, "prot", "9500").code == 1, "a wrong one is wrong for all")
    }

    @Test func aNameIsToldOnceAndNoneNot() throws {
        let scratch = try Scratch()
        var file = Blocks()
        for name in ["", "eth0", "eth0", "", "wlan0"] { file.interface(name) }
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7))
        let path = try scratch.write(file.bytes, as: "a.pcapng")
        let capture = try records(tcptrace("-T", "json", "-r", path), "capture").first
        #expect(capture?["interface"] as? String == "eth0,wlan0")
    }

    @Test func aCopyKeepsTheNamesOfAllInterfaces() throws {
        let scratch = try Scratch()
        let path = try scratch.write(Self.three.bytes, as: "a.pcapng")
        let copy = scratch.file("b.pcapng")
        #expect(try tcptrace("-q", "-r", path, "-w", copy).code == 0)
        let bytes = FileManager.default.contents(atPath: copy) ?? Data()
        for name in ["inner0", "outer0", "late0"] { #expect(bytes.range(of: Data(name.utf8)) != nil, "\(name)") }
    }

    /// The header of a classic file states one length, and other readers cut frames at it.
    @Test func aClassicCopyHasTheLengthOfTheLongestFrames() throws {
        let scratch = try Scratch()
        var file = Blocks()
        file.interface("eth0", snapshotLength: 64)
        file.interface("eth1", snapshotLength: 512)
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7))
        file.frame(HandMade.frame(40002, 9500, 16, seq: 7, payload: [UInt8](repeating: 65, count: 300)), on: 1)
        let path = try scratch.write(file.bytes, as: "a.pcapng")
        let copy = scratch.file("b.pcap")
        #expect(try tcptrace("-q", "-r", path, "-w", copy).code == 0)
        let bytes = FileManager.default.contents(atPath: copy) ?? Data()
        #expect(Array(bytes[16..<20]) == little(512 as UInt32))
    }

    @Test(arguments: ["-q", "--count"]) func whatAFilterCannotBeAskedAboutIsTold(_ form: String) throws {
        let scratch = try Scratch()
        var file = Blocks()
        file.interface("eth0")
        file.interface("tun0", linkType: 101)
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7))
        for port in [40002, 40003] as [UInt16] {
            file.frame(Array(HandMade.frame(port, 9500, 2, seq: 7).dropFirst(14)), on: 1)
        }
        let path = try scratch.write(file.bytes, as: "a.pcapng")
        let outcome = try tcptrace(form, "-r", path, "ether host 0:0:0:0:0:0 or port 9500")
        #expect(outcome.code == 0)
        #expect(
            outcome.errors.contains(
                "2 frames of link-type RAW left out: the filter cannot be compiled for it (ethernet"),
            "\(outcome.errors)")
        #expect(outcome.errors.contains("1 packet"), "\(outcome.errors)")
        #expect(try !tcptrace(form, "-r", path, "port 9500").errors.contains("left out"))
    }

    /// These formats have no place for the loss, so it is reported on standard error.
    @Test(arguments: [["-q"], ["--count"], ["-T", "csv"], ["-T", "zeek"]])
    func whatTheCaptureLacksIsTold(_ form: [String]) throws {
        let scratch = try Scratch()
        var file = Blocks()
        file.interface("eth0")
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7))
        file.frame(HandMade.frame(40001, 9500, 2, seq: 7), lost: 5)
        let path = try scratch.write(file.bytes, as: "a.pcapng")
        let outcome = try Program(Program.tcptrace, ["-r", path] + form).end()
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("5 packets were dropped during the capture"), "\(outcome.errors)")
    }
}
