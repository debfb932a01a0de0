import Testing

@Suite struct PacketSourceTestsPlan {}
