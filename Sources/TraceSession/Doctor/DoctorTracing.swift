// The doctor's look at the kernel's tracepoints: how tracefs can be reached, which of them are there, with which fields.

import CLinux
import Glibc
import TimelineReport

enum DoctorTracing {
    /// The tracepoints that tell of TCP, the fields without which they are of no use, and what is lost then.
    private static let tracepoints: [(name: String, fields: [String], cost: String)] = [
        (
            "sock/inet_sock_set_state", ["skaddr", "oldstate", "newstate", "sport", "dport", "family", "protocol"],
            "states that last less than a reading's interval"
        ),
        ("tcp/tcp_send_reset", ["skaddr", "state", "reason"], "why this host sent a RST"),
        ("tcp/tcp_receive_reset", ["skaddr", "sock_cookie"], "which socket a RST ended"),
        ("tcp/tcp_retransmit_skb", ["skaddr", "sport", "dport", "state"], "retransmissions as the kernel sees them"),
        ("tcp/tcp_retransmit_synack", ["skaddr", "sport", "dport"], "repeated SYN-ACKs as the kernel sees them"),
        ("tcp/tcp_destroy_sock", ["skaddr", "sock_cookie"], "the end of a socket's life"),
        ("tcp/tcp_probe", ["sock_cookie", "snd_cwnd", "srtt"], "congestion window and round-trip time over time"),
        ("sock/inet_sk_error_report", ["error", "sport", "dport"], "the error that an application gets"),
        ("skb/kfree_skb", ["reason", "protocol", "location"], "why the kernel dropped a packet"),
        ("syscalls/sys_enter_connect", [], "the system calls behind a segment"),
    ]

    static func checks() -> [DoctorCheck] {
        let paranoid = SmallFile.line("/proc/sys/kernel/perf_event_paranoid") ?? "unknown"
        let level = DoctorCheck(
            "tracing", "perf_event_paranoid", .note, paranoid, meaning: "from 2 on, only root may trace the kernel")
        let mounted = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].first { SmallFile.exists($0 + "/events") }
        let detached = mounted == nil ? tcptrace_detached_tracefs() : -1
        defer { if detached >= 0 { close(detached) } }
        guard let root = mounted ?? (detached >= 0 ? "/proc/self/fd/\(detached)" : nil) else {
            let isKnown = SmallFile.text("/proc/filesystems")?.contains("tracefs") ?? false
            let why = isKnown ? "not mounted or not readable for this user" : "the kernel has none"
            return [
                DoctorCheck(
                    "tracing", "tracefs", .missing, why, meaning: "every tracepoint: what happens between two readings"),
                level,
            ]
        }
        let how = mounted ?? "not mounted; can be opened without mounting"
        return [DoctorCheck("tracing", "tracefs", .ok, how), level] + tracepoints.map { check($0, below: root) }
    }

    private static func check(
        _ tracepoint: (name: String, fields: [String], cost: String), below root: String
    ) -> DoctorCheck {
        let name = tracepoint.name.replacing("/", with: ":")
        guard let format = SmallFile.text("\(root)/events/\(tracepoint.name)/format") else {
            return DoctorCheck("tracing", name, .missing, meaning: tracepoint.cost)
        }
        let present = fields(of: format)
        let missing = tracepoint.fields.filter { !present.contains($0) }
        return DoctorCheck(
            "tracing", name, missing.isEmpty ? .ok : .missing,
            missing.isEmpty ? "" : "without " + missing.joined(separator: ", "),
            meaning: missing.isEmpty ? "" : tracepoint.cost)
    }

    /// The names in lines such as `field:__u8 saddr[4]; offset:28; size:4; signed:0;`.
    static func fields(of format: String) -> Set<String> {
        var names: Set<String> = []
        for line in format.split(separator: "\n") {
            guard let start = line.firstRange(of: "field:") else { continue }
            let declaration = line[start.upperBound...].prefix { $0 != ";" }
            guard let last = declaration.split(separator: " ").last else { continue }
            names.insert(String(last.prefix { $0 != "[" }.drop { $0 == "*" }))
        }
        return names
    }
}
