// The files that may use `unsafe`, and for what. Add a file only after a review of its uses: each needs a comment that
// names the check that makes it safe.

enum UnsafeFiles {
    static let reasons: [String: String] = [
        "Sources/KernelSockets/Clocks.swift": "clock_gettime(2)",
        "Sources/KernelSockets/Descriptor.swift": "openat(2), read(2), readlinkat(2), directories",
        "Sources/KernelSockets/KernelViewError.swift": "strerror(3)",
        "Sources/KernelSockets/LocalAddresses.swift": "getifaddrs(3), if_nameindex(3)",
        "Sources/KernelSockets/SockDiag/NetlinkSocket.swift": "sendto(2), recvmsg(2) with the array's own length",
        "Sources/KernelSockets/Tracepoints/Programs/SocketRing.swift":
            "raw memory: bpf(2)'s ring, mapped, copied out; a program's text, lent",
        "Sources/KernelSockets/Tracepoints/Programs/TypeInformation.swift":
            "raw memory: an array's octets, read in place",
        "Sources/KernelSockets/Tracepoints/PerfRing.swift":
            "raw memory: perf's ring, mapped, copied out; mmap(2), a filter's text",
        "Sources/KernelSockets/Tracepoints/RecordBytes.swift": "raw memory: loads from a perf record, checked",
        "Sources/KernelSockets/Tracepoints/TracepointSource.swift": "raw memory: an array's octets, read in place",
        "Sources/LabTraffic/LabConnection.swift": "bind(2), connect(2) with a socket address",
        "Sources/LabTraffic/Console.swift": "signal masks, open(2)",
        "Sources/LabTraffic/LabDescriptor.swift": "read(2), write(2), poll(2)",
        "Sources/LabTraffic/InternetAddress.swift":
            "getaddrinfo(3), getnameinfo(3), socket addresses of either size",
        "Sources/LabTraffic/LabError.swift": "strerror(3)",
        "Sources/LabTraffic/LabServer.swift": "pthread_create(3) and the box that carries its work",
        "Sources/LabTraffic/ListeningSocket.swift": "bind(2), accept(2) with a socket address",
        "Sources/LabTraffic/Sockets.swift": "setsockopt(2), getsockopt(2), getsockname(2)",
        "Sources/PacketSource/Files/ByteWindow.swift": "raw memory: the buffer that files and streams are read into",
        "Sources/PacketSource/Files/CaptureFileReader.swift": "raw memory: frames borrowed from the window",
        "Sources/PacketSource/Files/Compressed/CompressedInput.swift": "raw memory: its buffer; read(2)",
        "Sources/PacketSource/Files/Compressed/GzipInflater.swift": "zlib: decompressing between two buffers",
        "Sources/PacketSource/Files/Compressed/ZstdInflater.swift": "libzstd: decompressing between two buffers",
        "Sources/PacketSource/Files/FileIdentity.swift": "fstat(2), stat(2)",
        "Sources/PacketSource/Files/OpenCaptureFile.swift": "open(2)",
        "Sources/PacketSource/Files/PcapRecords.swift": "raw memory: a frame within its window, checked",
        "Sources/PacketSource/Files/RawSpan+CaptureWords.swift": "raw memory: loads in a file's byte order",
        "Sources/PacketSource/Filter/FilterFaultFinder.swift": "libpcap: compiling parts of a filter",
        "Sources/PacketSource/Filter/FilterSet.swift": "libpcap: running a filter",
        "Sources/PacketSource/Filter/PacketFilter.swift": "libpcap: compiling and running a filter",
        "Sources/PacketSource/Live/CaptureDevice.swift": "libpcap: the list of devices and their addresses",
        "Sources/PacketSource/Live/CaptureHandle.swift": "libpcap: the handle",
        "Sources/PacketSource/Live/LinkType+Pcap.swift": "libpcap: names of link types",
        "Sources/PacketSource/Live/LiveCapture.swift": "libpcap: capturing, and the borrowed bytes of a frame",
        "Sources/PacketSource/Text/SystemErrorText.swift": "strerror(3)",
        "Sources/PacketSource/Writer/HeldFrames.swift": "raw memory: frames, copied; an array's octets, read in place",
        "Sources/PacketSource/Writer/CaptureWriter.swift": "raw memory: the bytes of a small array, copied",
        "Sources/PacketSource/Writer/OutputFile.swift": "raw memory: its buffer; open(2), write(2), poll(2)",
        "Sources/TCPTimeline/Table/PlainMemory.swift":
            "raw memory: plain values by index, checked; chunks never move; pieces of large pages, each one table's",
        "Sources/TCPWire/RawSpan+BigEndian.swift": "raw memory: loads after the header's one length check",
        "Sources/TimelineReport/Text/OutputBuffer.swift":
            "raw memory: its own room, made before each append; literals, strings and digits, copied there",
        "Sources/TimelineReport/Text/Units.swift": "localtime_r(3) fills the structure that is passed",
        "Sources/TraceSession/DeviceNames.swift": "if_indextoname(3) into room of its size",
        "Sources/TraceSession/Doctor/DoctorInterfaces.swift": "ioctl(2) with an interface's name",
        "Sources/TraceSession/Doctor/DoctorKernel.swift": "bind(2), getsockname(2) with a socket address",
        "Sources/TraceSession/Doctor/SmallFile.swift": "open(2), read(2), stat(2)",
        "Sources/TraceSession/Live/CaptureSet.swift": "epoll(7): its event is a union",
        "Sources/TraceSession/Live/OutputPump.swift": "a pthread, and the lock that it shares",
        "Sources/TraceSession/Live/TracedCommand.swift": "strdup(3), execvp(3)'s words, getgrouplist(3), waitpid(2)",
        "Sources/TraceSession/Live/UnseenCallWords.swift": "the octets of an array of them, for a filter",
        "Sources/TraceSession/Names/NameLookup.swift": "pthreads, and the lock and conditions that they share",
        "Sources/TraceSession/Names/SystemNames.swift": "getnameinfo(3) with socket addresses of either family",
        "Sources/TraceSession/Privileges/Capabilities.swift": "capget(2)",
        "Sources/TraceSession/Privileges/NetworkNamespace.swift":
            "setns(2) with a path; opendir(3), names copied at once",
        "Sources/TraceSession/Privileges/Privileges.swift":
            "getpwnam(3), getpwuid(3), getenv(3) copied at once; initgroups(3), setgroups(2)",
        "Sources/TraceSession/Replay/Crew.swift": "pthreads, and the memory that they share under one lock",
        "Sources/TraceSession/Replay/Flows/DividedReplay.swift":
            "raw memory: a segment's place in its batch; the crew's batches, parts and merge",
        "Sources/TraceSession/Replay/Flows/ReplayBatch.swift": "raw memory: segments handed from thread to thread",
        "Sources/TraceSession/Replay/Flows/ReplayItem.swift":
            "raw memory: headers copied after one check; items by index",
        "Sources/TraceSession/Replay/Flows/ReplayMerge.swift": "raw memory: what the parts said, read in place",
        "Sources/TraceSession/Replay/Flows/ReplayPart.swift": "the crew's: a part's share of a batch",
        "Sources/TraceSession/Replay/PartOutput.swift": "the crew's: what the parts said, read in place",
        "Sources/TraceSession/Replay/SpacedPlaces.swift": "raw memory: values by index, checked",
        "Sources/TraceSession/Replay/Events/EventBatch.swift": "the crew's: the shares of a batch",
        "Sources/TraceSession/Replay/Events/EventDealer.swift": "the crew's: the batch that is being filled",
        "Sources/TraceSession/Replay/Events/EventPart.swift": "the crew's: a part's share of a batch",
        "Sources/TraceSession/Replay/Events/EventReplay.swift":
            "the crew's parts and merge, before and after its work",
        "Sources/TraceSession/Sockets/KillRun.swift": "getpwuid(3), the name copied at once",
        "Sources/TraceSession/System/ResultOutput.swift": "fstat(2), write(2), poll(2)",
        "Sources/TraceSession/IPAddress+Numeric.swift": "inet_pton(3) into addresses of the right size",
        "Sources/TraceSession/System/TerminalSize.swift": "the terminal's size, written by the shim",
        "Sources/TraceSession/System/SignalWait.swift": "a list of signals, read(2)",
        "Sources/TraceSession/System/UninterruptedPoll.swift": "poll(2) of an array",
        "Sources/tcptrace/Terminal.swift": "ioctl(2), getenv(3), readlink(2)",
        "Sources/tcptrace/BareArgument.swift":
            "open(2), pread(2), access(2): whether a word is the name of a capture, or of a program",
        "Sources/tcptrace/TextFile.swift": "fopen(3), fread(3) for arguments that name files",
        "Sources/TeachingLab/LabTour.swift": "mkdir(2)",
        "Sources/TeachingLab/Programs/LabProgram.swift":
            "starting a program: pipe(2), strdup(3), read(2), write(2), waitpid(2)",
        "Sources/TeachingLab/Programs/LabPrograms.swift": "access(2), getenv(3)",
        "Sources/TeachingLab/Scenarios/Fin.swift": "open(2), read(2) of a kernel setting",
        "Sources/TraceSession/System/StandardStreams.swift": "open(2) in place of a closed stream",
    ]
}
