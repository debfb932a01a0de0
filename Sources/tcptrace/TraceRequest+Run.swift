// From the request to the trace: the report for its form of output, and the session.

import Glibc
import TCPModel
import TimelineReport
import TraceSession

extension TraceRequest {
    func run() -> Int32 {
        if wordsAsFiles > 0 {
            StandardStreams.complain(
                wordsAsFiles == 1
                    ? "a word is taken as a capture file, as with -r"
                    : "\(wordsAsFiles) words are taken as capture files, as with -r for each")
        }
        switch form {
        case .timeline:
            let order: TextTimelineReport.Order = options.files.isEmpty ? .stream : .blocks
            return trace(
                .timeline(
                    TextTimelineReport(
                        style: style, order: order, selection: selection, mostRows: TraceOptions.defaultRowLimit,
                        mostExcerpts: TraceOptions.defaultExcerptOctets)))
        case .table:
            return trace(
                .table(
                    SummaryReport(
                        width: style.width, fits: Terminal.standardOutput.isTerminal, header: hasHeader,
                        selection: selection, reserving: addressColumns, names: options.names)))
        case .json:
            return trace(
                .json(
                    JSONReport(
                        selection: selection, packets: reportsPackets, mostHeld: TraceOptions.defaultHeldOctets)))
        case .html:
            return trace(
                .html(HTMLReport(style: style, selection: selection, mostRows: TraceOptions.defaultRowLimit)))
        case .mermaid:
            return trace(
                .mermaid(MermaidReport(style: style, selection: selection, mostRows: TraceOptions.defaultRowLimit)))
        case .zeek: return trace(.zeek(ZeekLog(selection: selection)))
        case .csv:
            return trace(.csv(CSVReport(header: hasHeader, selection: selection, findings: !options.failOn.isEmpty)))
        case .count: return trace(.count(CountReport()))
        case .nothing: return trace(.nothing(SilentReport()))
        }
    }

    /// The width of the longest IPv4 address with its port in a live trace, or of 127.0.0.1's on loopback alone. In a
    /// replay the columns adapt to the addresses met so far.
    private var addressColumns: Int {
        guard options.files.isEmpty else { return 0 }
        return options.interfaces == ["lo"] ? "127.0.0.1:65535".utf8.count : "255.255.255.255:65535".utf8.count
    }

    private func trace(_ output: TraceOutput) -> Int32 {
        if options.files.isEmpty {
            // A capture that is piped here is meant to be read; with a command, standard input belongs to the command.
            if sourceIsDefault && options.command.isEmpty && BareArgument.waitsOnStandardInput {
                StandardStreams.complain("standard input is not read; tcptrace -r - reads a capture from it")
            }
            // The process may appear later: a script that stops itself may choose a number before the process begins.
            for pid in selection.processIDs where pid > 0 && kill(pid, 0) != 0 && errno == ESRCH {
                StandardStreams.complain("--pid \(pid): there is no such process now")
            }
            BorrowedPowers.takeUp()
            return LiveSession.run(
                options, output, command: Terminal.commandLine,
                executable: Terminal.executable)
        }
        // Again, for a file that was the only word.
        guard PrivilegeGate.giveUp(user: options.user) else { return 1 }
        return ReplaySession.run(options, output)
    }
}
