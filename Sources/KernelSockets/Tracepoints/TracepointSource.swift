// The kernel's tracepoints as a source of SocketEvents: opened per processor through perf events, read in the order of time.
//
// Everything hangs on descriptors: when this process ends, in whatever way, the kernel takes all of it back.

import CLinux
import Glibc
public import TCPModel

/// Live events of TCP sockets. Needs root (CAP_PERFMON, and tracefs readable).
public final class TracepointSource {
    /// What was read since the start.
    public struct Counts: Hashable, Sendable {
        /// Events that were decoded.
        public var read: UInt64 = 0
        /// Events that the kernel could not store: its ring was full.
        public var lost: UInt64 = 0
        /// Records that could not be decoded.
        public var damaged: UInt64 = 0
        /// Hits that the kernel counted but wrote no record of, though there was room, those included that came while our program was
        /// at work on the same CPU; known after `stop`, nil where the kernel does not tell (before Linux 6.0).
        public var withheld: UInt64?
    }

    /// A tracepoint that is used.
    public struct Use: Hashable, Sendable {
        /// As perf and the manuals write it: `tcp:tcp_send_reset`.
        public let name: String
        /// Below `events` of the tracing file system.
        public let path: String
        /// The fields without which its records say nothing.
        public let fields: [String]
        /// What a user misses without it.
        public let cost: String
    }

    /// Every tracepoint that is used.
    public static var uses: [Use] {
        TracepointKind.allCases.map { Use(name: $0.name, path: $0.rawValue, fields: $0.neededFields, cost: $0.use) }
    }

    /// The names of the fields that a tracepoint's `format` file describes.
    public static func fieldNames(in format: String) -> Set<String> {
        Set(TracepointFormat(format)?.fields.keys.map(\.self) ?? [])
    }

    /// Why there are no events at all.
    public struct Unavailable: Error, CustomStringConvertible {
        /// One clause for people.
        public let description: String
        /// What was refused for want of privileges; nil if nothing was.
        public var refused: Refused?
    }

    /// What takes privileges.
    public enum Refused: Sendable {
        /// To find the tracepoints.
        case tracefs
        /// To open them.
        case perf
    }

    /// What was read so far.
    public private(set) var counts = Counts()
    /// What this kernel does not offer: `tcp:tcp_send_reset (why a RST is sent): this kernel does not have it`.
    public private(set) var missing: [String] = []

    private var decoder: TracepointDecoder
    private var rings: [PerfRing] = []
    /// States and ends of sockets by programs of our own, where the kernel is made for them; else perf tells these too.
    private let programs: SocketRing?
    /// What was in their ring.
    private var told: [UInt8] = []
    private var names: ProcessNames
    /// Whether events say who acted: if not, no process is looked at.
    private let usesProcesses: Bool
    /// Who descends from the command that is traced, if there is one.
    private var families: Descendants?
    /// Whether processes may begin on a processor whose records are not read.
    private var hasUnwatchedProcessors = false
    /// With a command: who has called connect() over the loopback interface of another network namespace.
    private var callersElsewhere: Set<Int32> = []
    private static let callerLimit = 1024
    private let clock: Int32
    /// What was in the rings, by ring.
    private var collected: [[UInt8]] = []
    /// What the programs had lost at the latest reading.
    private var lostBefore: UInt64 = 0
    /// Samples taken out of `collected`.
    private var samples: UInt64 = 0
    /// Processes whose end was in the latest reading.
    private var endedBefore: [Int32] = []
    private let ports: Set<UInt16>
    /// The number of our network namespace, if it is known.
    private let namespace = NetworkNamespaces.own()
    private var processors: ProcessorWatch
    /// When processes began to end, lately.
    private var ends: [Int32: Timestamp] = [:]
    private static let endLimit = 8192
    private var offset = ClockOffset()

    /// Octets of one ring that wait for `read` at most; then the ring is left to fill, and the kernel counts what is lost.
    private static let collectedLimit = 64 << 20
    /// More ports than this are told apart here, not in the kernel's filter.
    private static let portLimit = 16

