// The kernel's tracepoints as a source of SocketEvents: opened per processor as perf events, and read in order of time.
//
// Everything hangs on descriptors: when this process ends, in whatever way, the kernel releases all of it.

import CLinux
import Glibc
public import TCPModel

/// Live events of TCP sockets. Needs root, or CAP_PERFMON and a readable tracefs.
public final class TracepointSource {
    /// What was read since the start.
    public struct Counts: Hashable, Sendable {
        /// Events that were decoded.
        public var read: UInt64 = 0
        /// Events that the kernel could not store because its ring was full.
        public var lost: UInt64 = 0
        /// Records that could not be decoded.
        public var damaged: UInt64 = 0
        /// Hits that the kernel counted without writing a record, although there was room, including those that
        /// occurred while our program was running on the same CPU. Known after `stop`; nil where the kernel does not
        /// report it (before Linux 6.0).
        public var withheld: UInt64?
    }

    /// A tracepoint that this program uses.
    public struct Use: Hashable, Sendable {
        /// The name as perf and the manuals write it: `tcp:tcp_send_reset`.
        public let name: String
        /// The path below `events` in the tracing file system.
        public let path: String
        /// The fields without which a record is useless.
        public let fields: [String]
        /// What a user misses without this tracepoint.
        public let cost: String
    }

    /// Every tracepoint that this program uses.
    public static var uses: [Use] {
        TracepointKind.allCases.map { Use(name: $0.name, path: $0.rawValue, fields: $0.neededFields, cost: $0.use) }
    }

    /// The names of the fields that a tracepoint's `format` file describes.
    public static func fieldNames(in format: String) -> Set<String> {
        Set(TracepointFormat(format)?.fields.keys.map(\.self) ?? [])
    }

    /// The error thrown if no events are available at all.
    public struct Unavailable: Error, CustomStringConvertible {
        /// The reason, as one clause for users.
        public let description: String
        /// What was denied for lack of privileges; nil if nothing was.
        public var refused: Refused?
    }

    /// A step that requires privileges.
    public enum Refused: Sendable {
        /// Finding the tracepoints.
        case tracefs
        /// Opening them.
        case perf
    }

    /// What was read since the start.
    public private(set) var counts = Counts()
    /// What this kernel does not offer, such as `tcp:tcp_send_reset (why a RST is sent): this kernel does not have it`.
    public private(set) var missing: [String] = []

    private var decoder: TracepointDecoder
    private var rings: [PerfRing] = []
    /// Our own BPF programs for states and ends of sockets, where the kernel supports them; otherwise perf reports
    /// these too.
    private let programs: SocketRing?
    /// The records collected from their ring.
    private var told: [UInt8] = []
    /// How many octets of those were searched for `checksumDrops`.
    private var searched = 0
    private var checksumDrops: [SocketEvent] = []
    private static let checksumDropLimit = 1024
    private var names: ProcessNames
    /// Whether events identify the acting process; if not, no process is looked up.
    private let usesProcesses: Bool
    /// The descendants of the traced command, if there is one.
    private var families: Descendants?
    /// Whether there are processors whose records are not read, so that forks there go unnoticed.
    private var hasUnwatchedProcessors = false
    /// If a command is followed: the processes that called connect() on the loopback interface of another network
    /// namespace.
    private var callersElsewhere: Set<Int32> = []
    private static let callerLimit = 1024
    private let clock: Int32
    /// The records collected from the perf rings, by ring.
    private var collected: [[UInt8]] = []
    /// The programs' count of lost records at the latest reading.
    private var lostBefore: UInt64 = 0
    /// The number of samples taken out of `collected`.
    private var samples: UInt64 = 0
    /// Processes whose exit was in the latest reading.
    private var endedBefore: [Int32] = []
    private let ports: Set<UInt16>
    /// The number of our network namespace, if it is known.
    private let namespace = NetworkNamespaces.own()
    private var processors: ProcessorWatch
    /// The times at which processes recently began to exit.
    private var ends: [Int32: Timestamp] = [:]
    private static let endLimit = 8192
    private var offset = ClockOffset()

    /// The maximum number of octets of one ring that wait for `read`. Beyond that the ring is left to fill, and the
    /// kernel counts the losses.
    private static let collectedLimit = 64 << 20
    /// More ports than this are filtered here, not in the kernel.
    private static let portLimit = 16

