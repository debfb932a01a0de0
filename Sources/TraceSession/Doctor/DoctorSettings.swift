// The doctor's list of kernel settings that matter when reading a TCP trace.

import TimelineReport

enum DoctorSettings {
    private static let settings: [(path: String, meaning: String)] = [
        ("net/ipv4/tcp_congestion_control", "default for new sockets"),
        ("net/ipv4/ip_local_port_range", "ports that connect() chooses from"),
        ("net/core/somaxconn", "upper limit of listen()'s backlog"),
        (
            "net/ipv4/tcp_max_syn_backlog",
            "unfinished handshakes: the listener's backlog always limits them; without SYN cookies, new hosts are refused above three quarters of this"
        ),
        ("net/ipv4/tcp_syncookies", "0 never, 1 when a SYN queue is full, 2 always"),
        ("net/ipv4/tcp_abort_on_overflow", "1: a RST for a last ACK that finds the accept queue full"),
        ("net/ipv4/tcp_syn_retries", "times that connect() retransmits its SYN, doubling the pause each time"),
        ("net/ipv4/tcp_syn_linear_timeouts", "times that it does so before that, 1 s apart"),
        ("net/ipv4/tcp_synack_retries", "times that a SYN-ACK is retransmitted"),
        ("net/ipv4/tcp_retries2", "timeouts until an open connection is given up"),
        ("net/ipv4/tcp_fin_timeout", "seconds that a closed socket stays in FIN_WAIT_2"),
        ("net/ipv4/tcp_tw_reuse", "TIME_WAIT reused by connect(): 0 never, 1 yes, 2 on loopback"),
        ("net/ipv4/tcp_max_tw_buckets", "TIME_WAITs kept; beyond that, TIME_WAIT is skipped"),
        ("net/ipv4/tcp_max_orphans", "closed sockets kept without a process; more get a RST"),
        ("net/ipv4/tcp_rfc1337", "1: a RST does not end TIME_WAIT"),
        ("net/ipv4/tcp_keepalive_time", "idle seconds before keep-alives, if a program asks for them"),
        ("net/ipv4/tcp_timestamps", ""), ("net/ipv4/tcp_sack", ""), ("net/ipv4/tcp_window_scaling", ""),
        ("net/ipv4/tcp_fastopen", "1 as client, 2 as server, 3 both"),
        ("net/ipv4/tcp_early_retrans", "3: tail loss probes"),
    ]

    static func checks() -> [DoctorCheck] {
        settings.compactMap { setting in
            let name = setting.path.split(separator: "/").last.map(String.init) ?? setting.path
            // A setting that the kernel does not have needs no line.
            guard let value = SmallFile.line("/proc/sys/" + setting.path) else { return nil }
            return DoctorCheck("settings", name, .note, value, meaning: setting.meaning)
        }
    }
}
