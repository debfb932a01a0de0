// The doctor's checks of the kernel's tracepoints: how tracefs can be reached, which tracepoints it has, and with which
// fields.

import CLinux
import Glibc
import KernelSockets
import TimelineReport

enum DoctorTracing {
    static func checks() -> [DoctorCheck] {
        let paranoid = SmallFile.line("/proc/sys/kernel/perf_event_paranoid") ?? "unknown"
        let level = DoctorCheck(
            "tracing", "perf_event_paranoid", .note, paranoid, meaning: "above -1, tracepoints need cap_perfmon")
        let mounted = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"].first { SmallFile.exists($0 + "/events") }
        let detached = mounted == nil ? tcptrace_tracefs_mount() : -1
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
        let takes = TracepointSource.takesPrograms
        let programs = DoctorCheck(
            "tracing", "programs", takes ? .ok : .note,
            takes ? "report states of sockets" : "not accepted here: perf reports states of sockets",
            meaning: takes ? "" : "a live trace costs busy programs more")
        return [DoctorCheck("tracing", "tracefs", .ok, how), level, programs]
            + TracepointSource.uses.map { check($0, below: root) }
    }

    private static func check(
        _ tracepoint: TracepointSource.Use, below root: String
    ) -> DoctorCheck {
        guard let format = SmallFile.text("\(root)/events/\(tracepoint.path)/format") else {
            return DoctorCheck("tracing", tracepoint.name, .missing, meaning: tracepoint.cost)
        }
        let present = TracepointSource.fieldNames(in: format)
        let missing = tracepoint.fields.filter { !present.contains($0) }
        return DoctorCheck(
            "tracing", tracepoint.name, missing.isEmpty ? .ok : .missing,
            missing.isEmpty ? "" : "without " + missing.joined(separator: ", "),
            meaning: missing.isEmpty ? "" : tracepoint.cost)
    }
}
