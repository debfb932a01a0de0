// Sockets bound to an interface, on a host with more interfaces than look-ups name. Root only.

import Testing

@Suite(.serialized, .enabled(if: canUnshare, "needs root, unshare and ip")) struct BoundSocketTests {
    /// The socket lives to the end. A look-up that does not name its interface misses it, and once the interface is
    /// gone every look-up does.
    @Test(arguments: [false, true]) func aSocketThatIsOnlyMissedIsNotGone(interfaceGoes: Bool) throws {
        let server = """
            import socket
            s = socket.socket(); s.bind(("10.9.7.2", 7005)); s.listen(5); c, _ = s.accept(); c.send(b"x"); c.recv(9); c.recv(9)
            """
        let client = """
            import os, socket, subprocess, sys, time
            subprocess.Popen(["nsenter", "-t", os.environ["P"], "-n", "python3", "-c", os.environ["SERVER"]])
            time.sleep(0.5)
            c = socket.socket(); c.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"zz"); c.connect(("10.9.7.2", 7005))
            c.recv(9); time.sleep(1)
            if os.environ["GOES"]: subprocess.run(["ip", "link", "del", "zz"])
            time.sleep(2); print(len(subprocess.run(["ss", "-tnH"], capture_output=True, text=True).stdout.splitlines()))
            """
        // Twenty veth pairs come first; the other end of the connection is in a network namespace of its own.
        let line = """
            for i in $(seq 20); do ip link add a$i type veth peer name b$i; done
            unshare -n sleep 30 & P=$!
            sleep 0.5
            ip link add zz type veth peer name zp; ip link set zp netns $P; ip addr add 10.9.7.1/24 dev zz; ip link set zz up
            nsenter -t $P -n bash -c 'ip link set zp up; ip addr add 10.9.7.2/24 dev zp'
            $T -i any --width 120 --duration 5 tcp port 7005 & TRACE=$!
            sleep 1
            export P SERVER="$2" GOES="$3"
            python3 -c "$1"
            wait $TRACE
            kill -9 $P
            """
        let outcome = try shell(
            "export T; exec unshare -n bash -c \"$1\" $T \"$2\" \"$3\" \"$4\"", "ip link set lo up; " + line, client,
            server,
            interfaceGoes ? "yes" : "")
        #expect(outcome.lines.contains("1"), "its socket is there: \(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains("ESTABLISHED"), "\(outcome.text)\(outcome.errors)")
        #expect(!outcome.text.contains("socket is gone") && !outcome.text.contains("silent-close"), "\(outcome.text)")
    }
}
