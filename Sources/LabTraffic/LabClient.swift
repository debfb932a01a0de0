// The lab's client: one poll loop over the keyboard and the socket, so that neither ever waits for the other.

import Glibc

/// The client of the networking lab: sends lines until `fin` or the end of input, prints the answers, and closes.
public struct LabClient: ~Copyable {
    /// The silence after which bytes without a line end count as an answer.
    private static let silence = Duration.milliseconds(200)
    /// After this many unanswered lines the client no longer waits for answers.
    private static let patience = 3

    private let options: ClientOptions
    private let connection: LabConnection
    private var keyboard = Keyboard()
    /// The answer to the longest line must fit in one piece, too.
    private var answers = MessageSplitter(lineLimit: MessageSplitter.lineLimit + Message.answerPrefix.count)
    private var outbox: ArraySlice<UInt8> = []
    private var saidFin = false
    private var serverEnded = false
    private var unanswered = 0
    private var answerDeadline: ContinuousClock.Instant?
    private var nextLineAt = ContinuousClock.now
    private var silenceDeadline: ContinuousClock.Instant?
    private var promptIsShown = false

    /// Connects, and announces it on standard output.
    public init(_ options: ClientOptions) throws(LabError) {
        let connection = try LabConnection(
            to: InternetAddress(host: options.host, port: options.port), sourcePort: options.sourcePort,
            timeout: options.connectTimeout)
        Console.line("connected \(connection.local) > \(connection.peer) (pid \(getpid()))")
        try connection.setNonBlocking()
        if let seconds = options.keepAlive { try Sockets.setKeepAlive(connection.number, seconds: seconds) }
        self.options = options
        self.connection = connection
    }

    /// Sends the lines, then closes.
    public consuming func run() throws(LabError) {
        try listen(for: options.hold)
        while let line = try nextLine() { try send(line) }
        if options.halfClose {
            try connection.shutdownWriting()
            emit("half-closed")
            while !serverEnded { try step(readsKeyboard: false, until: nil) }
        }
        try listen(for: options.slowClose)
        try drain()
        let manner = (saidFin ? "fin" : "end of input") + (options.lingerZero ? ", linger0" : "")
        close(manner)
    }

    private consuming func close(_ manner: String) {
        let abortively = options.lingerZero
        connection.close(abortively: abortively)
        Console.line("closed (\(manner))")
    }

    /// Waits until a line may be sent and is available; nil if there are no more lines.
    private mutating func nextLine() throws(LabError) -> Message? {
        while !saidFin {
            let now = ContinuousClock.now
            if let deadline = answerDeadline, now >= deadline {
                answerDeadline = nil
                unanswered += 1
            }
            if answerDeadline == nil, now >= nextLineAt {
                if let line = keyboard.next() { return line }
                if keyboard.isExhausted { return nil }
                prompt()
            }
            let pause = nextLineAt > now ? nextLineAt : nil
            try step(readsKeyboard: true, until: answerDeadline.map { max($0, pause ?? $0) } ?? pause)
        }
        return nil
    }

    /// Sends one line, reading answers meanwhile, and sets the waiting times before the next one.
    private mutating func send(_ line: Message) throws(LabError) {
        promptIsShown = false
        saidFin = line.isFin
        outbox = (line.bytes + [0x0a])[...]
        while !outbox.isEmpty { try step(readsKeyboard: false, until: nil) }
        let now = ContinuousClock.now
        nextLineAt = now + options.delay
        let waits = !saidFin && !serverEnded && options.replyWait > .zero && unanswered < Self.patience
        answerDeadline = waits ? now + options.replyWait : nil
    }

    /// Stays connected for a time without sending anything.
    private mutating func listen(for time: Duration) throws(LabError) {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end { try step(readsKeyboard: false, until: end) }
    }

    /// Waits once for the socket, the keyboard if requested, and the earliest deadline, and handles what is ready.
    private mutating func step(
        readsKeyboard: Bool, until deadline: ContinuousClock.Instant?
    ) throws(LabError) {
        var events: Readiness = serverEnded ? [] : .readable
        if !outbox.isEmpty { events.insert(.writable) }
        var wanted = [(number: Int32, events: Readiness)]()
        // A socket closed in both directions would report that forever, so it is no longer polled.
        let asksSocket = !(serverEnded && options.halfClose && outbox.isEmpty)
        if asksSocket { wanted.append((connection.number, events)) }
        let asksKeyboard = readsKeyboard && keyboard.wantsInput
        if asksKeyboard { wanted.append((Keyboard.number, .readable)) }
        let nearest = [deadline, silenceDeadline].compactMap(\.self).min()
        let wait = nearest.map { max(.zero, ContinuousClock.now.duration(to: $0)) }
        let ready = DescriptorCalls.poll(wanted, for: wait)
        if asksSocket, let socket = ready.first, !socket.isEmpty { try serveSocket(socket) }
        if let silenceDeadline, ContinuousClock.now >= silenceDeadline {
            self.silenceDeadline = nil
            if let answer = answers.flush() { show([answer]) }
        }
        if asksKeyboard, ready.last?.isEmpty == false { try keyboard.read() }
    }

    private mutating func serveSocket(_ ready: Readiness) throws(LabError) {
        if !serverEnded, !ready.isDisjoint(with: [.readable, .broken]) {
            try receive()
        } else if !ready.isDisjoint(with: .broken) {
            throw connection.takeError() ?? .brokenPipe
        }
        if !outbox.isEmpty, ready.contains(.writable) {
            do throws(LabError) {
                outbox = outbox.dropFirst(try connection.send(outbox))
            } catch .peerDoesNotRead {
                // Not now: poll will report when.
            }
        }
    }

    /// Reads once; returns whether there may be more.
    @discardableResult
    private mutating func receive() throws(LabError) -> Bool {
        switch try connection.read() {
        case .nothingYet: return false
        case .bytes(let bytes):
            show(answers.append(bytes))
            silenceDeadline = answers.hasPartialMessage ? ContinuousClock.now + Self.silence : nil
            return true
        case .end:
            serverEnded = true
            silenceDeadline = nil
            answerDeadline = nil
            if let last = answers.flush() { show([last]) }
            emit("server closed its side")
            return false
        }
    }

    /// Reads what has already arrived, so that unread bytes do not turn our FIN into a RST.
    private mutating func drain() throws(LabError) {
        var reads = 0
        while !serverEnded, reads < 64, try receive() { reads += 1 }
        if let last = answers.flush() { show([last]) }
    }

    private mutating func show(_ messages: [Message]) {
        guard !messages.isEmpty else { return }
        unanswered = 0
        answerDeadline = nil
        for message in messages { emit("reply \(Printable.quoted(message.bytes))") }
    }

    /// Prints a line, over the prompt if that is shown.
    private mutating func emit(_ text: String) {
        Console.line(promptIsShown ? "\r" + text : text)
        promptIsShown = false
    }

    private mutating func prompt() {
        guard !promptIsShown, Console.isInteractive else { return }
        Console.put("> ")
        promptIsShown = true
    }
}
