// The workers of a divided replay, and what they share: batches, parts, the merge, and who may touch which of them.
//
// A batch is filled by the reader, then each part works on its share of it, then the merge takes what they said. Parts take
// batches in order and one at a time, the merge too. A mutex guards the table of who is where; nobody holds it while
// working. So whatever is worked on belongs to one thread at a time, and passes from one to the next through the mutex.

import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// Everything that the threads of a divided replay share.
@safe final class ReplayCrew<Report: PartitionedReport>: @unchecked Sendable {
    private enum Task {
        case part(Int, batch: UInt64)
        case merge(batch: UInt64)
    }

    /// The reader, as a worker.
    private static var reader: Int { 0 }

    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let change: UnsafeMutablePointer<pthread_cond_t>
    private let batches: SpacedPlaces<ReplayBatch>
    /// Batches under way at a time.
    private let depth: Int
    private let parts: SpacedPlaces<ReplayPart<Report>>
    private let merge: UnsafeMutablePointer<ReplayMerge<Report>>
    private var threads: [pthread_t] = []

    // Guarded by the lock.
    private var published: UInt64 = 0
    private var merged: UInt64 = 0
    private var isMerging = false
    private var nextOfPart: ByPart<UInt64> = .init(repeating: 0)
    private var isBusy: ByPart<Bool> = .init(repeating: false)
    /// Who worked on each part last: its connections may still be in that core's cache. The reader at first.
    private var lastWorker: ByPart<Int> = .init(repeating: 0)
    private var isClosing = false
    private var isWanted = true
    private var sleepers = 0

    init(report: Report, seed: UInt64, most: Int, workers: Int) {
        unsafe lock = .allocate(capacity: 1)
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe change = .allocate(capacity: 1)
        unsafe change.initialize(to: pthread_cond_t())
        // Both were allocated just above and are destroyed in deinit, after all threads have been joined.
        unsafe pthread_mutex_init(lock, nil)
        unsafe pthread_cond_init(change, nil)
        // Alone, one is enough, and its memory stays in the cache.
        depth = workers > 1 ? ReplayDivision.depth : 1
        batches = SpacedPlaces(count: depth) { _ in ReplayBatch() }
        parts = SpacedPlaces(count: ReplayDivision.parts) { _ in ReplayPart(report: report, seed: seed, most: most) }
        unsafe merge = .allocate(capacity: 1)
        unsafe merge.initialize(to: ReplayMerge(report: report))
        for worker in 1..<max(1, min(workers, ReplayDivision.parts + 1)) { startThread(worker) }
    }

    deinit {
        // All of it was allocated and initialized in init; `close` has joined the threads, which held self till then.
        unsafe merge.deinitialize(count: 1)
        unsafe merge.deallocate()
        unsafe pthread_cond_destroy(change)
        unsafe pthread_mutex_destroy(lock)
        unsafe change.deallocate()
        unsafe lock.deallocate()
    }

