import Testing

@Suite struct TCPMachineTestsPlan {}
