// The contents of one payload of a reading: connections in full, and runs of unchanged ones.

/// The parts of a payload, as they are assembled.
struct ReadingPortion {
    private(set) var octets = RecordOctets()
    /// The number of parts; each is a connection in full or a run.
    private(set) var parts = 0
    private var connections = 0
    private var listeners = 0
    /// Unchanged connections with consecutive numbers, not yet appended to the octets.
    private var run: (first: UInt32, count: UInt16) = (0, 0)

    /// Whether the next connection must go into the next payload.
    var isFull: Bool {
        connections >= KernelRecordFormat.portion || octets.count >= KernelRecordFormat.portionOctets
            || listeners >= KernelRecordFormat.portionListeners
    }

    /// Appends a connection in full.
    mutating func append(_ number: UInt32, _ full: RecordOctets, listeners: Int) {
        endRun()
        octets.append(number)
        octets.append(full)
        parts += 1
        count(listeners)
    }

    /// Appends a connection that has not changed since it was written.
    mutating func append(unchanged number: UInt32, listeners: Int) {
        if run.count == 0 || number != run.first &+ UInt32(run.count) {
            endRun()
            run.first = number
        }
        run.count += 1
        count(listeners)
    }

    /// Ends the current run and appends it.
    mutating func endRun() {
        guard run.count > 0 else { return }
        octets.append(run.first)
        octets.append(ConnectionFlags.unchanged.rawValue)
        octets.append(run.count)
        parts += 1
        run.count = 0
    }

    private mutating func count(_ listeners: Int) {
        connections += 1
        // At most this many are written for one connection.
        self.listeners += min(listeners, Int(UInt16.max))
    }
}
