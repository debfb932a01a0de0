// The statements about Linux in the pages and the doctor, checked against Linux: each test makes a fact happen and
// looks up the sentence.

import Foundation
import TCPDiagnosis
import Testing

@Suite(.serialized) struct ExplainedFactsTests {
    /// Both ends of a connection on this host, a way to reset one, and the result of a call, in Python.
    private static let pair = """
        import socket, struct, time, subprocess, sys
        def pair(before = lambda c: None):
            l = socket.create_server(("127.0.0.1", 0))
            c = socket.socket(); before(c); c.connect(l.getsockname())
            s, _ = l.accept(); l.close()
            return c, s
        def reset(s):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close(); time.sleep(0.05)
        def said(call):
            try: return call()
            except OSError as e: return e.__class__.__name__

        """

    private func lines(_ program: String) throws -> [String] {
        let run = try python(Self.pair + program)
        #expect(try run.end().code == 0, "\(run.errors)")
        return run.output.split(separator: "\n").map(String.init)
    }

    private func page(_ name: String) throws -> String {
        let page = try #require(Explanations.pages(for: name).first)
        return page.sections.flatMap(\.paragraphs).joined(separator: " ").split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
    }

    @Test func whatCameBeforeARSTIsStillRead() throws {
        let facts = try lines(
            """
            c, s = pair(); s.send(b"answer"); reset(s)
            print(said(lambda: c.recv(9)), said(lambda: c.recv(9)), said(lambda: c.recv(9)), said(lambda: c.send(b"x")))
            c, s = pair(); c.send(b"unread"); s.send(b"answer"); s.close(); time.sleep(0.05)
            print(said(lambda: c.recv(9)), said(lambda: c.recv(9)))
            """)
        #expect(facts == ["b'answer' ConnectionResetError b'' BrokenPipeError", "b'answer' ConnectionResetError"])
        #expect(try page("ECONNRESET").contains("What had come before is read first"))
        #expect(try page("reset").contains("read() gives what had come before, then fails with ECONNRESET"))
        #expect(try page("reset-unread-data").contains("read() gives what had come before, then fails with ECONNRESET"))
    }

    @Test func aRSTBehindAFINIsNoErrorOfRead() throws {
        let facts = try lines(
            """
            c, s = pair(); s.close(); time.sleep(0.05); c.send(b"x"); time.sleep(0.05)
            print(said(lambda: c.recv(9)), said(lambda: c.send(b"x")), said(lambda: c.recv(9)))
            """)
        #expect(facts == ["b'' BrokenPipeError b''"])
        #expect(try page("reset-after-close").contains("read() returns 0 before and after: the FIN came first"))
    }

    @Test func keepAlivesEndCloseWait() throws {
        let facts = try lines(
            """
            def brief(c): c.setsockopt(6, 8, 1)  # TCP_LINGER2: FIN_WAIT_2 for a second
            c, s = pair(brief)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1); s.setsockopt(6, 4, 2); s.setsockopt(6, 5, 1)
            def state(): return s.getsockopt(6, 11, 1)[0]  # TCP_INFO
            c.close(); time.sleep(0.1); print(state())
            for _ in range(100):
                if state() == 7: break
                time.sleep(0.1)
            print(state())
            """)
        // CLOSE_WAIT, then CLOSE.
        #expect(facts == ["8", "7"])
        #expect(try page("close-wait-leak").contains("Keep-alives (SO_KEEPALIVE) end the state, not the leak"))
        #expect(try page("CLOSE_WAIT").contains("No timer but that of SO_KEEPALIVE"))
    }

    @Test(.enabled(if: isRoot, "needs root for raw sockets")) func whatIsLeftOfASocketAnswersLateText() throws {
        let facts = try lines(
            """
            def next_of(s):  # SND.NXT and RCV.NXT, by TCP_REPAIR
                s.setsockopt(6, 19, 1); numbers = []
                for queue in (2, 1):
                    s.setsockopt(6, 20, queue); numbers.append(struct.unpack("I", s.getsockopt(6, 21, 4))[0])
                s.setsockopt(6, 20, 0); s.setsockopt(6, 19, -1)
                return numbers
            def total(octets):
                sum_ = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
                while sum_ >> 16: sum_ = (sum_ & 0xffff) + (sum_ >> 16)
                return ~sum_ & 0xffff
            def answer(both_close):
                c, s = pair(); here, there = s.getsockname()[1], c.getsockname()[1]
                send, receive = next_of(s)
                c.close(); time.sleep(0.1)
                if both_close: s.close(); time.sleep(0.1)
                text = b"late"
                head = struct.pack("!HHIIBBHHH", here, there, (send + both_close) & 0xffffffff, (receive + 1) & 0xffffffff,
                    5 << 4, 0x18, 1000, 0, 0) + text
                local = socket.inet_aton("127.0.0.1")
                sum_ = total(local + local + struct.pack("!HH", 6, len(head)) + head)
                with socket.socket(socket.AF_INET, socket.SOCK_RAW, 6) as raw:
                    raw.settimeout(5)
                    raw.sendto(head[:16] + struct.pack("!H", sum_) + head[18:], ("127.0.0.1", 0))
                    while True:
                        packet = raw.recv(100)
                        ports = struct.unpack("!HH", packet[20:24])
                        if ports == (there, here): return "RST" if packet[33] & 4 else "ACK"
            print(answer(False), answer(True))
            """)
        // First an orphan's FIN_WAIT_2, then a TIME_WAIT.
        #expect(facts == ["RST ACK"])
        #expect(try page("TCP_TIMEWAIT_SOCKET").contains("A true TIME_WAIT answers late data with an ACK"))
    }

