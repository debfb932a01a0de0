import Testing

@Suite struct TraceSessionTestsPlan {}
