// How the user ends the tour in the middle of a scenario.

import Glibc
import TraceSession

/// Makes SIGINT and SIGTERM something that can be checked for.
final class Interruption {
    private let signals: SignalWait

    /// Nil with errno set if the signals cannot be watched.
    init?() {
        guard let signals = SignalWait([SIGINT, SIGTERM]) else { return nil }
        self.signals = signals
    }

    /// Throws if one of the signals has arrived.
    func check() throws(TourError) {
        if signals.next() != nil { throw .interrupted }
    }
}
