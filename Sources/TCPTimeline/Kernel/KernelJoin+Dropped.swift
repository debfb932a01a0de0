// Segments that the kernel dropped: their receiver stays where it was.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// The segment that would have opened the server's end was dropped: as of the latest reading there is only a
    /// request, and no event has reported a socket since.
    mutating func retractArrival(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        guard case .dropped = event.kind, end.side == .responder,
            timeline.state(of: end.id, .responder) == .established,
            timeline.connections.store[end.id].lastTime.isJustBefore(drop: event.time),
            look(end.id, { $0.responder.socket?.state == .synReceived && $0.responder.trace.transitions == 0 }) == true,
            timeline.kernelCorrects(.responder, of: end.id, to: .synReceived).count > 0
        else { return }
        var news = KernelEvent(
            connection: end.id, side: .responder, time: event.time,
            kind: .contradiction(kernel: .synReceived, wire: .established), socket: nil, process: nil,
            source: .tracepoint)
        news.isCorrected = true
        said.append(news)
    }
}
