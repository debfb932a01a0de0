// The interfaces of a whole replay: each file numbers its own from 0; connections and copies of frames refer to common
// numbers.

import PacketSource

/// Maps the interface numbers of a file to those of the replay.
struct InterfaceNumbers {
    /// The interfaces of all files so far, indexed by the replay's numbers.
    private(set) var all: [CaptureInterface] = []
    /// The numbers of interfaces with the same description.
    private var alike: [CaptureInterface: [UInt16]] = [:]

    // For the file being read:
    private var numbers: [UInt16] = []
    /// How many of the file's interfaces have the same description.
    private var counts: [CaptureInterface: Int] = [:]

    /// Whether the file's numbers equal the replay's, so that frames need no change.
    private(set) var isSame = true

    /// Starts the next file.
    mutating func beginFile() {
        numbers.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        isSame = true
    }

    /// The number of the file's interfaces known so far.
    var fileCount: Int { numbers.count }

    /// Adds interfaces that the file describes. Files with the same description of an interface share it; two
    /// interfaces of one file remain two.
    ///
    /// - Returns: those that are new to the replay, in the order of their numbers.
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
        // There are no more numbers than that: the last one stands for all further interfaces.
        guard all.count <= UInt16.max else { return .max }
        let number = UInt16(all.count)
        all.append(interface)
        alike[interface, default: []].append(number)
        return number
    }

    /// The replay's number for one of the file's interfaces.
    subscript(interface: UInt16) -> UInt16 {
        Int(interface) < numbers.count ? numbers[Int(interface)] : interface
    }
}
