// The format of records in a capture file: what a payload is made of, octet by octet, and its numbers.

import TCPModel

/// The format of payloads, version 2. The framing around a payload (the capture file's block, and the mark that says whose it is) is
/// none of it.
///
/// Numbers are little-endian on every machine: `u8`, `u16`, `u32` and `u64` without a sign, `i32` and `i64` in two's complement.
/// Nothing is padded or aligned. Times are `i64`: nanoseconds since 1970-01-01 00:00:00 UTC. Flags count from the lowest bit; those
/// that are not named are 0 and are ignored. Octets behind a record are ignored: a later writer may put something there.
///
///     payload:      version u16 = 2, kind u16, count u32, count * definition, then what its kind says
///
/// A reader refuses another version as a whole. Of a kind that it does not know it takes the definitions and leaves the rest.
///
///     text:         length u16, UTF-8 octets (no NUL at the end)
///     word:         length u8, UTF-8 octets
///     address:      4 octets (IPv4) or 16 (IPv6) in network order, as a flag tells; IPv4-mapped addresses are written as IPv4
///     end:          address, port u16
///     state:        u8, Linux's number (include/net/tcp_states.h): 1 ESTABLISHED, 2 SYN_SENT, 3 SYN_RECV, 4 FIN_WAIT1, 5 FIN_WAIT2,
///                   6 TIME_WAIT, 7 CLOSE, 8 CLOSE_WAIT, 9 LAST_ACK, 10 LISTEN, 11 CLOSING; 0 unknown
///     source:       u8: 0 /proc/net/tcp and tcp6, 1 sock_diag, 2 tracepoint
///
/// Texts come from /proc and from who runs there: they may hold anything, also what is no UTF-8.
///
/// **Processes** are defined once and are a number (`u32`, below 65,536) from then on.
///
///     definition:   number u32, pid i32, uid u32, flags u8, command text, then each text that a flag announces, in this order:
///                   1 executable, 2 control group, 3 systemd unit, 4 container's runtime, 5 its id, 6 its pod's UID
///                   flags: 0 has details, 1 ... 6 has the text of that number
///
/// A container is one that has an id. Definition of number 0 means that numbers start anew: the reader forgets all others. A number
/// that was never defined stands for a process of which nothing is known (the file was cut in front, say).
///
/// **Kind 1, begin.** All that follows is of one host, and nothing before it counts: the reader forgets processes and connections.
///
///     flags u8: 0 tracepoints tell what happens
///
/// **Kind 2, events.**
///
///     taken i64, count u32, count * event
///     event:        what u8, flags u8, time i64, pid i32, [socket u64], [packet u64], local end, remote end, what's values,
///                   [state when reset], [process u32]
///                   flags: 0 local is IPv4, 1 remote is IPv4, 2 in the context of the process, 3 the process is ending, 4 has socket
///                   (else 0), 5 has packet (else 0), 6 has state when reset, 7 has process
///     what:         1 transition (state from, state to), 2 reset sent, 3 reset sent (word: why), 4 reset received,
///                   5 retransmission, 6 SYN-ACK's retransmission, 7 socket error (errno i32), 8 destroyed, 9 dropped (word: why)
///
/// **Kind 3, reading.** Each connection has a number since it was first written; one that is as it was last written is only named by it. The
/// reader takes it from what it keeps of each connection; if it has nothing, the connection is no part of the reading. Once a minute the
/// writer has the reader forget all of them, and writes them in full.
///
///     begin i64, end i64, source, flags u8, count u32, count * part
///                   flags: 0 forget all connections before, 1 the next payload has more of the same reading
///     part:         number u32, flags u8, then
///                   if they are unchanged: connections u16, this one and those of the numbers after it; at most 1000 in all of a payload,
///                   each once, with 131,072 listeners
///                   or else: originator's end, responder's end, [originator's socket], [responder's socket], [socket elsewhere],
///                   listeners u16, listeners * socket
///                   flags: 0 unchanged, 1 originator is IPv4, 2 responder is IPv4, 3 originator is of this host, 4 responder is of
///                   this host, 5 has originator's socket, 6 has responder's socket, 7 has socket elsewhere
///     socket:       flags u8, state, timer u8, local end, remote end, transmit queue u32, receive queue u32, uid u32, inode u64,
///                   [backlog u32], [drops u32]
///                   flags: 0 local is IPv4, 1 remote is IPv4, 2 is an IPv6 socket, 3 has backlog, 4 has drops
///     timer:        as /proc/net/tcp says it: 0 none, 1 retransmission, 2 keep-alive, 3 TIME_WAIT, 4 zero-window probe
///
/// **Kind 4, owners.**
///
///     time i64, source, count u32, count * (inode u64, process u32, descriptor i32)
///
/// **Kind 5, holders** of the sockets of one process. A list may be empty: nobody holds the socket any more.
///
///     pid i32, time i64, source, count u32, count * (inode u64, holders u32, holders * (process u32, descriptor i32))
///
/// **Kind 6, counters** of the host that moved between two readings of them, and **kind 7, total**, those that moved in the whole trace.
///
///     from i64, to i64, count u32, count * (name text, increase u64)
///
/// **Kind 8, told.** Findings were made and connections reported, from what was known then. Of the connections that are listed,
/// which are not over, something was found. Those are over, and reported as they were then, that had ended 250 ms before `settled`, and
/// those whose four-tuples others have taken. The last one of a trace stands behind its total: then all the others were reported.
///
///     now i64, flags u8, [settled i64], count u32, count * (flags u8, originator's end, responder's end)
///                   at most 1000 connections; flags: 0 has settled; of a connection: 1 originator is IPv4, 2 responder is IPv4
///
/// **Kind 9, troubled.** These processes cannot do what is waited for, and no others that are looked at.
///
///     time i64, count u32, count * (pid i32, why u8)
///                   why: 1 stopped by a signal, 2 stopped by a debugger, 3 no descriptor left
///
/// Long lists of events, connections and holders are several payloads, each of which is a record of its own with the same times and
/// source. What a reading says is compared among its connections: so its payloads say whether more follow. Of what was told only the last
/// one has `settled`.
///
/// **Limits.** A command, a unit and what is said of a container have at most 255 octets each, paths 4095, and one payload at most
/// 65,536 events or parts (a writer gives it a thousand); a reader refuses more. A reader that cannot read a payload leaves it out
/// and forgets all connections, for it may have missed how they changed: within a minute they come in full again.
enum KernelRecordFormat {
    /// The version that is written and read.
    static let version: UInt16 = 2

