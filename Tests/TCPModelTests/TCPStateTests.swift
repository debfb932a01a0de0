// State names as people and programs spell them, and how certain a state is.

import TCPModel
import Testing

@Suite("TCP states") struct TCPStateTests {
    @Test("every spelling of every state's own name")
    func ownNames() {
        for state in TCPState.allCases where state != .unseen {
            let name = "\(state.displayName)"
            for spelling in [
                name, name.lowercased(), String(name.map { $0 == "_" ? "-" : $0 }), name.filter { $0 != "_" },
            ] {
                #expect(TCPState(named: spelling) == state, "\(spelling)")
            }
            #expect(TCPState(named: "\(state.openTelemetryName ?? "")") == state)
        }
    }

    @Test(
        "the spellings of Linux, netstat, ss and the RFCs",
        arguments: [
            ("FIN_WAIT2", .finWait2), ("FIN-WAIT-1", .finWait1), ("fin wait 1", .finWait1), ("SYN_RECV", .synReceived),
            ("syn-recv", .synReceived), ("SYN_RCVD", .synReceived), ("SYN-RECEIVED", .synReceived),
            ("CLOSE", .closed), ("LISTENING", .listen), ("close-wait", .closeWait), ("Time_Wait", .timeWait),
            ("LAST_ACK", .lastAck), ("ESTAB", .established), ("estab", .established), ("UNCONN", .closed),
            ("esta", nil), ("", nil), ("(unknown)", nil), ("unseen", nil), ("FIN_WAIT", nil),
        ] as [(String, TCPState?)])
    func spellings(name: String, state: TCPState?) {
        #expect(TCPState(named: name) == state)
    }

    @Test func openTelemetry() {
        #expect(TCPState.unseen.openTelemetryName == nil)
        #expect(Set(TCPState.allCases.compactMap { $0.openTelemetryName.map { "\($0)" } }).count == 11)
    }

    @Test func certainty() {
        #expect(Certainty.assumed < .inferred && Certainty.inferred < .observed && Certainty.observed < .confirmed)
    }

    @Test("Linux's numbers are those of include/net/tcp_states.h, there and back; NEW_SYN_RECV is shown as SYN_RECV")
    func linuxNumbers() {
        let names = [
            "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT",
            "LAST_ACK", "LISTEN", "CLOSING",
        ]
        for (index, name) in names.enumerated() {
            let state = TCPState(linuxNumber: UInt64(index + 1))
            #expect(state == TCPState(named: name) && state?.linuxNumber == UInt8(index + 1), "\(name)")
        }
        #expect(TCPState(linuxNumber: 12) == .synReceived)
        #expect(TCPState(linuxNumber: 0) == nil && TCPState(linuxNumber: 13) == nil)
        #expect(TCPState.unseen.linuxNumber == 0)
    }
}