    /// Opens the tracepoints on all processors that are on. Events of other ports than `ports` (if there are any) are left out. Without
    /// `usesProcesses` no event has a process, and none is looked up. Without `usesPrograms` all comes through perf, as on kernels that are
    /// not made for our programs.
    public init(
        ports: [UInt16] = [], usesProcesses: Bool = true, usesPrograms: Bool = true
    ) throws(Unavailable) {
        guard let files = TracingFiles() else {
            throw Self.unavailable("tracefs", errno, .tracefs)
        }
        decoder = TracepointDecoder()
        names = ProcessNames()
        self.usesProcesses = usesProcesses
        self.ports = Set(ports)
        var wanted: [(kind: TracepointKind, format: TracepointFormat)] = []
        for kind in TracepointKind.allCases {
            let text = files.format(kind)
            let refusal = text == nil && errno != ENOENT ? Self.refusal(errno) : nil
            if let format = decoder.add(kind, format: text, refusal: refusal) { wanted.append((kind, format)) }
        }
        let processors = OnlineProcessors.current() ?? OnlineProcessors.counted()
        try Self.makeRoom(processors.count)
        guard let opened = PerfRings(processors: processors, tracepoint: wanted.first?.format.identifier) else {
            throw Self.unavailable("perf_event_open", errno, .perf)
        }
        clock = opened.clock
        rings = opened.rings
        collected = rings.map { _ in [] }
        self.processors = ProcessorWatch(processors)
        let inKernel = ports.count <= Self.portLimit ? ports : []
        let reasons = wanted.first { $0.kind == .freePacket }.map { TracepointKind.dropReasons($0.format) } ?? []
        let programs =
            usesPrograms ? SocketRing(ports: inKernel, dropReasons: reasons.compactMap { Int32(exactly: $0) }) : nil
        self.programs = programs
        for (kind, format) in wanted where programs.map({ !kind.isTold(by: $0) }) ?? true {
            add(kind, format, ports: inKernel)
        }
        hasUnwatchedProcessors = !opened.refused.isEmpty
        missing = decoder.missing.map { "\($0.kind.name) (\($0.kind.use)): \($0.why)" }
        if let refused = opened.refused.first {
            missing.append(
                "any on \(OnlineProcessors.words(opened.refused.map(\.processor))): \(describeErrno(refused.code))")
        }
        guard !decoder.layouts.isEmpty else {
            throw Unavailable(
                description: decoder.missing.first.map { "\($0.kind.name): \($0.why)" } ?? "no tracepoints")
        }
        for ring in rings { ring.enable() }
        // Who begins or changes its name from now on is told.
        if usesProcesses { names.prime() }
    }

    /// The words for an errno; what even root is refused for is named (kernel_lockdown(7)).
    private static func refusal(_ code: Int32) -> String {
        describeErrno(code) + (isLockedDown(code) ? ", by the kernel's lockdown (confidentiality)" : "")
    }

    private static func isLockedDown(_ code: Int32) -> Bool {
        code == EPERM && KernelLockdown.current() == .confidentiality
    }

    private static func unavailable(_ call: String, _ code: Int32, _ what: Refused) -> Unavailable {
        let isForPrivileges = [EPERM, EACCES].contains(code) && !isLockedDown(code)
        return Unavailable(description: "\(call): \(refusal(code))", refused: isForPrivileges ? what : nil)
    }

    /// Room for a ring and every tracepoint on each processor, and for what the rest of the trace opens.
    private static func makeRoom(_ processors: Int) throws(Unavailable) {
        let needed = UInt64(processors) * UInt64(TracepointKind.allCases.count + 1)
        let (rest, usual) = (UInt64(64), UInt64(256))
        let limit = tcptrace_want_descriptors(needed + usual)
        guard limit >= needed + rest else {
            throw Unavailable(
                description:
                    "on \(processors) processors a trace with them takes \(needed + rest) descriptors, and \(limit) may be open:"
                    + " ulimit -n")
        }
    }

    private func add(_ kind: TracepointKind, _ format: TracepointFormat, ports: [UInt16]) {
        let filter = kind.filter(format, ports: ports)
        var added: [PerfRing] = []
        for ring in rings {
            if ring.add(format.identifier, filter: filter, clock: clock) {
                added.append(ring)
            } else if errno != ENODEV {
                let why = describeErrno(errno)
                // On all processors or on none: what nobody can read would be counted as damaged.
                for ring in added { ring.removeLatest() }
                decoder.remove(kind, why: why)
                return
            }
            // Else it was switched off meanwhile: it has no events.
        }
    }

