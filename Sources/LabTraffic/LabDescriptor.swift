// The owner of a file descriptor, and the calls common to all descriptors: read, write, wait.

import Glibc

/// The result of a read.
enum ReadResult {
    case bytes([UInt8])
    case end
    case nothingYet
}

/// The result of `poll` for a descriptor.
struct Readiness: OptionSet {
    let rawValue: Int16
    static let readable = Readiness(rawValue: Int16(POLLIN))
    static let writable = Readiness(rawValue: Int16(POLLOUT))
    /// Reset, or closed in both directions; reported even if not requested.
    static let broken = Readiness(rawValue: Int16(POLLERR) | Int16(POLLHUP) | Int16(POLLNVAL))
}

/// Owns a file descriptor, and closes it at the end of its life.
struct LabDescriptor: ~Copyable {
    let number: Int32

    init(owning number: Int32) { self.number = number }

    deinit { _ = Glibc.close(number) }

    /// Gives up ownership without closing, so that another owner (in another thread) can take over.
    consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }
}

/// Calls on a descriptor that is owned elsewhere.
enum DescriptorCalls {
    /// Reads the available bytes, at most `limit`.
    static func read(_ number: Int32, limit: Int = 16384) -> Result<ReadResult, POSIXCode> {
        while true {
            var code: Int32 = 0
            // The kernel writes at most the buffer's own length, and `count` is the number it reports.
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                let got = unsafe Glibc.read(number, buffer.baseAddress, limit)
                if got < 0 { code = errno }
                count = max(0, got)
            }
            switch code {
            case 0: return .success(bytes.isEmpty ? .end : .bytes(bytes))
            case EINTR: continue
            case EAGAIN: return .success(.nothingYet)
            default: return .failure(POSIXCode(code: code))
            }
        }
    }

    /// Writes once; returns how many of `bytes` were taken.
    static func write(_ number: Int32, _ bytes: ArraySlice<UInt8>) -> Result<Int, POSIXCode> {
        while true {
            // The pointer and the count belong to the same live buffer.
            let put = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
            if put >= 0 { return .success(put) }
            let code = errno
            if code != EINTR { return .failure(POSIXCode(code: code)) }
        }
    }

    /// Waits until one of the descriptors is ready or the time is over; nil means forever.
    static func poll(_ wanted: [(number: Int32, events: Readiness)], for wait: Duration?) -> [Readiness] {
        var set = wanted.map { pollfd(fd: $0.number, events: $0.events.rawValue, revents: 0) }
        let deadline = wait.map { ContinuousClock.now + $0 }
        while true {
            let milliseconds =
                deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)).roundedUpMilliseconds } ?? -1
            // The pointer and the count belong to the same live array.
            let ready = unsafe set.withUnsafeMutableBufferPointer {
                unsafe Glibc.poll($0.baseAddress, nfds_t($0.count), milliseconds)
            }
            if ready >= 0 || errno != EINTR { return set.map { Readiness(rawValue: $0.revents) } }
        }
    }

    /// Sleeps.
    static func pause(_ wait: Duration) { _ = poll([], for: wait) }
}

/// An error number; the caller, which knows what failed, puts it into words.
struct POSIXCode: Error {
    let code: Int32
}

extension Duration {
    /// Milliseconds for poll(2), rounded up so that a short rest never becomes a busy loop.
    var roundedUpMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds * 1000) + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
