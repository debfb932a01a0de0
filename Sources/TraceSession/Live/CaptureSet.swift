// The interfaces of one live trace.

import CLinux
import Glibc
import KernelSockets
import PacketSource
import TCPModel

/// Open captures in the order of their interface numbers, and an epoll descriptor that covers them.
struct CaptureSet: ~Copyable {
    /// Move-only values cannot live in an array, so each has a box.
    private final class Box {
        var capture: LiveCapture
        var isGone = false
        init(_ capture: consuming LiveCapture) { self.capture = capture }
    }

    private var boxes: [Box] = []
    private let epoll: Int32

    init(_ options: TraceOptions) throws(TraceError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system(what: "epoll_create1", code: errno) }
        for (index, name) in options.interfaces.enumerated() {
            do throws(CaptureError) {
                var capture = try LiveCapture(
                    LiveCapture.Options(
                        interface: name, snapshotLength: options.snapshotLength, bufferKiB: options.bufferKiB,
                        promiscuous: options.promiscuous, direction: options.direction,
                        linkType: options.linkType))
                try capture.setFilter(options.captureFilter)
                capture.interface = UInt16(clamping: index)
                watch(capture.fileDescriptor)
                // libpcap leaves the descriptor open for programs that are executed from here.
                if capture.fileDescriptor >= 0 { _ = fcntl(capture.fileDescriptor, F_SETFD, FD_CLOEXEC) }
                boxes.append(Box(capture))
            } catch {
                throw .capture(error)
            }
        }
    }

    deinit { close(epoll) }

    /// Makes `wait` wake up for this descriptor, too.
    func watch(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        // The event's data is a union that could hold a pointer; only the descriptor is set, and nothing is read back.
        var event = unsafe epoll_event()
        unsafe event.events = EPOLLIN.rawValue
        unsafe event.data.fd = descriptor
        // The kernel copies the structure passed to it.
        unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
    }

    /// `wait` no longer wakes up for this descriptor.
    func ignore(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        _ = epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Sets whether frames end `wait`. Without a waiter the kernel need not look for one after each frame.
    func wakesOnFrames(_ wakes: Bool) {
        for box in boxes {
            if wakes { watch(box.capture.fileDescriptor) } else { ignore(box.capture.fileDescriptor) }
        }
    }

    /// Waits until there is something to do, or until the time is up.
    func wait(milliseconds: Int32) {
        // It does not matter which descriptor became ready: every turn looks at all of them. The kernel fills at most
        // the one event.
        var event = unsafe epoll_event()
        _ = unsafe epoll_wait(epoll, &event, 1, milliseconds)
    }

    var count: Int { boxes.count }

    /// Whether loopback is among the interfaces and the kernel counts its frames twice: always on `any`, where libpcap
    /// discards the outgoing ones only after they were counted.
    var countsTwice: Bool {
        boxes.contains {
            $0.capture.device == "lo" && !$0.capture.leavesOutgoingOut || $0.capture.device == "any"
        }
    }

    /// The captured interfaces, in the order of their numbers.
    var interfaces: [CaptureInterface] {
        boxes.map {
            CaptureInterface(
                name: $0.capture.device, linkType: $0.capture.linkType,
                snapshotLength: UInt32(clamping: $0.capture.snapshotLength))
        }
    }

    /// libpcap's warnings from opening the captures.
    var warnings: [String] { boxes.compactMap { $0.capture.warning } }

    /// Whether every interface has gone away.
    var isEmpty: Bool { boxes.allSatisfy { $0.isGone } }

    /// Delivers the frames that are there, at most `limit`, in the order of their times; reports which interfaces went
    /// away.
    func dispatch(limit: Int, _ body: (FrameHeader, RawSpan) -> Void) -> (delivered: Int, gone: [CaptureError]) {
        if boxes.count > 1 { return merge(limit: limit, body) }
        var delivered = 0
        var gone: [CaptureError] = []
        for box in boxes where !box.isGone {
            do throws(CaptureError) {
                delivered += try box.capture.dispatch(limit: limit, body)
            } catch {
                if case .deviceGone(_, _, let count) = error { delivered += count }
                box.isGone = true
                gone.append(error)
            }
        }
        return (delivered, gone)
    }

    /// Delivers the frames of several interfaces in the order of their times: the two directions of a connection may
    /// use two of them.
    ///
    /// A frame is delivered once no other interface can have an older one: each has a frame, or had none at a moment
    /// (`horizon`) after this one's time. Querying an interface without frames costs a system call, so it is queried
    /// again only when the next frame is from after that moment.
    private func merge(
        limit: Int, _ body: (FrameHeader, RawSpan) -> Void
    ) -> (delivered: Int, gone: [CaptureError]) {
        var delivered = 0
        var gone: [CaptureError] = []
        var horizon = wallClockNow()
        var times = boxes.map { Self.nextTime($0, &gone) }
        while delivered < limit {
            var next = -1
            for index in times.indices {
                guard let time = times[index] else { continue }
                if next < 0 || time < times[next] ?? time { next = index }
            }
            guard next >= 0, let time = times[next] else { break }
            if time > horizon {
                // Using the frame's time ensures that a frame which a card stamped ahead of our clock causes only one
                // query, too.
                horizon = max(wallClockNow(), time)
                for index in times.indices where times[index] == nil {
                    times[index] = Self.nextTime(boxes[index], &gone)
                }
                continue
            }
            boxes[next].capture.deliver(body)
            delivered += 1
            times[next] = Self.nextTime(boxes[next], &gone)
        }
        return (delivered, gone)
    }

    private static func nextTime(_ box: Box, _ gone: inout [CaptureError]) -> Timestamp? {
        guard !box.isGone else { return nil }
        do throws(CaptureError) {
            return try box.capture.nextTime()
        } catch {
            box.isGone = true
            gone.append(error)
            return nil
        }
    }

    /// The kernel's counts of one interface.
    func statistics(_ index: Int) -> CaptureStatistics { boxes[index].capture.statistics() }

    /// The kernel's counts of all interfaces together.
    func statistics() -> CaptureStatistics {
        boxes.reduce(into: CaptureStatistics()) { sum, box in
            let counts = box.capture.statistics()
            sum.received &+= counts.received
            sum.droppedByKernel &+= counts.droppedByKernel
            sum.droppedByInterface &+= counts.droppedByInterface
        }
    }
}
