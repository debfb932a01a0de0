// A process beside its end of a connection: `lab-client[7511]`.

import TCPModel
import TCPTimeline

extension OutputBuffer {
    /// Appends `lab-client[7511]`, with `was` before it once the socket is closed (unless `tellsPast` is false). If the
    /// process is not known, appends that of the listener: with `listens` while the connection is not accepted (or `one
    /// of 2 listeners` if several share the address), or with `accepted` if it was accepted but its socket was not
    /// seen. Allocates no String, because it is called for each connection of a flood.
    mutating func append(processOf view: KernelSideView, tellsPast: Bool = true) {
        if let process = view.process {
            if !view.isOwned && tellsPast { append("was ") }
            append(process)
        } else if view.socket != nil && view.listenerCount > 1 {
            // There is no telling in whose queue the connection waits.
            append("one of ")
            append(number: view.listenerCount)
            append(" listeners")
        } else if let listener = view.listenerProcess {
            append(listener)
            // If several processes hold the listener, any of them may have accepted it.
            append(view.hasAnswered && view.listenerSharerCount == 0 ? " accepted" : " listens")
        }
    }

    /// Appends `lab-client[7511] gave up`, that the process ended, or that it closed after an ICMP error, once it has
    /// closed a socket in SYN_SENT.
    mutating func append(giverUp view: KernelSideView?) {
        if let process = view?.trace.openingGivenUp?.by ?? view?.process {
            append(process)
        } else {
            append("the client")
        }
        append(
            view?.wasClosedByExit == true
                ? " ended" : view?.trace.icmpErrorTime != nil ? " closed after ICMP error" : " gave up")
    }

    /// Appends `lab-client[7511]`, escaped.
    mutating func append(_ process: ProcessIdentity) {
        appendPrintable(process.command)
        append("[")
        append(number: UInt64(max(0, process.pid)))
        append("]")
    }
}
