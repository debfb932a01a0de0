// `tcptrace doctor`: what it reads from the kernel's files, and the layout of its page.

import KernelSockets
import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

@Suite struct DoctorTests {
    @Test func fieldsOfATracepoint() {
        let format = """
            name: inet_sock_set_state
            ID: 1313
            format:
            \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

            \tfield:const void * skaddr;\toffset:8;\tsize:8;\tsigned:0;
            \tfield:__u8 saddr[4];\toffset:34;\tsize:4;\tsigned:0;
            \tfield:__u8 daddr[sizeof(struct sockaddr_in6)];\toffset:38;\tsize:28;\tsigned:0;
            \tfield:__data_loc char[] words;\toffset:66;\tsize:4;\tsigned:0;
            \tfield:
            print fmt: "family=%s", REC->family
            """
        #expect(TracepointSource.fieldNames(in: format) == ["common_type", "skaddr", "saddr", "daddr", "words"])
        #expect(TracepointSource.fieldNames(in: "") == [])
    }

    @Test(
        arguments: [
            ("proc /proc proc rw,nosuid,hidepid=2,gid=4 0 0\n", "2"),
            ("tmpfs /tmp tmpfs hidepid=1 0 0\nproc /proc proc rw,hidepid=invisible 0 0", "invisible"),
            ("proc /proc proc rw 0 0", nil), ("", nil), ("proc /proc proc", nil),
        ] as [(String, String?)])
    func hidingOfProcesses(_ mounts: String, _ value: String?) { #expect(DoctorProcesses.hidepid(mounts) == value) }

    @Test func whatHidingCosts() {
        for value in ["1", "noaccess"] { #expect(DoctorProcesses.meaning(ofHidepid: value).contains("are listed")) }
        for value in ["2", "invisible", "4", "ptraceable"] {
            #expect(DoctorProcesses.meaning(ofHidepid: value).contains("not even listed"))
        }
    }

    @Test func translatedConnectionsAreCounted() {
        let plain =
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1"
        let redirected =
            "ipv4     2 tcp      6 9 ESTABLISHED src=127.0.0.1 dst=127.0.0.1 sport=55698 dport=9600 src=127.0.0.1 dst=127.0.0.1"
            + " sport=9500 dport=55698 [ASSURED] mark=0 zone=0 use=2\n"
        let other =
            "ipv4     2 udp      17 9 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.9 dst=10.0.0.1 sport=2 dport=1\n"
        let none = DoctorTranslation.connections(plain + " sport=2 dport=1 mark=0\n" + other + plain)
        #expect(none.tracked == 1 && none.translated == 0 && none.example == nil)
        let some = DoctorTranslation.connections(redirected + plain + " sport=2 dport=1\n" + "\u{1b}[2J src= tcp\n")
        #expect(some.tracked == 2 && some.translated == 1)
        #expect(
            some.example
                == "127.0.0.1 port 55698 to 127.0.0.1 port 9600, which is 127.0.0.1 port 55698 to 127.0.0.1 port 9500 behind it"
        )
        #expect(DoctorTranslation.connections("").tracked == 0)
    }

    @Test func linesFitThePageAndNothingIsRaw() {
        let long = Array(repeating: "words", count: 40).joined(separator: " ")
        let checks = [
            DoctorCheck("capture", "live capture", .missing, "no", meaning: long),
            DoctorCheck("capture", "a name that is longer than its column is wide", .ok, long),
            DoctorCheck("kernel", "evil", .note, "\u{1b}[2Jx", meaning: "fine"),
        ]
        for width in [60, 80, 100] {
            var out = OutputBuffer()
            DoctorReport(width: width).append(text: checks, to: &out)
            let text = String(decoding: out.bytes, as: UTF8.self)
            #expect(text.split(separator: "\n").allSatisfy { $0.count <= width }, "\(text)")
            #expect(text.hasPrefix("capture\n  missing live capture") && text.contains("no; costs: words"))
            #expect(text.contains("\n\nkernel\n") && text.contains("\\x1b[2Jx (fine)") && !text.contains("\u{1b}"))
        }
        var out = OutputBuffer()
        DoctorReport().append(json: checks, at: Timestamp(nanoseconds: 1), to: &out)
        let lines = String(decoding: out.bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3 && lines[0].contains(#""status":"missing","value":"no","costs":"words"#))
        #expect(lines[2].contains(#""meaning":"fine""#) && !lines[2].contains("\u{1b}"))
    }

    @Test func whatIsKeptAndWhomToBecome() throws {
        let all = Capabilities(rawValue: .max)
        func plan(
            _ name: String?, user: UInt32 = 0, permitted: Capabilities = all, sudo: [String: String] = [:]
        ) throws(TraceError) -> PrivilegePlan {
            try PrivilegePlan.make(
                name: name, kept: .owners, effectiveUser: user, permitted: permitted, environment: { sudo[$0] })
        }
        let plain = try plan(nil)
        #expect(plain.user == nil && !plain.keepsEverything && plain.kept == .owners)
        #expect(plain.announcement?.contains("still root, with no capabilities except cap_sys_ptrace and") == true)
        let sudo = try plan(nil, sudo: ["SUDO_UID": "4000000", "SUDO_GID": "7"])
        #expect(sudo.user == .init(name: "4000000", user: 4_000_000, group: 7, isKnown: false))
        for environment in [
            ["SUDO_UID": "0", "SUDO_GID": "0"], ["SUDO_UID": "1000"], ["SUDO_UID": "-1", "SUDO_GID": "5"],
            ["SUDO_UID": "4294967295", "SUDO_GID": "5"], ["SUDO_UID": "x", "SUDO_GID": "5"],
        ] {
            #expect(try plan(nil, sudo: environment).user == nil)
        }
        #expect(try plan("root").keepsEverything && plan("root").announcement == nil)
        #expect(try plan("nobody", sudo: ["SUDO_UID": "1000", "SUDO_GID": "5"]).user?.name == "nobody")
        #expect(throws: TraceError.self) { try plan("no-such-user") }
        #expect(throws: TraceError.self) { try plan("nobody", user: 1000, permitted: [.rawNetwork]) }
        let granted = try plan(nil, user: 1000, permitted: [.rawNetwork, .trace])
        #expect(granted.user == nil && granted.kept == .trace && granted.announcement == nil)
    }

    @Test func whatEventsTakeIsNamed() {
        func remedy(
            _ refused: TracepointSource.Refused, _ powers: Capabilities, isRoot: Bool = false
        ) -> String? { KernelTrace.remedy(for: refused, powers: powers, isRoot: isRoot) }
        let advice = ": try with sudo, or setcap as in tcptrace(8), PRIVILEGES"
        #expect(remedy(.perf, [.rawNetwork, .readSearch]) == "; they need cap_perfmon" + advice)
        #expect(remedy(.tracefs, [.rawNetwork]) == "; they need cap_dac_read_search and cap_perfmon" + advice)
        #expect(remedy(.perf, [.readSearch], isRoot: true) == "; they need cap_perfmon")
        #expect(remedy(.tracefs, .events)?.hasSuffix("sudo mount -t tracefs tracefs /sys/kernel/tracing") == true)
        // Something else refuses access: a system call filter or a security module.
        #expect(remedy(.perf, .events) == nil)
        #expect(remedy(.tracefs, [.readSearch, .systemAdministration]) == nil)
    }

    @Test func missingPowersAreNamed() {
        #expect(missingPowers(namesProcesses: true, effective: .owners) == [])
        #expect(missingPowers(namesProcesses: false, effective: []) == [])
        #expect(
            missingPowers(namesProcesses: true, effective: [.trace])
                == ["without cap_dac_read_search the processes of other users are not named"])
    }
}
