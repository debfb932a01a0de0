// The doctor's checks of capturing: devices, a capture that is opened for a moment, and this process's capabilities.

import Glibc
import PacketSource
import TimelineReport

enum DoctorCapture {
    /// What the lack of each capability costs.
    private static let costs: [(capability: Capabilities, cost: String)] = [
        (.rawNetwork, "live traces; files can still be read"),
        (.networkAdministration, "kill --connection; promiscuous mode on some devices"),
        (.trace, "the names of other users' processes"),
        (.readSearch, "the names of other users' processes"),
        (.systemAdministration, "opening tracefs where it is not mounted"),
        (.performance, "tracepoints, where perf_event_paranoid is above -1"),
        (.programs, "states reported by BPF programs: without them, a live trace costs busy programs more"),
    ]

    static func checks() -> (checks: [DoctorCheck], isPossible: Bool) {
        var checks: [DoctorCheck] = []
        let refusal = refusal()
        checks.append(
            refusal.map {
                DoctorCheck("capture", "live capture", .missing, $0, meaning: "live traces; files can still be read")
            } ?? DoctorCheck("capture", "live capture", .ok, "opened for a moment"))
        let devices = (try? CaptureDevice.all()) ?? []
        let names = devices.filter(\.isUp).map(\.name)
        checks.append(
            DoctorCheck(
                "capture", "interfaces", names.isEmpty ? .missing : .ok, names.joined(separator: ", "),
                meaning: names.isEmpty ? "the list of names; any may work" : ""))
        let effective = Capabilities.effective().including
        for (capability, cost) in costs {
            let name = Capabilities.names.first { $0.capability == capability }?.name ?? ""
            let has = effective.contains(capability)
            checks.append(DoctorCheck("capture", name, has ? .ok : .missing, meaning: has ? "" : cost))
        }
        return (checks, refusal == nil)
    }

    /// The reason why nothing can be captured; nil if something can.
    private static func refusal() -> String? {
        var first: String?
        for name in ["any", "lo"] {
            do throws(CaptureError) {
                _ = try LiveCapture(LiveCapture.Options(interface: name, bufferKiB: 64, promiscuous: false))
                return nil
            } catch {
                first = first ?? error.description
            }
        }
        return first.map { $0.split(separator: "\n").joined(separator: " ") }
    }
}