    /// What a payload holds.
    enum Kind: UInt16 {
        case begin = 1
        case events
        case reading
        case owners
        case holders
        case counters
        case total
        case told
        case troubled
    }

    /// What an event is.
    enum What: UInt8 {
        case transition = 1
        case resetSent
        case resetSentForReason
        case resetReceived
        case retransmission
        case synAckRetransmission
        case socketError
        case destroyed
        case dropped
    }

    /// The most events or connections that one payload is given.
    static let portion = 1000
    /// A portion ends before that, once it has this many octets: listeners can be many.
    static let portionOctets = 1 << 20
    /// And once its connections have this many listeners, unchanged ones too.
    static let portionListeners = 1 << 16
    /// The most events or connections that a reader takes from one payload.
    static let portionLimit = 65_536

    /// The most octets of a name: a command has 15, a counter some thirty. Longer ones are cut.
    static let nameOctets = 255
    /// The most octets of a path: PATH_MAX without its NUL (include/uapi/linux/limits.h).
    static let pathOctets = 4095

    /// How many processes have numbers at a time.
    static let processes: UInt32 = 65_536
    /// Numbers start anew once the definitions have taken this many octets.
    static let definitionOctets = 16 << 20
    /// In one payload they have no more details after so many: a thousand processes have at most 9 MB, but a socket may have any number of
    /// holders, and a block of more than 16 MiB nobody reads.
    static let payloadDefinitions = 12 << 20
    /// What a reader keeps of definitions, in octets of text: room for what a writer defines, whatever its last payload was.
    static let keptText = 64 << 20

    /// How many connections a writer keeps, and how many octets of them.
    static let writtenConnections = 65_536
    /// See above.
    static let writtenOctets = 16 << 20
    /// How many connections a reader keeps, and how many listeners of them.
    static let keptConnections = 131_072
    /// See above.
    static let keptListeners = 1 << 20

    /// How long connections that do not change are only named: who starts to read in the middle knows them after that.
    static let fullInterval = 60 * Span.second
}

/// Flags of a process's definition.
struct ProcessFlags: OptionSet {
    let rawValue: UInt8
    static let details = ProcessFlags(rawValue: 1 << 0)
    static let executable = ProcessFlags(rawValue: 1 << 1)
    static let controlGroup = ProcessFlags(rawValue: 1 << 2)
    static let unit = ProcessFlags(rawValue: 1 << 3)
    static let runtime = ProcessFlags(rawValue: 1 << 4)
    static let container = ProcessFlags(rawValue: 1 << 5)
    static let pod = ProcessFlags(rawValue: 1 << 6)
}

/// Flags of an event.
struct EventFlags: OptionSet {
    let rawValue: UInt8
    static let localV4 = EventFlags(rawValue: 1 << 0)
    static let remoteV4 = EventFlags(rawValue: 1 << 1)
    static let processContext = EventFlags(rawValue: 1 << 2)
    static let processEnding = EventFlags(rawValue: 1 << 3)
    static let socket = EventFlags(rawValue: 1 << 4)
    static let packet = EventFlags(rawValue: 1 << 5)
    static let resetState = EventFlags(rawValue: 1 << 6)
    static let process = EventFlags(rawValue: 1 << 7)
}

/// Flags of a part of a reading.
struct ConnectionFlags: OptionSet {
    let rawValue: UInt8
    static let unchanged = ConnectionFlags(rawValue: 1 << 0)
    static let originatorV4 = ConnectionFlags(rawValue: 1 << 1)
    static let responderV4 = ConnectionFlags(rawValue: 1 << 2)
    static let originatorLocal = ConnectionFlags(rawValue: 1 << 3)
    static let responderLocal = ConnectionFlags(rawValue: 1 << 4)
    static let originator = ConnectionFlags(rawValue: 1 << 5)
    static let responder = ConnectionFlags(rawValue: 1 << 6)
    static let elsewhere = ConnectionFlags(rawValue: 1 << 7)
}

/// Flags of a socket in a reading.
struct SocketFlags: OptionSet {
    let rawValue: UInt8
    static let localV4 = SocketFlags(rawValue: 1 << 0)
    static let remoteV4 = SocketFlags(rawValue: 1 << 1)
    static let isIPv6 = SocketFlags(rawValue: 1 << 2)
    static let backlog = SocketFlags(rawValue: 1 << 3)
    static let drops = SocketFlags(rawValue: 1 << 4)
}

/// A begin record's only flag.
let beginHasEvents: UInt8 = 1
/// A telling's only flag.
let tellingHasSettled: UInt8 = 1
/// A reading's flags.
let readingForgetsConnections: UInt8 = 1
let readingGoesOn: UInt8 = 2
