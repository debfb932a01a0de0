// Where a process comes from: its executable, control group, container and systemd unit. Read once a process, shared by its sockets.

/// What is known of a process beyond its name. All of it is untrusted text: escape before showing.
///
/// A class, so that every connection of the process shares the one that was read.
public final class ProcessDetails: Sendable {
    /// The path of the executable (/proc/PID/exe), as seen from where we are; the kernel adds ` (deleted)` when it was removed
    /// or replaced since. Nil: a kernel thread, or we may not know.
    public let executable: String?
    /// The path of its control group: version 2's, else that of systemd's hierarchy, else any other. Nil if it cannot be read.
    public let controlGroup: String?
    /// The container that the path of a control group names; nil if none does.
    public let container: Container?
    /// The systemd unit that the path of a control group names (`ssh.service`); nil if none does.
    public let unit: String?

    /// A container, as far as the path of a control group tells.
    public struct Container: Hashable, Sendable {
        /// Who made it: `docker`, `containerd`, `podman`, `cri-o`, `lxc`, `nspawn`; nil where only its pod is known, or only its id.
        public var runtime: String?
        /// Its id, mostly 64 hexadecimal digits; the name for LXC and nspawn.
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
