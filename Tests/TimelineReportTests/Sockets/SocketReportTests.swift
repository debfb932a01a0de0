// The socket list in its three formats, and the table of changes, compared with literal results.

import Foundation
import TCPModel
import Testing
import TimelineReport

@Suite struct SocketReportTests {
    static let server = SocketAddress(.loopbackV4, 9500)
    static let client = SocketAddress(.loopbackV4, 35924)
    static let time = Timestamp(nanoseconds: 1_795_363_634_454_475_001)
    static let labServer = ProcessIdentity(pid: 7410, command: "lab-server", uid: 1000)

    static let rows = [
        SocketRow(
            KernelSocket(
                local: server, remote: SocketAddress(.anyV4, 0), state: .listen, receiveQueue: 1, uid: 1000, inode: 5),
            .processes([labServer, ProcessIdentity(pid: 7411, command: "worker;2", uid: 1000)]), descriptors: [3, 4]),
        SocketRow(
            KernelSocket(local: server, remote: client, state: .closeWait, receiveQueue: 13, inode: 0), .notAccepted),
        SocketRow(
            KernelSocket(local: client, remote: server, state: .finWait2, isIPv6: true, timer: .timeWait), .noProcess),
        SocketRow(
            KernelSocket(local: client, remote: server, state: .synSent, timer: .retransmission, uid: 33, inode: 9),
            .processes([ProcessIdentity(pid: 8, command: "e\u{1b}[2J\"=,\u{202e}", uid: 33)])),
    ]

    static let v6 = SocketRow(
        KernelSocket(
            local: SocketAddress(IPAddress(high: 0x2001_0db8_1111_2222, low: 0x3333_4444_5555_6666), 9500),
            remote: SocketAddress(.loopbackV6, 35924), state: .timeWait, isIPv6: true), .none)

