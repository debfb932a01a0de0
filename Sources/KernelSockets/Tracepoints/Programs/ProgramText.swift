// Assembles BPF instructions (RFC 9669): only the few needed here, with forward jumps only.

/// A program under construction.
struct ProgramText {
    /// A register.
    enum Register: UInt64 { case r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, frame }

    /// The target of forward jumps; it is set once.
    struct Label { fileprivate var jumps: [Int] = [] }

    /// Helper functions that the kernel offers to programs, by number (linux/bpf.h).
    enum Helper: Int32 {
        case clock = 5  // bpf_ktime_get_ns: CLOCK_MONOTONIC
        case process = 14  // bpf_get_current_pid_tgid
        case read = 113  // bpf_probe_read_kernel
        case write = 130  // bpf_ringbuf_output
        case tcpSocket = 137  // bpf_skc_to_tcp_sock: the same address, or 0 if it is none of TCP's
    }

    /// The instructions, 8 octets each, for a little-endian machine.
    private(set) var words: [UInt64] = []

    private mutating func emit(
        _ code: UInt64, _ destination: Register = .r0, _ source: UInt64 = 0, offset: Int = 0, value: Int32 = 0
    ) {
        words.append(
            code | destination.rawValue << 8 | source << 12 | UInt64(UInt16(truncatingIfNeeded: offset)) << 16
                | UInt64(UInt32(bitPattern: value)) << 32)
    }

    mutating func move(_ to: Register, _ from: Register) { emit(0xbf, to, from.rawValue) }
    mutating func move(_ to: Register, _ value: Int32) { emit(0xb7, to, value: value) }
    mutating func add(_ to: Register, _ value: Int32) { emit(0x07, to, value: value) }
    mutating func add(_ to: Register, _ from: Register) { emit(0x0f, to, from.rawValue) }

    /// Loads 2, 4 or 8 octets from memory at a register's value plus `offset`.
    mutating func load(_ to: Register, _ octets: Int, at base: Register, _ offset: Int) {
        emit(0x61 | Self.size(octets), to, base.rawValue, offset: offset)
    }

    /// Stores 2, 4 or 8 octets of a register to memory at a register's value plus `offset`.
    mutating func store(_ from: Register, _ octets: Int, at base: Register, _ offset: Int) {
        emit(0x63 | Self.size(octets), base, from.rawValue, offset: offset)
    }

    /// The size bits of a load or store instruction.
    private static func size(_ octets: Int) -> UInt64 { octets == 8 ? 0x18 : octets == 2 ? 0x08 : 0 }

    /// Adds a register to a 64-bit number in memory, atomically with respect to all CPUs.
    mutating func addAtomically(_ from: Register, at base: Register) { emit(0xdb, base, from.rawValue) }

    /// Loads the address of a map or, with `isValue`, of its first value.
    mutating func map(_ to: Register, _ descriptor: Int32, isValue: Bool = false) {
        emit(0x18, to, isValue ? 2 : 1, value: descriptor)
        words.append(0)
    }

    mutating func call(_ helper: Helper) { emit(0x85, value: helper.rawValue) }

    /// Copies this many octets of kernel memory, from `offset` past the register's value, to the frame.
    mutating func read(to place: Int, _ octets: Int, from base: Register, _ offset: Int) {
        move(.r1, .frame)
        add(.r1, Int32(clamping: place))
        move(.r2, Int32(clamping: octets))
        move(.r3, base)
        if offset != 0 { add(.r3, Int32(clamping: offset)) }
        call(.read)
    }

    /// Writes this many octets of the frame to a ring. r0 is then 0, or nonzero if there was no room. The reader is not
    /// woken: it polls often enough.
    mutating func output(_ place: Int, _ octets: Int, ring: Int32) {
        map(.r1, ring)
        move(.r2, .frame)
        add(.r2, Int32(clamping: place))
        move(.r3, Int32(clamping: octets))
        move(.r4, Self.noWakeUp)
        call(.write)
    }

    /// BPF_RB_NO_WAKEUP.
    private static let noWakeUp: Int32 = 1

    /// Adds 1 to the number that is a map's first value.
    mutating func count(_ descriptor: Int32) {
        map(.r1, descriptor, isValue: true)
        move(.r2, 1)
        addAtomically(.r2, at: .r1)
    }

    /// Jumps to the label if the register has this value, if it has any other value, or unconditionally.
    mutating func jump(_ label: inout Label, if register: Register, is value: Int32) {
        jump(&label, 0x15, register, value)
    }
    mutating func jump(_ label: inout Label, unless register: Register, is value: Int32) {
        jump(&label, 0x55, register, value)
    }
    mutating func jump(_ label: inout Label) { jump(&label, 0x05, .r0, 0) }

    private mutating func jump(_ label: inout Label, _ code: UInt64, _ register: Register, _ value: Int32) {
        label.jumps.append(words.count)
        emit(code, register, value: value)
    }

    /// Makes the jumps to this label lead to the next instruction.
    mutating func set(_ label: Label) {
        for place in label.jumps { words[place] |= UInt64(UInt16(truncatingIfNeeded: words.count - place - 1)) << 16 }
    }

    /// Ends the program with a return value of 0.
    mutating func end() {
        move(.r0, 0)
        emit(0x95)
    }
}
