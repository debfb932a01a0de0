// The doctor's checks of interfaces: offloads that make captured frames differ from those on the wire.

import CLinux
import Glibc
import PacketSource
import TimelineReport

enum DoctorInterfaces {
    private static let limit = 16
    private static let questions: [(name: String, question: Int32)] = [
        ("tx-checksum", ETHTOOL_GTXCSUM), ("tso", ETHTOOL_GTSO), ("gso", ETHTOOL_GGSO), ("gro", ETHTOOL_GGRO),
    ]

    static func checks() -> [DoctorCheck] {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        let devices = ((try? CaptureDevice.all()) ?? []).filter {
            $0.isUp && SmallFile.exists("/sys/class/net/\($0.name)")
        }
        var checks = devices.prefix(limit).compactMap { device -> DoctorCheck? in
            // The name is a String, which is NUL-terminated during the call, and is cut to the kernel's 15 octets.
            let on = questions.filter { unsafe tcptrace_offload(descriptor, device.name, UInt32($0.question)) == 1 }
            return DoctorCheck(
                "offloads", device.name, .note, on.isEmpty ? "none" : on.map(\.name).joined(separator: " "))
        }
        if !checks.isEmpty {
            checks[0].meaning =
                "checksums may be wrong at capture time, and one frame may stand for many on the wire"
        }
        if devices.count > limit {
            checks.append(DoctorCheck("offloads", "others", .note, "\(devices.count - limit) more"))
        }
        return checks
    }
}
