// The doctor's checks of what it takes to find a socket's process, and of the clock.

import CLinux
import Glibc
import KernelSockets
import TimelineReport

enum DoctorProcesses {
    static func checks() -> [DoctorCheck] {
        let powers = Capabilities.effective()
        var checks: [DoctorCheck] = []
        let hiding = hidepid(SmallFile.text("/proc/self/mounts") ?? "")
        let isHidden = hiding != nil && hiding != "0" && hiding != "off" && !powers.contains(.trace)
        checks.append(
            DoctorCheck(
                "processes", "/proc hidepid", isHidden ? .missing : .ok, hiding ?? "off",
                meaning: isHidden ? meaning(ofHidepid: hiding ?? "") : ""))
        let seesAll = powers.isSuperset(of: .owners)
        checks.append(
            DoctorCheck(
                "processes", "owners of sockets", seesAll ? .ok : .missing,
                seesAll ? "of all users" : "of user \(geteuid()) only",
                meaning: seesAll
                    ? "" : "the names of other users' processes; needs cap_sys_ptrace and cap_dac_read_search"))
        let isHosts = ProcessNamespace.isHosts() ?? true
        checks.append(
            DoctorCheck(
                "processes", "pid namespace", isHosts ? .ok : .note, isHosts ? "the host's" : "its own",
                meaning: isHosts
                    ? ""
                    : "processes outside it, which may hold sockets of the host's network, are not named;"
                        + " docker run --pid=host"))
        let scope = SmallFile.line("/proc/sys/kernel/yama/ptrace_scope")
        checks.append(
            DoctorCheck(
                "processes", "ptrace_scope (Yama)", .note, scope ?? "not there",
                meaning: scope == "3" ? "even root may not see owners" : ""))
        checks.append(clock())
        return checks
    }

    /// The cost of hidepid: 1 (`noaccess`) lists other users' processes but opens none of their files, 2 (`invisible`)
    /// and 4 (`ptraceable`) hide them (Documentation/filesystems/proc.rst, 4.1).
    static func meaning(ofHidepid value: String) -> String {
        ["1", "noaccess"].contains(value)
            ? "other users' processes are listed, but not even their names are shown"
            : "other users' processes are not even listed"
    }

    /// The value of hidepid= among the mount options of /proc; nil if it is not set.
    static func hidepid(_ mounts: String) -> String? {
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count >= 4, fields[1] == "/proc", fields[2] == "proc" else { continue }
            for option in fields[3].split(separator: ",") where option.hasPrefix("hidepid=") {
                return String(option.dropFirst(8))
            }
        }
        return nil
    }

    private static func clock() -> DoctorCheck {
        let source =
            SmallFile.line("/sys/devices/system/clocksource/clocksource0/current_clocksource") ?? "unknown source"
        let isSteady = tcptrace_clock_is_disciplined() == 1
        return DoctorCheck(
            "processes", "clock", .note, "\(source), \(isSteady ? "disciplined" : "not disciplined") (NTP)",
            meaning: isSteady ? "" : "timestamps from two machines may be far apart")
    }
}
