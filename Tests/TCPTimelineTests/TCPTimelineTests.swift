import Testing

@Suite struct TCPTimelineTestsPlan {}
