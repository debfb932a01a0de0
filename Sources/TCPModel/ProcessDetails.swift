// Where a process comes from: its executable, control group, container and systemd unit. Read once per process and
// shared by its sockets.

/// What is known about a process beyond its name. All of it is untrusted text: escape before showing.
///
/// A class, so that all connections of a process share one copy.
public final class ProcessDetails: Sendable {
    /// The path of the executable (/proc/PID/exe), as seen from this process; the kernel appends ` (deleted)` if the
    /// file has since been removed or replaced. Nil for a kernel thread, or if we may not read the path.
    public let executable: String?
    /// The path of its control group: in version 2's hierarchy, else in systemd's, else in any other. Nil if it cannot
    /// be read.
    public let controlGroup: String?
    /// The container named by a control group's path; nil if none is.
    public let container: Container?
    /// The systemd unit named by a control group's path (`ssh.service`); nil if none is.
    public let unit: String?

    /// A container, as far as a control group's path identifies it.
    public struct Container: Hashable, Sendable {
        /// The runtime that made it: `docker`, `containerd`, `podman`, `cri-o`, `lxc`, `nspawn`; nil if only its pod or
        /// its id is known.
        public var runtime: String?
        /// Its id, usually 64 hexadecimal digits; for LXC and nspawn, its name.
        public var identifier: String
        /// The UID of its Kubernetes pod.
        public var pod: String?

        /// A container from its fields.
        public init(runtime: String?, identifier: String, pod: String? = nil) {
            self.runtime = runtime
            self.identifier = identifier
            self.pod = pod
        }
    }

    /// Details from their fields.
    public init(executable: String?, controlGroup: String? = nil, container: Container? = nil, unit: String? = nil) {
        self.executable = executable
        self.controlGroup = controlGroup
        self.container = container
        self.unit = unit
    }
}
