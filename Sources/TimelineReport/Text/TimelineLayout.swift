// The positions of the columns, for pages of 100 columns or more, 80 to 99, and less than 80.

/// The format of the time column: tcpdump's -t options.
public enum TimeStyle: Sendable {
    /// Seconds since the connection's first segment (also for -ttt and -ttttt, as there always is a delta column).
    case sinceStart
    /// -t: no time.
    case none
    /// -tt: seconds since the Unix epoch.
    case epoch
    /// -tttt: date and time of day.
    case date
}

/// The columns of the ladder.
struct TimelineLayout {
    enum Form {
        /// Number, time, delta, and both states with the lane between them.
        case wide
        /// Number, delta, both states, the lane; rules across the page carry the time.
        case narrow
        /// One line per event.
        case line
    }

    let form: Form
    /// The width of the whole line in columns.
    let width: Int
    /// The column just past the client's state.
    let stateEdge: Int
    /// The number of columns between the two bars.
    private(set) var lane: Int
    /// The width of the time column; 0 = none.
    let timeWidth: Int
    /// The column just past the frame number. Findings and remarks refer to frames by number, so every ladder shows it.
    static let numberEdge = 3
    /// The column just past the delta.
    var deltaEdge: Int { form == .wide ? 5 + timeWidth + 9 : Self.numberEdge + 8 }
    /// The width of `SYN_RECEIVED` with its mark.
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
        // A wide time column takes its room from the lane; below this width the lane would be useless.
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

    /// The layout beside a connection's number of this many columns: if the page has no room for both, the lane
    /// shrinks.
    func beside(_ columns: Int) -> TimelineLayout {
        guard form != .line else { return self }
        var result = self
        result.lane -= max(0, columns + rightBar + 2 + Self.stateWidth - width)
        return result
    }

    /// The column where rules across the page end.
    var pageEdge: Int { min(width, rightBar + TimelineLayout.stateWidth + 4) }

    /// The column of the right bar.
    var rightBar: Int { stateEdge + 2 + lane }

    /// The column where excerpts end, and the number of columns before them.
    var excerptEdge: Int { form == .line ? width : pageEdge }
    var excerptMargin: Int { form == .line ? 5 : 8 }
}
