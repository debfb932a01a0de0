// Looks names up in threads of its own: an answer takes microseconds or half a minute, and nobody else may wait for that long.

import CLinux
import Glibc
public import TCPModel
public import TimelineReport

/// The names of `--resolve`. Live nobody waits here: a heading is held back for a moment, and what is not known by then is shown as a
/// number. A replay waits a little for each address, as its output is not to depend on how fast it is.
///
/// The threads begin with the first question, when privileges have been given up, and are never joined: the program ends while a
/// look-up hangs.
@safe public final class NameLookup: NameBook, @unchecked Sendable {
    /// How much of everything there may be.
    struct Limits: Sendable {
        /// Look-ups of hosts at a time. One of a service, which asks no server, finds a thread besides.
        var threads = 4
        /// Questions that wait for a thread; what is more is not asked.
        var waiting = 1024
        /// Names of hosts that are kept, and of services.
        var names = 4096
        /// Addresses that had no answer, which are counted once each.
        var missed = 65_536
        /// With more questions under way than this no heading waits: the answer to its own may be far off.
        var crowd = 8
        /// How long the look-up of an address is waited for, in nanoseconds; live not at all.
        var patience: Int64 = 0
        /// How long all of them are, together.
        var allPatience: Int64 = 0

        static let live = Limits()
        static let replay = Limits(patience: 2 * Span.second, allPatience: 10 * Span.second)
    }

    private let limits: Limits
    private let resolve: @Sendable (NameQuestion) -> NameAnswer
    /// What hosts are called without asking anybody.
    private let listed: [IPAddress: String]
    /// Whether the user wants the program to end: then nothing is waited for.
    private let isStopped: @Sendable () -> Bool
    // Allocated and initialized in init. A thread never ends and keeps this object, so that these live as long as they are used.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let asked: UnsafeMutablePointer<pthread_cond_t>
    private let answered: UnsafeMutablePointer<pthread_cond_t>
    // All below belongs to who holds the lock.
    private var hosts: NameCache<IPAddress>
    private var services: NameCache<UInt16>
    private var waiting: [NameQuestion] = []
    /// Those and the ones that threads ask at the moment, and since when (monotonic); nil: not yet.
    private var underWay: [NameQuestion: Int64?] = [:]
    private var threads = 0
    private var idle = 0
    /// Hosts that are looked up at the moment.
    private var hostLookups = 0
    /// Addresses whose names were asked for and not known in time.
    private var missed: Set<IPAddress> = []
    private var missedMore = false
    /// Those of them that were not even looked up.
    private var unasked = 0
    /// Who waits here, since when somebody does, and how long somebody did before that, in nanoseconds.
    private var waiters = 0
    private var waitingSince: Int64 = 0
    private var waited: Int64 = 0

    /// Looks into /etc/hosts, then asks the system, for a live trace or a replay.
    public convenience init(isLive: Bool) {
        self.init(
            isLive ? .live : .replay, listed: HostsFile.names(), isStopped: { tcptrace_asked_to_stop() != 0 },
            resolve: askSystem)
    }

