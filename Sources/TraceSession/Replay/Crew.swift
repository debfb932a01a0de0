// The workers of a divided replay and what they share: batches, parts, the merge, and the rules of access to these.
//
// The reader fills a batch, each part works on its share of it, then the merge takes their results. Parts take batches
// in order and one at a time, and so does the merge. A mutex guards the table of assignments and is never held during
// work. Each object that is worked on thus belongs to one thread at a time, and passes to the next thread through the
// mutex.

import CLinux
import Glibc

/// The shared state of the threads of a divided replay. The meaning of batches, parts and the merge is left to its
/// owner.
@safe final class Crew<Batch: ~Copyable, Part: ~Copyable, Merge: ~Copyable>: @unchecked Sendable {
    private enum Task {
        case part(Int, batch: UInt64)
        case merge(batch: UInt64)
    }

    /// The reader's number as a worker.
    private static var reader: Int { 0 }

    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let change: UnsafeMutablePointer<pthread_cond_t>
    private let batches: SpacedPlaces<Batch>
    /// Number of batches under way at a time.
    let depth: Int
    private let parts: SpacedPlaces<Part>
    /// Others may access it only while no published batch is waiting to be merged.
    let merge: UnsafeMutablePointer<Merge>
    private let work: (inout Part, Int, borrowing Batch) -> Void
    private let take: (inout Merge, borrowing Batch) -> Bool
    private var threads: [pthread_t] = []

    // Guarded by the lock.
    private var published: UInt64 = 0
    private var merged: UInt64 = 0
    private var isMerging = false
    private var nextOfPart: ByPart<UInt64> = .init(repeating: 0)
    private var isBusy: ByPart<Bool> = .init(repeating: false)
    /// The worker that last worked on each part: the part's connections may still be in that core's cache. Initially
    /// the reader.
    private var lastWorker: ByPart<Int> = .init(repeating: 0)
    private var isClosing = false
    private var isWanted = true
    private var sleepers = 0

    /// - Parameters:
    ///   - work: processes a part's share of a batch. Other parts read the same batch concurrently.
    ///   - take: merges a batch that all parts have processed; returns false if no more results are wanted.
    init(
        workers: Int, batch: () -> Batch, part: () -> Part, merge first: consuming Merge,
        work: @escaping (inout Part, Int, borrowing Batch) -> Void,
        take: @escaping (inout Merge, borrowing Batch) -> Bool
    ) {
        self.work = work
        self.take = take
        unsafe lock = .allocate(capacity: 1)
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe change = .allocate(capacity: 1)
        unsafe change.initialize(to: pthread_cond_t())
        // Both were allocated just above, and are destroyed in deinit after all threads have been joined.
        unsafe pthread_mutex_init(lock, nil)
        unsafe pthread_cond_init(change, nil)
        // A single thread needs only one batch, whose memory then stays in the cache.
        depth = workers > 1 ? ReplayDivision.depth : 1
        batches = SpacedPlaces(count: depth) { _ in batch() }
        parts = SpacedPlaces(count: ReplayDivision.parts) { _ in part() }
        unsafe merge = .allocate(capacity: 1)
        unsafe merge.initialize(to: first)
        for worker in 1..<max(1, min(workers, ReplayDivision.parts + 1)) { startThread(worker) }
    }

    deinit {
        // All of this was allocated and initialized in init; `stop` has joined the threads, which retained self until
        // then.
        unsafe merge.deinitialize(count: 1)
        unsafe merge.deallocate()
        unsafe pthread_cond_destroy(change)
        unsafe pthread_mutex_destroy(lock)
        unsafe change.deallocate()
        unsafe lock.deallocate()
    }

