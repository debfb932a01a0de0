import Testing

@Suite struct KernelSocketsTestsPlan {}
