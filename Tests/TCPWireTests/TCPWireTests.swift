import Testing

@Suite struct TCPWireTestsPlan {}
