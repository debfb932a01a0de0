// Connections whose opening was not captured: a listener of the traced host shows which end is the server.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct ListeningTests {
    /// A connection of which only later segments were captured, and whose client has the lower port.
    private func play(
        _ text: String, client: SocketAddress = SocketAddress(.loopbackV4, 4001), of hosts: Set<IPAddress> = [],
        listeners: [SocketAddress]
    ) -> Play {
        let play = Play()
        play.client = client
        play.timeline.listening = ListeningEnds(of: hosts)
        for end in listeners { play.timeline.listening.insert(end) }
        return play.feed(text)
    }

    private let any = SocketAddress(.anyV4, 9500)

    @Test(
        "X4: the end that listens is the server, whoever is captured first",
        arguments: [IPAddress.loopbackV4, .anyV4, .anyV6],
        ["> P. 100:104 ack 300", "< P. 300:304 ack 100", "> F. 100:100 ack 300", "> R. 100:100 ack 300"])
    func listenerIsServer(_ address: IPAddress, _ segment: String) {
        let play = play(segment, listeners: [SocketAddress(address, 9500)])
        #expect(play.connection.tuple == FourTuple(source: play.client, destination: play.server))
        #expect(!play.connection.facts.contains(.rolesGuessed))
        #expect(!play.connection.summary.areRolesGuessed)
    }

    @Test("X4: without a listener the lower port is taken for the server's, and that is a guess")
    func lowerPort() {
        let others = [SocketAddress(.anyV4, 9501), SocketAddress(IPAddress(v4: 0x7f00_0002), 9500)]
        for listeners in [[], others] {
            let play = play("> P. 100:104 ack 300", listeners: listeners)
            #expect(play.connection.tuple == FourTuple(source: play.server, destination: play.client))
            #expect(play.connection.facts.contains(.rolesGuessed) && play.connection.summary.areRolesGuessed)
        }
    }

    @Test("X4: if both ends listen, or the wildcard is another host's, nothing is known")
    func unknown() {
        let both = play("> P. 100:104 ack 300", listeners: [any, SocketAddress(.loopbackV4, 4001)])
        #expect(both.connection.facts.contains(.rolesGuessed))

        let (near, far) = (IPAddress(v4: 0x0a00_0001), IPAddress(v4: 0x0a00_0002))
        for host in [near, far] {
            let play = Play()
            play.client = SocketAddress(near, 4001)
            play.server = SocketAddress(far, 9500)
            play.timeline.listening = ListeningEnds(of: [host])
            play.timeline.listening.insert(any)
            play.feed("> P. 100:104 ack 300")
            #expect(play.connection.facts.contains(.rolesGuessed) == (host == near))
        }
    }

    @Test("a SYN shows the roles by itself, and so does the RST that refuses one")
    func segmentsShowMore() {
        let opened = play("< S 0:0", listeners: [any])
        #expect(opened.connection.tuple.source == opened.server && !opened.connection.facts.contains(.rolesGuessed))
        let answered = play("> S. 0:0 ack 1", listeners: [any])
        #expect(answered.connection.tuple.source == answered.server)
    }
}
