// Reasons why the tour, or one of its scenarios, could not continue.

import TraceSession

/// What ends the tour early.
enum TourError: Error {
    /// Ctrl-C or SIGTERM, which is not a failure.
    case interrupted
    /// The reader of the output has gone, which is not a failure.
    case closedPipe
    /// The tracer could not begin or continue.
    case trace(TraceError)
    /// Anything else, as a sentence that says what to do next.
    case failed(String)
}
