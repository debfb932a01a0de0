// How a replay is divided: parts, batches, and what is kept of them.

/// How a replay is divided. None of these depends on the machine, so that the results do not either.
enum ReplayDivision {
    /// Parts of the flows, each with a timeline of its own; as many as `ByPart` has.
    static let parts = 8
    /// Frames between two looks at ended connections; a batch has as many, so that all of it stays in a core's cache.
    static let batch = 2048
    /// Most segments of a batch that are behind another one in their frame.
    static let extras = 1024
    /// Things that are told in a batch at most, where a capture file says much of the kernel between two frames.
    static let told = 16_384
    /// Octets of frames that are shown in a batch, about.
    static let shown = 4 << 20
    /// Connections that are reported at a time when nothing more comes: memory is at its scarcest then.
    static let rest: UInt64 = 1024
    /// The same of a replay that tells all that happened to them.
    static let toldRest = 256
    /// Batches under way at a time.
    static let depth = 4
    /// Connections of one part that have ended and wait for late segments; with more, the oldest is done.
    static let waiting = 4096
}

/// One value for each of `ReplayDivision.parts`.
typealias ByPart<Value> = InlineArray<8, Value>