    private func startThread(_ worker: Int) {
        // The closure's box retains self. The new thread takes it over; if there is none, it is released here.
        let box = unsafe Unmanaged.passRetained(ThreadWork { [self] in workTillTheEnd(worker) })
        // Signals belong to the reader, and a thread inherits the mask.
        var others = sigset_t()
        var before = sigset_t()
        // The calls read and change only the sets passed to them.
        unsafe sigfillset(&others)
        unsafe pthread_sigmask(SIG_BLOCK, &others, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        // The call writes to `thread`; the box is retained for the new thread.
        let code = unsafe pthread_create(&thread, nil, threadMain, box.toOpaque())
        if code == 0 { threads.append(thread) } else { unsafe box.release() }
    }

    // MARK: The reader's side

    /// The batch with this number. It belongs to the reader until it is published.
    @inline(__always) func batch(_ number: UInt64) -> UnsafeMutablePointer<Batch> {
        // The depth is a power of two, so this is the remainder, which is below the number of batches.
        unsafe batches.place(Int(truncatingIfNeeded: number) & (depth &- 1))
    }

    /// The batch at one of the places; may be accessed only while no published batch is waiting to be merged.
    func batch(at place: Int) -> UnsafeMutablePointer<Batch> { unsafe batches.place(place) }

    /// A part; may be accessed only while no published batch is waiting to be merged.
    func part(_ index: Int) -> UnsafeMutablePointer<Part> { unsafe parts.place(index) }

    /// Hands a batch over, and waits until there is room for the next one. Returns false if no more results are wanted.
    func publish(_ number: UInt64) -> Bool {
        acquire()
        published = number + 1
        wakeAll()
        // A single thread works on the batch while it is in the cache; with others, the reader helps only if they are
        // behind.
        let room = threads.isEmpty ? 0 : UInt64(depth - 1)
        while published - merged > room { workOrWait(Self.reader) }
        let isWanted = isWanted
        release()
        return isWanted
    }

    /// Waits until all published batches are merged: everything then belongs to the reader.
    func settle() {
        acquire()
        while merged < published { workOrWait(Self.reader) }
        release()
    }

    /// Ends the threads. All published batches must have been merged.
    func stop() {
        acquire()
        isClosing = true
        wakeAll()
        release()
        // Each was created by this object and is joined once.
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }

    // MARK: Work

    private func workTillTheEnd(_ worker: Int) {
        acquire()
        while !isClosing { workOrWait(worker) }
        release()
    }

    /// Does one piece of work, or waits for a change. The lock is held on entry and on return.
    private func workOrWait(_ worker: Int) {
        guard let task = pick(worker) else {
            sleepers += 1
            // This thread holds the lock, which the call releases while it waits.
            unsafe pthread_cond_wait(change, lock)
            sleepers -= 1
            return
        }
        release()
        var goesOn = true
        switch task {
        // `pick` gave this part to this thread alone, together with its share of the batch.
        case .part(let part, let number): unsafe work(&parts.place(part).pointee, part, batch(number).pointee)
        // `pick` gave the merge to this thread alone.
        case .merge(let number): goesOn = unsafe take(&merge.pointee, batch(number).pointee)
        }
        acquire()
        switch task {
        case .part(let part, let number):
            isBusy[part] = false
            nextOfPart[part] = number + 1
        case .merge(let number):
            isMerging = false
            merged = number + 1
            if !goesOn { isWanted = false }
        }
        wakeAll()
    }

    /// The next task: a merge that is due, or else the part that is furthest behind, preferably one that this worker
    /// had last. The lock must be held.
    private func pick(_ worker: Int) -> Task? {
        if !isMerging && merged < published {
            var isDue = true
            for part in 0..<ReplayDivision.parts where nextOfPart[part] <= merged { isDue = false }
            if isDue {
                isMerging = true
                return .merge(batch: merged)
            }
        }
        var best = -1
        var bestRank = UInt64.max
        for part in 0..<ReplayDivision.parts where !isBusy[part] && nextOfPart[part] < published {
            let rank = nextOfPart[part] * 2 + (lastWorker[part] == worker ? 0 : 1)
            if rank < bestRank { (best, bestRank) = (part, rank) }
        }
        guard best >= 0 else { return nil }
        isBusy[best] = true
        lastWorker[best] = worker
        return .part(best, batch: nextOfPart[best])
    }

    // MARK: The lock

    private func acquire() { unsafe pthread_mutex_lock(lock) }
    private func release() { unsafe pthread_mutex_unlock(lock) }
    private func wakeAll() {
        if sleepers > 0 { unsafe pthread_cond_broadcast(change) }
    }
}

/// The work of a thread.
private final class ThreadWork {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

/// A thread's entry point. `argument` is a retained `ThreadWork`.
private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    // startThread retained exactly this object for this thread.
    let work = unsafe Unmanaged<ThreadWork>.fromOpaque(argument).takeRetainedValue()
    work.body()
    return nil
}
