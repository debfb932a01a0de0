// The numbers assigned to processes in a file, and the definitions that are still to be written.

import TCPModel

/// Tracks the processes that the file has defined.
struct ProcessNumbers {
    /// A process with details and the same process without them are two entries; otherwise each would be defined again
    /// whenever the other was met.
    private struct Key: Hashable {
        let process: ProcessIdentity
        let hasDetails: Bool
    }

    private struct Entry {
        let number: UInt32
        let details: ProcessDetails?
    }

    private var known: [Key: Entry] = [:]
    private var next: UInt32 = 0
    /// Octets of all definitions since that of number 0.
    private var written = 0
    /// The definitions for the next payload.
    private var definitions = RecordOctets()
    private var definitionCount = 0

    /// Restarts the numbering unless `count` new processes are sure to get numbers, which must not change within a
    /// payload.
    mutating func makeRoom(for count: Int) {
        let left = Int(KernelRecordFormat.processes - next)
        if left < count || written > KernelRecordFormat.definitionOctets { removeAll() }
    }

    mutating func removeAll() {
        known.removeAll(keepingCapacity: true)
        next = 0
        written = 0
    }

    /// The number of a process, which is defined if it is new. If no number is left, the result is one that is never
    /// defined. Details that have no room in the payload are omitted.
    mutating func number(of process: ProcessIdentity) -> UInt32 {
        let hasRoom = definitions.count < KernelRecordFormat.payloadDefinitions
        let process =
            hasRoom ? process : ProcessIdentity(pid: process.pid, command: process.command, uid: process.uid)
        let details = process.details
        let key = Key(process: process, hasDetails: details != nil)
        if let entry = known[key], isSame(entry.details, details) { return entry.number }
        guard next < KernelRecordFormat.processes else { return .max }
        let number = next
        next += 1
        known[key] = Entry(number: number, details: details)
        let before = definitions.count
        define(process, as: number)
        definitionCount += 1
        written += definitions.count - before
        return number
    }

    /// Appends the count of the pending definitions and the definitions themselves.
    mutating func takeDefinitions(into octets: inout RecordOctets) {
        octets.append(count: definitionCount)
        octets.append(definitions)
        definitions.removeAll()
        definitionCount = 0
    }

    /// Details are read once per process, so they are mostly the same object.
    private func isSame(_ left: ProcessDetails?, _ right: ProcessDetails?) -> Bool {
        if left === right { return true }
        guard let left, let right else { return false }
        return left.executable == right.executable && left.controlGroup == right.controlGroup
            && left.unit == right.unit && left.container == right.container
    }

    private mutating func define(_ process: ProcessIdentity, as number: UInt32) {
        let details = process.details
        let container = details?.container
        let texts: [(flag: ProcessFlags, text: String?, limit: Int)] = [
            (.executable, details?.executable, KernelRecordFormat.pathOctets),
            (.controlGroup, details?.controlGroup, KernelRecordFormat.pathOctets),
            (.unit, details?.unit, KernelRecordFormat.nameOctets),
            (.runtime, container?.runtime, KernelRecordFormat.nameOctets),
            (.container, container?.identifier, KernelRecordFormat.nameOctets),
            (.pod, container?.pod, KernelRecordFormat.nameOctets),
        ]
        var flags: ProcessFlags = details == nil ? [] : .details
        for text in texts where text.text != nil { flags.insert(text.flag) }
        definitions.append(number)
        definitions.append(process.pid)
        definitions.append(process.uid)
        definitions.append(flags.rawValue)
        definitions.append(process.command, limit: KernelRecordFormat.nameOctets)
        for text in texts {
            if let words = text.text { definitions.append(words, limit: text.limit) }
        }
    }
}
