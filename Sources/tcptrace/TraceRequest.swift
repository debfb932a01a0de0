// From arguments to the request for a trace: checks every value, and names the one that is wrong.

import ArgumentParser
import CLinux
import Glibc
import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport
import TraceSession

/// The trace that the arguments request.
struct TraceRequest {
    enum Form {
        case timeline
        case table
        case html
        case mermaid
        case json
        case zeek
        case csv
        case count
        /// `-w -`: standard output carries the frames.
        case nothing
    }

    var options = TraceOptions()
    var selection = ConnectionSelection()
    var style = TextStyle()
    var form = Form.timeline
    /// Whether every segment is reported as an event.
    var reportsPackets = false
    var hasHeader = true
    /// The number of words that were taken for capture files to read.
    private(set) var wordsAsFiles = 0
    /// Neither -i nor -r was given: a live trace on all interfaces.
    var sourceIsDefault = false

    /// - Parameter readsFiles: whether to read the files of `-F` and `-V`, as a pipe can be read only once.
    init(_ command: TraceCommand, readsFiles: Bool) throws {
        var words = command.words
        try chooseSource(command, readsFiles: readsFiles, &words)
        try chooseFilter(command, readsFiles: readsFiles, words)
        try chooseOutput(command)
        try chooseCapture(command)
        try chooseLimits(command)
        try chooseCommand(command)
        chooseKernel(command)
        try chooseConnections(command)
        try chooseLook(command)
        try chooseNames(command, readsFiles: readsFiles)
    }

    // MARK: Where frames come from, and go to

    /// Determines the interfaces or files, including files among `words`; the remaining words are a filter.
    private mutating func chooseSource(_ command: TraceCommand, readsFiles: Bool, _ words: inout [String]) throws {
        // Numbers refer to the network namespace of the trace, which is entered before files are read.
        options.interfaces = readsFiles ? CaptureListings.names(of: command.interfaces) : command.interfaces
        options.files = command.files
        if let list = command.list {
            // Unread, the list itself stands for its files: the checks below only ask whether files are read.
            let named = readsFiles ? try Self.lines(of: list, "list of files", "-V") : [list]
            guard !named.isEmpty else { throw Self.unusable("-V \(list): the list names no capture file") }
            options.files += named
        }
        takeWordsAsFiles(&words, writes: command.output != nil)
        if let hint = BareArgument.hint(
            words, isBehindP: command.notPromiscuous, output: command.output, mayBeFile: options.interfaces.isEmpty)
        {
            throw ValidationError(hint)
        }
        if !options.files.isEmpty && !options.interfaces.isEmpty {
            throw ValidationError("-r reads a file and -i captures live: choose one")
        }
        if options.files.isEmpty && options.interfaces.isEmpty {
            options.interfaces = ["any"]
            sourceIsDefault = true
        }
        if !options.files.isEmpty && command.duration != nil {
            throw ValidationError("--duration is for live traces; with -r use -c or --connections")
        }
        if !options.files.isEmpty && command.direction != nil {
            throw ValidationError("-Q is for live traces: for a file, use filter words such as src host")
        }
        if !options.files.isEmpty && command.linkType != nil && !command.dumpFilter {
            throw ValidationError("-y is for live traces: a file has its own link type")
        }
        if !options.files.isEmpty && command.listLinkTypes {
            throw ValidationError("-L lists the link types of an interface: a file has its own, which reading it tells")
        }
        // Invalid UTF-8 arrives as U+FFFD, which makes a name that was not meant.
        for name in options.files + [command.output].compactMap({ $0 })
        where name.contains("\u{fffd}") && FileIdentity(path: name) == nil {
            throw ValidationError(
                "\(printable(name)): a file name that is not UTF-8 cannot be used; rename the file, or use - with the shell's < or >"
            )
        }
        if !options.files.isEmpty && command.netns != nil {
            throw ValidationError("--netns is for live traces: a file has no network namespace")
        }
    }

