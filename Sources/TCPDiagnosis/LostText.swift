// Text that was sent and never acknowledged, in the form in which rules need it.

import TCPMachine
import TCPModel
import TCPTimeline

extension Circumstances {
    /// Octets of text that a side had sent and its peer had not acknowledged when the connection ended. They count as
    /// lost, whatever became of them. SYN and FIN are not counted.
    func unacknowledged(_ side: Side) -> Int64 {
        let machine = connection.endpoint(side)
        guard machine.knowsSendSequence else { return 0 }
        let octets = Int64(machine.sendNext.distance(from: machine.sendUnacknowledged))
        let syn: Int64 = file[side].syn.isSeen && machine.sendUnacknowledged == machine.iss ? 1 : 0
        // The machine does not know of a FIN captured after the RST.
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

    /// `lostWords` as evidence.
    func lostEvidence(_ side: Side) -> [Finding.Evidence] {
        let octets = unacknowledged(side)
        return octets > 0 ? [.init("octets_lost", .number(octets))] : []
    }
}
