// The capabilities of this thread (capabilities(7)), by name.

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

    /// The capabilities needed to name other users' processes: access is refused without both.
    static let owners: Capabilities = [.readSearch, .trace]

    /// The capabilities useful to a trace, with their names as in setcap(8).
    static let names: [(capability: Capabilities, name: String)] = [
        (.rawNetwork, "cap_net_raw"), (.networkAdministration, "cap_net_admin"), (.trace, "cap_sys_ptrace"),
        (.readSearch, "cap_dac_read_search"), (.systemAdministration, "cap_sys_admin"),
        (.performance, "cap_perfmon"), (.programs, "cap_bpf"),
    ]

    /// The capabilities needed for kernel events: to find them in tracefs, which belongs to root, and to open them.
    static let events: Capabilities = [.readSearch, .performance]

    /// The set together with what cap_sys_admin includes (capabilities(7)).
    var including: Capabilities {
        contains(.systemAdministration) ? union([.performance, .programs]) : self
    }

    /// This thread's effective capabilities; empty if they cannot be read.
    static func effective() -> Capabilities { sets().effective }

    /// This thread's effective capabilities, and the permitted ones that it can make effective.
    static func sets() -> (effective: Capabilities, permitted: Capabilities) {
        var effective: UInt64 = 0
        var permitted: UInt64 = 0
        // capget(2) writes only to the two numbers passed to it.
        guard unsafe tcptrace_get_capabilities(&effective, &permitted) == 0 else { return ([], []) }
        return (Capabilities(rawValue: effective), Capabilities(rawValue: permitted))
    }

    /// `cap_sys_ptrace, cap_dac_read_search`; capabilities without a name here are omitted.
    var described: String { Self.names.filter { contains($0.capability) }.map(\.name).joined(separator: ", ") }
}
