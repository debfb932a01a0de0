// The owner of one file descriptor, and the calls that every descriptor has: read, write, wait.

import Glibc

/// What a read gave.
enum ReadResult {
    case bytes([UInt8])
    case end
    case nothingYet
}

/// What `poll` said of a descriptor.
struct Readiness: OptionSet {
    let rawValue: Int16
    static let readable = Readiness(rawValue: Int16(POLLIN))
    static let writable = Readiness(rawValue: Int16(POLLOUT))
    /// Reset, or both directions closed; reported unasked.
    static let broken = Readiness(rawValue: Int16(POLLERR) | Int16(POLLHUP) | Int16(POLLNVAL))
}

/// Owns a file descriptor; closes it when it goes.
struct Descriptor: ~Copyable {
    let number: Int32

    init(owning number: Int32) { self.number = number }

    deinit { _ = Glibc.close(number) }

    /// Gives up ownership without closing, so that another owner (in another thread) takes over.
    consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }
}

/// Calls on a descriptor that somebody else owns.
enum DescriptorCalls {
    /// The bytes that are there, at most `limit`.
    static func read(_ number: Int32, limit: Int = 16384) -> Result<ReadResult, POSIXCode> {
        while true {
            var code: Int32 = 0
            // The kernel writes at most the buffer's own length, and `count` is what it says it wrote.
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

    /// Writes once; how many bytes of `bytes` were taken.
    static func write(_ number: Int32, _ bytes: ArraySlice<UInt8>) -> Result<Int, POSIXCode> {
        while true {
            // The pointer and the count are those of the same live buffer.
            let put = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(number, $0.baseAddress, $0.count) }
            if put >= 0 { return .success(put) }
            let code = errno
            if code != EINTR { return .failure(POSIXCode(code: code)) }
        }
    }

    /// Waits until one of the descriptors is ready or the time is over; nil waits for ever.
    static func poll(_ wanted: [(number: Int32, events: Readiness)], for wait: Duration?) -> [Readiness] {
        var set = wanted.map { pollfd(fd: $0.number, events: $0.events.rawValue, revents: 0) }
        let deadline = wait.map { ContinuousClock.now + $0 }
        while true {
            let milliseconds =
                deadline.map { max(.zero, ContinuousClock.now.duration(to: $0)).roundedUpMilliseconds } ?? -1
            // The pointer and the count are those of the same live array.
            let ready = unsafe set.withUnsafeMutableBufferPointer {
                unsafe Glibc.poll($0.baseAddress, nfds_t($0.count), milliseconds)
            }
            if ready >= 0 || errno != EINTR { return set.map { Readiness(rawValue: $0.revents) } }
        }
    }

    /// Sleeps.
    static func pause(_ wait: Duration) { _ = poll([], for: wait) }
}

/// An error number, to be put in words by whoever knows what was being done.
struct POSIXCode: Error {
    let code: Int32
}

extension Duration {
    /// Milliseconds for poll(2), never rounded down to a busy loop.
    var roundedUpMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds * 1000) + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
