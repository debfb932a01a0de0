import Testing

@Suite struct TimelineReportTestsPlan {}