    func text(_ build: (inout OutputBuffer) -> Void) -> String {
        var buffer = OutputBuffer()
        build(&buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    @Test func table() {
        #expect(
            text { SocketTable().append(Self.rows, to: &$0) } == #"""
                Proto Recv-Q Send-Q Local Address   Remote Address  State      PID/Program
                tcp        1      0 127.0.0.1:9500  0.0.0.0:*       LISTEN     7410/lab-server +1
                tcp       13      0 127.0.0.1:9500  127.0.0.1:35924 CLOSE_WAIT (not accepted)
                tcp6       0      0 127.0.0.1:35924 127.0.0.1:9500  FIN_WAIT_2 (no process)
                tcp        0      0 127.0.0.1:35924 127.0.0.1:9500  SYN_SENT   8/e\x1b[2J"=,\u{202e}

                """#)
    }

    @Test func columnsAndHeader() {
        #expect(
            text { SocketTable(holderColumn: .pid, hasHeader: false).append([Self.rows[1]], to: &$0) }
                == "tcp 13 0 127.0.0.1:9500 127.0.0.1:35924 CLOSE_WAIT (not accepted)\n")
        #expect(
            text { SocketTable(holderColumn: .none).append([Self.rows[0]], to: &$0) } == """
                Proto Recv-Q Send-Q Local Address  Remote Address State
                tcp        1      0 127.0.0.1:9500 0.0.0.0:*      LISTEN

                """)
        #expect(text { SocketTable(hasHeader: false).append([], to: &$0) } == "")
        // As for any other socket without a process, though none is expected there.
        #expect(text { SocketTable().append([Self.v6], to: &$0) }.hasSuffix(" TIME_WAIT (no process)\n"))
    }

    @Test func namesAreCutAndNumbersAreNot() {
        for width in [1, 40, 70, 72, 75, 80] {
            let lines = text { SocketTable(width: width).append([Self.rows[0]], to: &$0) }.split(separator: "\n")
            #expect(lines[1].contains("7410/") && lines[1].hasSuffix(" +1"))
            if width >= 72 { #expect(lines[1].count <= width) }
        }
        let cut = text { SocketTable(hasHeader: false, width: 54).append([Self.rows[0]], to: &$0) }
        #expect(cut == "tcp 1 0 127.0.0.1:9500 0.0.0.0:* LISTEN 7410/lab-s~ +1\n")
    }

    @Test func theLabFitsEightyColumnsAndIPv6StaysAligned() {
        let plain = text { SocketTable(width: 80).append(Array(Self.rows.prefix(3)), to: &$0) }
        #expect(plain.split(separator: "\n").allSatisfy { $0.count <= 80 })
        let mixed = text { SocketTable().append([Self.rows[0], Self.v6], to: &$0) }.split(separator: "\n")
        let column = mixed[0].distance(from: mixed[0].startIndex, to: mixed[0].firstRange(of: "State")!.lowerBound)
        #expect(mixed[1].dropFirst(column).hasPrefix("LISTEN") && mixed[2].dropFirst(column).hasPrefix("TIME_WAIT"))
        #expect(mixed[2].contains("[2001:db8:1111:2222:3333:4444:5555:6666]:9500 [::1]:35924"))
    }

    @Test func csv() {
        let csv = text {
            SocketCSV().appendHeader(to: &$0)
            SocketCSV().append(Self.rows, at: Self.time, to: &$0)
        }
        #expect(
            csv.split(separator: "\r\n") == [
                "ts,proto,local_h,local_p,peer_h,peer_p,state,rx_queue,tx_queue,timer,uid,inode,holder,pid,comm,"
                    + "fd,exe,cgroup,container,runtime,pod,unit,processes",
                "1795363634.454475,tcp,127.0.0.1,9500,,,listen,1,0,,1000,5,,7410,\"lab-server\",3,,,,,,,\"7410/3/lab-server;7411/4/worker\\x3b2\"",
                "1795363634.454475,tcp,127.0.0.1,9500,127.0.0.1,35924,close_wait,13,0,,0,,not_accepted,,,,,,,,,,",
                "1795363634.454475,tcp6,127.0.0.1,35924,127.0.0.1,9500,fin_wait_2,0,0,time_wait,0,,no_process,,,,,,,,,,",
                #"1795363634.454475,tcp,127.0.0.1,35924,127.0.0.1,9500,syn_sent,0,0,retransmission,33,9,,8,"e\x1b[2J""=,\u{202e}",,,,,,,,"8//e\x1b[2J""=,\u{202e}""#,
            ])
        let formula = SocketRow(Self.rows[0].socket, .processes([ProcessIdentity(pid: 1, command: "=cmd", uid: 0)]))
        #expect(
            text { SocketCSV().append([formula], at: Self.time, to: &$0) }.hasSuffix(
                ",1,\"'=cmd\",,,,,,,,\"1//=cmd\"\r\n"))
    }

    /// All details about the process of a row, with hostile paths.
    @Test func whereTheProcessComesFrom() throws {
        let details = ProcessDetails(
            executable: "/opt/\u{1b}[2J", controlGroup: "/docker/" + String(repeating: "ab", count: 32),
            container: .init(runtime: "docker", identifier: String(repeating: "ab", count: 32)), unit: nil)
        let process = ProcessIdentity(pid: 7, command: "x", uid: 33, details: details)
        let row = SocketRow(Self.rows[0].socket, .processes([process]), descriptors: [5])
        let table = text { SocketTable(hasHeader: false, isVerbose: true).append([row], to: &$0) }
        #expect(
            table == """
                tcp 1 0 127.0.0.1:9500 0.0.0.0:* LISTEN 7/x
                      x[7] uid 33, fd 5, /opt/\\x1b[2J, docker abababababab

                """)
        let csv = text { SocketCSV().append([row], at: Self.time, to: &$0) }
        #expect(
            csv.hasSuffix(
                ",7,\"x\",5,\"/opt/\\x1b[2J\",\"/docker/\(details.container!.identifier)\",\"\(details.container!.identifier)\",\"docker\",,,\"7/5/x\"\r\n"
            ))
        let json = text { SocketJSON().append([row], at: Self.time, to: &$0) }
        #expect(json.contains(#""pid":7,"comm":"x","fd":5,"exe":"/opt/\u001b[2J","cgroup":"/docker/abab"#))
        #expect(json.contains(#""runtime":"docker""#) && !json.contains("unit"))
    }

    @Test func everyHolderHasItsDescriptor() {
        let table = text { SocketTable(hasHeader: false, isVerbose: true).append([Self.rows[0]], to: &$0) }
        let lines = table.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("      lab-server[7410] uid 1000, fd 3, "))
        #expect(lines[2].hasPrefix("      worker;2[7411] uid 1000, fd 4, "))
    }

    @Test func json() {
        let lines = text { SocketJSON().append(Self.rows, at: Self.time, to: &$0) }
        let start = #"{"_path":"socket","schema_version":1,"ts":1795363634.454475,"ts_ns":1795363634454475001,"proto":"#
        let written = #"""
            START"tcp","local_h":"127.0.0.1","local_p":9500,"state":"listen","inode":5,"uid":1000,CONTINUED
            "pid":7410,"comm":"lab-server","fd":3,"processes":[{"pid":7410,"comm":"lab-server","uid":1000,"fd":3},CONTINUED
            {"pid":7411,"comm":"worker;2","uid":1000,"fd":4}],"rx_queue":1,"tx_queue":0}
            START"tcp","local_h":"127.0.0.1","local_p":9500,"peer_h":"127.0.0.1","peer_p":35924,CONTINUED
            "state":"close_wait","uid":0,"holder":"not_accepted","rx_queue":13,"tx_queue":0}
            START"tcp6","local_h":"127.0.0.1","local_p":35924,"peer_h":"127.0.0.1","peer_p":9500,CONTINUED
            "state":"fin_wait_2","uid":0,"holder":"no_process","rx_queue":0,"tx_queue":0,"timer":"time_wait"}
            START"tcp","local_h":"127.0.0.1","local_p":35924,"peer_h":"127.0.0.1","peer_p":9500,CONTINUED
            "state":"syn_sent","inode":9,"uid":33,"pid":8,"comm":"e\u001b[2J\"=,\u202e",CONTINUED
            "rx_queue":0,"tx_queue":0,"timer":"retransmission"}

            """#
        #expect(
            lines
                == written.replacingOccurrences(of: "CONTINUED\n", with: "").replacingOccurrences(
                    of: "START", with: start))
    }

    @Test func orderPutsListenersFirstAndBothEndsTogether() {
        func row(_ local: UInt16, _ remote: UInt16, _ state: TCPState = .established) -> SocketRow {
            SocketRow(
                KernelSocket(
                    local: SocketAddress(.loopbackV4, local), remote: SocketAddress(.loopbackV4, remote), state: state),
                .none)
        }
        let rows = [row(40000, 80), row(80, 40001), row(9500, 0, .listen), row(80, 40000), row(22, 0, .listen)]
        let ports = rows.sorted { $0.orders(before: $1) }.map { [$0.socket.local.port, $0.socket.remote.port] }
        #expect(ports == [[22, 0], [9500, 0], [80, 40000], [40000, 80], [80, 40001]])
    }

    @Test func changes() {
        var restarted = Self.rows[0]
        restarted.socket.inode = 77
        restarted.holder = .processes([ProcessIdentity(pid: 9000, command: "lab-server", uid: 0)])
        var orphan = Self.rows[1]
        orphan.socket.state = .finWait2
        orphan.holder = .noProcess
        let table = text {
            SocketChangeTable().append(
                [
                    SocketChange(before: Self.rows[0], after: nil),
                    SocketChange(before: Self.rows[0], after: restarted),
                    SocketChange(before: Self.rows[1], after: orphan), SocketChange(before: Self.rows[1], after: nil),
                ], to: &$0)
        }
        #expect(
            table == """
                Local Address  Remote Address  Before     After      Process
                127.0.0.1:9500 0.0.0.0:*       LISTEN     gone       was lab-server[7410], worker;2[7411]
                127.0.0.1:9500 0.0.0.0:*       LISTEN     LISTEN     lab-server[9000] (a new socket)
                127.0.0.1:9500 127.0.0.1:35924 CLOSE_WAIT FIN_WAIT_2 (no process)
                127.0.0.1:9500 127.0.0.1:35924 CLOSE_WAIT gone       (not accepted)

                """)
    }
}
