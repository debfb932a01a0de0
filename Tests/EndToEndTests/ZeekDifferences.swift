// Every known difference between `-T zeek` and Zeek's own conn.log over Zeek's own captures, with its reason.
//
// Review a new line like code: a difference belongs here only if it is Zeek's, or a limit that the limits page names.

/// A known difference and its reason.
struct ZeekDifference: Sendable {
    /// The capture.
    var trace: String
    /// The originator's address; nil = every connection of the capture.
    var originator: String?
    /// The fields that differ; `row` means that we have no row at all.
    var fields: [String]
    /// Why.
    var reason: String

    static let all: [ZeekDifference] = [
        .init(
            trace: "zeek/ftp/fake-long-commands.pcap", originator: "127.0.0.1", fields: ["history"],
            reason: "X: Zeek's FTP analyzer gave up on a command that is too long; no analyzer reads contents here")
    ]
}
