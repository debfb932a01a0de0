// Handmade formats and records: layouts of other kernels, missing fields, wrong lengths.

import TCPModel
import Testing

@testable import KernelSockets

/// A `format` file with these fields (name, offset, size, signedness) and this print format.
func formatText(_ id: Int, _ fields: [(String, Int, Int, Bool)], print: String = "\"\"") -> String {
    let common = [("unsigned char common_flags", 2, 1, false), ("int common_pid", 4, 4, true)]
    return "name: x\nID: \(id)\nformat:\n"
        + (common + fields).map {
            "\tfield:\($0.0);\toffset:\($0.1);\tsize:\($0.2);\tsigned:\($0.3 ? 1 : 0);\n"
        }.joined() + "\nprint fmt: \(print)\n"
}

private let states =
    "__print_symbolic(REC->oldstate, { 1, \"TCP_ESTABLISHED\" }, { 7, \"TCP_CLOSE\" }, { 2, \"TCP_SYN_SENT\" }), "
    + "__print_symbolic(REC->newstate, { 1, \"TCP_ESTABLISHED\" }, { 7, \"TCP_CLOSE\" }, { 0x2, \"TCP_SYN_SENT\" }, "
    + "{ 12, \"TCP_NEW_SYN_RECV\" })"

private func stateFormat(shift: Int = 0, without missing: String = "") -> String {
    let fields = [
        ("const void * skaddr", 8, 8, false), ("int oldstate", 16, 4, true), ("int newstate", 20, 4, true),
        ("__u16 sport", 24, 2, false), ("__u16 dport", 26, 2, false), ("__u16 family", 28, 2, false),
        ("__u16 protocol", 30, 2, false), ("__u8 saddr[4]", 32, 4, false), ("__u8 daddr[4]", 36, 4, false),
        ("__u8 saddr_v6[16]", 40, 16, false), ("__u8 daddr_v6[16]", 56, 16, false),
    ]
    return formatText(
        77, fields.filter { !$0.0.contains(missing) || missing.isEmpty }.map { ($0.0, $0.1 + shift, $0.2, $0.3) },
        print: states)
}

/// A record of 127.0.0.1:40000 > 127.0.0.1:9500 from CLOSE to SYN_SENT, its fields `shift` octets after their offsets
/// in Linux 6.18.
private func stateRecord(shift: Int = 0, flags: UInt8 = 0, to: UInt8 = 2, protocolNumber: UInt8 = 6) -> [UInt8] {
    var bytes: [UInt8] = [77, 0, flags, 0, 9, 0, 0, 0] + [UInt8](repeating: 0xee, count: shift)
    bytes += [1, 2, 3, 4, 5, 6, 7, 8] + [7, 0, 0, 0] + [to, 0, 0, 0]
    bytes += [0x40, 0x9c, 0x1c, 0x25, 2, 0, protocolNumber, 0, 127, 0, 0, 1, 127, 0, 0, 1]
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]
    return bytes + mapped + mapped
}

extension TracepointDecoder {
    fileprivate func decode(_ record: ArraySlice<UInt8>, time: Timestamp, pid: Int32) -> SocketEvent? {
        let bytes = Array(record)
        return unsafe decode(bytes.span.bytes, time: time, pid: pid)
    }
}