    private func startThread(_ worker: Int) {
        // The closure's box holds self; it is taken over by the thread that begins with it, or released here.
        let box = unsafe Unmanaged.passRetained(ThreadWork { [self] in workTillTheEnd(worker) })
        // Signals are the reader's: a thread inherits the mask. Only faults stay where they happen (SIGBUS has a handler).
        var others = sigset_t()
        var before = sigset_t()
        // All calls read and change the sets that are passed, nothing else.
        unsafe sigfillset(&others)
        unsafe sigdelset(&others, SIGBUS)
        unsafe sigdelset(&others, SIGSEGV)
        unsafe pthread_sigmask(SIG_BLOCK, &others, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        // thread is written by the call; the box is retained for the thread.
        let code = unsafe pthread_create(&thread, nil, threadMain, box.toOpaque())
        if code == 0 { threads.append(thread) } else { unsafe box.release() }
    }

    // MARK: The reader's side

    /// The batch that is being filled belongs to the reader until it is published.
    private func batch(_ number: UInt64) -> UnsafeMutablePointer<ReplayBatch> {
        // The depth is a power of two, so that this is the remainder, which is below the number of batches.
        unsafe batches.place(Int(truncatingIfNeeded: number) & (depth &- 1))
    }

    func begin(_ description: CaptureDescription) { unsafe merge.pointee.begin(description) }

    /// The first segment of all came, in this batch.
    func opens(at time: Timestamp, in number: UInt64) { unsafe batch(number).pointee.openTime = time }

    func beginBatch(_ number: UInt64, firstFrame: UInt64) {
        unsafe batch(number).pointee.begin(firstFrame: firstFrame)
    }

    /// Adds a segment to a part; the caller writes it to the place that this returns.
    @inline(__always) func add(to part: Int, of number: UInt64) -> UnsafeMutablePointer<ReplayItem> {
        unsafe batch(number).pointee.add(to: part)
    }

    func add(_ segment: borrowing Segment, to part: Int, of number: UInt64) -> UnsafeMutablePointer<ReplayItem> {
        unsafe batch(number).pointee.add(segment, to: part)
    }

    func add(_ error: ReplayError, to part: Int, of number: UInt64) {
        unsafe batch(number).pointee.add(error, to: part)
    }

    func noteGap(_ count: UInt64, at time: Timestamp?, in number: UInt64) {
        unsafe batch(number).pointee.gap &+= count
        unsafe batch(number).pointee.gapTime = time
    }

    /// Hands a batch over, and waits until there is room for the next one. False: nobody wants the results any more.
    func publish(_ number: UInt64, endTime: Timestamp?, restLimit: UInt64? = nil) -> Bool {
        unsafe batch(number).pointee.endTime = endTime
        unsafe batch(number).pointee.restLimit = restLimit
        acquire()
        published = number + 1
        wakeAll()
        // Alone, the batch is worked on while it is in the cache; with others, only when they are behind.
        let room = threads.isEmpty ? 0 : UInt64(depth - 1)
        while published - merged > room { workOrWait(Self.reader) }
        let isWanted = isWanted
        release()
        return isWanted
    }

    /// Waits until all that was published is merged, and writes the results. False: nobody wants more.
    func flush() -> Bool {
        acquire()
        while merged < published { workOrWait(Self.reader) }
        release()
        // Nothing is published: the merge has nothing to do, and nobody else touches it.
        unsafe merge.pointee.flush()
        return outputStatus == nil
    }

    /// Nothing more comes: reports what is left, in portions, and ends the threads.
    func close(from number: UInt64) {
        acquire()
        while merged < published { workOrWait(Self.reader) }
        release()
        // Everybody is idle, and nothing is published: all parts belong to the reader.
        for part in 0..<ReplayDivision.parts {
            for index in 0..<depth {
                let result = unsafe batches.place(index).pointee.results.place(part)
                unsafe parts.place(part).pointee.takeNumbers(&result.pointee)
            }
            unsafe parts.place(part).pointee.close()
        }
        var next = number
        var limit: UInt64 = 0
        let all = connections
        var isWanted = true
        while limit < all, isWanted {
            limit += ReplayDivision.rest
            beginBatch(next, firstFrame: .max - UInt64(ReplayDivision.batch))
            isWanted = publish(next, endTime: nil, restLimit: limit)
            next += 1
        }
        acquire()
        while merged < published { workOrWait(Self.reader) }
        release()
        stop()
    }

    /// Ends the threads. Nothing that was published is left.
    func stop() {
        acquire()
        isClosing = true
        wakeAll()
        release()
        // Each was created by this object and is joined once.
        for thread in threads { pthread_join(thread, nil) }
        threads = []
    }

    func end(_ description: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?) {
        // The threads have ended.
        unsafe merge.pointee.end(description, counts, at: time)
    }

    var connections: UInt64 { unsafe merge.pointee.connections }
    var evicted: UInt64 { unsafe merge.pointee.evicted }
    var strayErrors: UInt64 { unsafe merge.pointee.strayErrors }
    var outputStatus: Int32? { unsafe merge.pointee.outputStatus }

    // MARK: Work

    private func workTillTheEnd(_ worker: Int) {
        acquire()
        while !isClosing { workOrWait(worker) }
        release()
    }

    /// Does one piece of work, or waits for a change. With the lock held, before and after.
    private func workOrWait(_ worker: Int) {
        guard let task = pick(worker) else {
            sleepers += 1
            // This thread holds the lock; the call gives it back while it waits.
            unsafe pthread_cond_wait(change, lock)
            sleepers -= 1
            return
        }
        release()
        switch task {
        case .part(let part, let number): work(on: part, of: number)
        // `pick` gave the merge to this thread alone.
        case .merge(let number): unsafe merge.pointee.take(batch(number).pointee)
        }
        acquire()
        switch task {
        case .part(let part, let number):
            isBusy[part] = false
            nextOfPart[part] = number + 1
        case .merge(let number):
            isMerging = false
            merged = number + 1
            if unsafe merge.pointee.outputStatus != nil { isWanted = false }
        }
        wakeAll()
    }

    /// The next thing to do: a merge that is due, or the part that is furthest behind; of several, one that the worker had
    /// before. With the lock held.
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

    private func work(on part: Int, of number: UInt64) {
        // `pick` gave this part to this thread alone, and its share of the batch with it.
        let batch = unsafe batch(number)
        let state = unsafe parts.place(part)
        let result = unsafe batch.pointee.results.place(part)
        unsafe state.pointee.takeNumbers(&result.pointee)
        unsafe result.pointee.clear(firstFrame: batch.pointee.firstFrame)
        unsafe state.pointee.run(
            batch.pointee.share(of: part), batch.pointee.errors[part], firstFrame: batch.pointee.firstFrame,
            &result.pointee)
        if let now = unsafe batch.pointee.endTime { unsafe state.pointee.expire(at: now, &result.pointee) }
        if let limit = unsafe batch.pointee.restLimit { unsafe state.pointee.finishRest(upTo: limit, &result.pointee) }
    }

    // MARK: The lock

    private func acquire() { unsafe pthread_mutex_lock(lock) }
    private func release() { unsafe pthread_mutex_unlock(lock) }
    private func wakeAll() {
        if sleepers > 0 { unsafe pthread_cond_broadcast(change) }
    }
}

/// What a thread is to do.
private final class ThreadWork {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

/// Where a thread begins. `argument` is a retained `ThreadWork`.
private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    // startThread retained exactly this object for this thread.
    let work = unsafe Unmanaged<ThreadWork>.fromOpaque(argument).takeRetainedValue()
    work.body()
    return nil
}
