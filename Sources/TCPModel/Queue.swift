// A first-in, first-out queue.

/// A queue whose front is removed without moving the other elements each time.
public struct Queue<Element> {
    @usableFromInline var entries: [Element] = []
    /// How many elements at the start of `entries` have been removed.
    @usableFromInline var head = 0

    /// An empty queue.
    @inlinable public init() {}

    /// The number of elements.
    @inlinable public var count: Int { entries.count - head }

    /// The number of elements that fit into the allocated memory.
    public var room: Int { entries.capacity }

    /// The oldest element.
    @inlinable public var first: Element? { head < entries.count ? entries[head] : nil }

    /// The element `place` positions behind the first; `place` must be less than `count`.
    @inlinable public subscript(place: Int) -> Element { entries[head + place] }

    /// Adds an element at the end.
    @inlinable public mutating func append(_ element: Element) {
        // Reuses the space of removed elements before allocating more memory.
        if entries.count == entries.capacity && head * 2 > entries.count { compact() }
        entries.append(element)
    }

    /// Removes and returns the first element, if there is one.
    @discardableResult @inlinable public mutating func popFirst() -> Element? {
        guard let element = first else { return nil }
        head += 1
        // The removed elements take no more space than the rest (or 1024 elements), and each element moves about once
        // on average.
        if head > 1024 && head * 2 > entries.count { compact() }
        return element
    }

    @usableFromInline mutating func compact() {
        entries.removeFirst(head)
        head = 0
    }
}

extension Queue: Sendable where Element: Sendable {}
