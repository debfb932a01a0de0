// connect() calls without a captured segment, in a network namespace of their own. Root only.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: canUnshare, "needs root, unshare and ip")) struct UnseenCallsLiveTests {
    /// Runs a shell line in a new namespace with loopback up; `$T` is tcptrace, `$1` the text of a program.
    private func inside(_ line: String, _ program: String) throws -> Outcome {
        try shell("export T; exec unshare -n bash -c 'ip link set lo up; '\"$2\" $T \"$1\"", program, line)
    }

    /// With a single ephemeral port, the second and third call to the same destination get no port.
    @Test func noPortIsFree() throws {
        let outcome = try inside(
            """
            echo 40001 40001 > /proc/sys/net/ipv4/ip_local_port_range
            exec $T -i lo -q -- python3 -c "$1"
            """,
            """
            import socket
            s = socket.socket(); s.bind(("127.0.0.1", 7001)); s.listen(5)
            a = socket.create_connection(("127.0.0.1", 7001))
            for _ in range(2):
                try: socket.create_connection(("127.0.0.1", 7001))
                except OSError as e: print(e.errno)
            """)
        #expect(outcome.lines.filter { $0 == "99" }.count == 2, "\(outcome.text)")
        #expect(outcome.errors.contains("1 connection traced"), "\(outcome.errors)")
        #expect(
            outcome.errors.contains(
                "called connect() to 127.0.0.1:7001 2 times, and it failed before any SYN: EADDRNOTAVAIL, no port"),
            "\(outcome.errors)")
    }

    /// No event reports this failure.
    @Test func thereIsNoRoute() throws {
        let program = """
            import socket, sys
            for place in ("10.77.0.1", "2001:db8::1"):
                try: socket.create_connection((place, 80), 5)
                except OSError as e: print(e.errno)
            sys.exit(5)
            """
        let outcome = try inside("exec $T -q -- python3 -c \"$1\"", program)
        #expect(outcome.code == 5 && outcome.lines.filter { $0 == "101" }.count == 2, "\(outcome.text)")
        #expect(outcome.errors.contains("a route was missing 2 times during the trace"), "\(outcome.errors)")
        #expect(outcome.errors.contains("\n  IpOutNoRoutes ") && outcome.errors.contains("\n  Ip6OutNoRoutes "))
    }

    /// Neither an event nor a counter reports a call that fails by such a route.
    @Test(arguments: [("unreachable", "113"), ("prohibit", "13"), ("blackhole", "22")])
    func aRouteForbidsIt(_ route: String, _ code: String) throws {
        let outcome = try inside(
            "ip route add \(route) 10.88.3.0/24; exec $T -q port 9500 -- python3 -c \"$1\"",
            """
            import socket
            try: socket.create_connection(("10.88.3.1", 9500), 2)
            except OSError as e: print(e.errno)
            """)
        #expect(outcome.lines.contains(code), "\(outcome.text)")
        #expect(
            outcome.errors.contains(
                "no connect() by the command to a port of the filter was seen: it made none, or it failed before any SYN"
            ),
            "\(outcome.errors)")
    }

    /// The neighbour on the interface never answers ARP.
    @Test func noNeighbourAnswers() throws {
        let setUp =
            "ip link add v0 type veth peer name v1; ip addr add 10.9.9.1/24 dev v0; ip link set v1 up; ip link set v0 up"
        let program = """
            import socket
            try: socket.create_connection(("10.9.9.2", 7001), 9)
            except OSError as e: print(e.errno)
            """
        let command = try inside("\(setUp); exec $T -i any -q -- python3 -c \"$1\"", program)
        #expect(command.lines.contains("113"), "\(command.text)")
        let words = "called connect() to 10.9.9.2:7001 from 10.9.9.1:"
        #expect(command.errors.contains(words), "\(command.errors)")
        // Two events report the cause; when many other calls fail at the same time, one of the two may be displaced.
        #expect(
            command.errors.contains(
                "the kernel dropped a packet of it: NEIGH_FAILED, the next hop does not answer")
                || command.errors.contains("connect() = EHOSTUNREACH: no neighbour answered"),
            "\(command.errors)")
        // A trace without a command reports the same.
        let watched = try inside(
            "\(setUp); $T -i any -q --duration 6 & sleep 1; python3 -c \"$1\"; wait", program)
        #expect(
            watched.errors.contains(words) && watched.errors.contains("0 connections traced"), "\(watched.errors)")
    }

    /// One call fails because a neighbour does not answer, and another connection is captured.
    @Test func aFailedCallIsToldBesideOtherConnections() throws {
        let setUp =
            "ip link add v0 type veth peer name v1; ip addr add 10.9.9.1/24 dev v0; ip link set v1 up; ip link set v0 up"
        let program = """
            import socket
            s = socket.socket(); s.bind(("127.0.0.1", 7002)); s.listen(5)
            socket.create_connection(("127.0.0.1", 7002))
            try: socket.create_connection(("10.9.9.2", 7001), 9)
            except OSError as e: print(e.errno)
            """
        let watched = try inside("\(setUp); $T -i any -q --duration 6 & sleep 1; python3 -c \"$1\"; wait", program)
        #expect(watched.lines.contains("113") && watched.errors.contains("1 connection traced"), "\(watched.errors)")
        #expect(
            watched.errors.contains("called connect() to 10.9.9.2:7001 from 10.9.9.1:"), "\(watched.errors)")
    }

    /// The other namespace has the same addresses. Its events are left out, but the trace must not say that the command
    /// called nobody.
    @Test func theCommandIsInAnotherNamespace() throws {
        let program = """
            import socket, subprocess
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            s = socket.socket(); s.bind(("127.0.0.1", 7003)); s.listen(5)
            c = socket.create_connection(("127.0.0.1", 7003)); c.send(b"x"); print("sent", flush=True)
            """
        let outcome = try inside("exec $T -i any -q -- unshare -n python3 -c \"$1\"", program)
        #expect(outcome.lines.contains("sent"), "\(outcome.text)")
        #expect(!outcome.errors.contains("it made none"), "\(outcome.errors)")
        #expect(
            outcome.errors.contains("the command called connect() in another network namespace"), "\(outcome.errors)")
    }

    /// As in a container that shares the host's network, but not its processes.
    @Test func processesOfAnotherPidNamespaceAreNotSeen() throws {
        let program = """
            import socket, time
            s = socket.socket(); s.bind(("127.0.0.1", 7004)); s.listen(5)
            time.sleep(1)
            c = socket.create_connection(("127.0.0.1", 7004)); a, _ = s.accept()
            for _ in range(20): c.send(b"x"); a.recv(9); time.sleep(0.1)
            """
        let outcome = try inside(
            "python3 -c \"$1\" & unshare -pf --mount-proc $T -i lo -q --duration 3; unshare -pf --mount-proc $T doctor; wait",
            program)
        #expect(outcome.errors.contains("1 connection traced"), "\(outcome.errors)")
        #expect(outcome.errors.contains("are not visible in this pid namespace"), "\(outcome.errors)")
        #expect(outcome.lines.contains { $0.contains("pid namespace") && $0.contains("its own") }, "\(outcome.text)")
    }
}
