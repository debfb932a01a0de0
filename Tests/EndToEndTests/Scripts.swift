// Small programs that several tests trace.

enum Scripts {
    /// Echoes to every client in turn; prints its port.
    static let echoServer = """
        import socket
        s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(5)
        print('port', s.getsockname()[1], flush=True)
        while True:
            c, _ = s.accept()
            c.sendall(c.recv(10))
            c.recv(10)
            c.close()
        """

    /// Connects to the port given as its argument, sends an octet, holds the connection for a moment, and closes.
    static let briefClient = """
        import socket, sys, time
        c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
        c.sendall(b'x'); c.recv(10)
        time.sleep(0.3)
        c.close()
        """
}
