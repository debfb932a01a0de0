// The names of this host's interfaces, where a frame carries a number only: a live trace of `any`.

import Glibc

/// Looks an interface's name up by its number, each once; those that come later, too.
final class DeviceNames {
    /// Nil: there was none when it was looked up, as of an interface that has gone. Numbers are not given again soon.
    private var known: [UInt32: String?] = [:]
    /// More are not remembered: a host of containers makes and removes interfaces all the time.
    static let limit = 1024
    private let lookUp: (UInt32) -> String?

    /// Asks the system, or `lookUp`.
    init(lookUp: @escaping (UInt32) -> String? = interfaceName) { self.lookUp = lookUp }

    /// Its name, which its owner chose; nil if there is no such interface (any more).
    func name(of number: UInt32) -> String? {
        if let name = known[number] { return name }
        let name = lookUp(number)
        if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
        known[number] = .some(name)
        return name
    }
}

/// The name that the system has for it; it opens a socket to ask.
private func interfaceName(_ number: UInt32) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { room -> String? in
        guard let room = room.baseAddress else { return nil }
        // if_indextoname(3) writes at most IF_NAMESIZE octets, which there are, and returns null or a string there.
        return unsafe if_indextoname(number, room).map { unsafe String(cString: $0) }
    }
}
