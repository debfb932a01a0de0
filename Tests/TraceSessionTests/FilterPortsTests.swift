// The ports to which a filter limits what is asked of the kernel: no limit is better than one port too few.

import Testing

@testable import TraceSession

@Suite struct FilterPortsTests {
    @Test(arguments: [
        ("port 9500", [9500]), ("tcp port 9500", [9500]), ("port 9500 or port 80", [80, 9500]),
        ("tcp and dst port 80 and host 10.0.0.1", [80]), ("port 80 or 443", []), ("port http", []),
        ("port 80 or host ::1", []), ("not port 22", []), ("(port 80)", []), ("port 80 or ! port 81", []), ("tcp", []),
        ("", []), ("portrange 1-3", [1, 2, 3]),
        ("tcp portrange 80-81 or port 9", [9, 80, 81]), ("portrange 9-1", []), ("portrange 1-9-12", []),
        ("port 1-3", []),
        ("portrange 1", []), ("portrange 1-999", []), ("portrange 1-", []), ("portrange 65535-65535", [65535]),
        ("port 9500 or icmp", [9500]), ("icmp or icmp6 or tcp port 80", [80]), ("icmp", []),
        ("port 80 or icmp and host 1.2.3.4", []),
        ("port 70000", []), ("tcp[13] & 2 != 0", []), ("port", []), ("or port 3", []),
    ]) func onlyWhatIsSure(_ filter: String, _ ports: [Int]) {
        #expect(portsNamed(in: filter) == ports.map { UInt16($0) })
    }
}
