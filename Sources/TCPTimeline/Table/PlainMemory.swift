// Plain values in memory of their own: tables that nobody else can hold, so that nothing is asked before a write.

import CMemoryHints

/// A fixed number of plain values.
@safe struct FixedTable<Element: BitwiseCopyable>: ~Copyable {
    private let base: UnsafeMutablePointer<Element>
    let count: Int

    /// A table of so many equal values, at least one.
    init(repeating value: Element, count: Int) {
        precondition(count > 0)
        self.count = count
        unsafe base = .allocate(capacity: count)
        // All of the memory that was just allocated.
        unsafe base.initialize(repeating: value, count: count)
    }

    deinit {
        // Allocated in init and freed here only; the values are trivial.
        unsafe base.deallocate()
    }

    /// Has the place's cache line fetched.
    @inline(__always) func fetch(_ index: Int) {
        guard UInt(bitPattern: index) < UInt(bitPattern: count) else { return }
        // Checked just above; nothing is read.
        unsafe memory_hint_fetch(base + index)
    }

    subscript(index: Int) -> Element {
        @inline(__always) unsafeAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // Checked just above, and every place was initialized in init.
            return unsafe UnsafePointer(base + index)
        }
        @inline(__always) unsafeMutableAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // As above.
            return unsafe base + index
        }
    }
}

/// A growing number of plain values in chunks that never move, so that growth copies nothing and stalls nobody.
@safe struct ChunkedTable<Element: BitwiseCopyable>: ~Copyable {
    private static var chunkShift: Int { 12 }
    static var chunkSize: Int { 1 << chunkShift }
    private static var lineSize: Int { 64 }
    /// Values whose memory is made at once; none for the first ones, so that a small table costs little.
    private static var step: UInt32 { 512 }

    private var chunks: [UnsafeMutablePointer<Element>] = unsafe []
    private(set) var count: UInt32 = 0

    init() {}

    deinit {
        // Every chunk was allocated by `addChunk` and is freed only here; the values are trivial.
        for index in unsafe chunks.indices { unsafe chunks[index].deallocate() }
    }

    /// Adds a value behind the last one.
    @inline(__always) mutating func append(_ value: Element) {
        if unsafe Int(count) >> Self.chunkShift == chunks.count { addChunk() }
        if count & (Self.step - 1) == 0 && count > 0 { populate() }
        count += 1
        // The chunk for this place was allocated just above or earlier.
        unsafe place(count - 1).initialize(to: value)
    }

    @inline(never) private mutating func addChunk() {
        // On whole cache lines, so that a value takes no more of them than it has to. What is not used is not touched.
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: Self.chunkSize * MemoryLayout<Element>.stride, alignment: Self.lineSize)
        // All of the memory that was just allocated.
        unsafe chunks.append(memory.bindMemory(to: Element.self, capacity: Self.chunkSize))
    }

    /// Has the memory of the next values made.
    @inline(never) private func populate() {
        // A chunk has whole steps, and this one was allocated.
        unsafe memory_hint_populate(place(count), Int(Self.step) * MemoryLayout<Element>.stride)
    }

    /// Where the value of an index below the count is.
    @inline(__always) private func place(_ index: UInt32) -> UnsafeMutablePointer<Element> {
        // There is such a value, so its chunk exists and has room for this index.
        unsafe chunks[Int(index) >> Self.chunkShift] + Int(index) & (Self.chunkSize - 1)
    }

    /// Has the cache lines of a value fetched; nothing for an index that there is not.
    @inline(__always) func fetch(_ index: UInt32) {
        guard index < count else { return }
        // Checked just above: all of these octets are the value's.
        let base = unsafe UnsafeRawPointer(place(index))
        var offset = 0
        while offset < MemoryLayout<Element>.size {
            unsafe memory_hint_fetch(base + offset)
            offset &+= Self.lineSize
        }
    }

    subscript(index: UInt32) -> Element {
        @inline(__always) unsafeAddress {
            precondition(index < count)
            // Checked just above: there is such a value, and its place was initialized.
            return unsafe UnsafePointer(place(index))
        }
        @inline(__always) unsafeMutableAddress {
            precondition(index < count)
            // As above.
            return unsafe place(index)
        }
    }
}
