// The format of records in a capture file: the layout of a payload, octet by octet, and its numbers.

import TCPModel

/// The format of payloads, version 2. The framing around a payload (the capture file's block, and the mark that
/// identifies its owner) is not part of it.
///
/// Numbers are little-endian on every machine: `u8`, `u16`, `u32` and `u64` are unsigned, `i32` and `i64` are in two's
/// complement. Nothing is padded or aligned. Times are `i64`: nanoseconds since 1970-01-01 00:00:00 UTC. Flags are
/// numbered from the lowest bit; unnamed flags are 0 and are ignored. Octets behind a record are ignored, so that later
/// writers may add to it.
///
///     payload:      version u16 = 2, kind u16, count u32, count * definition, then the fields of its kind
///
/// A reader rejects a payload of another version entirely. Of an unknown kind it takes the definitions and ignores the
/// rest.
///
///     text:         length u16, UTF-8 octets (no NUL at the end)
///     word:         length u8, UTF-8 octets
///     address:      4 octets (IPv4) or 16 (IPv6) in network order, as a flag says; IPv4-mapped addresses
///                   are written as IPv4
///     end:          address, port u16
///     state:        u8, Linux's number (include/net/tcp_states.h): 1 ESTABLISHED, 2 SYN_SENT, 3 SYN_RECV, 4 FIN_WAIT1,
///                   5 FIN_WAIT2, 6 TIME_WAIT, 7 CLOSE, 8 CLOSE_WAIT, 9 LAST_ACK, 10 LISTEN, 11 CLOSING; 0 unknown
///     source:       u8: 0 /proc/net/tcp and tcp6, 1 sock_diag, 2 tracepoint
///
/// Texts come from /proc and from the programs that run there: they may contain anything, including invalid UTF-8.
///
/// **Processes** are defined once, and referred to by number (`u32`, below 65,536) from then on.
///
///     definition:   number u32, pid i32, uid u32, flags u8, command text, then each text that a flag announces,
///                   in this order: 1 executable, 2 control group, 3 systemd unit, 4 container's runtime, 5 its id,
///                   6 its pod's UID
///                   flags: 0 has details, 1 ... 6 has the text of that number
///
/// There is a container if it has an id. A definition of number 0 restarts the numbering: the reader forgets all
/// others. A number without a definition stands for an unknown process (for example, if the beginning of the file was
/// cut off).
///
/// **Kind 1, begin.** Everything that follows is of one host and independent of what precedes: the reader forgets
/// processes and connections.
///
///     flags u8: 0 tracepoints report events
///
/// **Kind 2, events.**
///
///     taken i64, count u32, count * event
///     event:        what u8, flags u8, time i64, pid i32, [socket u64], [packet u64], local end, remote end,
///                   the values of what, [state when reset], [process u32]
///                   flags: 0 local is IPv4, 1 remote is IPv4, 2 in the context of the process,
///                   3 the process is ending, 4 has socket (else 0), 5 has packet (else 0),
///                   6 has state when reset, 7 has process
///     what:         1 transition (state from, state to), 2 reset sent, 3 reset sent (word: why), 4 reset received,
///                   5 retransmission, 6 SYN-ACK's retransmission, 7 socket error (errno i32), 8 destroyed,
///                   9 dropped (word: why)
///
/// **Kind 3, reading.** Each connection gets a number when it is first written. One that has not changed since it was
/// last written is referred to by its number alone. The reader then uses what it has kept of the connection; if it has
/// nothing, the connection is not part of the reading. Once a minute the writer makes the reader forget all
/// connections, and writes them in full.
///
///     begin i64, end i64, source, flags u8, count u32, count * part
///                   flags: 0 forget all connections before, 1 the next payload has more of the same reading
///     part:         number u32, flags u8, then
///                   if unchanged: connections u16, counting this one and those with the numbers after it; in a whole
///                   payload at most 1000 of them, each once, with 131,072 listeners
///                   otherwise: originator's end, responder's end, [originator's socket], [responder's socket],
///                   [socket elsewhere], listeners u16, listeners * socket
///                   flags: 0 unchanged, 1 originator is IPv4, 2 responder is IPv4, 3 originator is of this host,
///                   4 responder is of this host, 5 has originator's socket, 6 has responder's socket,
///                   7 has socket elsewhere
///     socket:       flags u8, state, timer u8, local end, remote end, transmit queue u32, receive queue u32, uid u32,
///                   inode u64, [backlog u32], [drops u32]
///                   flags: 0 local is IPv4, 1 remote is IPv4, 2 is an IPv6 socket, 3 has backlog, 4 has drops
///     timer:        as in /proc/net/tcp: 0 none, 1 retransmission, 2 keep-alive, 3 TIME_WAIT, 4 zero-window probe
///
/// **Kind 4, owners.**
///
///     time i64, source, count u32, count * (inode u64, process u32, descriptor i32)
///
/// **Kind 5, holders** of the sockets of one process. A list may be empty: no process holds the socket any more.
///
///     pid i32, time i64, source, count u32, count * (inode u64, holders u32, holders * (process u32, descriptor i32))
///
/// **Kind 6, counters** of the host that changed between two readings of them, and **kind 7, total**, those that
/// changed over the whole trace.
///
///     from i64, to i64, count u32, count * (name text, increase u64)
///
/// **Kind 8, told.** Findings were made and connections reported, from what was known at that time. The listed
/// connections are not over, and had findings. Connections that had ended 250 ms before `settled`, and those whose
/// four-tuples had been reused, are over and were reported as they were then. The last record of this kind in a trace
/// follows the total: all remaining connections were then reported.
///
///     now i64, flags u8, [settled i64], count u32, count * (flags u8, originator's end, responder's end)
///                   at most 1000 connections; flags: 0 has settled; of a connection: 1 originator is IPv4,
///                   2 responder is IPv4
///
/// **Kind 9, troubled.** These processes cannot serve what waits for them; the others that are examined can.
///
///     time i64, count u32, count * (pid i32, why u8)
///                   why: 1 stopped by a signal, 2 stopped by a debugger, 3 no descriptor left
///
/// **Kind 10, listening.** A socket listens at this end, and did when the trace began. It precedes the first frame of
/// any connection with this end, as it tells the server of one whose opening was not captured.
///
///     flags u8, end
///                   flags: 0 is IPv4
///
/// Long lists of events, connections and holders are divided among several payloads, each of which is a record of its
/// own with the same times and source. The connections of a reading are compared with each other, so its payloads say
/// whether more follow. Of several payloads for one report (told), only the last has `settled`.
///
/// **Limits.** A command, a unit and each text about a container have at most 255 octets, paths 4095, and a payload at
/// most 65,536 events or parts (a writer puts a thousand into one); a reader rejects more. A reader that cannot read a
/// payload skips it and forgets all connections, because it may have missed changes of them: within a minute they are
/// written in full again.
enum KernelRecordFormat {
    /// The version that is written and read.
    static let version: UInt16 = 2

