// Drops root's privileges once everything that needs them is open, as tcpdump -Z does.

import CLinux
import Glibc
import TCPModel

/// What to drop, decided before anything is opened.
struct PrivilegePlan: Sendable {
    /// A user to become.
    struct User: Hashable, Sendable {
        var name: String
        var user: UInt32
        var group: UInt32
        /// Whether the system knows the user's name, and so the supplementary groups.
        var isKnown = true
    }

    /// The user to become; nil for no change.
    var user: User?
    /// Whether to keep everything: `-Z root`.
    var keepsEverything = false
    /// The capabilities to keep: those needed to name other users' processes.
    var kept: Capabilities = []
    /// Whether this process starts as root, so that users rely on something being dropped.
    var isRoot = false

    /// Decides what to drop. `name` is the argument of `-Z`; `kept` are the capabilities that the work needs later.
    ///
    /// Without a name, the user who called sudo is chosen; for plain root the user stays, but the capabilities are
    /// still dropped.
    static func make(
        name: String?, kept: Capabilities, effectiveUser: UInt32 = geteuid(),
        permitted: Capabilities = Capabilities.sets().permitted, environment: (String) -> String? = variable
    ) throws(TraceError) -> PrivilegePlan {
        var plan = PrivilegePlan()
        plan.isRoot = effectiveUser == 0
        plan.kept = kept.intersection(permitted)
        if let name {
            guard let user = lookUp(name) else { throw .privileges("-Z \(printable(name)): there is no such user") }
            if user.user == 0 {
                plan.keepsEverything = true
            } else if user.user != effectiveUser {
                guard permitted.isSuperset(of: [.setUser, .setGroup]) else {
                    throw .privileges("-Z \(printable(name)): only root can become another user; try with sudo")
                }
                plan.user = user
            }
        } else if plan.isRoot, permitted.isSuperset(of: [.setUser, .setGroup]) {
            plan.user = caller(environment)
        }
        return plan
    }

    /// The user who called sudo; nil without sudo, or if that was root.
    private static func caller(_ environment: (String) -> String?) -> User? {
        guard let user = environment("SUDO_UID").flatMap({ UInt32($0) }), user > 0, user < .max,
            let group = environment("SUDO_GID").flatMap({ UInt32($0) }), group < .max
        else { return nil }
        // getpwuid returns null or a record that is valid until the next call; the name is copied at once.
        if let record = unsafe getpwuid(user), let name = unsafe record.pointee.pw_name {
            return User(name: unsafe String(cString: name), user: user, group: group)
        }
        return User(name: "\(user)", user: user, group: group, isKnown: false)
    }

    private static func lookUp(_ name: String) -> User? {
        // getpwnam returns null or a record that is valid until the next call; the numbers are copied at once.
        guard let record = unsafe getpwnam(name) else { return nil }
        return User(name: name, user: unsafe record.pointee.pw_uid, group: unsafe record.pointee.pw_gid)
    }

    private static func variable(_ name: String) -> String? {
        // getenv(3) returns a NUL-terminated string of the environment, which this program never changes; it is copied.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Drops everything permanently: the bounding and ambient sets, the user, the groups, the capabilities, and the way
    /// back through set-user-ID programs. Capabilities belong to a thread, so this must be the only one.
    func carryOut() throws(TraceError) {
        if keepsEverything { return }
        func check(_ result: Int32, _ what: String) throws(TraceError) {
            guard result == 0 else { throw .system(what: "giving up privileges: " + what, code: errno) }
        }
        // Requires cap_setpcap; a process without it cannot regain privileges through set-user-ID programs either, see
        // below.
        for capability in 0..<64 where !kept.contains(Capabilities(rawValue: 1 << UInt64(capability))) {
            _ = tcptrace_drop_bounding(Int32(capability))
        }
        _ = tcptrace_clear_ambient()
        if let user {
            // Otherwise the kernel would drop all capabilities together with the user.
            if !kept.isEmpty { try check(tcptrace_keep_capabilities(1), "PR_SET_KEEPCAPS") }
            var group = user.group
            // The name is a String, which is NUL-terminated during the call. The list of groups has one element.
            try check(
                user.isKnown ? unsafe initgroups(user.name, user.group) : unsafe setgroups(1, &group), "initgroups")
            try check(tcptrace_become(user.user, user.group), "setresuid")
        }
        try check(tcptrace_set_capabilities(kept.rawValue), "capset")
        try check(tcptrace_no_new_privileges(), "PR_SET_NO_NEW_PRIVS")
        // Success counts only when the kernel confirms it.
        let (effective, permitted) = Capabilities.sets()
        guard effective == kept, permitted == kept, user == nil || geteuid() == user?.user else {
            throw .privileges("privileges could not be given up; -Z root keeps them all")
        }
    }

    /// One line for the user on what was dropped; nil if nothing was, or if this process did not start as root.
    var announcement: String? {
        guard isRoot, !keepsEverything else { return nil }
        let names = kept.described.split(separator: ", ").joined(separator: " and ")
        let rest = kept.isEmpty ? "" : " except \(names) (needed to name processes)"
        let who = user.map { "now user \(printable($0.name))" } ?? "still root"
        return "everything is open: \(who), with no capabilities\(rest); -Z root keeps them"
    }
}
