// Results to standard output and messages to standard error, for commands that do not trace.

import Glibc
public import TimelineReport

/// Standard output and standard error.
public enum StandardStreams {
    /// Writes results to standard output. Returns the exit code: 0, even if the reader has gone, or 1 if writing
    /// failed.
    public static func writeResults(_ buffer: inout OutputBuffer) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        do throws(ResultOutputError) {
            try ResultOutput(descriptor: STDOUT_FILENO).write(&buffer)
            return 0
        } catch {
            return error.complainAndExitCode()
        }
    }

    /// Writes text of several lines to standard error, unchanged. A failure to write is ignored.
    public static func writeErrors(_ buffer: inout OutputBuffer) {
        signal(SIGPIPE, SIG_IGN)
        try? ResultOutput(descriptor: STDERR_FILENO).write(&buffer)
    }

    /// Whether a descriptor for writing is a pipe, a socket or a terminal without a reader. A write would find out, but
    /// there may be nothing to write for a long time. Requesting no events makes poll(2) report only POLLERR and
    /// POLLHUP; a peer that has merely shut down the sending side of a socket may still read.
    static func hasLostReader(_ descriptor: Int32) -> Bool {
        var entries = [pollfd(fd: descriptor, events: 0, revents: 0)]
        return pollUninterrupted(&entries, milliseconds: 0) > 0
    }

    /// Replaces standard streams that were closed at the start, so that no file opened later gets their descriptor and
    /// is written to by mistake. Writing to the replacement fails, as it would have failed before.
    public static func occupyClosedDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // open(2) takes the lowest free number, which is this one. Standard output and error are then not writable.
            _ = unsafe open("/dev/null", O_RDONLY)
        }
    }

    /// Writes one line to standard error, prefixed with `tcptrace: `.
    public static func complain(_ text: String) { TraceSession.complain(text) }
}
