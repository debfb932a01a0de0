// Standard output of a live trace: whoever reads it slowly, or not at all, costs memory and no frames.

import Glibc
import TimelineReport

/// Writes what it is given, in a thread of its own: a pipe may have a slow reader, and a file a slow disk, for which write(2)
/// waits once enough is to be written there.
@safe final class OutputPump {
    /// Octets that are put together before the next ones wait on their own: a large buffer that grew would be there twice.
    private static let piece = 1 << 20

    /// Octets that may wait for their reader; then the trace waits as well, and its rings are what is left.
    private let limit: Int
    private let output: ResultOutput
    // Allocated and initialized in init; the thread lives as long as the process, and so do these and this object.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    // All below belongs to who holds the lock.
    private var waiting: [OutputBuffer] = []
    /// Octets of what waits and of what is being written.
    private var unwritten = 0
    /// An empty buffer with the memory of one that was written.
    private var spare = OutputBuffer()
    private var failure: ResultOutputError?
    private var hasThread = false

    /// Results go to this descriptor, which is borrowed.
    init(descriptor: Int32, limit: Int = 256 << 20) {
        self.limit = limit
        output = ResultOutput(descriptor: descriptor)
        unsafe lock = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(lock, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    /// Takes the buffer's bytes, and clears it. Throws what became of earlier ones.
    func write(_ buffer: inout OutputBuffer) throws(ResultOutputError) {
        guard buffer.count > 0 || hasThread else { return }
        guard hasThread || startThread() else { return try output.write(&buffer) }
        // lock and changed are initialized.
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        while failure == nil, unwritten > limit { unsafe pthread_cond_wait(changed, lock) }
        if let failure { throw failure }
        guard buffer.count > 0 else { return }
        unwritten += buffer.count
        add(&buffer)
        unsafe pthread_cond_broadcast(changed)
    }

    /// Adds bytes to what waits, and clears their buffer.
    private func add(_ buffer: inout OutputBuffer) {
        if let last = waiting.indices.last, waiting[last].count + buffer.count <= Self.piece {
            waiting[last].append(contentsOf: buffer.bytes)
        } else if waiting.isEmpty {
            // Nothing is copied as long as the reader keeps up.
            swap(&spare, &buffer)
            waiting.append(spare)
            spare = OutputBuffer()
        } else {
            var next = OutputBuffer(capacity: max(Self.piece, buffer.count))
            next.append(contentsOf: buffer.bytes)
            waiting.append(next)
        }
        buffer.clear()
    }

    /// How many octets have not been written yet.
    var backlog: Int {
        // lock is initialized.
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return unwritten
    }

    /// Waits until everything is written. Throws if that cannot be.
    func finish() throws(ResultOutputError) {
        guard hasThread else { return }
        // lock and changed are initialized.
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        while failure == nil, unwritten > 0 { unsafe pthread_cond_wait(changed, lock) }
        if let failure { throw failure }
    }

    private func startThread() -> Bool {
        var thread = pthread_t()
        // The reference that is handed over is released by nobody: the thread never ends.
        let reference = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                // The reference that was handed over.
                unsafe Unmanaged<OutputPump>.fromOpaque(argument).takeUnretainedValue().pump()
            }, reference)
        hasThread = code == 0
        return hasThread
    }

    /// The thread: writes whatever waits, for ever.
    private func pump() -> Never {
        var pieces: [OutputBuffer] = []
        // lock and changed are initialized.
        unsafe pthread_mutex_lock(lock)
        while true {
            while waiting.isEmpty || failure != nil { unsafe pthread_cond_wait(changed, lock) }
            swap(&waiting, &pieces)
            for index in pieces.indices where failure == nil {
                let size = pieces[index].count
                unsafe pthread_mutex_unlock(lock)
                var met: ResultOutputError?
                do throws(ResultOutputError) { try output.write(&pieces[index]) } catch { met = error }
                unsafe pthread_mutex_lock(lock)
                failure = met
                unwritten -= size
                // Its memory is used again, or given back before the next piece is written.
                swap(&spare, &pieces[index])
                pieces[index] = OutputBuffer()
                unsafe pthread_cond_broadcast(changed)
            }
            pieces.removeAll(keepingCapacity: true)
        }
    }
}