@Suite struct TracepointFormatTests {
    @Test(arguments: [0, 4, 8, 100]) func offsetsComeFromTheFile(_ shift: Int) throws {
        var decoder = TracepointDecoder()
        #expect(decoder.add(.setState, format: stateFormat(shift: shift)) != nil)
        let event = try #require(
            decoder.decode(stateRecord(shift: shift)[...], time: Timestamp(nanoseconds: 5), pid: 9))
        #expect(event.kind == .transition(from: .closed, to: .synSent))
        #expect(event.local == SocketAddress(.loopbackV4, 40000) && event.remote == SocketAddress(.loopbackV4, 9500))
        #expect(event.socket == 0x0807_0605_0403_0201 && event.pid == 9 && event.time.nanoseconds == 5)
        #expect(event.isProcessContext)
    }

    @Test func softInterruptsAreNobodysDoing() {
        var decoder = TracepointDecoder()
        _ = decoder.add(.setState, format: stateFormat())
        for (flags, own) in [(0x00, true), (0x01, true), (0x10, false), (0x08, false), (0x91, false)] {
            let event = decoder.decode(
                stateRecord(flags: UInt8(flags))[...], time: Timestamp(nanoseconds: 0), pid: 9)
            #expect(event?.isProcessContext == own, "\(flags)")
        }
    }

    @Test func newSynRecvIsSynReceivedAndOtherProtocolsAreNot() {
        var decoder = TracepointDecoder()
        _ = decoder.add(.setState, format: stateFormat())
        let time = Timestamp(nanoseconds: 0)
        #expect(
            decoder.decode(stateRecord(to: 12)[...], time: time, pid: 1)?.kind
                == .transition(from: .closed, to: .synReceived))
        #expect(decoder.decode(stateRecord(protocolNumber: 132)[...], time: time, pid: 1) == nil, "SCTP")
        #expect(decoder.decode(stateRecord(to: 99)[...], time: time, pid: 1) == nil, "a state without a name")
    }

    @Test(arguments: ["skaddr", "oldstate", "newstate", "sport", "daddr[4]"])
    func aMissingFieldDisablesWhatNeedsIt(_ field: String) {
        var decoder = TracepointDecoder()
        #expect(decoder.add(.setState, format: stateFormat(without: field)) == nil)
        #expect(decoder.missing.count == 1 && decoder.missing[0].why.contains("no field"))
        #expect(decoder.decode(stateRecord()[...], time: Timestamp(nanoseconds: 0), pid: 1) == nil)
    }

    @Test func aMissingTracepointIsSaid() {
        var decoder = TracepointDecoder()
        #expect(decoder.add(.sendReset, format: nil) == nil)
        #expect(decoder.missing[0].why == "this kernel does not have it")
        #expect(decoder.add(.destroy, format: "rubbish\nID: x\nfield:;offset:;size:-1;") == nil)
        #expect(decoder.add(.retransmit, format: nil, refusal: "Operation not permitted") == nil)
        #expect(decoder.missing.count == 3 && decoder.missing[2].why == "Operation not permitted")
    }

    @Test func everyTruncationIsRefused() {
        var decoder = TracepointDecoder()
        _ = decoder.add(.setState, format: stateFormat())
        let record = stateRecord()
        for length in 0..<record.count {
            #expect(decoder.decode(record[..<length], time: Timestamp(nanoseconds: 0), pid: 1) == nil || length >= 72)
        }
    }

    /// Before Linux 6.10, tcp_send_reset reported no reason. The reasons' numbers have changed since, so names count.
    @Test(arguments: [nil, 1, 9]) func reasonsByName(_ number: Int?) throws {
        var fields = [
            ("const void * skaddr", 16, 8, false), ("__u8 saddr[28]", 32, 28, false), ("__u8 daddr[28]", 60, 28, false),
        ]
        if number != nil { fields.append(("enum sk_rst_reason reason", 28, 4, false)) }
        let list = "__print_symbolic(REC->reason, { \(number ?? 0), \"TCP_ABORT_ON_CLOSE\" })"
        var decoder = TracepointDecoder()
        _ = decoder.add(.sendReset, format: formatText(5, fields, print: "\"x\", \(list)"))
        var record: [UInt8] = [5, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 80)
        record[28] = UInt8(number ?? 0)
        record.replaceSubrange(32..<40, with: [2, 0, 0x25, 0x1c, 10, 0, 0, 1])
        record.replaceSubrange(60..<64, with: [10, 0, 0x9c, 0x40])
        record[83] = 1  // ::1
        let event = try #require(decoder.decode(record[...], time: Timestamp(nanoseconds: 0), pid: 1))
        #expect(event.kind == .resetSent(reason: number == nil ? nil : "TCP_ABORT_ON_CLOSE"))
        #expect(event.local == SocketAddress(IPAddress(10, 0, 0, 1), 9500))
        #expect(event.remote == SocketAddress(.loopbackV6, 40000))
        record[28] = 200
        let unnamed = decoder.decode(record[...], time: Timestamp(nanoseconds: 0), pid: 1)
        #expect(unnamed?.kind == .resetSent(reason: number == nil ? nil : "200"), "a reason without a name is a number")
    }

    /// Before Linux 6.10, tcp_send_reset had the fields of similar tracepoints: ports, and addresses of 4 and 16
    /// octets.
    @Test func resetsOfOlderKernels() throws {
        var decoder = TracepointDecoder()
        let fields = [
            ("const void * skbaddr", 8, 8, false), ("const void * skaddr", 16, 8, false), ("int state", 24, 4, true),
            ("__u16 sport", 28, 2, false), ("__u16 dport", 30, 2, false), ("__u16 family", 32, 2, false),
            ("__u8 saddr[4]", 34, 4, false), ("__u8 daddr[4]", 38, 4, false), ("__u8 saddr_v6[16]", 42, 16, false),
            ("__u8 daddr_v6[16]", 58, 16, false),
        ]
        let list = "__print_symbolic(REC->state, { 1, \"TCP_ESTABLISHED\" }, { 8, \"TCP_CLOSE_WAIT\" })"
        let added = decoder.add(.sendReset, format: formatText(5, fields, print: list))
        let format = try #require(added)
        #expect(TracepointKind.sendReset.filter(format, ports: [80]) == "(sport==80||dport==80)")
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]
        var record: [UInt8] = [5, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 7, count: 16) + [8, 0, 0, 0]
        record += [0x1c, 0x25, 0x40, 0x9c, 2, 0, 10, 0, 0, 1, 10, 0, 0, 2]
        record += mapped + [10, 0, 0, 1] + mapped + [10, 0, 0, 2]
        let event = try #require(decoder.decode(record[...], time: Timestamp(nanoseconds: 0), pid: 1))
        #expect(event.kind == .resetSent(reason: nil) && event.resetState == .closeWait)
        #expect(event.local == SocketAddress(IPAddress(10, 0, 0, 1), 9500))
        #expect(event.remote == SocketAddress(IPAddress(10, 0, 0, 2), 40000))
    }

    /// Linux 6.18 formats the states of tcp_send_reset with C names instead of numbers, so the ABI's numbers apply; 0
    /// means no socket.
    @Test(arguments: [(0, nil), (1, TCPState.established), (7, .closed), (8, .closeWait)])
    func statesByTheirNumbersInTheABI(_ number: Int, _ state: TCPState?) throws {
        let fields = [
            ("const void * skaddr", 16, 8, false), ("int state", 24, 4, true), ("__u8 saddr[28]", 32, 28, false),
            ("__u8 daddr[28]", 60, 28, false),
        ]
        let list =
            "__print_symbolic(REC->state, { TCP_ESTABLISHED, \"TCP_ESTABLISHED\" }, { TCP_CLOSE, \"TCP_CLOSE\" })"
        var decoder = TracepointDecoder()
        _ = decoder.add(.sendReset, format: formatText(5, fields, print: "\"x\", \(list)"))
        var record: [UInt8] = [5, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 80)
        record[24] = UInt8(number)
        record[32] = 2
        record[60] = 2
        let event = try #require(decoder.decode(record[...], time: Timestamp(nanoseconds: 0), pid: 1))
        #expect(event.resetState == state)
    }

    @Test func filters() throws {
        let format = try #require(TracepointFormat(stateFormat()))
        #expect(
            TracepointKind.setState.filter(format, ports: [9500, 80])
                == "(sport==9500||dport==9500||sport==80||dport==80)&&protocol==6")
        #expect(TracepointKind.destroy.filter(format, ports: []) == nil)
        let list = "__print_symbolic(REC->reason, { 3, \"NO_SOCKET\" }, { 9, \"PKT_TOO_SMALL\" }, { 10, \"TCP_CSUM\" })"
        let free = try #require(
            TracepointFormat(formatText(6, [("enum skb_drop_reason reason", 36, 4, false)], print: list)))
        #expect(TracepointKind.freePacket.filter(free, ports: [80]) == "(reason==3||reason==10)")
    }

    /// Drops between the wire and TCP count, in either direction; drops by busy queues and of old data do not.
    @Test func reasonsThatConcernTCP() {
        for reason in [
            "IP_LOCAL_SOURCE", "IP_INVALID_SOURCE", "IP_INNOROUTES", "IP_OUTNOROUTES", "NEIGH_FAILED", "TC_EGRESS",
            "BPF_CGROUP_EGRESS", "IP_RPFILTER", "TCP_MD5FAILURE", "IP_INADDRERRORS", "PKT_TOO_BIG", "IP_INHDR",
            "IP_INVALID_DEST", "IPV6DISABLED",
            "NEIGH_HH_FILLFAIL", "PFMEMALLOC",
        ] { #expect(TracepointKind.concernsTCP(reason), "\(reason)") }
        for reason in [
            "QDISC_DROP", "FQ_FLOW_LIMIT", "OTHERHOST", "UDP_CSUM", "TCP_OLD_DATA", "NOT_SPECIFIED", "PKT_TOO_SMALL",
            "CPU_BACKLOG",
        ] {
            #expect(!TracepointKind.concernsTCP(reason), "\(reason)")
        }
    }

    @Test func anArraysLengthMayBeAsInTheSource() throws {
        let text = """
            ID: 1
            \tfield:__u8 saddr[sizeof(struct sockaddr_in6)];\toffset:16;\tsize:28;\tsigned:0;
            \tfield:char comm[TASK_COMM_LEN];\toffset:44;\tsize:16;\tsigned:0;
            \tfield:__data_loc char[] words;\toffset:60;\tsize:4;\tsigned:0;
            """
        let format = try #require(TracepointFormat(text))
        #expect(Set(format.fields.keys) == ["saddr", "comm", "words"])
        #expect(format.fields["saddr"]?.offset == 16 && format.fields["saddr"]?.size == 28)
    }

    @Test func hostileFormats() {
        for text in [
            "", "ID: 70000\nfield:int a;\toffset:0;\tsize:4;", "ID: 1", "ID: 1\nfield:int a;offset:99999;size:4;",
            "ID: 1\nfield:int a;offset:-4;size:4;", "ID: 1\nprint fmt: __print_symbolic(REC->",
        ] { #expect(TracepointFormat(text) == nil) }
        let open = "ID: 1\nfield:int a;\toffset:0;\tsize:4;\tsigned:1;\nprint fmt: __print_symbolic(REC->a, { 1, \"X"
        #expect(TracepointFormat(open)?.symbols["a"] == [:])
        let odd = TracepointFormat(open + "\" }, { NAME, \"Y\" }, { 3, \"Z\" })")
        #expect(odd?.symbols["a"] == [1: "X", 3: "Z"], "a name that the kernel left unresolved is skipped")
    }
}
