// Standard output of a live trace: a slow or blocked reader costs memory, but no frames.

import Glibc
import TimelineReport

/// Writes what it is given in a thread of its own: a pipe may have a slow reader, and a file a slow disk, and write(2)
/// blocks once enough is waiting for it.
@safe final class OutputPump {
    /// The size in octets up to which waiting output is gathered in one buffer: growing a large buffer would need its
    /// memory twice.
    private static let piece = 1 << 20

    /// Octets that may wait for the reader; beyond this limit the trace waits as well, and only the capture rings still
    /// buffer.
    private let limit: Int
    private let output: ResultOutput
    // Allocated and initialized in init; the thread lives as long as the process, and so do these and this object.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    /// Used by the owner alone.
    private var hasThread = false
    // Everything below is protected by the lock.
    private var waiting: [OutputBuffer] = []
    /// Octets that are waiting or being written.
    private var unwritten = 0
    /// An empty buffer that reuses the memory of a written one.
    private var spare = OutputBuffer()
    private var failure: ResultOutputError?

    /// Results go to this descriptor, which is borrowed.
    init(descriptor: Int32, limit: Int = 256 << 20) {
        self.limit = limit
        output = ResultOutput(descriptor: descriptor)
        unsafe lock = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(lock, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    /// Takes the buffer's bytes and clears it. Throws the failure of an earlier write.
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

    /// Adds bytes to the waiting output, and clears their buffer.
    private func add(_ buffer: inout OutputBuffer) {
        if let last = waiting.indices.last, waiting[last].count + buffer.count <= Self.piece {
            waiting[last].append(contentsOf: buffer.bytes)
        } else if waiting.isEmpty {
            // No bytes are copied as long as the reader keeps up.
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

    /// The number of octets that have not been written yet.
    var backlog: Int {
        // lock is initialized.
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return unwritten
    }

    /// Waits until everything is written. Throws if that is impossible.
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
        // The retained reference is never released: the thread never ends.
        let reference = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                // The reference passed to pthread_create.
                unsafe Unmanaged<OutputPump>.fromOpaque(argument).takeUnretainedValue().pump()
            }, reference)
        hasThread = code == 0
        return hasThread
    }

    /// The thread's body: writes whatever is waiting, forever.
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
                // The memory is reused, or released before the next piece is written.
                swap(&spare, &pieces[index])
                pieces[index] = OutputBuffer()
                unsafe pthread_cond_broadcast(changed)
            }
            pieces.removeAll(keepingCapacity: true)
        }
    }
}
