// Captures in which tcptrace finds another number of connections than tshark: reviewed, each with its reason.

/// One such capture.
struct StreamDifference {
    var capture: String
    /// How many connections tcptrace finds.
    var found: Int
    var reason: String

    static let all: [StreamDifference] = []
}