    @Test func aForbiddenFinWait2EndsInARST() throws {
        let facts = try lines(
            """
            c, s = pair(lambda c: c.setsockopt(6, 8, -1))  # TCP_LINGER2
            def count():
                rows = [line.split() for line in open("/proc/net/netstat") if line.startswith("TcpExt:")]
                return int(rows[1][rows[0].index("TCPAbortOnLinger")])
            c.shutdown(socket.SHUT_WR); time.sleep(0.05); before = count(); c.close(); time.sleep(0.05)
            print(count() > before, s.recv(1), said(lambda: s.send(b"x")))
            """)
        #expect(facts == ["True b'' BrokenPipeError"])
        #expect(try page("TCP_ABORT_ON_LINGER").contains("shutdown() had sent the FIN before"))
        #expect(try page("TcpExtTCPAbortOnLinger").contains("TCP_LINGER2 below 0"))
    }

    /// The kernel's own list of reasons, from its tracepoint, which older kernels lack.
    @Test(.enabled(if: canUnshare, "needs root and unshare")) func everyReasonOfThisKernelForARSTHasAPage() throws {
        let script = "mount -t tracefs none /mnt && cat /mnt/events/tcp/tcp_send_reset/format || true"
        let run = try Program("/usr/bin/unshare", ["-m", "sh", "-c", script])
        #expect(try run.end().code == 0)
        guard let list = run.output.firstRange(of: "__print_symbolic(REC->reason") else { return }
        let names = run.output[list.upperBound...].matches(of: #/"([A-Z0-9_]+)"/#).map { String($0.output.1) }
        #expect(names.count > 15)
        // The last two are no reasons: a failure within the kernel, and the end of the list.
        for name in names where name != "ERROR" && name != "MAX" {
            let page = Explanations.pages(for: name).first { $0.kind == .kernelReason }
            #expect(page?.sections.first?.paragraphs.first?.contains("RST (tcp:tcp_send_reset)") == true, "\(name)")
        }
    }

    @Test(.enabled(if: canUnshare, "needs root, unshare and ip")) func ecnIsShownByOptionsAndSeenByECT() throws {
        let program =
            Self.pair + """
                subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
                open("/proc/sys/net/ipv4/tcp_ecn", "w").write("1")
                c, s = pair(); s.send(b"x"); time.sleep(0.05)
                def words(letters):
                    text = subprocess.run(["ss", "-Ht" + letters, "sport", "= :%d" % c.getsockname()[1]],
                        capture_output=True, text=True, check=True).stdout
                    return sorted({"ecn", "ecnseen"} & set(text.split()))
                print(words("in"), words("ino"))
                """
        let run = try Program("/usr/bin/unshare", ["-n", "python3", "-u", "-c", program])
        #expect(try run.end().code == 0, "\(run.errors)")
        #expect(run.output == "[] ['ecn', 'ecnseen']\n")
        #expect(
            try page("CWR").contains("ss -tio then shows ecn, and ecnseen once a packet came that routers may mark"))
    }

    /// SYNs from many clients that never answer, to a listener with room for them.
    @Test(.enabled(if: canUnshare, "needs root, unshare and ip")) func cookiesLiftTheLimitOfUnfinishedHandshakes()
        throws
    {
        let program = """
            import socket, struct, subprocess, time
            def total(octets):
                sum_ = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
                while sum_ >> 16: sum_ = (sum_ & 0xffff) + (sum_ >> 16)
                return ~sum_ & 0xffff
            def syn(source, target, port):
                s, t = socket.inet_aton(source), socket.inet_aton(target)
                head = struct.pack("!HHIIBBHHH", 5000, port, 1, 0, 5 << 4, 2, 1000, 0, 0)
                sum_ = total(s + t + struct.pack("!HH", 6, len(head)) + head)
                head = head[:16] + struct.pack("!H", sum_) + head[18:]
                ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, s, t)
                with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw: raw.sendto(ip + head, (target, 0))
            for command in ("link set lo up", "link add v0 type veth peer name v1", "addr add 10.9.9.1/24 dev v0", "link set v1 up",
                            "link set v0 up", "route add 10.8.0.0/16 dev v0"):
                subprocess.run(["ip"] + command.split(), check=True)
            open("/proc/sys/net/ipv4/tcp_max_syn_backlog", "w").write("4")
            for cookies in "10":
                open("/proc/sys/net/ipv4/tcp_syncookies", "w").write(cookies)
                with socket.create_server(("10.9.9.1", 0), backlog=128) as listener:
                    port = listener.getsockname()[1]
                    for i in range(40): syn("10.8.0.%d" % (i + 1), "10.9.9.1", port)
                    time.sleep(0.2)
                    rows = open("/proc/net/tcp").read().split("\\n")[1:]
                    print(sum(r.split()[3] == "03" and r.split()[1].endswith(":%04X" % port) for r in rows if r))
            """
        let run = try Program("/usr/bin/unshare", ["-n", "python3", "-u", "-c", program])
        #expect(try run.end().code == 0, "\(run.errors)")
        #expect(run.output == "40\n4\n")
        let doctor = try tcptrace("doctor", "-T", "json")
        let check = try records(doctor, "doctor").first { $0["check"] as? String == "tcp_max_syn_backlog" }
        #expect((check?["meaning"] as? String)?.contains("without SYN cookies") == true, "\(check ?? [:])")
    }
}
