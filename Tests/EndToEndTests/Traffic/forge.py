# Segments forged behind the back of the sender's TCP, and the means to make them fit the connection.
import ctypes, socket, struct

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_TIMESTAMP, SO_ATTACH_FILTER, SO_DETACH_FILTER = 19, 20, 21, 24, 26, 27


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def numbers(s):
    """SND.NXT, RCV.NXT and the timestamp clock of a socket, read through TCP_REPAIR; the socket stays as it is."""
    def number(queue):
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        return s.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xffffffff
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    try:
        return number(2), number(1), s.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP) & 0xffffffff
    finally:
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)


def forge(source, target, sequence, acknowledgment, flags, timestamps=None, text=b'', window=64, hops=64):
    options = struct.pack('!BBBBII', 1, 1, 8, 10, *(value & 0xffffffff for value in timestamps)) if timestamps else b''
    header = struct.pack('!HHIIBBHHH', source[1], target[1], sequence & 0xffffffff, acknowledgment & 0xffffffff,
                         (5 + len(options) // 4) << 4, flags, window, 0, 0) + options
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    total = checksum(addresses + struct.pack('!BBH', 0, 6, len(header) + len(text)) + header + text)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
        raw.bind((source[0], 0))
        raw.sendto(header[:16] + struct.pack('!H', total) + header[18:] + text, (target[0], 0))


nothing = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))


def deaf(s):
    """Makes the kernel drop every segment for this socket, as a firewall would: BPF `ret 0`."""
    s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack('HL', 1, ctypes.addressof(nothing)))


def hear(s):
    """Lets segments through again after `deaf`."""
    s.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
