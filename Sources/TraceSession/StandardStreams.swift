// Results to standard output, complaints to standard error, for commands that are not traces.

import Glibc
public import TimelineReport

/// The two streams.
public enum StandardStreams {
    /// Writes results; the exit code: 0, also when nobody reads any more, 1 when writing failed.
    public static func writeResults(_ buffer: inout OutputBuffer) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        do throws(ResultOutputError) {
            try ResultOutput(descriptor: STDOUT_FILENO).write(&buffer)
            return 0
        } catch {
            return error.complainAndExitCode()
        }
    }

    /// Writes text of several lines to standard error, as it is. Who does not read it does not want it.
    public static func writeErrors(_ buffer: inout OutputBuffer) {
        signal(SIGPIPE, SIG_IGN)
        try? ResultOutput(descriptor: STDERR_FILENO).write(&buffer)
    }

    /// Whether a descriptor that is written to is a pipe, a socket or a terminal that nobody reads any more: writing would tell, and there
    /// may be nothing to write for a long time. Asked for no events, poll(2) tells POLLERR and POLLHUP alone; whoever has only shut down
    /// the sending side of a socket may still read.
    static func hasLostReader(_ descriptor: Int32) -> Bool {
        var entries = [pollfd(fd: descriptor, events: 0, revents: 0)]
        return pollUninterrupted(&entries, milliseconds: 0) > 0
    }

    /// Puts something in the place of standard streams that were closed before the start, so that no file opened later gets
    /// their number and is written to by mistake. Writing to the substitute fails, as it did.
    public static func occupyClosedDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest free number is taken: this one. Standard output and error are not writable then.
            _ = unsafe open("/dev/null", O_RDONLY)
        }
    }

    /// One line to standard error, `tcptrace: ` before it.
    public static func complain(_ text: String) { TraceSession.complain(text) }
}
