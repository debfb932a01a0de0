// Real captures on lo (as root), and interfaces that do not exist.

import Foundation
import PacketSource
import TCPModel
import Testing

@Suite("Live capture", .serialized) struct LiveCaptureTests {
    @Test("an interface that does not exist is named together with those that do")
    func noSuchInterface() throws {
        do {
            _ = try LiveCapture(LiveCapture.Options(interface: "nosuch0"))
            Issue.record("it opened")
        } catch {
            switch error {
            case .noSuchDevice(let device, let available):
                #expect(device == "nosuch0")
                #expect(geteuid() != 0 || available.contains("lo"))
                let text = error.explanation(command: "tcptrace -i nosuch0", executable: "/usr/bin/tcptrace")
                #expect(text.hasPrefix("nosuch0: No such device exists\n"))
            case .permissionDenied where geteuid() != 0: break
            default: Issue.record("\(error)")
            }
        }
    }

    @Test("the remedy for a missing permission repeats the command")
    func permission() {
        let error = CaptureError.permissionDenied(device: "lo", message: "socket: Operation not permitted")
        let text = error.explanation(command: "tcptrace -i lo port 9500", executable: "/usr/bin/tcptrace")
        let expected = """
            lo: You don't have permission to perform this capture on that device
            (socket: Operation not permitted)
            Do one of:
              sudo tcptrace -i lo port 9500
              sudo setcap cap_net_raw,cap_net_admin,cap_sys_ptrace,cap_dac_read_search,cap_perfmon,cap_bpf=ep /usr/bin/tcptrace
            Reading a file needs no privileges:  tcptrace -r FILE
            """
        #expect(text == expected)
    }

    @Test("names in what is to be typed are quoted")
    func quotedNames() {
        let denied = CaptureError.permissionDenied(device: "lo", message: "")
        let remedy = denied.explanation(command: "tcptrace 'port 9500'", executable: "/opt/my tools/tcptrace")
        #expect(remedy.contains("  sudo tcptrace 'port 9500'\n") && remedy.contains("=ep '/opt/my tools/tcptrace'\n"))
        let down = CaptureError.interfaceDown(device: "eth0;id").explanation(command: "", executable: "")
        #expect(down.hasSuffix("sudo ip link set dev 'eth0;id' up"))
    }

    @Test("link types have libpcap's names both ways")
    func names() {
        #expect(LinkType.ethernet.name == "EN10MB" && LinkType.ethernet.summary == "Ethernet")
        #expect(LinkType(name: "linux_sll2") == .linuxSLL2 && LinkType(name: "RAW") == .raw)
        #expect(LinkType(name: "nosuch") == nil)
    }

    /// Sends `count` UDP datagrams with this payload to a closed port of 127.0.0.1.
    private func send(_ count: Int, port: UInt16, _ payload: String) {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let bytes = Array(payload.utf8)
        for _ in 0..<count {
            // address is a complete sockaddr_in that lives through the call.
            _ = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    /// Dispatches until `wanted` frames have arrived, or for about two seconds.
    private func gather(
        _ capture: inout LiveCapture, wanted: Int
    ) throws -> [KeptFrame] {
        var frames: [KeptFrame] = []
        for _ in 0..<200 where frames.count < wanted {
            if try capture.dispatch(limit: 1000, { frames.append(KeptFrame($0, $1)) }) == 0 { usleep(10_000) }
        }
        return frames
    }

    @Test(
        "frames on lo come once each, filtered, with their time, and are counted",
        .enabled(if: geteuid() == 0, "not root: no capture on lo"), arguments: ["lo", "any"])
    func loopback(interface: String) throws {
        var capture = try LiveCapture(LiveCapture.Options(interface: interface, snapshotLength: 60, bufferKiB: 1024))
        try capture.setFilter("udp dst port 9599")
        capture.interface = 7
        #expect(capture.linkType == (interface == "lo" ? .ethernet : .linuxSLL2))
        #expect(capture.fileDescriptor >= 0)
        #expect(capture.bufferKiB == 1024)
        #expect(try capture.dispatch(limit: 10) { _, _ in } == 0)
        send(3, port: 9598, "not these")
        send(5, port: 9599, String(repeating: "x", count: 100))
        // `any` sees each frame on lo twice: as it is sent and as it is received.
        let frames = try gather(&capture, wanted: 5)
        #expect(frames.count == 5 || interface == "any" && frames.count <= 10 && frames.count >= 5)
        for frame in frames {
            #expect(frame.captured == 60)
            #expect(frame.bytes.count == 60)
            #expect(frame.original > 140)
            #expect(frame.interface == 7)
        }
        let now = Int64(Date().timeIntervalSince1970 * 1e9)
        #expect(frames.allSatisfy { abs($0.time - now) < 10_000_000_000 })
        #expect(capture.statistics().received >= 5)
        #expect(capture.statistics().droppedByKernel == 0)
    }

    @Test("a bad filter leaves the capture usable", .enabled(if: geteuid() == 0, "not root: no capture on lo"))
    func badFilter() throws {
        let capture = try LiveCapture(LiveCapture.Options(interface: "lo"))
        do {
            try capture.setFilter("tcp and prot 9500")
            Issue.record("it compiled")
        } catch {
            guard case .badFilter(let fault) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(fault.range == 8..<12)
        }
        try capture.setFilter("tcp and port 9500")
    }

    @Test("a link type that an interface does not have", .enabled(if: geteuid() == 0, "not root: no capture on lo"))
    func linkTypes() throws {
        do {
            _ = try LiveCapture(LiveCapture.Options(interface: "lo", linkType: .linuxSLL))
            Issue.record("it opened")
        } catch {
            guard case .unsupportedLinkType(_, "LINUX_SLL", let available) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(available.first == "EN10MB")
        }
        #expect(try CaptureDevice.linkTypes(of: "lo").first == .ethernet)
        #expect(try CaptureDevice.linkTypes(of: "any").contains(.linuxSLL2))
    }

    @Test(
        "an interface that goes down or away ends the capture with a typed error",
        .enabled(if: geteuid() == 0, "not root: no interface can be made"))
    func deviceGone() throws {
        let name = "tcptr\(getpid() % 10_000)"
        guard let made = run("ip", ["link", "add", name, "type", "veth", "peer", "name", name + "p"]), made.status == 0
        else {
            print("no interface can be made here: not tested")
            return
        }
        defer { _ = run("ip", ["link", "del", name]) }
        do {
            _ = try LiveCapture(LiveCapture.Options(interface: name))
            Issue.record("it opened while down")
        } catch {
            #expect(error == .interfaceDown(device: name))
        }
        _ = run("ip", ["link", "set", name, "up"])
        var capture = try LiveCapture(LiveCapture.Options(interface: name))
        _ = run("ip", ["link", "del", name])
        do {
            for _ in 0..<100 {
                _ = try capture.dispatch(limit: 100) { _, _ in }
                usleep(10_000)
            }
            Issue.record("no error")
        } catch {
            guard case .deviceGone(name, let message, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(!message.isEmpty)
        }
        _ = capture.statistics()
    }

    @Test("devices are listed with lo as a loopback that is up")
    func devices() throws {
        let lo = try CaptureDevice.all().first { $0.name == "lo" }
        guard let lo else {
            #expect(geteuid() != 0)
            return
        }
        #expect(lo.isLoopback && lo.isUp)
        #expect(lo.addresses.contains(.loopbackV4))
    }
}
