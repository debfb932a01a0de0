// Which processors are switched on, as the kernel lists them (Documentation/admin-guide/cputopology.rst): `0-3,5,8-11`.
//
// Their numbers need not be in a row: some are switched off, and some machines leave gaps.

import Glibc

/// The processors that are on.
enum OnlineProcessors {
    /// More than Linux is built for anywhere (NR_CPUS, arch/x86/Kconfig).
    static let limit: Int32 = 8192
    /// A file of sysfs is a page at most; pages are of 64 KiB at most.
    private static let sizeLimit = 64 << 10

    /// Those that are on now, ascending; nil where the kernel does not list them.
    static func current(folder: String = "/sys/devices/system/cpu") -> [Int32]? {
        Descriptor(path: folder, flags: O_RDONLY | O_DIRECTORY)?.contents(of: "online", limit: sizeLimit)
            .flatMap { parse($0) }
    }

    /// As many as the C library counts, from 0 on: where there is no list.
    static func counted() -> [Int32] {
        Array(0..<max(1, min(limit, Int32(clamping: sysconf(Int32(_SC_NPROCESSORS_CONF))))))
    }

    /// The numbers in a list, ascending; nil if it is none, or empty. Its line must be complete: what ends without a line feed was
    /// cut, and half a number is a wrong number.
    static func parse(_ text: [UInt8]) -> [Int32]? {
        guard text.last == UInt8(ascii: "\n") else { return nil }
        var numbers: [Int32] = []
        for part in text.dropLast().split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let ends = part.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map(number)
            guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], first <= last,
                first > numbers.last ?? -1
            else { return nil }
            numbers += first...last
        }
        return numbers
    }

    /// A decimal number below the limit.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int32? {
        guard !digits.isEmpty else { return nil }
        var number: Int32 = 0
        for byte in digits {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int32(byte - UInt8(ascii: "0"))
            if number >= limit { return nil }
        }
        return number
    }

    /// The same the other way round, for people: `processor 3`, `processors 1, 4-7`. The numbers ascend.
    static func words(_ numbers: [Int32]) -> String {
        var ranges: [ClosedRange<Int32>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        let words = ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        return "processor\(numbers.count == 1 ? "" : "s") " + words.joined(separator: ", ")
    }
}

/// Which processors perf's events are seen of, while some are switched on and off.
struct ProcessorWatch {
    /// Those that are on and whose events are seen, or of which it was said that they are not.
    private var known: Set<Int32>

    /// Those that are on at first.
    init(_ online: [Int32]) { known = Set(online) }

    /// Those that came since the latest look, ascending. One that went and came again is among them: when a processor is switched off
    /// its events are taken off it for good (perf_event_exit_cpu, kernel/events/core.c).
    mutating func look(_ online: [Int32]) -> [Int32] {
        let came = online.filter { !known.contains($0) }
        known = Set(online)
        return came
    }
}