    /// Takes words that are names of captures as files: alone, as users of classic tcptrace type them, or from the
    /// shell's expansion of `-r *.pcapng`.
    private mutating func takeWordsAsFiles(_ words: inout [String], writes: Bool) {
        guard options.interfaces.isEmpty, !options.files.isEmpty || !writes else { return }
        let captures = words.prefix { BareArgument.isCapture($0) }
        if !captures.isEmpty, !options.files.isEmpty || captures.count == words.count {
            options.files += captures
            words.removeFirst(captures.count)
            wordsAsFiles = captures.count
        } else if options.files.isEmpty, words.count == 1,
            BareArgument.isFileName(words[0]) || BareArgument.isOtherFile(words[0])
        {
            options.files = words
            words = []
        }
    }

    private mutating func chooseFilter(_ command: TraceCommand, readsFiles: Bool, _ words: [String]) throws {
        options.filter = words.joined(separator: " ")
        guard let file = command.filterFile else { return }
        guard words.isEmpty else { throw ValidationError("-F \(file) and filter words are given: choose one") }
        guard file != "-" || !options.files.contains("-") else {
            throw ValidationError("-F - and -r - both read standard input: choose one")
        }
        if readsFiles { options.filter = try Self.filterWords(of: file).joined(separator: " ") }
    }

    private mutating func chooseOutput(_ command: TraceCommand) throws {
        // Including its other names, because results must not be mixed with the frames.
        let isStandardOutput = command.output.map { CaptureWriter.isStandardOutput($0) } ?? false
        options.output = isStandardOutput ? "-" : command.output
        options.user = command.user
        guard options.output == "-" else { return }
        let other =
            command.format != OutputFormat.text.rawValue
            ? "-T \(command.format)" : command.countOnly ? "--count" : command.alsoPrint ? "--print" : nil
        guard command.commandWords.isEmpty else {
            throw ValidationError(
                "-w - writes frames to standard output, where the command may write, too: name a file or a pipe")
        }
        if let other {
            throw ValidationError("-w - writes frames to standard output, and \(other) too: choose one")
        }
    }

