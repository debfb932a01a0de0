// The interfaces of a whole replay: each file counts its own from 0, and a connection's, or a copy's, is one of them all.

import PacketSource

/// Which number an interface of a file has in the replay.
struct InterfaceNumbers {
    /// The interfaces of all files so far, by their numbers.
    private(set) var all: [CaptureInterface] = []
    /// The numbers of those of which the same is said.
    private var alike: [CaptureInterface: [UInt16]] = [:]

    // Of the file that is being read:
    private var numbers: [UInt16] = []
    /// Of how many of its interfaces the same is said.
    private var counts: [CaptureInterface: Int] = [:]

    /// Whether the file's numbers are the replay's: nothing has to be changed then.
    private(set) var isSame = true

    /// What comes now is of the next file.
    mutating func beginFile() {
        numbers.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        isSame = true
    }

    /// How many interfaces of the file are known.
    var fileCount: Int { numbers.count }

    /// The file describes these, too. Files that say the same of an interface share it; two interfaces of one file stay two.
    ///
    /// - Returns: those that are new to the replay, which has them in this order.
    mutating func learn(_ interfaces: [CaptureInterface]) -> [CaptureInterface] {
        let before = all.count
        for interface in interfaces {
            let place = counts[interface, default: 0]
            counts[interface] = place + 1
            let known = alike[interface, default: []]
            let number = place < known.count ? known[place] : add(interface)
            if Int(number) != numbers.count { isSame = false }
            numbers.append(number)
        }
        return Array(all[before...])
    }

    private mutating func add(_ interface: CaptureInterface) -> UInt16 {
        // There are no more numbers than that: the last one stands for all that come after.
        guard all.count <= UInt16.max else { return .max }
        let number = UInt16(all.count)
        all.append(interface)
        alike[interface, default: []].append(number)
        return number
    }

    /// The replay's number of one of the file's interfaces.
    subscript(interface: UInt16) -> UInt16 {
        Int(interface) < numbers.count ? numbers[Int(interface)] : interface
    }
}
