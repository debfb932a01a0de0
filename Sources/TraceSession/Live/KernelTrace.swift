// The kernel's tracepoints in a live trace: opened if possible, read in each turn, their gaps reported.

import Glibc
import KernelSockets
import TCPModel

/// Tracepoint events for one live trace.
struct KernelTrace {
    private let source: TracepointSource?
    /// Sentences for standard error about what is not available; each is printed once.
    let complaints: [String]
    private var lostSaid: UInt64 = 0

    /// Opens the tracepoints for the ports named by the filter. Without `usesProcesses` no process is looked up.
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

    /// The end of the complaint, which says how the tracepoints could be opened; nil if no remedy is known.
    static func remedy(
        for refused: TracepointSource.Refused, powers: Capabilities = .effective(), isRoot: Bool = geteuid() == 0
    ) -> String? {
        let lacking = Capabilities.events.subtracting(powers.including)
        guard lacking == [] else {
            let names = lacking.described.replacing(", ", with: " and ")
            // A root user without some of them is in a container, or was started by a service manager.
            return "; they need \(names)" + (isRoot ? "" : ": try with sudo, or setcap as in tcptrace(8), PRIVILEGES")
        }
        // With cap_sys_admin an unmounted tracefs can be read all the same, so mounting it would not help.
        guard case .tracefs = refused, !powers.contains(.systemAdministration) else { return nil }
        return "; they need tracefs to be mounted: sudo mount -t tracefs tracefs /sys/kernel/tracing"
    }

    /// The evidence of segments that the kernel drops as damaged; nil without events.
    var checksumEvidence: ChecksumEvidence? { source.map { ChecksumEvidence(source: $0) } }

    /// Whether events are being received.
    var isRunning: Bool { source != nil }

    /// Descriptors that become readable when many events are waiting.
    var descriptors: [Int32] { source?.descriptors ?? [] }

    /// Drains the rings; `read` delivers the events later.
    func collect() { source?.collect() }

    /// Appends the collected events to `events`, which must be empty, in chronological order.
    func read(into events: inout [SocketEvent]) { source?.takeCollected(into: &events) }

    /// Follows the descendants of `command`, which has just been started.
    func follow(_ command: Int32) { source?.follow(command) }

    /// Whether a process descends from the command, even if it has ended; nil if the kernel's records do not say, or
    /// not yet.
    func kinship(of pid: Int32) -> Kinship? { source?.kinship(of: pid) }

    /// Processes that have called connect() over the loopback interface of another network namespace since the last
    /// call of this function. They have no event.
    func takeCallersElsewhere() -> Set<Int32> { source?.takeCallersElsewhere() ?? [] }

    /// Stops the tracepoints: no events arrive after that.
    func stop() { source?.stop() }

    /// Events read, lost and not understood since the start, and after `stop` the number that the kernel withheld.
    var counts: (read: UInt64, lost: UInt64, damaged: UInt64, withheld: UInt64?) {
        source.map { ($0.counts.read, $0.counts.lost, $0.counts.damaged, $0.counts.withheld) } ?? (0, 0, 0, nil)
    }

    /// A sentence if a processor came online during the trace.
    func complaintOfProcessors() -> String? {
        guard let source, let processors = source.newProcessors() else { return nil }
        return "\(processors) came online during the trace: "
            + (source.usesPrograms
                ? "states are seen there, but reasons for RSTs, errors and names of processes are not"
                : "kernel events are not seen there")
            + "; a new trace sees them"
    }

    /// A sentence when events were lost, repeated only when the number has grown tenfold.
    mutating func complaintOfLoss() -> String? {
        let lost = counts.lost
        guard lost > 0, lostSaid == 0 || lost / 10 >= lostSaid else { return nil }
        lostSaid = lost
        return "\(lost) kernel events were lost: the ring was full; states and reasons may be missing"
    }
}
