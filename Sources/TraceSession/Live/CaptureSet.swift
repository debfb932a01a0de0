// All interfaces of one live trace.

import CLinux
import Glibc
import PacketSource
import TCPModel

/// Open captures in the order of their interface numbers, and an epoll descriptor over them.
struct CaptureSet: ~Copyable {
    /// Move-only values cannot live in an array; a box each can.
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
                // libpcap leaves it open for programs that are run from here.
                if capture.fileDescriptor >= 0 { _ = fcntl(capture.fileDescriptor, F_SETFD, FD_CLOEXEC) }
                boxes.append(Box(capture))
            } catch {
                throw .capture(error)
            }
        }
    }

    deinit { close(epoll) }

    /// Also wakes up for this descriptor.
    func watch(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        // Its data is a union that could hold a pointer; only the descriptor is set, and nothing is read back.
        var event = unsafe epoll_event()
        unsafe event.events = EPOLLIN.rawValue
        unsafe event.data.fd = descriptor
        // The kernel copies the structure that is passed.
        unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
    }

    /// Does not wake up for this descriptor any more.
    func ignore(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        _ = epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Whether frames wake us up. While nobody waits for them the kernel need not look after each frame whom to wake.
    func wakesOnFrames(_ wakes: Bool) {
        for box in boxes {
            if wakes { watch(box.capture.fileDescriptor) } else { ignore(box.capture.fileDescriptor) }
        }
    }

    /// Waits until there is something to do, or so long.
    func wait(milliseconds: Int32) {
        // Which descriptor it was does not matter: every turn looks at all. The kernel fills the one event there is room for.
        var event = unsafe epoll_event()
        _ = unsafe epoll_wait(epoll, &event, 1, milliseconds)
    }

    var count: Int { boxes.count }

    /// Whether loopback is among the interfaces, and the kernel counts its frames twice: always on `any`, where libpcap leaves out those
    /// that go out, behind that count.
    var countsTwice: Bool {
        boxes.contains {
            $0.capture.device == "lo" && !$0.capture.leavesOutgoingOut || $0.capture.device == "any"
        }
    }

    /// What is captured on, by interface number.
    var interfaces: [CaptureInterface] {
        boxes.map {
            CaptureInterface(
                name: $0.capture.device, linkType: $0.capture.linkType,
                snapshotLength: UInt32(clamping: $0.capture.snapshotLength))
        }
    }

    /// What libpcap warned of when the captures were opened.
    var warnings: [String] { boxes.compactMap { $0.capture.warning } }

    /// Whether every interface has gone away.
    var isEmpty: Bool { boxes.allSatisfy { $0.isGone } }

    /// Delivers what is there, at most `limit` frames, in the order of their times; says which interfaces went away.
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

    /// The same for several interfaces: the two directions of a connection may be on two of them.
    ///
    /// A frame is delivered once no other interface can have an older one: each had a frame, or none at a moment (`horizon`)
    /// after this one's time. Asking an interface that has none costs a system call, so it is asked again only when a frame
    /// from after that moment is next.
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
                // Of a frame that a card stamped ahead of our clock it is asked once, too.
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
