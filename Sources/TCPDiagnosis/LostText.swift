// What was sent and never acknowledged, as rules ask for it.

import TCPMachine
import TCPModel
import TCPTimeline

extension Circumstances {
    /// Octets of text that a side had sent, and its peer had not acknowledged when it ended: whatever became of them, they count as
    /// lost. SYN and FIN are none.
    func unacknowledged(_ side: Side) -> Int64 {
        let machine = connection.endpoint(side)
        guard machine.knowsSendSequence else { return 0 }
        let octets = Int64(machine.sendNext.distance(from: machine.sendUnacknowledged))
        let syn: Int64 = file[side].syn.isSeen && machine.sendUnacknowledged == machine.iss ? 1 : 0
        // A FIN that was captured behind the RST is one that the machine no longer knows.
        let fin = file[side].finNumber
        let isUnheard =
            file[side].fin.isSeen && machine.sendNext.isAfter(fin) && !machine.sendUnacknowledged.isAfter(fin)
        return max(0, octets - syn - (isUnheard || machine.hasSentFin && !machine.finIsAcknowledged ? 1 : 0))
    }

    /// `; 4 octets that it sent are lost`.
    func lostWords(_ side: Side, sentBy sender: String = "it") -> String {
        let octets = unacknowledged(side)
        return octets > 0 ? "; \(counted(octets, "octet")) that \(sender) sent \(verb(octets, "is", "are")) lost" : ""
    }

    /// The same as evidence.
    func lostEvidence(_ side: Side) -> [Finding.Evidence] {
        let octets = unacknowledged(side)
        return octets > 0 ? [.init("octets_lost", .number(octets))] : []
    }
}
