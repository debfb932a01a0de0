// The traffic: each end is a separate process, so that a tracer finds socket owners and its processor time is not mixed
// with theirs.

import Glibc

/// One end of many connections in a row, or of one connection with much data. Only on loopback.
enum Traffic {
    /// Octets that each connection of the loop carries in each direction.
    private static let message = 100

    /// Runs the traffic process that `words` describe, and prints its result on standard output; false if they describe
    /// none.
    static func run(_ words: [String]) throws(BenchError) -> Bool {
        let numbers = words.dropFirst().compactMap { Int($0) }
        switch (words.first, numbers.count) {
        case ("serve", 1): try serve(UInt16(clamping: numbers[0]))
        case ("connect", 4):
            try connect(UInt16(clamping: numbers[0]), seconds: numbers[1], rate: numbers[2], limit: numbers[3])
        case ("swallow", 1): try swallow(UInt16(clamping: numbers[0]))
        case ("pour", 2): try pour(UInt16(clamping: numbers[0]), seconds: numbers[1])
        case ("hold", 2): try hold(UInt16(clamping: numbers[0]), seconds: numbers[1])
        default: return false
        }
        return true
    }

    // MARK: Servers

    /// Echoes all data, and closes after the client has closed.
    private static func serve(_ port: UInt16) throws(BenchError) {
        let listener = try listen(port)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let socket = accept(listener, nil, nil)
            if socket < 0 { continue }
            while true {
                // At most the size of the buffer is read, and only what was read is written.
                let count = unsafe read(socket, &buffer, 4096)
                if count <= 0 { break }
                _ = unsafe write(socket, buffer, count)
            }
            close(socket)
        }
    }

    /// Discards all data, in the kernel.
    private static func swallow(_ port: UInt16) throws(BenchError) {
        let listener = try listen(port)
        while true {
            let socket = accept(listener, nil, nil)
            if socket < 0 { continue }
            // With MSG_TRUNC nothing is copied: tcp(7).
            while recv(socket, nil, 1 << 20, Int32(MSG_TRUNC)) > 0 {}
            close(socket)
        }
    }

    // MARK: Clients

    /// Connects, exchanges a message and closes, repeatedly: at `rate` connections per second (0 = as fast as
    /// possible), for `seconds` or, if it is not 0, up to `limit` connections. Prints the number of connections, the
    /// elapsed seconds and the seconds of processor time.
    private static func connect(_ port: UInt16, seconds: Int, rate: Int, limit: Int) throws(BenchError) {
        var buffer = [UInt8](repeating: 0x78, count: message)
        let start = now()
        var count = 0
        while limit == 0 || count < limit {
            let time = now() - start
            if limit == 0 && time >= Double(seconds) { break }
            if rate > 0, Double(count) > time * Double(rate) {
                usleep(500)
                continue
            }
            // Several destinations, so that ports in TIME_WAIT are no obstacle.
            let socket = try connected(port, host: UInt32(count % 32))
            // The buffer has `message` octets.
            _ = unsafe write(socket, buffer, message)
            _ = unsafe recv(socket, &buffer, message, Int32(MSG_WAITALL))
            close(socket)
            count += 1
        }
        print("\(count) \(now() - start) \(ownProcessorTime())")
    }

    /// Sends as much as it can for `seconds`, without copying. Prints the octets sent, the elapsed seconds and the
    /// seconds of processor time.
    private static func pour(_ port: UInt16, seconds: Int) throws(BenchError) {
        let size = 1 << 20
        // The paths are NUL-terminated for the calls.
        let path = "/tmp/tcptrace-bench-live.\(getpid())"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        unsafe unlink(path)
        guard file >= 0, ftruncate(file, size) == 0 else { throw BenchError("\(path): errno \(errno)") }
        let socket = try connected(port, host: 0)
        let start = now()
        var sent = 0
        while now() - start < Double(seconds) {
            var offset: off_t = 0
            // offset lives through the call.
            let count = unsafe sendfile(socket, file, &offset, size)
            if count <= 0 { throw BenchError("sendfile: errno \(errno)") }
            sent += count
        }
        print("\(sent) \(now() - start) \(ownProcessorTime())")
    }

    /// Holds one idle connection open.
    private static func hold(_ port: UInt16, seconds: Int) throws(BenchError) {
        let socket = try connected(port, host: 0)
        sleep(UInt32(clamping: seconds))
        close(socket)
        print("1 \(seconds) \(ownProcessorTime())")
    }

    /// Seconds of processor time that this process has used, including the kernel's.
    private static func ownProcessorTime() -> Double {
        var time = timespec()
        // The call fills the structure passed to it.
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    // MARK: Sockets

    private static func listen(_ port: UInt16) throws(BenchError) -> Int32 {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        // The option's value is the four octets of `one`.
        unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        // The wildcard address, to cover all of 127.0.0.0/8; only while the benchmark runs.
        var address = sockaddr_in(
            sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian, sin_addr: in_addr(s_addr: 0),
            sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
        guard unsafe withAddress(&address, { unsafe bind(listener, $0, $1) }) == 0, Glibc.listen(listener, 4096) == 0
        else {
            throw BenchError("port \(port): errno \(errno)")
        }
        return listener
    }

    /// Connects to 127.0.0.(1 + host).
    private static func connected(_ port: UInt16, host: UInt32) throws(BenchError) -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in(
            sin_family: sa_family_t(AF_INET), sin_port: port.bigEndian,
            sin_addr: in_addr(s_addr: (0x7f00_0001 + host).bigEndian), sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
        guard unsafe withAddress(&address, { unsafe Glibc.connect(socket, $0, $1) }) == 0 else {
            throw BenchError("connect: errno \(errno)")
        }
        return socket
    }

    private static func withAddress(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        unsafe withUnsafePointer(to: &address) { pointer in
            // connect(2) and bind(2) read a sockaddr_in behind this pointer, as the length says.
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
