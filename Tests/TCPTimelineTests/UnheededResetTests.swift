// Connections that go on, and close, after a RST with the next number that nobody heeded.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct UnheededResetTests {
    private static let open = handshake + "> P. 1:101 ack 1\n< P. 1:201 ack 101\n> . 101:101 ack 201\n"

    /// What follows the opening, both states at the end, and Zeek's word, which knows of the RST only.
    private static let endings: [(text: String, states: String, zeek: String)] = [
        // In the server's name; the client closes, and the server answers with ACK and FIN, or with both at once.
        (
            "< R. 201:201 ack 101\n0.1 > F. 101:101 ack 201\n< . 201:201 ack 102\n< F. 201:201 ack 102\n> . 102:102 ack 202",
            "TIME_WAIT CLOSED", "RSTR"
        ),
        (
            "< R. 201:201 ack 101\n0.1 > F. 101:101 ack 201\n< F. 201:201 ack 102\n> . 102:102 ack 202",
            "TIME_WAIT CLOSED",
            "RSTR"
        ),
        // The server closes.
        (
            "< R. 201:201 ack 101\n0.1 < F. 201:201 ack 101\n> . 101:101 ack 202\n> F. 101:101 ack 202\n< . 202:202 ack 102",
            "CLOSED TIME_WAIT", "RSTR"
        ),
        (
            "< R. 201:201 ack 101\n0.1 < F. 201:201 ack 101\n> F. 101:101 ack 202\n< . 202:202 ack 102",
            "CLOSED TIME_WAIT",
            "RSTR"
        ),
        // Text is answered first.
        (
            """
            < R 201:201
            0.1 > P. 101:201 ack 201
            < . 201:201 ack 201
            > F. 201:201 ack 201
            < F. 201:201 ack 202
            > . 202:202 ack 202
            """, "TIME_WAIT CLOSED", "RSTR"
        ),
        // In the client's name; the server closes, or the client.
        (
            "> R 101:101\n0.1 < F. 201:201 ack 101\n> . 101:101 ack 202\n> F. 101:101 ack 202\n< . 202:202 ack 102",
            "CLOSED TIME_WAIT", "RSTO"
        ),
        (
            "> R 101:101\n0.1 > F. 101:101 ack 201\n< F. 201:201 ack 102\n> . 102:102 ack 202", "TIME_WAIT CLOSED",
            "RSTO"
        ),
        // After the client's FIN, in its name. What the server still sends may have crossed it: how it ends only its kernel knows.
        (
            """
            > F. 101:101 ack 201
            < . 201:201 ack 102
            > R. 102:102 ack 201
            0.1 < P. 201:301 ack 102
            > . 102:102 ack 301
            < F. 301:301 ack 102
            > . 102:102 ack 302
            """, "TIME_WAIT CLOSED", "SF"
        ),
    ]

    @Test(
        "E14: a connection that closes after a RST that nobody heeded is closed, and its ends are where their FINs brought them",
        arguments: endings.indices)
    func closes(_ index: Int) {
        let (text, states, zeek) = Self.endings[index]
        let play = Play(Self.open + text)
        #expect(play.connection.outcome == .closed && play.connection.isEnded)
        #expect(play.connection.statesText == states)
        #expect("\(play.connection.zeekConnectionState)" == zeek)
        #expect(play.events.contains { $0.anomalies.contains(.resetUnheeded) })
    }

    @Test("E14: a FIN that crosses a RST, before or behind it in the capture, takes nothing of it back")
    func crossing() {
        for text in [
            "< R. 201:201 ack 101\n0.0001 > F. 101:101 ack 201\n< R 201:201",
            "> R 101:101\n> F. 101:101 ack 201\n< . 201:201 ack 101",
            // An ACK of a FIN that was on its way before the RST had left before that came.
            "> F. 101:125 ack 1\n> R 101:101\n< F. 201:201 ack 101\n> R 101:101\n0.0005 < . 202:202 ack 126\n> R 126:126",
            "< R. 201:201 ack 101\n< F. 201:201 ack 101\n> R 101:101",
        ] {
            let play = Play(Self.open + text)
            #expect(play.connection.outcome == .reset, "\(text)")
            #expect(play.connection.statesText == "CLOSED CLOSED", "\(text)")
            #expect(!play.events.contains { $0.anomalies.contains(.resetUnheeded) }, "\(text)")
        }
    }
}
