// The constants of a replay's division into parts and batches.

/// How a replay is divided. None of these values depends on the machine, so the results do not either.
enum ReplayDivision {
    /// Parts of the flows, each with its own timeline; `ByPart` has as many elements.
    static let parts = 8
    /// Frames between two examinations of ended connections, and in a batch, so that all of it stays in a core's cache.
    static let batch = 2048
    /// The most segments in a batch that follow another one in their frame.
    static let extras = 1024
    /// Events at which a batch ends early, where a capture file has many kernel records between two frames.
    static let told = 16_384
    /// The approximate number of octets of excerpts at which a batch ends early.
    static let shown = 4 << 20
    /// Connections reported at a time after the input has ended, when memory is scarcest.
    static let rest: UInt64 = 1024
    /// The same number for a replay that reports all events of connections.
    static let toldRest = 256
    /// Batches under way at a time.
    static let depth = 4
    /// Ended connections of one part that wait for late segments; beyond this number the oldest is reported.
    static let waiting = 4096
}

/// One value for each of `ReplayDivision.parts`.
typealias ByPart<Value> = InlineArray<8, Value>
