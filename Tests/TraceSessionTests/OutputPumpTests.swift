// Output that is not being read: it waits, stays complete and in order, and a closed pipe is noticed.

import Glibc
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@testable import TraceSession

@Suite struct OutputPumpTests {
    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        // The array has room for the two descriptors.
        try #require(unsafe Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    private static func lines(_ numbers: Range<Int>) -> OutputBuffer {
        var buffer = OutputBuffer()
        for number in numbers {
            buffer.append(number: number)
            buffer.newline()
        }
        return buffer
    }

    /// Reads at least this many octets from a pipe.
    private static func hear(_ size: Int, _ descriptor: Int32) throws -> [UInt8] {
        var heard: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while heard.count < size {
            // At most as many octets are read as the chunk holds.
            let count = unsafe read(descriptor, &chunk, 1 << 16)
            try #require(count > 0)
            heard += chunk[..<count]
        }
        return heard
    }

    @Test func aReaderThatSleepsHoldsNobodyUp() throws {
        let ends = try Self.pipe()
        let pump = OutputPump(descriptor: ends.write)
        // Far more than a pipe holds, while nothing is read yet.
        for start in 0..<100 {
            var buffer = Self.lines(start * 1000..<(start + 1) * 1000)
            try pump.write(&buffer)
            #expect(buffer.count == 0)
        }
        let expected = Array(Self.lines(0..<100_000).bytes)
        #expect(try Self.hear(expected.count, ends.read) == expected)
        try pump.finish()
        close(ends.read)
        close(ends.write)
    }

    @Test func whatWaitsIsBoundedAndComesWhole() async throws {
        let ends = try Self.pipe()
        let pump = Shared(OutputPump(descriptor: ends.write, limit: 4 << 20))
        // Buffers of all sizes, smaller and larger than the pump's own; 30 MB in all.
        let starts = Array(stride(from: 0, to: 4_000_000, by: 25_000))
        let writer = Task.detached {
            for (index, start) in starts.enumerated() {
                // One buffer of seven times the size and six empty ones alternate with seven equal ones.
                let count = index % 14 >= 7 ? 25_000 : index % 7 == 0 ? 175_000 : 0
                var buffer = Self.lines(start..<min(start + count, 4_000_000))
                try pump.value.write(&buffer)
            }
            try pump.value.finish()
        }
        // Nothing is read: no more waits than the limit allows, and one buffer.
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(20))
            #expect(pump.value.backlog <= 4 << 20 + 175_000 * 8)
        }
        #expect(pump.value.backlog > 4 << 20)
        let expected = Array(Self.lines(0..<4_000_000).bytes)
        #expect(try Self.hear(expected.count, ends.read) == expected)
        try await writer.value
        #expect(pump.value.backlog == 0)
        close(ends.read)
        close(ends.write)
    }

    /// A pump that two threads share, as its own lock allows.
    private struct Shared: @unchecked Sendable {
        let value: OutputPump
        init(_ value: OutputPump) { self.value = value }
    }

    @Test func aClosedPipeIsNoticed() throws {
        signal(SIGPIPE, SIG_IGN)
        let ends = try Self.pipe()
        let pump = OutputPump(descriptor: ends.write)
        close(ends.read)
        var buffer = Self.lines(0..<10)
        #expect(throws: ResultOutputError.closedPipe) {
            try pump.write(&buffer)
            try pump.finish()
        }
        #expect(throws: ResultOutputError.closedPipe) { try pump.write(&buffer) }
        close(ends.write)
    }

    @Test func theLongestReportedComeFirst() {
        var queue = ReportedQueue()
        for number in 1...5000 as ClosedRange<UInt64> {
            queue.append(.init(slot: UInt32(number % 7)), number, .init(nanoseconds: Int64(number)))
            if queue.count > 100 { queue.removeFirst() }
        }
        #expect(queue.count == 100)
        #expect(queue.first?.number == 4901 && queue.latest(10)?.number == 4991 && queue.latest(1000)?.number == 4901)
        while queue.first != nil { queue.removeFirst() }
        #expect(queue.count == 0 && queue.latest(1)?.number == nil)
    }
}
