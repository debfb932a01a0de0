// Which powers this thread has (capabilities(7)), by name.

import CLinux
import Glibc

/// A set of capabilities; bit n is Linux's capability n.
struct Capabilities: OptionSet, Hashable, Sendable {
    let rawValue: UInt64

    static let setGroup = Capabilities(rawValue: 1 << 6)
    static let setUser = Capabilities(rawValue: 1 << 7)
    static let readSearch = Capabilities(rawValue: 1 << 2)
    static let networkAdministration = Capabilities(rawValue: 1 << 12)
    static let rawNetwork = Capabilities(rawValue: 1 << 13)
    static let trace = Capabilities(rawValue: 1 << 19)
    static let systemAdministration = Capabilities(rawValue: 1 << 21)
    static let performance = Capabilities(rawValue: 1 << 38)
    static let programs = Capabilities(rawValue: 1 << 39)

    /// What naming other users' processes takes: both, or it is refused.
    static let owners: Capabilities = [.readSearch, .trace]

    /// The names of those that a trace has a use for, as setcap(8) writes them.
    static let names: [(capability: Capabilities, name: String)] = [
        (.rawNetwork, "cap_net_raw"), (.networkAdministration, "cap_net_admin"), (.trace, "cap_sys_ptrace"),
        (.readSearch, "cap_dac_read_search"), (.systemAdministration, "cap_sys_admin"),
        (.performance, "cap_perfmon"), (.programs, "cap_bpf"),
    ]

    /// What the kernel's events take: to find them in tracefs, which is root's, and to open them.
    static let events: Capabilities = [.readSearch, .performance]

    /// With those that cap_sys_admin includes (capabilities(7)).
    var including: Capabilities {
        contains(.systemAdministration) ? union([.performance, .programs]) : self
    }

    /// What this thread may do now; empty if the kernel does not say.
    static func effective() -> Capabilities { sets().effective }

    /// What this thread may do, and what it may give itself.
    static func sets() -> (effective: Capabilities, permitted: Capabilities) {
        var effective: UInt64 = 0
        var permitted: UInt64 = 0
        // capget(2) fills the two numbers that are passed, nothing else.
        guard unsafe tcptrace_get_capabilities(&effective, &permitted) == 0 else { return ([], []) }
        return (Capabilities(rawValue: effective), Capabilities(rawValue: permitted))
    }

    /// `cap_sys_ptrace, cap_dac_read_search`; the others are left out.
    var described: String { Self.names.filter { contains($0.capability) }.map(\.name).joined(separator: ", ") }
}
