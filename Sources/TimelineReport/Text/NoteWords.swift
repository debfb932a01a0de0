// The words of the notes among the rows of the text timeline.

import TCPModel
import TCPTimeline

extension OutputBuffer {
    /// Appends that the capture lost frames at this point of the timeline; a live trace reports the loss after what it
    /// has printed.
    mutating func append(lostFrames count: UInt64) {
        append(number: count)
        append(count == 1 ? " frame was" : " frames were")
        append(" lost by the capture, here or a moment before: rows around may have holes")
    }

    /// Appends that segments are missing from the drawings.
    mutating func append(undrawnSegments count: UInt64) {
        append(number: count)
        append(count == 1 ? " segment" : " segments")
        append(" came after their connections had been drawn: what -w writes, replayed, has them")
    }
}

/// The words of a note.
func noteWords(_ note: TimelineNote, _ kernel: KernelView?, _ writer: TimelineWriter) -> ArraySlice<UInt8> {
    writer.text {
        switch note {
        case .halfClosed(let sender, let time):
            $0.append("half-closed: ")
            let orphan = kernel?[sender.other].orphanSince
            if let orphan, time.map({ orphan <= $0 }) ?? true {
                // What is sent to the socket now is answered with a RST.
                $0.append(sender == .originator ? "server's" : "client's")
                $0.append(" socket has no owner")
            } else {
                $0.append(sender.roleName)
                $0.append(" may still send")
            }
        case .idle(let span):
            $0.append("idle for ")
            $0.append(span: span)
        case .midstream:
            $0.append("began before the capture: states assumed")
        case .elided(let rows, let segments):
            $0.append("... ")
            $0.append(number: rows)
            $0.append(rows == 1 ? " row, " : " rows, ")
            $0.append(number: segments)
            $0.append(segments == 1 ? " segment left out ..." : " segments left out ...")
        case .translated(let number):
            $0.append("same connection as TCP ")
            $0.append(number: number)
            $0.append(" (NAT)")
        case .redirected(let called):
            $0.append("client called ")
            $0.append(called)
            $0.append(" (redirected)")
        case .subflow(let token, let number):
            $0.append("MPTCP subflow ")
            if number > 0 {
                $0.append("of TCP ")
                $0.append(number: number)
                $0.append(", ")
            }
            $0.append("token ")
            $0.append(text: hexadecimal(token))
        case .notNeeded(let record):
            if record.kind == .tailLossProbe {
                $0.append("tail loss probe, nothing was lost")
            } else {
                $0.append("frame ")
                $0.append(number: record.frame)
                $0.append(" was not needed ")
                $0.append(record.spurious == .timestampEcho ? "(TSecr)" : "(D-SACK)")
            }
        case .kernel(let event):
            appendKernel(event, kernel, to: &$0)
        case .uncaptured(let event, let own, _):
            $0.append(event.side == .originator ? "kernel: client is " : "kernel: server is ")
            $0.append(own.displayName)
            $0.append(event.kind.missingWords)
        case .icmp(let event):
            for (index, part) in icmpWords(event, writer).enumerated() {
                if index > 0 { $0.append(" ") }
                $0.append(contentsOf: part)
            }
        }
    }
}

extension KernelEvent.Kind {
    /// The part of the event that the capture lacks, in words.
    fileprivate var missingWords: StaticString {
        guard case .uncaptured(_, _, let led) = self else { return "" }
        if led.isResetCaptured { return " by the RST" }
        return led.resetter != nil ? ", RST not captured" : ", not captured"
    }
}

private func appendKernel(_ event: KernelEvent, _ kernel: KernelView?, to buffer: inout OutputBuffer) {
    switch event.kind {
    case .state, .owner, .uncaptured: break
    case .notAccepted:
        buffer.append("kernel: not accepted, no process owns it")
    case .accepted(let least, let most):
        buffer.append("kernel: ")
        buffer.append(accept: (least, most))
    case .dropped(let from):
        buffer.append("kernel: ")
        switch from {
        case .timeWait:
            buffer.append(
                event.isEarly
                    ? "TIME_WAIT socket is gone early (table full, reused or destroyed)" : "TIME_WAIT timer expired")
        case .finWait2:
            buffer.append(
                event.isEarly
                    ? "FIN_WAIT_2 socket is gone early (table full or destroyed)" : "FIN_WAIT_2 timed out, no packet")
        case .synSent where kernel?[event.side].trace.openingGivenUp != nil:
            buffer.append(giverUp: kernel?[event.side])
            let view = kernel?[event.side]
            if view?.wasClosedByExit == true || view?.trace.icmpErrorTime == nil {
                buffer.append(": closed in SYN_SENT")
            }
        case .unseen, .closed, .listen, .synSent, .synReceived, .established, .finWait1, .closeWait, .closing,
            .lastAck:
            buffer.append(from.displayName)
            // Of a RST that was captured with the connection that has its ports now.
            let wasReset = kernel?[event.side].trace.wasReset == true
            buffer.append(wasReset ? " socket was ended by a RST" : " socket is gone, no packet")
        }
    case .contradiction(let state?, let wire) where event.isCorrected || wire == .closed:
        buffer.append(event.side == .originator ? "kernel: client is " : "kernel: server is ")
        buffer.append(state.displayName)
        buffer.append(", not ")
        buffer.append(wire.displayName)
    case .contradiction where event.lacksAnswer:
        buffer.append("kernel: server is SYN_RECEIVED, SYN-ACK ")
        buffer.append(kernel?.originator.trace.drops ?? 0 > 0 ? "dropped" : "not captured")
    case .contradiction(let state, _):
        buffer.append("kernel says ")
        buffer.append(event.side == .originator ? "client: " : "server: ")
        if let state { buffer.append(state.displayName) } else { buffer.append("(no socket)") }
        appendAwaitedFin(event, to: &buffer)
    case .translated(let end):
        let (words, address): (StaticString, SocketAddress) =
            switch end {
            case .called(let address): ("kernel: client called ", address)
            case .client(let address): ("kernel: client is ", address)
            case .served(let address): ("kernel: server is ", address)
            case .caller(let address): ("kernel: server sees ", address)
            }
        buffer.append(words)
        buffer.append(address)
        buffer.append(" (NAT)")
    case .traced(let fact): appendTraced(fact, event, to: &buffer)
    }
}

/// Appends what the FIN of a socket waits for, if the socket has closed according to its kernel and the FIN was not
/// captured: it comes after all text (RFC 9293 3.10.4).
private func appendAwaitedFin(_ event: KernelEvent, to buffer: inout OutputBuffer) {
    guard case .contradiction(let kernel?, let wire) = event.kind, let socket = event.socket,
        kernel == .finWait1 && wire == .established || kernel == .lastAck && wire == .closeWait
    else { return }
    guard socket.unacknowledgedText > 0 else { return buffer.append(", FIN not seen yet") }
    buffer.append(", its FIN comes behind ")
    buffer.append(number: socket.unacknowledgedText)
    buffer.append(" B")
}
