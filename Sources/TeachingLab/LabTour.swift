// `tcptrace lab`: the checks before, one scenario after the other, and the end.

import Glibc
import KernelSockets
import PacketSource
import TCPModel
import TimelineReport
import TraceSession

/// The guided tour.
public enum LabTour {
    /// Plays the scenarios. Returns the exit code: 0, also after Ctrl-C and when the reader of the output has gone, or
    /// 1 after saying on standard error what to do.
    public static func run(_ options: LabOptions) -> Int32 {
        // Makes a write to a closed pipe fail with EPIPE instead of ending this program; nothing else changes.
        _ = signal(SIGPIPE, SIG_IGN)
        do throws(TourError) {
            guard let interruption = Interruption() else { throw .failed("signals: \(describeErrno(errno))") }
            let programs = try LabPrograms(beside: options.executable)
            try checkPort(options.port)
            if let directory = options.saveDirectory { try makeDirectory(directory) }
            for scenario in options.scenarios {
                var stage = try Stage(scenario, options, programs, interruption)
                try stage.play()
            }
            return 0
        } catch {
            switch error {
            case .interrupted, .closedPipe: return 0
            case .trace(let error):
                StandardStreams.complain(
                    error.explanation(command: options.command, executable: options.executable))
            case .failed(let sentence): StandardStreams.complain(sentence)
            }
            return 1
        }
    }

    /// Prints the scenarios, one per line, and returns the exit code.
    public static func list(width: Int) -> Int32 {
        var buffer = OutputBuffer()
        let column = LabScenario.allCases.map(\.rawValue.count).max() ?? 0
        for scenario in LabScenario.allCases {
            let start = buffer.count
            buffer.append(text: scenario.rawValue)
            buffer.pad(to: column + 2, from: start)
            for (index, line) in LabPage.wrapped(scenario.summary, to: max(12, width - column - 2)).enumerated() {
                if index > 0 { buffer.pad(to: column + 2, from: buffer.count) }
                buffer.append(text: line)
                buffer.newline()
            }
        }
        return StandardStreams.writeResults(&buffer)
    }

    /// Throws if the lab's server could not listen on the port.
    private static func checkPort(_ port: UInt16) throws(TourError) {
        var survey = SocketSurvey()
        do throws(KernelViewError) { try survey.look() } catch { throw .failed(error.description) }
        let addresses: [IPAddress] = [.loopbackV4, .anyV4, .anyV6]
        let taken = survey.rows.first {
            $0.socket.state == .listen && $0.socket.local.port == port && addresses.contains($0.socket.local.address)
        }
        guard let taken else { return }
        let holder = taken.owner.map { "by \($0)" } ?? "by a process that cannot be seen from here"
        throw .failed(
            "port \(port) is taken \(holder): end it with `tcptrace kill port \(port)`, "
                + "or choose another with `tcptrace lab --port \(port < 65535 ? port + 1 : port - 1)`")
    }

    private static func makeDirectory(_ path: String) throws(TourError) {
        // The path is NUL-terminated during the call.
        if unsafe mkdir(path, 0o777) == 0 || errno == EEXIST { return }
        throw .failed(
            "\(printable(path)): \(describeErrno(errno)); name a writable directory, or one that can be created")
    }
}
