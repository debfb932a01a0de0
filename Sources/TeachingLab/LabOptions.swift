// What `tcptrace lab` can be asked for.

public import TimelineReport

/// What the tour is asked for.
public struct LabOptions: Sendable {
    /// The scenarios, in the order they are played.
    public var scenarios = LabScenario.allCases
    /// The port that the server listens on.
    public var port: UInt16 = 9500
    /// The directory to write captures to; nil: none are written.
    public var saveDirectory: String?
    /// How it looks.
    public var style = TextStyle()
    /// The command line as typed, for the remedies in error messages.
    public var command = ""
    /// This program's file, for the same; and the lab programs are beside it.
    public var executable = ""

    /// The whole tour.
    public init() {}
}
