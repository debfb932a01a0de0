// The server's side of one connection: reads and prints messages, answers them, and closes in the requested way.

/// How a client left.
enum Departure: String {
    case fin
    case endOfInput = "end of input"
    case reset
}

/// Serves one client at a time; a value type, so that each thread has its own.
struct Conversation: Sendable {
    let options: ServerOptions

    /// The silence after which bytes without a line end count as a message.
    private static let silence = Duration.milliseconds(200)
    /// How long an answer may wait for a client that does not read.
    private static let sendTimeout = Duration.seconds(10)

    /// Converses until the client says `fin` or leaves.
    func hold(with connection: borrowing LabConnection) -> Departure {
        Console.line("connected \(connection.peer)")
        DescriptorCalls.pause(options.hold)
        let departure: Departure
        do throws(LabError) {
            departure = try talk(with: connection)
        } catch {
            departure = .reset
            if case .reset = error {} else { Console.line("failed \(connection.peer) (\(error))") }
        }
        Console.line("left \(connection.peer) (\(departure.rawValue))")
        return departure
    }

    private func talk(with connection: borrowing LabConnection) throws(LabError) -> Departure {
        var splitter = MessageSplitter()
        var answers = options.replies
        if answers { try Sockets.setSendTimeout(connection.number, Self.sendTimeout) }
        while true {
            var messages: [Message]
            var ended = false
            if splitter.hasPartialMessage,
                DescriptorCalls.poll([(connection.number, .readable)], for: Self.silence).allSatisfy(\.isEmpty)
            {
                messages = splitter.flush().map { [$0] } ?? []
            } else {
                switch try connection.read() {
                case .bytes(let bytes): messages = splitter.append(bytes)
                case .nothingYet: messages = []
                case .end:
                    messages = splitter.flush().map { [$0] } ?? []
                    ended = true
                }
            }
            for message in messages {
                Console.line("message \(connection.peer) \(Printable.quoted(message.bytes))")
                if message.isFin { return .fin }
                if answers { answers = answer(message, on: connection) }
            }
            if ended { return .endOfInput }
        }
    }

    /// Answers `server: <message>` in the message's own form; returns whether further answers make sense.
    private func answer(_ message: Message, on connection: borrowing LabConnection) -> Bool {
        do throws(LabError) {
            try connection.sendAll(message.encodingReply(Message.answerPrefix + message.bytes))
            return true
        } catch {
            // The client has gone or does not read. What it has sent can still be read, and then the way in which it
            // left.
            Console.line("unanswered \(connection.peer) (\(error))")
            return false
        }
    }

    /// Closes the socket of a client that has gone.
    func finish(_ connection: consuming LabConnection, after departure: Departure) {
        let peer = connection.peer
        if departure != .reset {
            if options.halfClose {
                sayFarewell(on: connection)
                if (try? connection.shutdownWriting()) != nil { Console.line("half-closed \(peer)") }
                if departure == .fin { discardInput(of: connection, for: nil) }
            } else {
                if departure == .fin { discardInput(of: connection, for: options.finWait) }
                DescriptorCalls.pause(options.slowClose)
                sayFarewell(on: connection)
            }
        }
        if options.halfClose { DescriptorCalls.pause(options.slowClose) }
        connection.close(abortively: options.lingerZero)
        Console.line("closed \(peer)\(options.lingerZero ? " (linger0)" : "")")
    }

    private func sayFarewell(on connection: borrowing LabConnection) {
        guard let farewell = options.farewell else { return }
        do throws(LabError) {
            try connection.sendAll(Array(farewell.utf8) + [0x0a])
        } catch {
            Console.line("unanswered \(connection.peer) (\(error))")
        }
    }

    /// Reads until the client's FIN, its RST, or the end of the time; nil means no time limit.
    private func discardInput(of connection: borrowing LabConnection, for wait: Duration?) {
        let deadline = wait.map { ContinuousClock.now + $0 }
        while true {
            let rest = deadline.map { ContinuousClock.now.duration(to: $0) }
            if let rest, rest <= .zero { return }
            if DescriptorCalls.poll([(connection.number, .readable)], for: rest).allSatisfy(\.isEmpty) { return }
            guard case .bytes? = try? connection.read() else { return }
        }
    }
}