    /// The filter in a file: its lines without comments. An empty one is an error, because it would trace everything.
    private static func filterWords(of path: String) throws -> [String] {
        let words = try lines(of: path, "filter", "-F").map { $0.prefix { $0 != "#" } }
        guard words.contains(where: { $0.contains { !$0.isWhitespace } }) else {
            throw unusable("-F \(path): it contains no filter")
        }
        return words.flatMap { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
    }

    /// The lines of a file given with an option. The contents of a file given by mistake are not shown.
    private static func lines(of path: String, _ kind: String, _ option: String) throws -> [String] {
        if path != "-" && BareArgument.isCapture(path) {
            throw unusable("\(option) \(path): this is a capture file, not a \(kind): -r \(shellWord(path))")
        }
        do throws(TextFile.Fault) {
            return try TextFile.lines(of: path, kind)
        } catch {
            throw unusable("\(path): \(error)")
        }
    }

    /// Reports that a file on the command line is unusable, which is not a usage error.
    private static func unusable(_ complaint: String) -> ExitCode {
        StandardStreams.complain(printable(complaint))
        return ExitCode(1)
    }

    /// Determines how frames are captured.
    private mutating func chooseCapture(_ command: TraceCommand) throws {
        if let length = command.snapshotLength {
            guard length >= 0 && length <= TraceOptions.wholeFrame else {
                throw ValidationError(
                    "-s \(length): the snapshot length must be from 0 (all) to \(TraceOptions.wholeFrame)")
            }
            options.snapshotLength = length == 0 ? TraceOptions.wholeFrame : length
        }
        if let size = command.bufferKiB {
            guard size >= 4 && size <= 2_000_000 else {
                throw ValidationError("-B \(size): the buffer must be from 4 to 2000000 KiB")
            }
            options.bufferKiB = size
        }
        options.promiscuous = !command.notPromiscuous
        switch command.direction {
        case nil, "inout": options.direction = .both
        case "in": options.direction = .incoming
        case "out": options.direction = .outgoing
        case .some(let other): throw ValidationError("-Q \(other): the direction must be in, out or inout")
        }
        if let name = command.linkType {
            guard let type = LinkType(name: name) else {
                throw ValidationError("-y \(name): there is no such link type; tcptrace -L lists the interface's")
            }
            options.linkType = type
        }
    }

    /// Determines when to stop, and how much to keep in memory.
    private mutating func chooseLimits(_ command: TraceCommand) throws {
        options.packetLimit = command.count
        options.connectionLimit = command.connections
        if let workers = command.workers {
            guard 1...64 ~= workers else { throw ValidationError("--workers \(workers): from 1 to 64") }
            options.workers = workers
        }
        if let most = command.maxConnections {
            guard most >= 8 else { throw ValidationError("--max-connections \(most): must be 8 or more") }
            options.trackedLimit = most
            options.liveTrackedLimit = most
        }
        if let duration = command.duration {
            guard duration > 0 && duration.isFinite else {
                throw ValidationError("--duration \(seconds(duration)): must be a number of seconds above 0")
            }
            options.duration = duration
        }
    }

    /// Determines the command to run, whose connections alone are shown.
    private mutating func chooseCommand(_ command: TraceCommand) throws {
        options.command = command.commandWords
        selection.ofCommand = !options.command.isEmpty
        guard selection.ofCommand else { return }
        guard options.files.isEmpty else {
            throw ValidationError("-r reads a file and -- runs a command: choose one")
        }
        guard !command.noKernel && !command.noProcess else {
            throw ValidationError(
                "--: a command's connections are found by their processes, so --no-kernel and --no-process cannot be used"
            )
        }
    }

    /// Determines what to ask of the kernel besides frames, and how closely to check frames.
    private mutating func chooseKernel(_ command: TraceCommand) {
        options.usesKernel = !command.noKernel
        options.tellsAllCounters = command.verbosity > 0
        options.verifiesChecksums = command.verifyChecksums
        options.usesProcesses = !command.noProcess
    }

    /// A number as typed: `0`, where the description of a Double is `0.0`.
    private func seconds(_ number: Double) -> String {
        let text = "\(number)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private mutating func chooseConnections(_ command: TraceCommand) throws {
        selection.states = try TCPState.states(namedIn: command.state)
        for name in command.outcome.flatMap({ $0.split(separator: ",") }) {
            guard let outcome = Outcome(named: String(name)) else {
                let all = Outcome.allCases.map { "\($0.name)" }.joined(separator: ", ")
                throw ValidationError("--outcome \(name): there is no such outcome; there are \(all)")
            }
            selection.outcomes.append(outcome)
        }
        for name in command.failOn.flatMap({ $0.split(separator: ",") }) {
            guard let codes = FindingCode.named(String(name)) else {
                throw ValidationError(
                    "--fail-on \(name): there is no such finding; there are "
                        + FindingCode.allCases.map { $0.rawValue }.joined(separator: ", ")
                        + "; and note, warning, error, any")
            }
            options.failOn.formUnion(codes)
        }
        selection.processIDs = command.pid
        selection.processNames = command.pname
        options.selection = selection
        if options.selectsProcesses && (command.noKernel || command.noProcess) {
            throw ValidationError("--pid and --pname choose by process, so --no-kernel and --no-process cannot be used")
        }
    }

    // MARK: How it looks

    private mutating func chooseLook(_ command: TraceCommand) throws {
        form =
            switch OutputFormat(rawValue: command.format) {
            case .text: command.quiet ? .table : .timeline
            case .html: .html
            case .mermaid: .mermaid
            case .json: .json
            case .zeek: .zeek
            case .csv: .csv
            case nil: throw ValidationError("-T \(command.format): the format must be \(OutputFormat.list)")
            }
        if command.countOnly { form = .count }
        if options.output == "-" { form = .nothing }
        for name in command.events.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            guard name == "state" || name == "packet" else {
                throw ValidationError("--events \(name): the events are state and packet")
            }
            if name == "packet" { reportsPackets = true }
        }
        if !command.events.isEmpty && form != .json {
            throw ValidationError("--events is for -T json; the text shows every segment with -v")
        }
        guard !command.noHeader || form == .table || form == .csv else {
            throw ValidationError("--no-header is for -q and -T csv: no other output has column titles")
        }
        hasHeader = !command.noHeader
        let terminal = Terminal.standardOutput
        style.color = command.page.wantsColor(on: terminal)
        style.ascii = command.ascii || !terminal.isTerminal || !terminal.isUTF8
        if let width = command.page.width {
            style.width = width
        } else {
            style.width = terminal.columns
            options.fitsTerminal = terminal.isTerminal
        }
        style.time = TimeStyle(letters: command.time)
        style.nanoseconds = command.nano
        if command.long && form != .timeline {
            throw ValidationError("--long is for the text timeline; -T json has the same numbers in `stats`")
        }
        style.isLong = command.long
        style.detail.verbosity = min(command.verbosity, 3)
        style.detail.rawSequence = command.rawSequence
        try chooseExcerpts(command)
    }

