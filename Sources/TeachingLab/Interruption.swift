// How the tour is ended in the midst of a scenario.

import Glibc
import TraceSession

/// SIGINT and SIGTERM as something to ask for.
final class Interruption {
    private let signals: SignalWait

    /// Nil with errno set if the signals cannot be watched.
    init?() {
        guard let signals = SignalWait([SIGINT, SIGTERM]) else { return nil }
        self.signals = signals
    }

    /// Throws if one has come.
    func check() throws(TourError) {
        if signals.next() != nil { throw .interrupted }
    }
}
