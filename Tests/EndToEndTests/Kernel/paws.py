# Segments with timestamps of an earlier time on open connections, some of which Linux drops (PAWS) and some of which it takes.
#
#     paws.py TCPTRACE DIRECTORY
#
# Leaves in DIRECTORY: json and errors (what tcptrace said) and kernel: one line a forged segment, KIND CLIENT-PORT and by how
# much TcpExt's PAWSEstab grew. In a network namespace of its own; must be root.
import ctypes, os, signal, socket, struct, subprocess, sys, time

signal.pthread_sigmask(signal.SIG_SETMASK, [])
libc = ctypes.CDLL(None, use_errno=True)
tcptrace, out = sys.argv[1], sys.argv[2]
PORT, TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_TIMESTAMP = 20900, 19, 20, 21, 24
FIN, RST, PSH, ACK = 1, 4, 8, 16


def counter(name):
    with open('/proc/net/netstat') as file:
        rows = [line.split() for line in file if line.startswith('TcpExt')]
    return int(rows[1][rows[0].index(name)])


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def state(s):
    """SND.NXT, RCV.NXT and the clock of timestamps of a socket, by TCP_REPAIR; nothing of it changes."""
    def number(queue):
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        return s.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xffffffff
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    numbers = number(2), number(1), s.getsockopt(socket.IPPROTO_TCP, TCP_TIMESTAMP) & 0xffffffff
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)
    return numbers


def forge(c, flags, back, clock, text=b''):
    """A segment of the client's that its TCP knows nothing of: `back` octets before SND.NXT, with this timestamp."""
    sequence, acknowledged, _ = state(c)
    source, target = c.getsockname(), c.getpeername()
    peer_clock = state(peers[c])[2]
    header = struct.pack('!HHIIBBHHHBBBBII', source[1], target[1], (sequence - back) & 0xffffffff, acknowledged, 0x80, flags,
                         63, 0, 0, 1, 1, 8, 10, clock & 0xffffffff, peer_clock)
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    total = checksum(addresses + struct.pack('!BBH', 0, 6, len(header) + len(text)) + header + text)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.bind((source[0], 0))
    raw.sendto(header[:16] + struct.pack('!H', total) + header[18:] + text, (target[0], 0)); raw.close()


peers = {}
kernel = open(out + '/kernel', 'w')


def attempt(kind, flags, back, age, text=b''):
    c = socket.create_connection(('127.0.0.1', PORT)); s, _ = listener.accept(); peers[c] = s
    for _ in range(2):
        c.sendall(b'hello'); s.recv(9); s.sendall(b'world'); c.recv(9)
    clock = state(c)[2]
    time.sleep(0.06)  # so that everything is acknowledged
    before = counter('PAWSEstab')
    forge(c, flags, back, clock - age, text); time.sleep(0.02)
    kernel.write('%s %d %d\n' % (kind, c.getsockname()[1], counter('PAWSEstab') - before))
    try:
        c.close(); s.recv(99); s.close()
    except OSError:
        s.close()


if libc.unshare(0x40000000) != 0:
    raise OSError(ctypes.get_errno(), 'unshare')
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
listener = socket.socket(); listener.bind(('127.0.0.1', PORT)); listener.listen(9)
program = subprocess.Popen([tcptrace, '-i', 'lo', '-v', '-T', 'json', '--events', 'packet', 'port', str(PORT)],
                           stdout=open(out + '/json', 'w'), stderr=open(out + '/errors', 'w'))
try:
    for _ in range(1000):
        if 'listening on lo' in open(out + '/errors').read():
            break
        time.sleep(0.01)
    for _ in range(3):
        attempt('old-text', PSH | ACK, 0, 5000, b'stray')
        attempt('old-ack', ACK, 0, 5000)
        attempt('old-fin', FIN | ACK, 0, 5000)
        attempt('very-old-text', PSH | ACK, 0, 1 << 30, b'stray')
        # In the window, and not what comes next.
        attempt('old-text-ahead', PSH | ACK, -100, 5000, b'stray')
        # PAWS is not for RST (RFC 7323 5.2), nor for what is not older.
        attempt('old-reset', RST | ACK, 0, 5000)
        attempt('repeated-text', PSH | ACK, 5, -200, b'hello')
        # At the edge: Linux lets one tick pass, and an ACK that says nothing new for as long as a timeout takes.
        for age in range(5):
            attempt('text-older-by-%d' % age, PSH | ACK, 0, age, b'stray')
        for age in (1, 50, 150, 600, 4000):
            attempt('ack-older-by-%d' % age, ACK, 0, age)
    kernel.close()
    time.sleep(0.3)
finally:
    program.send_signal(signal.SIGINT)
    program.wait(30)
