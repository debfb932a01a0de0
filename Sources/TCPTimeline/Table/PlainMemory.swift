// Plain values in memory of their own: tables with a single owner, so that writes need no uniqueness check.

import CMemoryHints
import Synchronization

/// A fixed number of plain values.
@safe struct FixedTable<Element: BitwiseCopyable>: ~Copyable {
    private let base: UnsafeMutablePointer<Element>
    let count: Int

    /// A table of `count` equal values, at least one.
    init(repeating value: Element, count: Int) {
        precondition(count > 0)
        self.count = count
        unsafe base = .allocate(capacity: count)
        // This covers exactly the memory that was just allocated.
        unsafe base.initialize(repeating: value, count: count)
    }

    deinit {
        // Allocated in init and freed only here; the values are trivial.
        unsafe base.deallocate()
    }

    /// Fetches the place's cache line.
    @inline(__always) func fetch(_ index: Int) {
        guard UInt(bitPattern: index) < UInt(bitPattern: count) else { return }
        // Checked just above; nothing is read.
        unsafe memory_hint_fetch(base + index)
    }

    subscript(index: Int) -> Element {
        @inline(__always) unsafeAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // Checked just above; and every place was initialized in init.
            return unsafe UnsafePointer(base + index)
        }
        @inline(__always) unsafeMutableAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
            // As above.
            return unsafe base + index
        }
    }
}

/// A growing number of plain values in chunks that never move, so that growth copies nothing and causes no stall.
@safe struct ChunkedTable<Element: BitwiseCopyable>: ~Copyable {
    private static var chunkShift: Int { 9 }
    static var chunkSize: Int { 1 << chunkShift }
    private static var lineSize: Int { 64 }
    /// The first chunks have memory of their own, so that a small table costs little;
    /// the others are pieces of large pages.
    static var ownChunks: Int { 4 }

    /// Not an array, which would check its own bounds for each value.
    private var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    private var chunkCount = 0
    /// The number of chunks that `chunks` has room for.
    private var chunkRoom = 16
    private(set) var count: UInt32 = 0

    init() {
        precondition(Self.chunkOctets <= LargePages.pieceSize)
        unsafe chunks = .allocate(capacity: chunkRoom)
    }

    deinit {
        // Only this table has its chunks, and each goes back to where `addChunk` got it; the values are trivial.
        for index in 0..<chunkCount {
            let memory = unsafe UnsafeMutableRawPointer(chunks[index])
            if index < Self.ownChunks { unsafe memory.deallocate() } else { unsafe LargePages.giveBack(memory) }
        }
        unsafe chunks.deallocate()
    }

    private static var chunkOctets: Int { chunkSize * MemoryLayout<Element>.stride }

    /// Adds a value after the last one.
    @inline(__always) mutating func append(_ value: Element) {
        if Int(count) >> Self.chunkShift == chunkCount { addChunk() }
        count += 1
        // The chunk for this place was made just above, or earlier.
        unsafe place(count - 1).initialize(to: value)
    }

    @inline(never) private mutating func addChunk() {
        if chunkCount == chunkRoom { makeRoom() }
        let memory: UnsafeMutableRawPointer
        if chunkCount < Self.ownChunks {
            // On cache-line boundaries, so that a value spans no more lines than it must. Unused memory is not touched.
            unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: Self.chunkOctets, alignment: Self.lineSize)
        } else {
            unsafe memory = LargePages.take()
        }
        // A table of a few values is cheaper without this. It covers exactly the memory that was just made: init has
        // checked that a chunk is no larger than a piece.
        if chunkCount > 0 { unsafe memory_hint_populate(memory, Self.chunkOctets) }
        // There is room for it, as checked at the beginning.
        unsafe (chunks + chunkCount).initialize(to: memory.bindMemory(to: Element.self, capacity: Self.chunkSize))
        chunkCount += 1
    }

    private mutating func makeRoom() {
        let larger = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: chunkRoom * 2)
        // Moves all chunks to where there is room for twice as many.
        unsafe larger.moveInitialize(from: chunks, count: chunkCount)
        unsafe chunks.deallocate()
        unsafe chunks = larger
        chunkRoom *= 2
    }

    /// Where the value at an index below the count is.
    @inline(__always) private func place(_ index: UInt32) -> UnsafeMutablePointer<Element> {
        // There is such a value, so its chunk exists and has room for this index.
        unsafe chunks[Int(index) >> Self.chunkShift] + Int(index) & (Self.chunkSize - 1)
    }

    /// Fetches the cache lines of a value; does nothing for an index beyond the count.
    @inline(__always) func fetch(_ index: UInt32) {
        guard index < count else { return }
        // Checked just above: all of these octets belong to the value.
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

/// Memory for tables that have grown large.
///
/// A processor's TLB holds the addresses of a few thousand pages. A million connections fill 60 000 pages of 4 KB, so
/// that nearly each access to another connection waits for a TLB miss as well; they fill 120 pages of 2 MB, and each of
/// those is made in one go. All tables of the process share the pages, so that at most one page is only partly used. If
/// the kernel has no large pages, small ones serve.
@safe enum LargePages {
    /// The size of a piece in octets.
    static let pieceSize = 128 << 10
    private static let pageSize = 2 << 20
    /// Octets of address space that are requested at a time: each time up to a page more is wasted on alignment.
    private static let blockSize = 8 * pageSize

    /// The addresses of free pieces.
    private static let free = Mutex<[UInt]>([])

    /// A piece for the caller's exclusive use, aligned to a page of 4 KB, with undefined contents.
    static func take() -> UnsafeMutableRawPointer {
        let address = free.withLock { free in
            if free.isEmpty { addPages(to: &free) }
            return free.removeLast()
        }
        // The piece lies in a page that is never freed.
        guard let piece = unsafe UnsafeMutableRawPointer(bitPattern: address) else {
            preconditionFailure("a piece at the address 0")
        }
        return unsafe piece
    }

    /// Returns a piece that `take` handed out and that is no longer accessed.
    static func giveBack(_ piece: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: piece)
        free.withLock { $0.append(address) }
    }

    private static func addPages(to free: inout [UInt]) {
        // Never freed: returned pieces go to the next table. Pages that were never written to use no memory yet.
        let pages = UnsafeMutableRawPointer.allocate(byteCount: blockSize, alignment: pageSize)
        // This covers exactly the memory that was just allocated.
        unsafe memory_hint_large_pages(pages, blockSize)
        // The last one is handed out first: one page after the other, each from its beginning.
        let base = UInt(bitPattern: pages)
        for offset in stride(from: blockSize - pieceSize, through: 0, by: -pieceSize) {
            free.append(base + UInt(offset))
        }
    }
}
