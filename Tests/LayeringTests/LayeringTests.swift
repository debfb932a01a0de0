import Testing

@Suite struct LayeringTestsPlan {}
