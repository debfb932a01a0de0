// The kernel's measurements of a socket in machine-readable form: names and numbers, the same in JSON and CSV.

import TCPModel

/// The measurements by name. Names are those of Linux (struct tcp_info), with a unit suffix unless the unit is octets
/// or segments.
enum SocketMeasures {
    /// A measurement; its value is nil if the kernel does not provide it, or not yet.
    struct Measure: Sendable {
        let name: StaticString
        let value: @Sendable (SocketDetails) -> UInt64?
    }

    /// All measurements, in output order.
    static let all: [Measure] = [
        Measure(name: "cookie") { $0.cookie == 0 ? nil : $0.cookie },
        Measure(name: "cgroup_id") { $0.controlGroup },
        Measure(name: "snd_shutdown") { $0.isSendShutDown.map { $0 ? 1 : 0 } },
        Measure(name: "rcv_shutdown") { $0.isReceiveShutDown.map { $0 ? 1 : 0 } },
        Measure(name: "timer_ms") { number($0.timerMilliseconds) },
        Measure(name: "timer_tries") { $0.timerMilliseconds == nil ? nil : UInt64($0.timerCount) },
        Measure(name: "backlog") { number($0.backlog) },
        Measure(name: "drops") { number($0.memory?.drops) },
        Measure(name: "rcvbuf") { number($0.memory?.receiveLimit) },
        Measure(name: "rcvbuf_used") { number($0.memory?.receive) },
        Measure(name: "sndbuf") { number($0.memory?.transmitLimit) },
        Measure(name: "sndbuf_used") { number($0.memory?.transmitQueued) },
        info("rtt_us") { $0.measuredRoundTrip },
        info("rttvar_us") { $0.measuredVariation },
        info("min_rtt_us") { $0.measuredMinimum },
        info("rto_us") { $0.retransmissionTimeout },
        info("backoff") { $0.backoff },
        info("probes") { $0.probes },
        info("snd_mss") { $0.sendSegmentSize },
        info("pmtu") { $0.pathMTU },
        info("snd_cwnd") { $0.congestionWindow },
        info("snd_ssthresh") { $0.knownThreshold },
        info("snd_wnd") { $0.peerWindow },
        info("unacked") { $0.unacknowledged },
        info("sacked") { $0.selectivelyAcknowledged },
        info("lost") { $0.lost },
        info("retrans") { $0.retransmittedInFlight },
        info("total_retrans") { $0.totalRetransmissions },
        info("dsack_dups") { $0.duplicatesReported },
        info("reord_seen") { $0.reorderingsSeen },
        info("rcv_ooopack") { $0.outOfOrderIn },
        info("segs_out") { $0.segmentsOut },
        info("segs_in") { $0.segmentsIn },
        info("bytes_sent") { $0.bytesSent },
        info("bytes_retrans") { $0.bytesRetransmitted },
        info("bytes_acked") { $0.bytesAcknowledged },
        info("bytes_received") { $0.bytesReceived },
        info("notsent_bytes") { $0.notSentBytes },
        info("last_data_sent_ms") { $0.sinceDataSent },
        info("last_data_recv_ms") { $0.sinceDataReceived },
        info("last_ack_recv_ms") { $0.sinceAckReceived },
        info("busy_us") { $0.busyTime },
        info("rwnd_limited_us") { $0.windowLimitedTime },
        info("sndbuf_limited_us") { $0.bufferLimitedTime },
    ]

    private static func number(_ value: (some BinaryInteger)?) -> UInt64? {
        value.map { UInt64(truncatingIfNeeded: $0) }
    }

    /// A measurement from struct tcp_info.
    private static func info<Value: BinaryInteger & SendableMetatype>(
        _ name: StaticString, _ value: @escaping @Sendable (TCPInfo) -> Value?
    ) -> Measure {
        Measure(name: name) { number($0.info.flatMap(value)) }
    }
}

extension TCPInfo {
    /// The smoothed round-trip time in microseconds; nil before the first measurement.
    var measuredRoundTrip: UInt32? { roundTrip == 0 ? nil : roundTrip }
    /// The mean deviation of the round-trip time in microseconds; nil before the first measurement.
    var measuredVariation: UInt32? { measuredRoundTrip == nil ? nil : roundTripVariation }
    /// The minimum round-trip time in microseconds; nil before the first measurement.
    var measuredMinimum: UInt32? { minimumRoundTrip == .max ? nil : minimumRoundTrip }
    /// The slow-start threshold in segments; nil if there has been no loss (TCP_INFINITE_SSTHRESH of net/tcp.h).
    var knownThreshold: UInt32? { slowStartThreshold.map { $0 >= 0x7fff_ffff ? nil : $0 } ?? nil }
}