    /// Whether this kernel takes programs of our own, from this process; asks by loading them for a moment.
    public static var takesPrograms: Bool { SocketRing(ports: []) != nil }

    /// Whether programs of our own tell states and ends of sockets, and not perf.
    public var usesPrograms: Bool { programs != nil }

    /// Processors that were switched on since the latest call, in words (`processors 2, 4-7`): what perf tells of them is not seen, for
    /// to open their events takes a privilege that a trace has given up by then. Nil if there are none.
    public func newProcessors() -> String? {
        guard let online = OnlineProcessors.current() else { return nil }
        let came = processors.look(online)
        if !came.isEmpty { hasUnwatchedProcessors = true }
        return came.isEmpty ? nil : OnlineProcessors.words(came)
    }

    /// From now on it is known who descends from `command`, which has just been started: whoever was there before does not.
    public func follow(_ command: Int32) { families = Descendants(of: command, strangers: names.atStart) }

    /// Whether a process descends from the command that is followed, however short it lived; nil if the records do not tell, or not yet.
    public func kinship(of pid: Int32) -> Kinship? { families?.kinship(of: pid) }

    /// Wakes epoll when much has come; small amounts are read with the next turn.
    public var descriptors: [Int32] { rings.map { $0.descriptor } }

    /// Empties the kernel's rings; quick, so that they do not run over while others are at work. `read` has what was there.
    public func collect() {
        for (index, ring) in rings.enumerated() where collected[index].count < Self.collectedLimit {
            ring.drain(into: &collected[index])
        }
        if told.count < Self.collectedLimit { programs?.drain(into: &told) }
    }

    /// Ends the events, and counts what the kernel never wrote: some kernels give no samples of some tasks, one CPU's idle task
    /// among them, and of the interrupts that these tasks are in. `read` still has what is left.
    public func stop() {
        for ring in rings { ring.disable() }
        programs?.stop()
        programs?.drain(into: &told)
        var written = samples
        for (index, ring) in rings.enumerated() {
            ring.drain(into: &collected[index])
            written &+= Self.samples(in: collected[index])
        }
        var promised: UInt64 = 0
        for ring in rings {
            guard let count = ring.promised() else { return }
            promised &+= count
        }
        counts.withheld = (programs?.missed ?? 0) &+ (promised > written ? promised - written : 0)
    }

    private static func samples(in octets: [UInt8]) -> UInt64 {
        // Octets have no padding between them that could be read.
        let bytes = unsafe octets.span.bytes
        var position = 0
        var count: UInt64 = 0
        while let (record, end) = PerfRecord.next(bytes, at: position) {
            position = end
            if case .sample = record { count &+= 1 }
        }
        return count
    }

    /// Everything that the kernel has written, in the order of time.
    public func read() -> [SocketEvent] {
        var events: [SocketEvent] = []
        collect()
        takeCollected(into: &events)
        return events
    }

    /// Appends what `collect` took out of the rings to `events`, which is empty, in the order of time.
    public func takeCollected(into events: inout [SocketEvent]) {
        // The offset is measured anew each time: the wall clock is set and slewed.
        if clock != CLOCK_REALTIME || programs != nil { offset.measure() }
        var ended: [Int32] = []
        for index in collected.indices {
            var bytes: [UInt8] = []
            swap(&bytes, &collected[index])
            // Octets have no padding between them that could be read.
            unsafe takeRecords(
                bytes.span.bytes, clock == CLOCK_REALTIME ? 0 : offset.nanoseconds, &events, &ended)
            bytes.removeAll(keepingCapacity: true)
            swap(&bytes, &collected[index])
        }
        takeTold(&events)
        for index in events.indices where events[index].isProcessContext {
            if usesProcesses { events[index].process = names.identity(events[index].pid) }
            // The descriptors of a process are closed after it has begun to end.
            if !ends.isEmpty, let end = ends[events[index].pid] {
                events[index].isProcessEnding = events[index].time >= end
            }
        }
        // The rings are emptied one after the other: the end of a process may be read before its last events on another CPU.
        for pid in endedBefore { names.exit(pid) }
        endedBefore = ended
        names.endReading()
        families?.endReading(isComplete: counts.lost == 0 && !hasUnwatchedProcessors)
        counts.read &+= UInt64(events.count)
        sortByTime(&events)
    }

