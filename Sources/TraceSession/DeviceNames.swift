// The names of this host's interfaces, where a frame carries a number only: a live trace of `any`.

import Glibc

/// Looks an interface's name up by its number, each once; those that come later, too.
final class DeviceNames {
    private var known: [UInt32: String] = [:]

    /// Its name, which its owner chose; nil if there is no such interface (any more).
    func name(of number: UInt32) -> String? {
        if let name = known[number] { return name }
        let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IF_NAMESIZE)) { room -> String? in
            guard let room = room.baseAddress else { return nil }
            // if_indextoname(3) writes at most IF_NAMESIZE octets, which there are, and returns null or a string there.
            return unsafe if_indextoname(number, room).map { unsafe String(cString: $0) }
        }
        if let name { known[number] = name }
        return name
    }
}