    /// The kind of a payload.
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
        case listening
    }

    /// The kind of an event.
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

    /// The most events or connections that a writer puts into one payload.
    static let portion = 1000
    /// A portion ends earlier once it has this many octets: listeners can be many.
    static let portionOctets = 1 << 20
    /// A portion ends earlier once its connections have this many listeners, including those of unchanged connections.
    static let portionListeners = 1 << 16
    /// The most events or connections that a reader accepts in one payload.
    static let portionLimit = 65_536

    /// The most octets of a name: a command has 15, a counter about thirty. Longer names are cut.
    static let nameOctets = 255
    /// The most octets of a path: PATH_MAX without its NUL (include/uapi/linux/limits.h).
    static let pathOctets = 4095

    /// The number of processes that can be defined at a time.
    static let processes: UInt32 = 65_536
    /// Numbering restarts once the definitions have taken this many octets.
    static let definitionOctets = 16 << 20
    /// Once the definitions of a payload have taken this many octets, further ones get no details: a thousand processes
    /// have at most 9 MB, but a socket may have any number of holders, and readers reject blocks of more than 16 MiB.
    static let payloadDefinitions = 12 << 20
    /// The most octets of text that a reader keeps of definitions: room for all that a writer defines, whatever its
    /// last payload was.
    static let keptText = 64 << 20

    /// The most connections that a writer remembers.
    static let writtenConnections = 65_536
    /// The most octets that a writer remembers of its connections.
    static let writtenOctets = 16 << 20
    /// The most connections that a reader remembers.
    static let keptConnections = 131_072
    /// The most listeners that a reader remembers of its connections.
    static let keptListeners = 1 << 20

    /// How long connections that do not change are only referred to: after this time, a reader that started in the
    /// middle knows them.
    static let fullInterval = 60 * Span.second
}

/// The flags of a process's definition.
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

/// The flags of an event.
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

/// The flags of a part of a reading.
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

/// The flags of a socket in a reading.
struct SocketFlags: OptionSet {
    let rawValue: UInt8
    static let localV4 = SocketFlags(rawValue: 1 << 0)
    static let remoteV4 = SocketFlags(rawValue: 1 << 1)
    static let isIPv6 = SocketFlags(rawValue: 1 << 2)
    static let backlog = SocketFlags(rawValue: 1 << 3)
    static let drops = SocketFlags(rawValue: 1 << 4)
}

/// The only flag of a begin record.
let beginHasEvents: UInt8 = 1
/// The only flag of a listening record.
let listeningIsV4: UInt8 = 1
/// The only flag of a told record.
let tellingHasSettled: UInt8 = 1
/// The flags of a reading.
let readingForgetsConnections: UInt8 = 1
let readingGoesOn: UInt8 = 2