    /// Determines what is shown of frames under their rows.
    private mutating func chooseExcerpts(_ command: TraceCommand) throws {
        let letters: [(letter: String, count: Int, style: OctetStyle)] = [
            ("A", command.asciiText, .ascii), ("x", command.hexText, .hex),
            ("X", command.hexAndASCIIText, .hexAndASCII),
        ]
        for (letter, count, octets) in letters where count > 0 {
            guard count == 1 else {
                throw ValidationError(
                    "-\(letter)\(letter): octets of link headers are not shown; -\(letter) shows those of the payload, -e names"
                        + " the header's fields")
            }
            guard form == .timeline else {
                throw ValidationError(
                    "-\(letter) is for the text timeline, whose rows -q, --count and other formats lack")
            }
            // tcpdump's precedence: -X before -x before -A.
            style.detail.octets = octets
        }
        style.detail.linkHeaders = command.linkHeaders
        guard !command.linkHeaders || form == .timeline else {
            throw ValidationError("-e is for the text timeline, whose rows -q, --count and other formats lack")
        }
        if style.detail.octets != .hidden && command.snapshotLength == nil {
            options.snapshotLength = TraceOptions.wholeFrame
        }
        if options.snapshotLength >= TraceOptions.largestFrame && command.bufferKiB == nil {
            options.bufferKiB = TraceOptions.wholeFrameBufferKiB
        }
    }

    private mutating func chooseNames(_ command: TraceCommand, readsFiles: Bool) throws {
        guard command.resolve else { return }
        guard command.numeric == 0 else {
            throw ValidationError("--resolve shows names, -n only numbers: choose one")
        }
        switch form {
        case .timeline, .table, .html, .mermaid: break
        case .json, .zeek, .csv:
            throw ValidationError("--resolve is for text, html and mermaid; -T \(command.format) has only addresses")
        case .count: throw ValidationError("--resolve shows names, --count shows no connections: choose one")
        case .nothing: throw ValidationError("--resolve shows names, -w - only writes frames: choose one")
        }
        guard readsFiles else { return }
        let names = NameLookup(isLive: options.files.isEmpty)
        options.names = names
        style.names = names
    }
}

extension TimeStyle {
    /// The style for this number of letters `t`, as tcpdump counts them. The times since the previous segment and since
    /// the first one (-ttt, -ttttt) are both in every row anyway.
    fileprivate init(letters: Int) {
        self =
            switch letters {
            case 1: .none
            case 2: .epoch
            case 4: .date
            default: .sinceStart
            }
    }
}
