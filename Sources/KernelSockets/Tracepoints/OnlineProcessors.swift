// The processors that are online, as the kernel lists them (Documentation/admin-guide/cputopology.rst): `0-3,5,8-11`.
//
// Their numbers need not be contiguous: some may be offline, and some machines leave gaps.

import Glibc

/// Lists the online processors.
enum OnlineProcessors {
    /// At least as many processors as any Linux build supports (NR_CPUS, arch/x86/Kconfig).
    static let limit: Int32 = 8192
    /// A sysfs file is at most one page, and a page is at most 64 KiB.
    private static let sizeLimit = 64 << 10

    /// The processors that are online now, ascending; nil if the kernel does not list them.
    static func current(folder: String = "/sys/devices/system/cpu") -> [Int32]? {
        Descriptor(path: folder, flags: O_RDONLY | O_DIRECTORY)?.contents(of: "online", limit: sizeLimit)
            .flatMap { parse($0) }
    }

    /// As many processors as the C library counts, numbered from 0: the fallback if there is no list.
    static func counted() -> [Int32] {
        Array(0..<max(1, min(limit, Int32(clamping: sysconf(Int32(_SC_NPROCESSORS_CONF))))))
    }

    /// The numbers in a list, ascending; nil if it is malformed or empty. The line must be complete: a list without a
    /// line feed was truncated, and half a number is a wrong number.
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

    /// Parses a decimal number below `limit`.
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

    /// Formats ascending processor numbers for users: `processor 3`, `processors 1, 4-7`.
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

/// Tracks which processors have their perf events open while processors go on- and offline.
struct ProcessorWatch {
    /// The online processors whose events are open, or which were already reported as not being observed.
    private var known: Set<Int32>

    /// Starts with the processors that are online at first.
    init(_ online: [Int32]) { known = Set(online) }

    /// The processors that came online since the previous call, ascending. This includes one that went offline and came
    /// back between calls: taking a processor offline removes its events for good (perf_event_exit_cpu,
    /// kernel/events/core.c).
    mutating func look(_ online: [Int32]) -> [Int32] {
        let came = online.filter { !known.contains($0) }
        known = Set(online)
        return came
    }
}