    /// Opens the tracepoints on all online processors. If `ports` is not empty, events of other ports are left out.
    /// Without `usesProcesses`, events carry no process and none is looked up. Without `usesPrograms`, everything comes
    /// through perf, as on kernels that do not support our programs.
    /// - Throws: `Unavailable` if there are no events at all, or too few descriptors for them.
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
        // From now on the kernel reports every fork and new name.
        if usesProcesses { names.prime() }
    }

    /// The message for an errno, naming the kernel's lockdown where that denies access even to root
    /// (kernel_lockdown(7)).
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

    /// Raises the descriptor limit to fit a ring and every tracepoint on each processor, and what the rest of the trace
    /// opens.
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
                // On all processors or none: a record without a layout would be counted as damaged.
                for ring in added { ring.removeLatest() }
                decoder.remove(kind, why: why)
                return
            }
            // ENODEV: the processor went offline in the meantime and has no events.
        }
    }

    /// Whether this kernel accepts our own BPF programs from this process. Loads them briefly to find out.
    public static var takesPrograms: Bool { SocketRing(ports: []) != nil }

    /// Whether our own BPF programs report states and ends of sockets, instead of perf.
    public var usesPrograms: Bool { programs != nil }

    /// Processors that came online since the previous call, in words (`processors 2, 4-7`); nil if there are none.
    /// Their perf events are not seen, because opening them takes a privilege that a trace has given up by then.
    public func newProcessors() -> String? {
        guard let online = OnlineProcessors.current() else { return nil }
        let came = processors.look(online)
        if !came.isEmpty { hasUnwatchedProcessors = true }
        return came.isEmpty ? nil : OnlineProcessors.words(came)
    }

    /// Starts tracking the descendants of `command`, which has just been started. Processes that existed before are not
    /// among them.
    public func follow(_ command: Int32) { families = Descendants(of: command, strangers: names.atStart) }

    /// Whether a process descends from the followed command, however short-lived it was; nil if the records do not show
    /// it, or not yet.
    public func kinship(of pid: Int32) -> Kinship? { families?.kinship(of: pid) }

    /// Descriptors for epoll, readable when a ring is a quarter full. Smaller amounts are read with the next regular
    /// turn.
    public var descriptors: [Int32] { rings.map { $0.descriptor } }

    /// Drains the kernel's rings. This is quick and keeps them from overflowing while other work is being done; `read`
    /// returns the events.
    public func collect() {
        for (index, ring) in rings.enumerated() where collected[index].count < Self.collectedLimit {
            ring.drain(into: &collected[index])
        }
        if told.count < Self.collectedLimit { programs?.drain(into: &told) }
    }

    /// The latest packets dropped for a wrong checksum, up to this moment, whether they were delivered yet or not. Only
    /// our BPF programs report whose they are.
    public func latestChecksumDrops() -> [SocketEvent] {
        collect()
        offset.measure()
        var octets: [UInt8] = []
        swap(&octets, &told)
        // An array of octets has no padding, so its raw bytes are safe to read.
        unsafe search(octets.span.bytes)
        swap(&octets, &told)
        return checksumDrops
    }

    private func search(_ bytes: RawSpan) {
        while let place = Self.record(in: bytes, at: searched) {
            if let event = droppedPacket(bytes.extracting(place)) { noteChecksumDrop(event) }
            searched += (place.count + 15) & ~7
        }
    }

    private func noteChecksumDrop(_ event: SocketEvent) {
        guard event.isChecksumDrop else { return }
        if checksumDrops.count >= Self.checksumDropLimit { checksumDrops.removeFirst(Self.checksumDropLimit / 2) }
        checksumDrops.append(event)
    }

    /// Stops the events, and counts those that the kernel never wrote: some kernels deliver no samples for some tasks,
    /// including a CPU's idle task, nor for interrupts during these tasks. `read` still returns the remaining events.
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
        // An array of octets has no padding, so its raw bytes are safe to read.
        let bytes = unsafe octets.span.bytes
        var position = 0
        var count: UInt64 = 0
        while let (record, end) = PerfRecord.next(bytes, at: position) {
            position = end
            if case .sample = record { count &+= 1 }
        }
        return count
    }

    /// All events that the kernel has written so far, in order of time.
    public func read() -> [SocketEvent] {
        var events: [SocketEvent] = []
        collect()
        takeCollected(into: &events)
        return events
    }

    /// Appends the events of the records taken by `collect` to `events`, which must be empty, in order of time.
    public func takeCollected(into events: inout [SocketEvent]) {
        // The offset is measured again each time, because the wall clock may be set or slewed.
        if clock != CLOCK_REALTIME || programs != nil { offset.measure() }
        var ended: [Int32] = []
        for index in collected.indices {
            var bytes: [UInt8] = []
            swap(&bytes, &collected[index])
            // An array of octets has no padding, so its raw bytes are safe to read.
            unsafe takeRecords(
                bytes.span.bytes, clock == CLOCK_REALTIME ? 0 : offset.nanoseconds, &events, &ended)
            bytes.removeAll(keepingCapacity: true)
            swap(&bytes, &collected[index])
        }
        takeTold(&events)
        for index in events.indices where events[index].isProcessContext {
            if usesProcesses { events[index].process = names.identity(events[index].pid) }
            // A process's descriptors are closed after it has begun to exit.
            if !ends.isEmpty, let end = ends[events[index].pid] {
                events[index].isProcessEnding = events[index].time >= end
            }
        }
        // The rings are drained one after the other: a process's exit may be read before its last events on another
        // CPU.
        for pid in endedBefore { names.exit(pid) }
        endedBefore = ended
        names.endReading()
        families?.endReading(isComplete: counts.lost == 0 && !hasUnwatchedProcessors)
        counts.read &+= UInt64(events.count)
        sortByTime(&events)
    }

    /// Decodes what our BPF programs wrote: records with a header of 8 octets each.
    private func takeTold(_ events: inout [SocketEvent]) {
        guard let programs else { return }
        counts.lost &+= programs.lost - lostBefore
        lostBefore = programs.lost
        var octets: [UInt8] = []
        swap(&octets, &told)
        // An array of octets has no padding, so its raw bytes are safe to read.
        unsafe takeTold(octets.span.bytes, &events)
        octets.removeAll(keepingCapacity: true)
        swap(&octets, &told)
    }

    private func takeTold(_ bytes: RawSpan, _ events: inout [SocketEvent]) {
        var position = 0
        while let place = Self.record(in: bytes, at: position) {
            let record = bytes.extracting(place)
            if PacketRecord.isOne(record) {
                if let event = droppedPacket(record) {
                    events.append(event)
                    if position >= searched { noteChecksumDrop(event) }
                }
            } else if let event = SocketRecord.decode(record, offset: offset.nanoseconds) {
                // The program has already compared the ports, unless there were too many of them.
                let isElsewhere = namespace.map { SocketRecord.isOthersLoopback(record, event, own: $0) } ?? false
                if isElsewhere {
                    noteElsewhere(event)
                } else if concerns(event) {
                    events.append(event)
                }
            } else {
                counts.damaged &+= 1
            }
            position += (place.count + 15) & ~7
        }
        searched = 0
    }

    /// The place of the record at a position; nil if there is no whole one.
    private static func record(in bytes: RawSpan, at position: Int) -> Range<Int>? {
        guard let length = unsigned(bytes, position, 4).map({ Int($0) }), length <= bytes.byteCount - position - 8
        else {
            return nil
        }
        return (position + 8)..<(position + 8 + length)
    }

    /// The event in a packet's record. Dropped packets may be of other connections, and not even TCP.
    private func droppedPacket(_ record: RawSpan) -> SocketEvent? {
        guard PacketRecord.isOne(record),
            let event = PacketRecord.decode(record, offset: offset.nanoseconds, word: { decoder.dropReason($0) }),
            concerns(event)
        else { return nil }
        return event
    }

    private func noteElsewhere(_ event: SocketEvent) {
        guard families != nil, event.isProcessContext, event.kind == .transition(from: .closed, to: .synSent),
            callersElsewhere.count < Self.callerLimit
        else { return }
        callersElsewhere.insert(event.pid)
    }

    /// The processes that called connect() on the loopback interface of another network namespace since the previous
    /// call, if a command is followed. Such events are left out, because that interface has the same addresses as ours.
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

    /// Whether the event has one of the ports; perf does not report those of a dropped packet.
    private func concerns(_ event: SocketEvent) -> Bool {
        if ports.isEmpty { return true }
        if case .dropped = event.kind, event.remote.port == 0 { return true }
        return ports.contains(event.local.port) || ports.contains(event.remote.port)
    }
}
