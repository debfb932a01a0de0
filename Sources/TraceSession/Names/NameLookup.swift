// Name look-ups in separate threads: an answer takes from microseconds to half a minute, and nothing else may be held
// up for that long.

import CLinux
import Glibc
import KernelSockets
public import TCPModel
public import TimelineReport

/// The names for `--resolve`. A live trace never waits here: a heading is held back for a moment, and a name not known
/// by then is shown as a number. A replay waits a little for each address, as its output should not depend on its
/// speed.
///
/// The threads start with the first query, when privileges have been dropped, and are never joined: the program can end
/// while a look-up hangs.
@safe public final class NameLookup: NameBook, @unchecked Sendable {
    /// The bounds on all resources.
    struct Limits: Sendable {
        /// Concurrent look-ups of hosts. One thread more is available for services, whose look-up asks no server.
        var threads = 4
        /// Questions that may wait for a thread; further ones are not asked.
        var waiting = 1024
        /// The most names of hosts to keep, and the most names of services.
        var names = 4096
        /// The most unanswered addresses to remember, so that each is counted once.
        var missed = 65_536
        /// With more questions under way than this, no heading waits: the answer to its own may be far off.
        var crowd = 8
        /// How long to wait for the look-up of an address, in nanoseconds; 0 in a live trace.
        var patience: Int64 = 0
        /// How long to wait for all look-ups together, in nanoseconds.
        var allPatience: Int64 = 0

        static let live = Limits()
        static let replay = Limits(patience: 2 * Span.second, allPatience: 10 * Span.second)
    }

    private let limits: Limits
    private let resolve: @Sendable (NameQuestion) -> NameAnswer
    /// Names of hosts that are known without a query.
    private let listed: [IPAddress: String]
    /// Whether the user wants the program to end: then no look-up is waited for.
    private let isStopped: @Sendable () -> Bool
    // Allocated and initialized in init. A thread never ends and retains this object, so these live as long as they are
    // used.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let asked: UnsafeMutablePointer<pthread_cond_t>
    private let answered: UnsafeMutablePointer<pthread_cond_t>
    // Everything below is protected by the lock.
    private var hosts: NameCache<IPAddress>
    private var services: NameCache<UInt16>
    private var waiting: [NameQuestion] = []
    /// Questions that wait or are being asked, with the monotonic time when a thread began; nil: not begun.
    private var underWay: [NameQuestion: Int64?] = [:]
    private var threads = 0
    private var idle = 0
    /// Hosts that are being looked up.
    private var hostLookups = 0
    /// Addresses whose names were requested and not known in time.
    private var missed: Set<IPAddress> = []
    private var missedMore = false
    /// The number of missed addresses that were not even looked up.
    private var unasked = 0
    /// The number of callers that wait here, since when there has been one, and the total waiting time before, in
    /// nanoseconds.
    private var waiters = 0
    private var waitingSince: Int64 = 0
    private var waited: Int64 = 0

    /// Names come from /etc/hosts, then from the system, with the limits of a live trace or a replay.
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
        // The structures were allocated just above; the attributes are not needed afterwards.
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

    /// Starts the look-up of both ends.
    public func prepare(_ tuple: FourTuple) {
        locked {
            ask(tuple.source)
            ask(tuple.destination)
        }
    }

    /// Whether the look-up of an end is under way, with few others ahead of it.
    public func isPending(_ end: SocketAddress) -> Bool {
        locked {
            limits.patience == 0 && !isKnown(end) && !missed.contains(end.address) && underWay.count <= limits.crowd
                && Self.questions(of: end).contains { underWay[$0] != nil }
        }
    }

    /// The known names of an end; a replay first waits for them.
    public func name(of end: SocketAddress) -> EndName {
        locked {
            ask(end)
            if !isKnown(end) && limits.patience > 0 && !missed.contains(end.address) { wait(for: end) }
            if hosts[end.address] == nil { miss(end.address) }
            return EndName(host: hosts[end.address] ?? nil, service: services[end.port] ?? nil)
        }
    }

    /// Whether any look-up is under way.
    var isBusy: Bool { locked { !underWay.isEmpty } }

    /// The numbers of names kept, for hosts and for services.
    var counts: (hosts: Int, services: Int) { locked { (hosts.count, services.count) } }

    /// A sentence for standard error on addresses without an answer; nil if all had one.
    public var sentence: String? {
        locked {
            guard !missed.isEmpty else { return nil }
            let number = missed.count == 1 ? "1 address" : "\(missedMore ? "more than " : "")\(missed.count) addresses"
            let rest = unasked > 0 ? "; \(unasked) of them were not looked up, as there were too many" : ""
            return "no answer in time for the name\(missed.count == 1 ? "" : "s") of \(number)\(rest)"
        }
    }

    // MARK: With the lock

    /// From here on ports are those that Linux assigns to clients (ip_local_port_range): a service of that name would
    /// be coincidence.
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

    /// Waits for an end's names, in short pieces so that the user can end the program.
    private func wait(for end: SocketAddress) {
        let begin = monotonicNow()
        if waiters == 0 { waitingSince = begin }
        waiters += 1
        defer {
            waiters -= 1
            if waiters == 0 { waited += monotonicNow() - waitingSince }
        }
        // Waiting is measured from the start of the look-up, as the ends of a connection, and others, are looked up
        // concurrently.
        let open = Self.questions(of: end).filter { !isKnown($0) }
        let start = open.map { (underWay[$0] ?? nil) ?? begin }.max() ?? begin
        let limit = min(start + limits.patience, waitingSince + limits.allPatience - waited)
        while !isKnown(end), !isStopped() {
            let now = monotonicNow()
            guard now < limit else { return }
            let piece = min(limit, now + 20 * Span.millisecond)
            var time = timespec(tv_sec: Int(piece / Span.second), tv_nsec: Int(piece % Span.second))
            // Both are initialized, the lock is held, and the time is of the condition's clock.
            unsafe pthread_cond_timedwait(answered, lock, &time)
            // The queue may have had no room for it before.
            ask(end)
        }
    }

    // MARK: Threads

    private func startThread() {
        var thread = pthread_t()
        // The retained reference is never released: the thread never ends.
        let reference = unsafe Unmanaged.passRetained(self)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                // The reference passed to pthread_create.
                unsafe Unmanaged<NameLookup>.fromOpaque(argument).takeUnretainedValue().answerAll()
            }, reference.toOpaque())
        if code == 0 {
            threads += 1
            pthread_detach(thread)
        } else {
            unsafe reference.release()
        }
    }

    /// The thread's body: answers questions forever.
    private func answerAll() -> Never {
        // Answers of name servers are hostile. Each thread has its own capabilities, and this one needs none.
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

    /// Waits for a question and takes it out of the queue; hosts are skipped while the maximum is being looked up. Call
    /// with the lock.
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
