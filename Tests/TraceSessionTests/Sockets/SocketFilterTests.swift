// The filter expressions of `tcptrace sockets`, and what a request shows.

import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

@Suite struct SocketFilterTests {
    static let socket = KernelSocket(
        local: SocketAddress(.loopbackV4, 9500), remote: SocketAddress(IPAddress(10, 0, 0, 7), 40000),
        state: .established, inode: 1)
    static let process = ProcessIdentity(pid: 42, command: "x", uid: 0)

    func accepts(_ words: String, local: Bool = false) throws -> Bool {
        try SocketFilter(words: [words], portsAreLocal: local).accepts(Self.socket, processes: [Self.process])
    }

    @Test(arguments: [
        "", "port 9500", "port 40000", "src port 9500", "local port 9500", "dst port 40000", "host 10.0.0.7",
        "src host 127.0.0.1", "remote host 10.0.0.7", "pid 42", "not port 1", "! pid 1", "not not port 9500",
        "port 1 or port 9500", "port 1 or 9500", "port 9500 && pid 42", "(port 1 or port 9500) and pid 42",
        "host ::1 or 10.0.0.7", "PORT 9500 AND PID 42", "host ::ffff:10.0.0.7", "src port 1 or 9500",
    ])
    func accepted(_ words: String) throws { #expect(try accepts(words)) }

    @Test(arguments: [
        "port 1", "src port 40000", "dst port 9500", "host 10.0.0.8", "src host 10.0.0.7", "pid 43", "not port 9500",
        "port 9500 and pid 1", "port 9500 or pid 42 and port 1", "src port 1 or 40000", "host ::1",
    ])
    func refused(_ words: String) throws { #expect(try !accepts(words)) }

    /// Finding each socket's holders takes a walk through all processes of the namespace, so it is done only if needed.
    @Test(arguments: [
        ("", false), ("port 1 and not host ::1 or src port 2", false), ("pid 1", true), ("port 1 or not pid 2", true),
        ("not (host ::1 and pid 3)", true),
    ])
    func whichFiltersNeedOwners(_ words: String, _ need: Bool) throws {
        #expect(try SocketFilter(words: [words]).namesProcesses == need)
    }

    @Test func portsAreLocalForKill() throws {
        #expect(try accepts("port 9500", local: true))
        #expect(try !accepts("port 40000", local: true))
        #expect(try accepts("dst port 40000", local: true))
    }

    @Test(arguments: [
        ("foo", "'foo' is not understood"), ("port", "'port' needs a value"), ("port x", "'x' is not a port number"),
        ("port 65536", "'65536' is not a port number"), ("port -1", "'-1' is not a port number"),
        ("host example.org", "'example.org' is not an IP address"), ("pid 0", "'0' is not a process id"),
        ("port 1 port 2", "'or' or 'and' is missing before 'port'"), ("port 1 and", "missing after 'and'"),
        ("( port 1", "a ')' is missing"), ("port 1 )", "')' is not understood"), ("not", "missing after 'not'"),
        ("src pid 1", "'pid' is not understood"), ("9500", "not understood on its own: write 'port 9500'"),
        ("9500 9501", "'9500' is not understood on its own: write 'port 9500 or 9501'"),
        ("port 1 host ::1", "is missing before 'host'"), ("port 1 2", "is missing before '2'"),
        ("99999", "'99999' is not a port number"), ("()", "')' is not understood"),
        ("port 1 or foo", "'foo' is not understood"), ("src 10.0.0.1", "'10.0.0.1' is not understood"),
        ("src 10.0.0.1", "write 'src host 10.0.0.1'"), ("( ::1 )", "own: write 'host ::1'"),
        // The words of ss.
        ("state close-wait", "'state' is a word of ss; here it is an option: --state close-wait"),
        ("state connected", "an option: --state STATE"), ("state", "an option: --state STATE"),
        ("sport = :8088", "'sport' is a word of ss; here it is src port 8088"), ("dport eq 80", "dst port 80"),
        ("sport=:8088", "here it is src port 8088"), ("port 1 or dport", "here it is dst port N"),
        ("=", "'=' is not understood"), ("port 1 = =", "'=' is not understood"),
    ])
    func errors(_ words: String, _ message: String) {
        let error = #expect(throws: SocketFilterError.self) { try SocketFilter(words: [words]) }
        #expect(error?.description.contains(message) == true)
    }

    /// `kill` has no `--state`.
    @Test func theStateIsNoWordOfKill() {
        let error = #expect(throws: SocketFilterError.self) {
            try SocketFilter(words: ["state", "listen"], portsAreLocal: true)
        }
        #expect(error?.description.hasPrefix("filter: 'state' is not understood here") == true)
    }

    @Test("as many conditions as anybody types, and not so many that evaluating them fills the stack")
    func manyConditions() throws {
        let ports = (1...1000).map { "\($0)" }.joined(separator: " or ")
        _ = try SocketFilter(words: ["port \(ports)"])
        let error = #expect(throws: SocketFilterError.self) { try SocketFilter(words: ["port \(ports) or 1001"]) }
        #expect(error?.description == "filter: more than 1000 conditions")
    }

    @Test func deepNestingIsAnError() {
        for word in ["(", "not "] {
            #expect(throws: SocketFilterError.self) {
                try SocketFilter(words: [String(repeating: word, count: 100_000) + "port 1"])
            }
        }
    }

    @Test func statesAndListeners() throws {
        let filter = try SocketFilter(words: [])
        var listener = Self.socket
        listener.state = .listen
        let (open, listening) = (SocketRow(Self.socket, .none), SocketRow(listener, .none))
        var request = SocketsRequest(filter: filter)
        #expect(request.shows(open) && !request.shows(listening))
        request.includesListeners = true
        #expect(request.shows(open) && request.shows(listening))
        request.includesListeners = false
        request.states = [.listen, .closeWait]
        #expect(!request.shows(open) && request.shows(listening))
    }

    @Test func signals() {
        #expect(SignalName.number(of: "TERM") == 15 && SignalName.number(of: "sigkill") == 9)
        #expect(SignalName.number(of: "2") == 2 && SignalName.number(of: "64") == 64)
        #expect(SignalName.number(of: "SIGTSTP") == 20 && SignalName.number(of: "winch") == 28)
        for text in ["0", "65", "-9", "", "FOO", "SIG"] { #expect(SignalName.number(of: text) == nil) }
    }
}
