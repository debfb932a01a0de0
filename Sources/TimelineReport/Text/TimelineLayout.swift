// Where the columns are: 100 columns and more, 80 to 99, and less than 80.

/// How times are printed in the time column: tcpdump's -t options.
public enum TimeStyle: Sendable {
    /// Seconds since the connection's first segment (also -ttt and -ttttt: the delta column is always there).
    case sinceStart
    /// -t: none.
    case none
    /// -tt: seconds since the Unix epoch.
    case epoch
    /// -tttt: date and time of day.
    case date
}

/// The columns of the ladder.
struct TimelineLayout {
    enum Form {
        /// Number, time, delta, both states, the lane between them.
        case wide
        /// Number, delta, both states, the lane; rules across the page carry the time.
        case narrow
        /// One line an event.
        case line
    }

    let form: Form
    /// Columns of the whole line.
    let width: Int
    /// Column just beyond the client's state.
    let stateEdge: Int
    /// Columns between the two bars.
    private(set) var lane: Int
    /// Columns of the time column; 0 = none.
    let timeWidth: Int
    /// Column just beyond the frame's number. Findings and remarks name frames by it, so that no ladder goes without.
    static let numberEdge = 3
    /// Column just beyond the delta.
    var deltaEdge: Int { form == .wide ? 5 + timeWidth + 9 : Self.numberEdge + 8 }
    /// Columns of `SYN_RECEIVED` and its mark.
    static let stateWidth = 13

    init(width: Int, timeStyle: TimeStyle) {
        self.width = width
        timeWidth =
            switch timeStyle {
            case .sinceStart: 8
            case .none: 0
            case .epoch: 17
            case .date: 26
            }
        // A wide time column takes its room from the lane; below this the lane is of no use.
        let extra = max(0, timeWidth - 8)
        if width >= 100 + extra {
            form = .wide
            stateEdge = 37 + extra
        } else if width >= 80 {
            form = .narrow
            stateEdge = 25
        } else {
            form = .line
            stateEdge = 0
        }
        let used = stateEdge + 2 + 1 + 1 + Self.stateWidth + (form == .wide ? 2 : 1)
        lane = form == .line ? 0 : max(20, min(width, 140) - used)
    }

    /// The same beside a connection's number of so many columns: where the page has no room for both, the lane gives way.
    func beside(_ columns: Int) -> TimelineLayout {
        guard form != .line else { return self }
        var result = self
        result.lane -= max(0, columns + rightBar + 2 + Self.stateWidth - width)
        return result
    }

    /// Where rules across the page end.
    var pageEdge: Int { min(width, rightBar + TimelineLayout.stateWidth + 4) }

    /// Column of the right bar.
    var rightBar: Int { stateEdge + 2 + lane }

    /// Where what is shown of frames ends, and the columns before it.
    var excerptEdge: Int { form == .line ? width : pageEdge }
    var excerptMargin: Int { form == .line ? 5 : 8 }
}
