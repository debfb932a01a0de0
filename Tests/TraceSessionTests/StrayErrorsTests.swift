// ICMP errors about connections that were never captured: the first one is named.

import TCPModel
import Testing

@testable import TraceSession

@Suite struct StrayErrorsTests {
    /// The error that a host sends to itself if its ARP requests are not answered.
    private let error = ICMPError(
        sender: IPAddress(10, 9, 0, 1),
        quoted: FourTuple(
            source: SocketAddress(IPAddress(10, 9, 0, 1), 40000),
            destination: SocketAddress(IPAddress(10, 9, 0, 77), 9500)), sequence: SequenceNumber(1), type: 3, code: 1)

    @Test func theFirstOneIsNamed() {
        var errors = StrayErrors()
        #expect(errors.sentence == nil)
        errors.note(error, frame: 7)
        #expect(
            errors.sentence
                == "1 frame was an ICMP error about no known connection: frame 7, host unreachable from 10.9.0.1, about a segment"
                + " from 10.9.0.1:40000 to 10.9.0.77:9500")
        errors.note(error, frame: 8)
        #expect(
            errors.sentence?.hasPrefix("2 frames were ICMP errors about no known connection; the first is frame 7:")
                == true)
    }

    @Test func ofSeveralPartsTheEarliestIsNamed() {
        var (all, early, late) = (StrayErrors(), StrayErrors(), StrayErrors())
        late.note(error, frame: 9)
        early.note(error, frame: 3)
        for part in [late, StrayErrors(), early] { all.add(part) }
        #expect(all.count == 2 && all.sentence?.contains("the first is frame 3:") == true)
    }
}
