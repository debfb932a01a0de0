// Why the tour, or one scenario of it, could not go on.

import TraceSession

/// What ends the tour before its end.
enum TourError: Error {
    /// Ctrl-C or SIGTERM: not a failure.
    case interrupted
    /// Nobody reads the output any more: not a failure.
    case closedPipe
    /// The tracer could not begin or go on.
    case trace(TraceError)
    /// Anything else, in a sentence that says what to do next.
    case failed(String)
}
