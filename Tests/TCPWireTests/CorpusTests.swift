// Captures of other projects, if they are present: none makes the decoder trap, and tshark reads the same segments.

import CaptureBuilding
import Foundation
import TCPModel
import TCPWire
import Testing

/// Whether a segment equals tshark's line for it. Where tshark leaves the payload length empty, it is not compared.
func agree(_ segment: Segment, _ expected: [String]) -> Bool {
    let fields = [
        "\(segment.tuple.source.address)", "\(segment.tuple.source.port)",
        "\(segment.tuple.destination.address)", "\(segment.tuple.destination.port)",
        "\(segment.sequence.rawValue)", "\(segment.acknowledgment.rawValue)",
        "\(segment.flags.rawValue)", "\(segment.window)", "\(segment.payloadLength)",
    ]
    guard expected.count == fields.count else { return false }
    // tshark counts the three reserved bits as flags. It computes another length for a frame shorter than its IP
    // length.
    let flags = UInt16(expected[6].dropFirst(2), radix: 16).map { "\($0 & 0x1ff)" }
    let lengthIsOpen = expected[8].isEmpty || segment.remarks.contains(.lengthBeyondFrame)
    return fields[..<6] == expected[..<6] && fields[6] == flags && fields[7] == expected[7]
        && (lengthIsOpen || fields[8] == expected[8])
}

@Suite("Corpus", .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS to a directory of them"))
struct CorpusTests {
    /// Captures of every decodable link type, some with IPv6, VLAN tags, options, fragments or short snapshots.
    static let oracleFiles: [String] = [
        "gopacket/pcap/test_loopback.pcap",
        "suricata-verify/http-async/input.pcap",
        "pcapplusplus/Pcap++Test/PcapExamples/four_ipv6_http_streams.pcap",
        "pcapplusplus/Pcap++Test/PcapExamples/raw_ip.pcap",
        "ndpi/default/pcap/ocs.pcap",
        "pcapplusplus/Pcap++Test/PcapExamples/sll.pcap",
        "suricata-verify/tcp-fastopen-05/tfo.pcap",
        "tcpdump/mptcp-aa-echo.pcap",
        "zeek/http/261/variant-02-cl_uint64max.pcap",
        "pcapplusplus/Pcap++Test/PcapExamples/linktype_ipv6.pcap",
        "pcapplusplus/Pcap++Test/PcapExamples/sll2.pcap",
        "zeek/tls/openjdk-25.0.2-zeek.org.pcap",
        "ndpi/default/pcap/smtp-starttls.pcap",
        "ndpi/default/pcap/smb_frags.pcap",
        "ndpi/default/pcap/ja3_lots_of_cipher_suites.pcap",
        "ndpi/default/pcap/dns_fragmented.pcap",
        "pcapplusplus/ExamplesTest/expected_output/ipfragutil_bpf_filter.pcap",
        "zeek/ipv4/fragmented-4.pcap",
        "tcpdump/bigtcp-ipv4.pcap",
        "tcpdump/mptcp-v0.pcap",
        "tcpdump/kday4.pcap",
        "tcpdump/babel_update_oobr.pcap",
        "zeek/tcp/window-scale-range.pcap",
        "zeek/tcp/rst-inject-rae.pcap",
        "zeek/tcp/ssh-dups.pcap",
    ]

    @Test(
        "tshark reads the same segments", .enabled(if: TsharkOracle.isInstalled, "tshark is not installed"),
        arguments: oracleFiles)
    func oracle(name: String) throws {
        let path = (Corpus.path ?? "") + "/" + name
        guard FileManager.default.fileExists(atPath: path) else {
            print("corpus: \(name) is not there, skipped")
            return
        }
        let capture = try #require(ClassicPcap(path: path))
        let expected = try #require(TsharkOracle.segments(of: path))
        #expect(!expected.isEmpty)
        var count = 0
        var fragments = FragmentReassembly()
        for (index, frame) in capture.frames.enumerated() {
            let decoded = try? fragments.decode(
                frame.bytes, frame.header.linkType, original: Int(frame.header.originalLength), at: frame.header.time)
            let line = expected[index + 1]
            if case .segment(let segment)? = decoded {
                count += 1
                #expect(
                    line.map { agree(segment, $0) } ?? false, "frame \(index + 1): \(segment), tshark \(line ?? [])")
            } else {
                #expect(line == nil, "frame \(index + 1): \(String(describing: decoded)), tshark \(line ?? [])")
            }
        }
        #expect(count == expected.count)
    }

    @Test("every frame of every small capture decodes to something")
    func everything() throws {
        let root = try #require(Corpus.path)
        var (files, segments, others, errors) = (0, 0, 0, 0)
        for name in try #require(FileManager.default.enumerator(atPath: root)).compactMap({ $0 as? String }) {
            let path = root + "/" + name
            let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? nil
            guard let size, size < 1_000_000, let capture = ClassicPcap(path: path) else { continue }
            files += 1
            var fragments = FragmentReassembly()
            for frame in capture.frames {
                do throws(DecodeError) {
                    switch try fragments.decode(
                        frame.bytes, capture.linkType, original: Int(frame.header.originalLength),
                        at: frame.header.time)
                    {
                    case .segment: segments += 1
                    case .icmp: others += 1
                    case .aggregate: segments += 1
                    case .other: others += 1
                    case .text: Issue.record("\(name): nobody asked for a place")
                    case .fragment: Issue.record("\(name): a fragment came out of reassembly")
                    }
                } catch {
                    errors += 1
                    #expect(!error.description.isEmpty)
                }
            }
        }
        print("corpus: \(files) files, \(segments) segments, \(others) other frames, \(errors) not decodable")
        #expect(files == 0 || segments > 0)
    }
}
