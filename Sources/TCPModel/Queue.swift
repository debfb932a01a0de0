// First in, first out.

/// A queue whose beginning is taken away without moving the rest each time.
public struct Queue<Element> {
    @usableFromInline var entries: [Element] = []
    /// How many of them have been taken away.
    @usableFromInline var head = 0

    /// An empty queue.
    @inlinable public init() {}

    /// How many wait.
    @inlinable public var count: Int { entries.count - head }

    /// Elements for which there is memory.
    public var room: Int { entries.capacity }

    /// The one that has waited for the longest time.
    @inlinable public var first: Element? { head < entries.count ? entries[head] : nil }

    /// The one so many places behind the first; `place` is less than `count`.
    @inlinable public subscript(place: Int) -> Element { entries[head + place] }

    /// Adds one at the end.
    @inlinable public mutating func append(_ element: Element) {
        // What was taken away makes room before memory is asked for.
        if entries.count == entries.capacity && head * 2 > entries.count { compact() }
        entries.append(element)
    }

    /// Takes the first one away, if there is one.
    @discardableResult @inlinable public mutating func popFirst() -> Element? {
        guard let element = first else { return nil }
        head += 1
        // At most as much as waits is wasted, and each is moved once in the mean.
        if head > 1024 && head * 2 > entries.count { compact() }
        return element
    }

    @usableFromInline mutating func compact() {
        entries.removeFirst(head)
        head = 0
    }
}

extension Queue: Sendable where Element: Sendable {}
