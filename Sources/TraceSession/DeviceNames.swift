// Names of this host's interfaces for frames that carry only an interface index: a live trace of `any`.

import Glibc

/// Looks up each interface's name once, by its index; interfaces that appear during the trace are found as well.
final class DeviceNames {
    /// Nil: the interface did not exist when it was looked up, for example because it had been removed. The kernel does
    /// not reuse indexes soon.
    private var known: [UInt32: String?] = [:]
    /// Entries to remember at most: a host that runs containers creates and removes interfaces all the time.
    static let limit = 1024
    private let lookUp: (UInt32) -> String?

    /// Names come from the system, or from `lookUp`.
    init(lookUp: @escaping (UInt32) -> String? = interfaceName) { self.lookUp = lookUp }

    /// The interface's name, which its owner chose; nil if there is no such interface (any more).
    func name(of number: UInt32) -> String? {
        if let name = known[number] { return name }
        let name = lookUp(number)
        if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
        known[number] = .some(name)
        return name
    }
}

/// Asks the system, which opens a socket for the query.
private func interfaceName(_ number: UInt32) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { room -> String? in
        guard let room = room.baseAddress else { return nil }
        // if_indextoname(3) writes at most IF_NAMESIZE octets, the size of the buffer, and returns null or that buffer
        // as a string.
        return unsafe if_indextoname(number, room).map { unsafe String(cString: $0) }
    }
}
