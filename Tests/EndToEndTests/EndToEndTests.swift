import Testing

@Suite struct EndToEndTestsPlan {}
