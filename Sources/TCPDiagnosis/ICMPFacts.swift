// What an ICMP error tells about a connection, in the form in which rules need it.

import TCPModel
import TCPTimeline

extension Circumstances {
    /// `ICMP host unreachable from 10.0.0.1 (frame 7): ...`, with the cause if this host knows it.
    func icmpWords(_ icmp: ICMPEvent) -> String {
        let isRule = [Side.originator, .responder].contains { trace($0)?.dropReason == .netfilterDrop }
        let error = icmp.error
        return "ICMP \(error.kind.displayName) from \(error.sender) (frame \(icmp.frame))"
            + (isNeighbourSilent(icmp)
                ? ": \(neighbourWords(error))"
                : isRule ? ", because of a firewall rule on this host (nftables, iptables)" : "")
    }

    /// `; connect() fails with EHOSTUNREACH`: the error that the sender's program gets.
    func outcomeWords(of icmp: ICMPEvent) -> String {
        guard errnoWords.isEmpty else { return errnoWords }
        let name = icmp.error.kind.connectError(isIPv4: icmp.error.quoted.source.address.isV4)?.name
        guard connection.isUnreachable, let name else { return "" }
        return "; connect() fails with \(name)"
    }

    /// Why a side's segments do not even leave its host; empty if no ICMP error says so.
    func neighbourWords(_ side: Side) -> String {
        guard let icmp = file.icmp, icmp.side == side, isNeighbourSilent(icmp) else { return "" }
        return "; \(neighbourWords(icmp.error)) (frame \(icmp.frame))"
    }

    /// The error as evidence.
    var icmpEvidence: [Finding.Evidence] {
        guard let error = file.icmp?.error else { return [] }
        return [.init("icmp", .text("\(error.kind.name)")), .init("icmp_from", .text("\(error.sender)"))]
    }

    /// Whether Linux sent this error to itself, because the next hop does not answer (`ipv4_link_failure`,
    /// `ip6_link_failure`).
    func isNeighbourSilent(_ icmp: ICMPEvent) -> Bool {
        icmp.error.kind == .hostUnreachable && icmp.error.sender == icmp.error.quoted.source.address
    }

    private func neighbourWords(_ error: ICMPError) -> String {
        "no host answers \(error.sender)'s \(error.sender.isV4 ? "ARP" : "neighbour solicitations") on the way to"
            + " \(error.quoted.destination.address)"
    }
}
