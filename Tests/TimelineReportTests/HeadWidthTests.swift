// Heads stay on the page, whatever stands in them: full IPv6 addresses, interfaces of Windows, escaped process names.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

@Suite struct HeadWidthTests {
    private func head(
        _ play: Play, width: Int, interface: String = "lo", scene: KernelScene? = nil, color: Bool = false
    ) -> [String] {
        var style = TextStyle()
        style.width = width
        style.color = color
        let text = Render(play).run(
            handshake, TextTimelineReport(style: style, order: .blocks), interface: interface, scene: scene)
        return Array(lines(text).prefix { !$0.contains("--- handshake") && !$0.contains("CLOSED /") })
    }

    private func isOnPage(_ rows: [String], _ width: Int) -> Bool {
        rows.allSatisfy { TextColumns.count(Array($0.utf8)[...]) <= width }
    }

    private func pair(_ client: SocketAddress, _ server: SocketAddress) -> Play {
        let play = Play()
        (play.client, play.server) = (client, server)
        return play
    }

    /// Both addresses have eight groups of four digits, and both ports five.
    private var longest: Play {
        let host = { IPAddress(high: 0x2001_0db8_1111_2222, low: $0) }
        return pair(
            SocketAddress(host(0x3333_4444_5555_6666), 54321), SocketAddress(host(0x7777_8888_9999_aaaa), 50443))
    }

    @Test(arguments: [100, 90, 80, 60]) func twoLongAddresses(_ width: Int) {
        let rows = head(longest, width: width)
        #expect(isOnPage(rows, width), "\(rows)")
        #expect(rows[0] == "TCP 1  [2001:db8:1111:2222:3333:4444:5555:6666]:54321", "\(rows)")
        #expect(rows[1].hasPrefix("  > [2001:db8:1111:2222:7777:8888:9999:aaaa]:50443"), "\(rows)")
        let wide = head(longest, width: 140)
        #expect(wide[0].contains(":54321 > [2001:") && isOnPage(wide, 140), "\(wide)")
    }

    @Test(arguments: [100, 80, 60]) func aLongNameOfAnInterface(_ width: Int) {
        let name = #"\Device\NPF_{4F3B9A51-2B45-4C7B-9C8E-0123456789AB}"#
        for play in [Play(), longest] {
            let rows = head(play, width: width, interface: name)
            #expect(isOnPage(rows, width), "\(rows)")
            #expect(rows.contains { $0.contains("NPF_{") && $0.contains("16:07:14") }, "\(rows)")
        }
        #expect(head(Play(), width: 100, interface: name).joined().contains("0123456789AB}"))
    }

    /// Four columns for each octet.
    @Test(arguments: [100, 80]) func escapedNames(_ width: Int) {
        let name = String(repeating: "\u{1}", count: 15)
        for owned in [true, false] {
            var scene = KernelScene(client: .established, server: .established)
            (scene.clientProcess, scene.serverProcess, scene.clientIsOwned) = (name, name, owned)
            let rows = head(Play(), width: width, scene: scene)
            #expect(isOnPage(rows, width), "\(rows)")
            #expect(rows.contains { $0.contains("[7511]") } || !owned, "\(rows)")
            #expect(rows.contains { $0.contains("[7410]") }, "\(rows)")
        }
        var scene = KernelScene(client: .established, server: .established)
        scene.clientProcess = name
        let rows = head(Play(), width: width, scene: scene)
        #expect(isOnPage(rows, width) && rows.last?.hasSuffix("lab-server[7410]") == true, "\(rows)")
    }
}
