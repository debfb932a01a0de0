// The rule about ports held by TIME_WAIT: reported once for each destination, before connect() fails.

import TCPModel
import TCPTimeline

extension Rule {
    /// RFC 9293 3.6.1: the side that closes first keeps the four-tuple for 2 MSL.
    static let timeWaitHeld = Rule(.timeWaitHeld) { c in
        guard let pressure = c.ports, c.kernel?.originator.isLocal == true else { return nil }
        let supply = pressure.supply
        let forecast: String
        if pressure.left == 0 {
            forecast = "none is left, and connect() fails with EADDRNOTAVAIL"
        } else if let remaining = pressure.remaining {
            forecast =
                "\(pressure.left) are left: at this rate they last \(words(remaining)), then connect() fails with EADDRNOTAVAIL"
        } else {
            forecast = "\(pressure.left) are left, which is enough at this rate"
        }
        let reuse =
            supply.reuse == 2
            ? "net.ipv4.tcp_tw_reuse is 2, for loopback only; 1 would let connect() reuse those older than a second"
            : "net.ipv4.tcp_tw_reuse is 0; 1 would let connect() reuse those older than a second"
        return Verdict(
            side: .originator,
            message:
                "\(c.name(.originator)) closes first, so TIME_WAIT holds \(pressure.counted.timeWaits) of the \(supply.count) ports from which it can"
                + " connect to \(c.address(.responder)) (net.ipv4.ip_local_port_range \(supply.first)-\(supply.last)), for 60s each; "
                + forecast + "; " + reuse,
            frames: [c.file[.originator].fin],
            evidence: [
                .init("time_waits", .number(Int64(pressure.counted.timeWaits))),
                .init("in_use", .number(Int64(pressure.counted.others))), .init("ports", .number(Int64(supply.count))),
                .init("left", .number(Int64(pressure.left))),
                .init("per_minute", .number(Int64(pressure.perMinute))),
                .init("tcp_tw_reuse", .number(Int64(supply.reuse))),
            ] + (pressure.remaining.map { [.init("runs_out", .span($0))] } ?? []))
    }
}