    /// What our programs wrote: records with a header of 8 octets each.
    private func takeTold(_ events: inout [SocketEvent]) {
        guard let programs else { return }
        counts.lost &+= programs.lost - lostBefore
        lostBefore = programs.lost
        var octets: [UInt8] = []
        swap(&octets, &told)
        // Octets have no padding between them that could be read.
        unsafe takeTold(octets.span.bytes, &events)
        octets.removeAll(keepingCapacity: true)
        swap(&octets, &told)
    }

    private func takeTold(_ bytes: RawSpan, _ events: inout [SocketEvent]) {
        var position = 0
        while let length = unsigned(bytes, position, 4).map({ Int($0) }), length <= bytes.byteCount - position - 8 {
            let record = bytes.extracting((position + 8)..<(position + 8 + length))
            if PacketRecord.isOne(record) {
                // What is dropped is others', too, and not only TCP's.
                let event = PacketRecord.decode(record, offset: offset.nanoseconds) { decoder.dropReason($0) }
                if let event, concerns(event) { events.append(event) }
            } else if let event = SocketRecord.decode(record, offset: offset.nanoseconds) {
                // The program has compared the ports, unless there are too many of them.
                let isElsewhere = namespace.map { SocketRecord.isOthersLoopback(record, event, own: $0) } ?? false
                if isElsewhere {
                    noteElsewhere(event)
                } else if concerns(event) {
                    events.append(event)
                }
            } else {
                counts.damaged &+= 1
            }
            position += (length + 15) & ~7
        }
    }

    private func noteElsewhere(_ event: SocketEvent) {
        guard families != nil, event.isProcessContext, event.kind == .transition(from: .closed, to: .synSent),
            callersElsewhere.count < Self.callerLimit
        else { return }
        callersElsewhere.insert(event.pid)
    }

    /// With a command that is followed: who has called connect() over the loopback interface of another network namespace since this was
    /// asked. Such events are left out: its addresses are ours, too.
    public func takeCallersElsewhere() -> Set<Int32> {
        defer { callersElsewhere.removeAll() }
        return callersElsewhere
    }

    private func takeRecords(
        _ bytes: RawSpan, _ offset: Int64, _ events: inout [SocketEvent], _ ended: inout [Int32]
    ) {
        var position = 0
        while let (record, end) = PerfRecord.next(bytes, at: position) {
            position = end
            switch record {
            case .sample(let pid, let time, let range):
                samples &+= 1
                let stamp = Timestamp(nanoseconds: Int64(clamping: time)).advanced(by: offset)
                takeSample(bytes.extracting(range), stamp, pid, &events)
            case .lost(let count):
                counts.lost &+= count
                names.distrust()
            case .name(let pid, let name, let time): names.rename(pid, name, at: time)
            case .fork(let pid, let parent, let time):
                ends[pid] = nil
                names.fork(pid, parent: parent)
                families?.begin(pid, parent: parent, at: time)
            case .exit(let pid):
                ended.append(pid)
                families?.end(pid)
            case .other: break
            case .damaged: counts.damaged &+= 1
            }
        }
    }

    private func takeSample(_ record: RawSpan, _ time: Timestamp, _ pid: Int32, _ events: inout [SocketEvent]) {
        guard let layout = decoder.layout(of: record) else {
            counts.damaged &+= 1
            return
        }
        if layout.kind == .processExit {
            guard layout.isProcessExit(record, pid: pid) else { return }
            if ends.count >= Self.endLimit { ends.removeAll(keepingCapacity: true) }
            ends[pid] = time
            return
        }
        guard let event = layout.decode(record, time: time, pid: pid) else {
            counts.damaged &+= 1
            return
        }
        if concerns(event) { events.append(event) }
    }

    /// Whether the event has one of the ports; perf does not tell a dropped packet's.
    private func concerns(_ event: SocketEvent) -> Bool {
        if ports.isEmpty { return true }
        if case .dropped = event.kind, event.remote.port == 0 { return true }
        return ports.contains(event.local.port) || ports.contains(event.remote.port)
    }
}
