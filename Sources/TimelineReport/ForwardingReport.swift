// A report that wraps another one and forwards everything except what it changes.

package import TCPModel
package import TCPTimeline

/// A live trace's report that forwards to another report everything that it does not handle itself. Additions to
/// `TraceReport` must be repeated here; otherwise its default implementation would override the inner report's.
package protocol ForwardingReport: TraceReport {
    associatedtype Inner: TraceReport
    /// The report that receives the events.
    var inner: Inner { get set }
}

/// All requirements of `TraceReport` except for partial reports, which only replays use.
package extension ForwardingReport {
    var countsCopiesOnce: Bool { inner.countsCopiesOnce }
    var countsIncomplete: Bool { inner.countsIncomplete }
    var readsStatistics: Bool { inner.readsStatistics }
    var readsSegments: Bool { inner.readsSegments }
    var readsKernelEvents: Bool { inner.readsKernelEvents }
    var wantsFindings: Bool { inner.wantsFindings }
    var excerpts: ExcerptNeeds { inner.excerpts }
    var excerptRoom: ExcerptRoom? { inner.excerptRoom }

    mutating func fit(columns: Int) { inner.fit(columns: columns) }

    mutating func learn(_ interfaces: [CaptureDescription.Interface]) { inner.learn(interfaces) }

    mutating func opens(at time: Timestamp) { inner.opens(at: time) }

    mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        inner.begin(capture, at: time, &out)
    }

    mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        inner.segment(event, connections, &out)
    }

    mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        inner.segment(event, excerpt, connections, &out)
    }

    mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        inner.kernel(event, connections, &out)
    }

    mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        inner.finding(finding, connections, &out)
    }

    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer) {
        inner.icmp(event, connections, &out)
    }

    mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        inner.redirected(id, from: called, connections, &out)
    }

    mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        inner.gap(count, at: time, &out)
    }

    mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer
    ) {
        inner.flush(now: now, connections, kernel, &out)
    }

    mutating func keep(_ id: ConnectionID) { inner.keep(id) }

    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        inner.finish(id, connections, kernel, &out)
    }

    mutating func host(_ change: HostCounterChange, _ out: inout OutputBuffer) { inner.host(change, &out) }

    mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        inner.end(capture, counts, at: time, &out)
    }
}
