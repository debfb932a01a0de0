// The options of `tcptrace lab`.

public import TimelineReport

/// The options of the tour.
public struct LabOptions: Sendable {
    /// The scenarios, in the order in which they are played.
    public var scenarios = LabScenario.allCases
    /// The port that the server listens on.
    public var port: UInt16 = 9500
    /// The directory to write captures to; nil for no captures.
    public var saveDirectory: String?
    /// The style of the output.
    public var style = TextStyle()
    /// The command line as typed, for the remedies in error messages.
    public var command = ""
    /// This program's file, for the same messages; the lab programs are searched for beside it.
    public var executable = ""

    /// Options for the whole tour.
    public init() {}
}
