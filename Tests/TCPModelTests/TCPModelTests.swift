import Testing

@Suite struct TCPModelTestsPlan {}
