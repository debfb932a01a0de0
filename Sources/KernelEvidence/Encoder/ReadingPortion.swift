// What one payload has of a reading: connections in full, and runs of those that are as they were written.

/// The parts of a payload, as they are put together.
struct ReadingPortion {
    private(set) var octets = RecordOctets()
    /// Each is a connection in full or a run.
    private(set) var parts = 0
    private var connections = 0
    private var listeners = 0
    /// Unchanged connections of successive numbers, which are not among the octets yet.
    private var run: (first: UInt32, count: UInt16) = (0, 0)

    /// Whether the next connection is the next payload's.
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

    /// Appends one that is as it was written.
    mutating func append(unchanged number: UInt32, listeners: Int) {
        if run.count == 0 || number != run.first &+ UInt32(run.count) {
            endRun()
            run.first = number
        }
        run.count += 1
        count(listeners)
    }

    /// Nothing more goes on with the run.
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
        // As many as are written of one.
        self.listeners += min(listeners, Int(UInt16.max))
    }
}
