// TraceSession
