// What control group paths reveal: paths from the runtimes' documentation and from real hosts, and some that only look
// alike.

import TCPModel
import Testing

@testable import KernelSockets

@Suite struct ControlGroupTests {
    private static let id = String(repeating: "0123456789abcdef", count: 4)
    private static let pod = "4bb1a2c3-d4e5-46f7-8899-aabbccddeeff"

    @Test(arguments: [
        ("/docker/ID", "docker"), ("/system.slice/docker-ID.scope", "docker"),
        ("/system.slice/docker.service/docker/ID", "docker"), ("/docker/ID/init.scope", "docker"),
        ("/machine.slice/libpod-ID.scope/container", "podman"),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope", "podman"),
        ("/libpod_parent/libpod-ID", "podman"), ("/system.slice/nerdctl-ID.scope", "containerd"),
        ("/system.slice:cri-containerd:ID", "containerd"),
    ])
    func containers(_ path: String, _ runtime: String) {
        let group = ControlGroup(path: path.replacing("ID", with: Self.id))
        #expect(group.container == .init(runtime: runtime, identifier: Self.id))
    }

    @Test(
        arguments: [
            ("/kubepods/burstable/podPOD/ID", nil), ("/kubepods/podPOD/ID", nil),
            (
                "/kubepods.slice/kubepods-burstable-podUNDER.slice/cri-containerd-ID.scope",
                "containerd"
            ),
            ("/kubepods.slice/kubepods-podUNDER.slice/crio-ID.scope", "cri-o"),
            ("/kubelet.slice/kubelet-kubepods.slice/kubepods-besteffort-podUNDER.slice/docker-ID.scope", "docker"),
        ] as [(String, String?)])
    func pods(_ path: String, _ runtime: String?) {
        let under = String(Self.pod.map { $0 == "-" ? "_" : $0 })
        let group = ControlGroup(
            path: path.replacing("POD", with: Self.pod).replacing("UNDER", with: under).replacing("ID", with: Self.id))
        #expect(group.container == .init(runtime: runtime, identifier: Self.id, pod: Self.pod))
    }

    @Test func containersWithNames() {
        #expect(ControlGroup(path: "/lxc.payload.web/system.slice/nginx.service").container?.identifier == "web")
        #expect(ControlGroup(path: "/lxc/web").container == .init(runtime: "lxc", identifier: "web"))
        #expect(ControlGroup(path: "/machine.slice/machine-deb.scope").container?.runtime == "nspawn")
    }

    @Test(arguments: [
        "/", "", "/docker", "/docker/short", "/system.slice/docker-x.scope", "/machine.slice/libpod-conmon-ID.scope",
        "/system.slice/crio-conmon-ID.scope", "/ID", "/kubepods/podshort/ID", "/system.slice/docker.service",
        "/machine.slice/machine-.scope", #"/machine.slice/machine-qemu\x2d1\x2ddebian.scope/libvirt/emulator"#,
    ])
    func whatOnlyLooksLikeOne(_ path: String) {
        #expect(ControlGroup(path: path.replacing("ID", with: Self.id)).container == nil)
    }

    @Test func units() {
        #expect(ControlGroup(path: "/system.slice/ssh.service").unit == "ssh.service")
        #expect(
            ControlGroup(path: "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope").unit
                == "app-x.scope")
        #expect(ControlGroup(path: "/system.slice/system-getty.slice/getty@tty1.service").unit == "getty@tty1.service")
        #expect(ControlGroup(path: "/user.slice").unit == nil)
    }

    @Test func whichLineCounts() {
        func group(_ text: String) -> String? { ControlGroup(text: Array(text.utf8))?.path }
        #expect(group("0::/system.slice/a.service\n") == "/system.slice/a.service")
        // Version 1 next to an empty version 2: systemd's own hierarchy counts, unless a controller's path names a
        // container.
        #expect(group("9:name=systemd:/system.slice/a.service\n4:memory:/x/y\n0::/\n") == "/system.slice/a.service")
        #expect(group("4:memory:/docker/\(Self.id)\n1:name=systemd:/a.service\n0::/\n") == "/docker/\(Self.id)")
        #expect(group("4:memory:/process_api/x\n9:name=systemd:/\n0::/\n") == "/process_api/x")
        #expect(group("0::/\n") == "/")
        for text in ["", "\n\n", "0::", "nonsense", ":::::", "0::relative\n"] { #expect(group(text) == nil) }
        // Colons are part of the path.
        #expect(group("0::/a:b:c\n") == "/a:b:c")
    }

    @Test func hostilePaths() {
        let deep = String(repeating: "/docker", count: 2000) + "/" + Self.id
        #expect(ControlGroup(path: deep).container?.runtime == "docker")
        #expect(ControlGroup(path: "/\u{1b}[2J.service").unit == "\u{1b}[2J.service", "escaped where it is shown")
        #expect(ControlGroup(text: [0x30, 0x3a, 0x3a, 0x2f, 0xff, 0xfe])?.path == "/\u{fffd}\u{fffd}")
    }
}
