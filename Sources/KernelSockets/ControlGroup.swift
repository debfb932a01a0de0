// Interprets a control group's path: which container a process runs in, or which systemd unit it belongs to.
//
// Only convention governs these names: each container runtime has its own scheme, and it differs between the cgroupfs
// and systemd drivers. A name counts as a container's only if its id looks like a container id, so a service called
// `docker-x.scope` is not mistaken for one.

import TCPModel

/// A process's control group, from /proc/PID/cgroup.
struct ControlGroup: Equatable {
    /// The group's path.
    var path: String
    /// The container, if the path names one.
    var container: ProcessDetails.Container?
    /// The systemd unit, if the path names one.
    var unit: String?

    /// The maximum number of octets read from /proc/PID/cgroup, and of path components examined.
    static let sizeLimit = 16 << 10
    private static let componentLimit = 64

    /// Picks the most informative group in `text`, which has lines of the form `ID:CONTROLLERS:PATH`: first one that
    /// names a container, then one that names a unit, then cgroup v2's (`0::`), then systemd's hierarchy
    /// (`name=systemd`), then the longest path. Nil if no line can be parsed.
    init?(text: [UInt8]) {
        var best: (rank: Int, group: ControlGroup)?
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].first == UInt8(ascii: "/") else { continue }
            let group = ControlGroup(path: String(decoding: parts[2], as: UTF8.self))
            var rank = min(group.path.utf8.count, 1 << 12)
            // Where the controllers are on cgroup v1, the v2 group may be just the root and carry no information.
            if parts[1].isEmpty && group.path != "/" { rank += 1 << 14 }
            if parts[1].elementsEqual("name=systemd".utf8) && group.path != "/" { rank += 1 << 13 }
            if group.unit != nil { rank += 1 << 15 }
            if group.container != nil { rank += 1 << 16 }
            if rank > best?.rank ?? -1 { best = (rank, group) }
        }
        guard let best else { return nil }
        self = best.group
    }

    /// Interprets the group at `path`.
    init(path: String) {
        self.path = path
        let components = path.split(separator: "/").suffix(Self.componentLimit)
        // The innermost match wins, because containers and units can be nested.
        var before: Substring = ""
        var pod: String?
        for component in components {
            if let found = Self.podUID(component) { pod = found }
            if let found = Self.container(component, below: before) {
                container = found
                container?.pod = pod
            }
            if Self.isUnit(component) { unit = String(component) }
            before = component
        }
    }

    /// Recognizes systemd's driver (`docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID.scope`, `crio-ID.scope`),
    /// cgroupfs (`docker/ID`, `libpod_parent/libpod-ID`, `ID` below a pod), and `lxc.payload.NAME`, `lxc/NAME`,
    /// `machine-NAME.scope`.
    private static func container(_ component: Substring, below parent: Substring) -> ProcessDetails.Container? {
        var name = component
        let isScope = name.hasSuffix(".scope")
        if isScope { name = name.dropLast(6) }
        let prefixes = [
            ("docker-", "docker"), ("cri-containerd-", "containerd"), ("libpod-", "podman"), ("crio-", "cri-o"),
            ("containerd-", "containerd"), ("nerdctl-", "containerd"),
        ]
        for (prefix, runtime) in prefixes where name.hasPrefix(prefix) {
            let identifier = name.dropFirst(prefix.count)
            // `libpod-conmon-ID` and `crio-conmon-ID` belong to the container's monitor process, not to the container.
            if isIdentifier(identifier) { return .init(runtime: runtime, identifier: String(identifier)) }
        }
        // containerd's own names under systemd: `SLICE:cri-containerd:ID`.
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 3, isIdentifier(parts[2]), !parts[1].isEmpty {
            return .init(
                runtime: parts[1] == "cri-containerd" || parts[1] == "nerdctl" ? "containerd" : String(parts[1]),
                identifier: String(parts[2]))
        }
        // systemd-machined also manages virtual machines; libvirt's names begin with an escaped `qemu-`.
        if isScope, name.hasPrefix("machine-"), name.count > 8, !name.hasPrefix(#"machine-qemu\x2d"#) {
            return .init(runtime: "nspawn", identifier: String(name.dropFirst(8)))
        }
        if name.hasPrefix("lxc.payload."), name.count > 12 {
            return .init(runtime: "lxc", identifier: String(name.dropFirst(12)))
        }
        if parent == "lxc" { return .init(runtime: "lxc", identifier: String(name)) }
        guard !isScope, isIdentifier(name) else { return nil }
        if parent == "docker" { return .init(runtime: "docker", identifier: String(name)) }
        return podUID(parent) == nil && parent != "ecs" ? nil : .init(runtime: nil, identifier: String(name))
    }

    /// Recognizes `pod4bb1...` (cgroupfs) and `kubepods-burstable-pod4bb1....slice` (systemd's driver, with `_` for
    /// `-`).
    private static func podUID(_ component: Substring) -> String? {
        var name = component
        if name.hasSuffix(".slice") {
            guard name.hasPrefix("kubepods"), let place = name.firstRange(of: "-pod") else { return nil }
            name = name[place.upperBound...].dropLast(6)
        } else {
            guard name.hasPrefix("pod") else { return nil }
            name = name.dropFirst(3)
        }
        let identifier = String(name.map { $0 == "_" ? "-" : $0 })
        // A UUID, or 32 digits for static pods.
        guard identifier.utf8.count >= 32, identifier.utf8.count <= 64,
            identifier.utf8.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: "-") })
        else { return nil }
        return identifier
    }

    private static func isIdentifier(_ text: Substring) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy(isHexadecimal)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66
    }

    private static func isUnit(_ component: Substring) -> Bool {
        [".service", ".scope", ".socket", ".mount", ".swap"].contains { component.hasSuffix($0) }
    }
}
