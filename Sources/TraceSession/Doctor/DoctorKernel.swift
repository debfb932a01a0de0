// The doctor's checks of the kernel's information on sockets: sock_diag with each of its extensions, and SOCK_DESTROY.

import CLinux
import Glibc
import KernelSockets
import PacketSource
import TCPModel
import TimelineReport

enum DoctorKernel {
    static func checks() -> [DoctorCheck] {
        var checks = [
            DoctorCheck("kernel", "version", .note, SmallFile.line("/proc/sys/kernel/osrelease") ?? "unknown")
        ]
        let tables = SmallFile.exists("/proc/net/tcp")
        checks.append(
            DoctorCheck(
                "kernel", "/proc/net/tcp", tables ? .ok : .missing,
                meaning: tables ? "" : "tcptrace sockets, and the kernel's view where there is no sock_diag"))
        let counters = HostCounterReader().read()?.values.count ?? 0
        checks.append(
            DoctorCheck(
                "kernel", "TCP counters", counters > 0 ? .ok : .missing, counters > 0 ? "\(counters)" : "",
                meaning: counters > 0 ? "" : "the counters at the end of a trace"))
        do throws(KernelViewError) {
            var diag = try SockDiag()
            try checks.append(contentsOf: extensions(&diag))
            checks.append(destroy(&diag))
        } catch {
            checks.append(
                DoctorCheck(
                    "kernel", "sock_diag", .missing, "\(error)",
                    meaning: "cheap readings (/proc/net/tcp is read instead), and kill --connection"))
        }
        return checks
    }

    /// Queries a temporary listener on a free port of 127.0.0.1.
    private static func extensions(_ diag: inout SockDiag) throws(KernelViewError) -> [DoctorCheck] {
        let sockets = try diag.list(states: SockDiag.listening)
        var checks = [DoctorCheck("kernel", "sock_diag", .ok)]
        var found = sockets.first?.details
        if let own = ProbeListener() {
            let nobody = SocketAddress(.anyV4, 0)
            found = try diag.details(of: FourTuple(source: own.address, destination: nobody))?.details ?? found
        }
        func check(_ name: String, _ value: String?, costs: String) {
            checks.append(
                DoctorCheck(
                    "kernel", "sock_diag \(name)", value == nil ? .missing : .ok, value ?? "",
                    meaning: value == nil ? costs : ""))
        }
        check(
            "tcp_info", found?.info.map { "\($0.length) octets" },
            costs: "round-trip times, windows, retransmissions as the kernel counts them (sockets -i)")
        check("memory", found?.memory?.drops.map { _ in "with drops" }, costs: "drops of single sockets and listeners")
        check(
            "shutdown", found?.isSendShutDown.map { _ in "" },
            costs: "which side of a socket was shut down (sockets -i)")
        check(
            "control group", found?.controlGroup.map { _ in "" },
            costs: "the control group of a socket (sockets -i -T json)")
        return checks
    }

    /// Requests the end of a socket that cannot exist, as both its ports are 0. The error shows whether the kernel
    /// could do it.
    private static func destroy(_ diag: inout SockDiag) -> DoctorCheck {
        let nobody = SocketAddress(.loopbackV4, 0)
        let code = diag.destroy(
            DetailedSocket(
                socket: KernelSocket(local: nobody, remote: nobody, state: .established), details: SocketDetails()))
        let name = "SOCK_DESTROY"
        switch code {
        // The kernel looks up the socket before it checks our capabilities.
        case ENOENT where Capabilities.effective().contains(.networkAdministration):
            return DoctorCheck("kernel", name, .ok)
        case EOPNOTSUPP:
            return DoctorCheck(
                "kernel", name, .missing, "the kernel is built without CONFIG_INET_DIAG_DESTROY",
                meaning: "kill --connection")
        case ENOENT, EPERM, EACCES:
            return DoctorCheck("kernel", name, .missing, "needs cap_net_admin", meaning: "kill --connection")
        default: return DoctorCheck("kernel", name, .missing, describeErrno(code), meaning: "kill --connection")
        }
    }
}

/// A listening socket on a free port of 127.0.0.1, closed at the end of this value's life.
private struct ProbeListener: ~Copyable {
    private let descriptor: Int32
    let address: SocketAddress

    init?() {
        let opened = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard opened >= 0 else { return nil }
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // The calls get the structure passed here and its length.
        let isListening = unsafe withUnsafeMutablePointer(to: &own) { own in
            unsafe own.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(opened, pointer, length) == 0 && listen(opened, 1) == 0
                    && getsockname(opened, pointer, &length) == 0
            }
        }
        guard isListening else {
            close(opened)
            return nil
        }
        descriptor = opened
        address = SocketAddress(.loopbackV4, UInt16(bigEndian: own.sin_port))
    }

    deinit { close(descriptor) }
}