    init(
        _ limits: Limits, listed: [IPAddress: String] = [:], isStopped: @escaping @Sendable () -> Bool = { false },
        resolve: @escaping @Sendable (NameQuestion) -> NameAnswer
    ) {
        self.limits = limits
        self.listed = listed
        self.resolve = resolve
        self.isStopped = isStopped
        hosts = NameCache(limit: limits.names)
        services = NameCache(limit: limits.names)
        unsafe lock = .allocate(capacity: 1)
        unsafe asked = .allocate(capacity: 1)
        unsafe answered = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        // The structures were allocated just above; that of the clock is not needed any more afterwards.
        unsafe pthread_mutex_init(lock, nil)
        unsafe pthread_cond_init(asked, nil)
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(answered, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        // No thread has this object any more, or there never was one.
        unsafe pthread_cond_destroy(asked)
        unsafe pthread_cond_destroy(answered)
        unsafe pthread_mutex_destroy(lock)
        unsafe lock.deallocate()
        unsafe asked.deallocate()
        unsafe answered.deallocate()
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        // lock is initialized.
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return body()
    }

    // MARK: NameBook

    /// Has both ends looked up.
    public func prepare(_ tuple: FourTuple) {
        locked {
            ask(tuple.source)
            ask(tuple.destination)
        }
    }

    /// Whether a look-up of an end is under way that few others are before.
    public func isPending(_ end: SocketAddress) -> Bool {
        locked {
            limits.patience == 0 && !isKnown(end) && !missed.contains(end.address) && underWay.count <= limits.crowd
                && Self.questions(of: end).contains { underWay[$0] != nil }
        }
    }

    /// What is known of an end, on a replay after having waited for it.
    public func name(of end: SocketAddress) -> EndName {
        locked {
            ask(end)
            if !isKnown(end) && limits.patience > 0 && !missed.contains(end.address) { wait(for: end) }
            if hosts[end.address] == nil { miss(end.address) }
            return EndName(host: hosts[end.address] ?? nil, service: services[end.port] ?? nil)
        }
    }

    /// Whether anything is being looked up.
    var isBusy: Bool { locked { !underWay.isEmpty } }

    /// How many names of hosts and of services are kept.
    var counts: (hosts: Int, services: Int) { locked { (hosts.count, services.count) } }

    /// That some addresses had no answer, in a sentence for standard error; nil if all had.
    public var sentence: String? {
        locked {
            guard !missed.isEmpty else { return nil }
            let number = missed.count == 1 ? "1 address" : "\(missedMore ? "more than " : "")\(missed.count) addresses"
            let rest = unasked > 0 ? "; \(unasked) of them not looked up, as too many were to be" : ""
            return "no answer in time for the name\(missed.count == 1 ? "" : "s") of \(number)\(rest)"
        }
    }

    // MARK: With the lock

    /// Ports from here on are those that Linux gives to clients (ip_local_port_range): the name of such a service would be chance.
    private static let clientPorts: UInt16 = 32768

    private static func questions(of end: SocketAddress) -> [NameQuestion] {
        end.port < clientPorts ? [.host(end.address), .service(end.port)] : [.host(end.address)]
    }

    private func isKnown(_ end: SocketAddress) -> Bool { Self.questions(of: end).allSatisfy(isKnown) }

    private func isKnown(_ question: NameQuestion) -> Bool {
        switch question {
        case .host(let address): hosts[address] != nil
        case .service(let port): services[port] != nil
        }
    }

    private func ask(_ end: SocketAddress) {
        for question in Self.questions(of: end) where !isKnown(question) && underWay[question] == nil {
            if case .host(let address) = question, let name = listed[address] {
                hosts.insert(name, for: address)
                continue
            }
            guard waiting.count < limits.waiting else { return }
            waiting.append(question)
            underWay.updateValue(nil, forKey: question)
            let most = question.isHost ? limits.threads : limits.threads + 1
            if waiting.count > idle && threads < most { startThread() }
            // asked is initialized.
            unsafe pthread_cond_signal(asked)
        }
    }

    private func miss(_ address: IPAddress) {
        guard !missed.contains(address) else { return }
        guard missed.count < limits.missed else { return missedMore = true }
        missed.insert(address)
        if underWay[.host(address)] == nil { unasked += 1 }
    }

    /// Waits for an end's names, in short pieces: the user may want to end.
    private func wait(for end: SocketAddress) {
        let begin = monotonicNow()
        if waiters == 0 { waitingSince = begin }
        waiters += 1
        defer {
            waiters -= 1
            if waiters == 0 { waited += monotonicNow() - waitingSince }
        }
        // Both ends of a connection are asked for together, and so are others.
        let open = Self.questions(of: end).filter { !isKnown($0) }
        let start = open.map { (underWay[$0] ?? nil) ?? begin }.max() ?? begin
        let limit = min(start + limits.patience, waitingSince + limits.allPatience - waited)
        while !isKnown(end), !isStopped() {
            let now = monotonicNow()
            guard now < limit else { return }
            let piece = min(limit, now + 20 * Span.millisecond)
            var time = timespec(tv_sec: Int(piece / Span.second), tv_nsec: Int(piece % Span.second))
            // Both are initialized, the lock is held, and the clock is the condition's.
            unsafe pthread_cond_timedwait(answered, lock, &time)
            // There was no room for it before, perhaps.
            ask(end)
        }
    }

    // MARK: Threads

    private func startThread() {
        var thread = pthread_t()
        // The reference that is handed over is released by nobody: the thread never ends.
        let reference = unsafe Unmanaged.passRetained(self)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                // The reference that was handed over.
                unsafe Unmanaged<NameLookup>.fromOpaque(argument).takeUnretainedValue().answerAll()
            }, reference.toOpaque())
        if code == 0 {
            threads += 1
            pthread_detach(thread)
        } else {
            unsafe reference.release()
        }
    }

    /// The thread: asks whatever is to be asked, for ever.
    private func answerAll() -> Never {
        // What comes from name servers is hostile; a thread has capabilities of its own, and this one needs none.
        _ = tcptrace_set_capabilities(0)
        // lock, asked and answered are initialized.
        unsafe pthread_mutex_lock(lock)
        while true {
            let question = nextQuestion()
            underWay.updateValue(monotonicNow(), forKey: question)
            if question.isHost { hostLookups += 1 }
            unsafe pthread_mutex_unlock(lock)
            let answer = resolve(question)
            unsafe pthread_mutex_lock(lock)
            if question.isHost { hostLookups -= 1 }
            take(answer, to: question)
            underWay.removeValue(forKey: question)
            unsafe pthread_cond_broadcast(answered)
        }
    }

    /// Waits for a question, and takes it out of those that wait: no host while as many as may be are looked up. With the lock.
    private func nextQuestion() -> NameQuestion {
        while true {
            let place = waiting.firstIndex { !$0.isHost || hostLookups < limits.threads }
            if let place { return waiting.remove(at: place) }
            idle += 1
            // asked and lock are initialized.
            unsafe pthread_cond_wait(asked, lock)
            idle -= 1
        }
    }

    private func take(_ answer: NameAnswer, to question: NameQuestion) {
        let name: String? = if case .name(let name) = answer { name } else { nil }
        switch question {
        case .host(let address):
            if answer == .failed { miss(address) }
            hosts.insert(name, for: address)
        case .service(let port): services.insert(name, for: port)
        }
    }
}
