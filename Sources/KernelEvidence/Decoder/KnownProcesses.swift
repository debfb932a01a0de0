// The processes defined by a file, by their numbers.

import TCPModel

/// Maps numbers to processes.
struct KnownProcesses {
    /// The octets of the shortest definition: number, pid, uid, flags and the length of the command.
    private static let least = 15

    private var known: [UInt32: ProcessIdentity] = [:]
    /// Octets of all texts that were defined, including those of numbers that have been redefined.
    private var text = 0

    mutating func removeAll() {
        known.removeAll()
        text = 0
    }

    /// The process with this number; nil if it is not defined.
    subscript(number: UInt32) -> ProcessIdentity? { known[number] }

    /// Reads the definitions at the beginning of a payload. Those before a fault remain valid, because they were
    /// complete.
    mutating func define(_ cursor: inout RecordCursor) throws(KernelRecordFault) {
        for _ in 0..<(try cursor.count(least: Self.least)) {
            let number = try cursor.u32()
            let process = try Self.process(&cursor)
            guard number < KernelRecordFormat.processes else { throw .badValue("number \(number) of a process") }
            let octets = Self.textOctets(process)
            // A malicious file could define ever more, so beyond the limit all earlier definitions are forgotten.
            if number == 0 || text + octets > KernelRecordFormat.keptText { removeAll() }
            text += octets
            known[number] = process
        }
    }

    private static func process(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> ProcessIdentity {
        let pid = try cursor.i32()
        let uid = try cursor.u32()
        let flags = ProcessFlags(rawValue: try cursor.u8())
        let command = try cursor.text(limit: KernelRecordFormat.nameOctets)
        func optional(_ flag: ProcessFlags, _ limit: Int) throws(KernelRecordFault) -> String? {
            flags.contains(flag) ? try cursor.text(limit: limit) : nil
        }
        let executable = try optional(.executable, KernelRecordFormat.pathOctets)
        let controlGroup = try optional(.controlGroup, KernelRecordFormat.pathOctets)
        let unit = try optional(.unit, KernelRecordFormat.nameOctets)
        let runtime = try optional(.runtime, KernelRecordFormat.nameOctets)
        let identifier = try optional(.container, KernelRecordFormat.nameOctets)
        let pod = try optional(.pod, KernelRecordFormat.nameOctets)
        guard flags.contains(.details) else { return ProcessIdentity(pid: pid, command: command, uid: uid) }
        let container = identifier.map { ProcessDetails.Container(runtime: runtime, identifier: $0, pod: pod) }
        let details = ProcessDetails(
            executable: executable, controlGroup: controlGroup, container: container, unit: unit)
        return ProcessIdentity(pid: pid, command: command, uid: uid, details: details)
    }

    /// The octets of all texts of a process.
    private static func textOctets(_ process: ProcessIdentity) -> Int {
        let details = process.details
        let container = details?.container
        let texts = [
            process.command, details?.executable, details?.controlGroup, details?.unit, container?.runtime,
            container?.identifier, container?.pod,
        ]
        return texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
    }
}
