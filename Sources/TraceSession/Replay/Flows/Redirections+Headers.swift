// Redirections of frames of which only the plain headers are known.

import TCPModel
import TCPTimeline
import TCPWire

extension Redirections {
    /// The endpoints of a redirected segment's connection, and the address that its client called.
    struct Restored {
        let tuple: FourTuple
        let found: Found
    }

    /// Takes in the segment whose plain headers begin at `start`; nil if it is not redirected.
    ///
    /// Out of line and not generic: its callers are specialized for each report, and their fast path must stay short.
    @inline(never) mutating func restore(
        headersAt start: Int, _ version: PlainHeaders.Version, in bytes: RawSpan, time: Timestamp
    ) -> Restored? {
        var tuple = PlainHeaders.tuple(bytes, at: start, version)
        let found = restore(
            &tuple, PlainHeaders.flags(bytes, at: start, version),
            sequence: PlainHeaders.sequence(bytes, at: start, version),
            acknowledgment: PlainHeaders.acknowledgment(bytes, at: start, version), time: time)
        return found.map { Restored(tuple: tuple, found: $0) }
    }
}
