// Memory for values that different threads write to concurrently: each value has cache lines of its own, because a core
// that writes to a line takes it away from all others.

/// A fixed number of values that live from init to deinit. The caller decides which thread may use which value, and
/// when.
@safe struct SpacedPlaces<Element: ~Copyable>: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    let count: Int

    /// Octets of two cache lines: processors fetch lines in pairs.
    private static var unit: Int { 128 }
    private static var stride: Int { (MemoryLayout<Element>.stride + unit - 1) & -unit }

    /// - Parameter make: creates the value for each index.
    init(count: Int, _ make: (Int) -> Element) {
        precondition(count > 0)
        self.count = count
        unsafe memory = .allocate(byteCount: count * Self.stride, alignment: Self.unit)
        for index in 0..<count {
            // Within the memory just allocated; no two places overlap.
            unsafe (memory + index * Self.stride).bindMemory(to: Element.self, capacity: 1).initialize(to: make(index))
        }
    }

    deinit {
        // Allocated and initialized in init, and freed nowhere else.
        for index in 0..<count { unsafe place(index).deinitialize(count: 1) }
        unsafe memory.deallocate()
    }

    /// The address of a value.
    @inline(__always) func place(_ index: Int) -> UnsafeMutablePointer<Element> {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // Checked just above; init has put a value there.
        return unsafe (memory + index &* Self.stride).assumingMemoryBound(to: Element.self)
    }
}
