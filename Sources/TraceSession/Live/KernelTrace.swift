// The kernel's tracepoints in a live trace: opened if they can be, read each turn, and what they could not tell.

import Glibc
import KernelSockets
import TCPModel

/// Tracepoint events for one live trace.
struct KernelTrace {
    private let source: TracepointSource?
    /// What is missing, one sentence each, for standard error; said once.
    let complaints: [String]
    private var lostSaid: UInt64 = 0

    /// Opens the tracepoints for the ports that the filter words name. Without `usesProcesses` no process is looked up.
    init(filter: String, usesProcesses: Bool) {
        do throws(TracepointSource.Unavailable) {
            let opened = try TracepointSource(ports: portsNamed(in: filter), usesProcesses: usesProcesses)
            source = opened
            complaints = opened.missing.map { "kernel event not available: \($0)" }
        } catch {
            source = nil
            complaints = [
                "kernel events not available (\(error)): the socket tables are polled instead, which shows fewer states,"
                    + " and neither reasons nor errors" + (error.refused.flatMap { Self.remedy(for: $0) } ?? "")
            ]
        }
    }

    /// What would have let them be opened, behind the complaint; nil if nothing that is known would.
    static func remedy(
        for refused: TracepointSource.Refused, powers: Capabilities = .effective(), isRoot: Bool = geteuid() == 0
    ) -> String? {
        let lacking = Capabilities.events.subtracting(powers.including)
        guard lacking == [] else {
            let names = lacking.described.replacing(", ", with: " and ")
            // A root that lacks some is a container's, or what a service manager started.
            return "; they take \(names)" + (isRoot ? "" : ": try with sudo, or setcap as in tcptrace(8), PRIVILEGES")
        }
        // Where it is not mounted, it takes cap_sys_admin to look into it all the same.
        guard case .tracefs = refused, !powers.contains(.systemAdministration) else { return nil }
        return "; they take tracefs, mounted: sudo mount -t tracefs tracefs /sys/kernel/tracing"
    }

    /// Whether there are events.
    var isRunning: Bool { source != nil }

    /// Descriptors that are readable when much has come.
    var descriptors: [Int32] { source?.descriptors ?? [] }

    /// Empties the rings, for `read` later.
    func collect() { source?.collect() }

    /// Appends what was collected to `events`, which is empty, in the order of time.
    func read(into events: inout [SocketEvent]) { source?.takeCollected(into: &events) }

    /// From now on the descendants of `command`, which has just been started, are known.
    func follow(_ command: Int32) { source?.follow(command) }

    /// Whether a process descends from it, even if it has gone; nil if the kernel's records do not tell, or not yet.
    func kinship(of pid: Int32) -> Kinship? { source?.kinship(of: pid) }

    /// Who has called connect() in other network namespaces, over their loopback interfaces, since this was asked: no event tells of it.
    func takeCallersElsewhere() -> Set<Int32> { source?.takeCallersElsewhere() ?? [] }

    /// Ends: no events come after that.
    func stop() { source?.stop() }

    /// Events read, lost and not understood since the start, and after `stop` those that the kernel withheld.
    var counts: (read: UInt64, lost: UInt64, damaged: UInt64, withheld: UInt64?) {
        source.map { ($0.counts.read, $0.counts.lost, $0.counts.damaged, $0.counts.withheld) } ?? (0, 0, 0, nil)
    }

    /// A sentence if a processor was switched on during the trace.
    func complaintOfProcessors() -> String? {
        guard let source, let processors = source.newProcessors() else { return nil }
        return "\(processors) came on during the trace: "
            + (source.usesPrograms
                ? "states are seen there, reasons of RSTs, errors and names of processes are not"
                : "kernel events are not seen there")
            + "; a new trace sees them"
    }

    /// A sentence when events were lost, once each time that it gets worse tenfold.
    mutating func complaintOfLoss() -> String? {
        let lost = counts.lost
        guard lost > 0, lostSaid == 0 || lost / 10 >= lostSaid else { return nil }
        lostSaid = lost
        return "\(lost) kernel events were lost: the ring was full; states and reasons may be missing"
    }
}
