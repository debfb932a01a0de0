// The lab's server: listens, accepts, and serves clients one at a time or each in a thread.

import Glibc

/// The server of the networking lab.
///
/// In sequential mode it shows the effect of a forgotten `close`: when a client has gone, its socket stays open, which
/// leaves the client in FIN-WAIT-2 and the server in CLOSE-WAIT.
public struct LabServer: ~Copyable {
    private let options: ServerOptions
    private let listener: ListeningSocket
    private var kept: [KeptConnection] = []

    /// Starts to listen, and announces the address on standard output.
    public init(_ options: ServerOptions) throws(LabError) {
        let address = try InternetAddress(host: options.host, port: options.port)
        guard address.isLoopback || options.allowsRemote else { throw .remoteNotAllowed(address) }
        let listener = try ListeningSocket(
            at: address, backlog: options.backlog, reuseAddress: options.reuseAddress)
        Console.line("listening on \(listener.address) (pid \(getpid()), \(options.mode.rawValue))")
        if let descriptor = options.readyDescriptor {
            try Console.announce(String(listener.address.port), on: descriptor)
        }
        self.options = options
        self.listener = listener
    }

    /// Serves clients forever.
    public mutating func run() throws(LabError) -> Never {
        var saidFull = false
        while true {
            do throws(LabError) {
                let connection = try listener.accept()
                saidFull = false
                try serve(connection)
            } catch {
                guard error.isExhaustion else { throw error }
                // Waiting clients stay in the accept queue until a resource is freed.
                if !saidFull {
                    let remedy =
                        kept.isEmpty
                        ? "the next clients wait until others have left"
                        : "\(kept.count) kept open; --close would close them"
                    Console.line("full (\(error); \(remedy))")
                }
                saidFull = true
                DescriptorCalls.pause(.seconds(1))
            }
        }
    }

    private mutating func serve(_ connection: consuming LabConnection) throws(LabError) {
        let conversation = Conversation(options: options)
        switch options.mode {
        case .threaded:
            let peer = connection.peer
            let number = connection.release()
            let code = Threads.start {
                let connection = LabConnection(owning: number, peer: peer)
                let departure = conversation.hold(with: connection)
                conversation.finish(connection, after: departure)
            }
            if code != 0 {
                _ = close(number)
                throw .system(doing: "cannot start a thread for \(peer)", code: code)
            }
        case .sequential:
            let departure = conversation.hold(with: connection)
            if options.closesSockets || departure == .reset {
                conversation.finish(connection, after: departure)
            } else {
                let peer = connection.peer
                kept.append(KeptConnection(connection))
                Console.line("kept \(peer) open (\(kept.count) kept)")
            }
        }
    }
}

/// A connection whose client has gone, and which is never closed.
private final class KeptConnection {
    private let connection: LabConnection

    init(_ connection: consuming LabConnection) { self.connection = connection }
}

/// Detached threads, because a blocked client must not occupy a thread of the shared pool.
private enum Threads {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` in a new thread; returns the error number, or 0.
    static func start(_ body: @escaping @Sendable () -> Void) -> Int32 {
        var thread = pthread_t()
        let work = unsafe Unmanaged.passRetained(Work(body))
        // The reference retained here is consumed exactly once: by the thread, or below if there is none.
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        if code != 0 { unsafe work.release() } else { pthread_detach(thread) }
        return code
    }
}
