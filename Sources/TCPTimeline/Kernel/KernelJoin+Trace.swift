// Joins the kernel's tracepoint events to the endpoints: states confirmed one by one, owners, reasons, errors.

import TCPMachine
public import TCPModel

extension KernelJoin {
    /// Begins to watch a connection for readings and for events; harmless if it is watched already.
    public mutating func watch(_ id: ConnectionID, _ connection: Connection) {
        guard number(of: id) != connection.number else { return }
        forget(id)
        watch(id, number: connection.number)
        tracks.watch(id, number: connection.number, connection.tuple, firstTime: connection.firstTime)
        tuples[id] = connection.tuple
    }

    /// How many events found their connection, and how many did not.
    public var traceCounts: TraceCounts { tracks.counts }

    /// Takes in events in the order of time. Every segment captured before they were read must have been observed.
    public mutating func take(
        _ events: [SocketEvent], now: Timestamp, _ timeline: inout Timeline
    ) -> [KernelEvent] {
        var said: [KernelEvent] = []
        for found in tracks.settle(now: now) { apply(found.event, found.of, &timeline, &said) }
        for event in events {
            for found in tracks.take(event) { apply(found.event, found.of, &timeline, &said) }
        }
        return said
    }

    private mutating func apply(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        guard number(of: end.id) == end.number else { return }
        update(end.id, end.side) { view in
            view.trace.take(event)
            view.isLocal = true
            if case .transition(_, let to) = event.kind, timeline[end.id].endpoint(end.side).state == to {
                view.contradiction = nil
                view.suspicion = nil
                timeline.kernelConfirms(end.side, of: end.id)
            }
            let isOwners = TracedFacts.isOwners(event)
            said.append(
                KernelEvent(
                    connection: end.id, side: end.side, time: event.time, kind: .traced(event.kind),
                    socket: nil, process: event.isProcessContext ? event.process : view.process, source: .tracepoint))
            // Who connected, or the first who closes, is kept: others may only hold a copy of the descriptor.
            guard isOwners, let process = event.process, !view.trace.isOwnerExact else { return }
            view.trace.isOwnerExact = true
            guard view.process?.pid != process.pid else { return }
            view.process = process
            said.append(
                KernelEvent(
                    connection: end.id, side: end.side, time: event.time, kind: .owner(process),
                    socket: view.socket, process: process, source: .tracepoint))
        }
    }
}
