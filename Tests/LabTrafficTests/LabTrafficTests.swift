import Testing

@Suite struct LabTrafficTestsPlan {}
