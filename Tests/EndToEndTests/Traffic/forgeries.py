# Connections in many states, each of which gets one to three forged segments of all sorts: how does the victim treat them?
#
#     forgeries.py TCPTRACE DIRECTORY CONNECTIONS SEED
#
# Leaves in DIRECTORY: kinds (one line per connection: STATE VICTIM PEER and the forged segments), trace (the kernel's own, see
# statetrace.py), json and errors. In a network namespace of its own; must be root.
#
# Left out are forgeries that a capture cannot judge: an ACK of more than was seen sent, up to what a capture may lack (but not
# beyond a FIN); segments far beyond the window, for the same reason; and a SYN on an open connection, which may be another
# client's.
import random, signal, socket, struct, subprocess, sys, time

from forge import ACK, FIN, PSH, RST, SYN, URG, deaf, forge, numbers
from statetrace import Recorder, Tracer, libc, must, write

signal.pthread_sigmask(signal.SIG_SETMASK, [])
tcptrace, out, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
SERVER, SILENT = ('127.0.0.1', 20990), ('127.0.0.1', 20991)
kinds = open(out + '/kinds', 'w')


def address(number):
    """The address of a client: each has its own, so that no four-tuple is used twice."""
    return '127.1.%d.%d' % (number // 250, number % 250 + 1)


def word(flags, off, acknowledgment, text):
    letters = ''.join(name for name, bit in zip('FSRP.U', (FIN, SYN, RST, PSH, ACK, URG)) if flags & bit) or '-'
    return '%s%+d/%+d:%d' % (letters, off, acknowledgment, len(text))


def named(state, victim, peer, words):
    kinds.write('%s %s %d %s %d %s\n' % (state, *victim, *peer, ' '.join(words)))


def abort(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()


def synchronized(number, listener):
    state = random.choice(['established', 'established', 'close-wait', 'fin-wait-2', 'fin-wait-1', 'last-ack', 'in-flight'])
    c = socket.socket(); c.bind((address(number), 0)); c.connect(SERVER); s, _ = listener.accept()
    for end in (c, s):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    victim, peer = random.choice([(s, c), (c, s)])
    for _ in range(2):
        c.sendall(b'hello'); s.recv(9); s.sendall(b'world'); c.recv(9)
    v, p = victim.getsockname(), peer.getsockname()
    # The peer's next sequence number and its acknowledgment number.
    following, acknowledged, clock = numbers(peer)
    echo = numbers(victim)[2]
    if state in ('close-wait', 'last-ack'):
        peer.shutdown(socket.SHUT_WR); following += 1; time.sleep(0.06)
    if state in ('fin-wait-1', 'last-ack'):
        deaf(peer)
    if state in ('fin-wait-1', 'last-ack', 'fin-wait-2'):
        victim.shutdown(socket.SHUT_WR); acknowledged += 1; time.sleep(0.06)
    if state == 'in-flight':
        deaf(peer); victim.sendall(b'12345'); acknowledged += 5
    # From here on only the victim acts.
    deaf(peer)
    words, end = [], following
    for _ in range(random.choice([1, 1, 2, 3])):
        flags = random.choice([ACK, ACK, ACK | PSH, FIN | ACK, FIN | ACK, RST, RST | ACK, SYN | ACK, FIN, PSH, 0,
                               FIN | RST | ACK, SYN | FIN, SYN | RST, SYN | RST | ACK, ACK | URG])
        off = random.choice([0, 0, 0, 0, -1, 1, 3, 5, -5, 1000, -100000] + ([70000, 10000000] if flags & RST else []))
        hasFin = state in ('fin-wait-1', 'fin-wait-2', 'last-ack')
        more = random.choice([0, 0, 0, 0, -1, -5, -100000, -(1 << 30)] + ([1, 100, 200000, 1 << 30] if hasFin else []))
        text = random.choice([b'', b'', b'x', b'hello'])
        if flags & (SYN | RST) and random.random() < 0.7:
            text = b''
        clocks = (clock + 50 + len(words), echo) if random.random() < 0.9 else None
        forge(p, v, end + off, acknowledged + more, flags, clocks, text)
        words.append(word(flags, off, more, text))
        if off == 0 and more == 0 and flags & ACK and not flags & (SYN | RST) and random.random() < 0.5:
            end += len(text) + (flags & FIN)
        time.sleep(0.001)
    named(state, v, p, words)
    time.sleep(0.001)
    abort(victim); abort(peer)


def opening(number):
    c = socket.socket(); c.bind((address(number), 0)); c.setblocking(False); c.connect_ex(SILENT)
    following, words, first = numbers(c)[0], [], random.randrange(1 << 32)
    for step in range(random.choice([1, 1, 2, 3])):
        flags = random.choice([SYN | ACK, SYN | ACK, SYN | ACK, RST, RST | ACK, RST | ACK, ACK, FIN | ACK, FIN, SYN | FIN | ACK,
                               SYN | RST, SYN | RST | ACK, 0, ACK | PSH] + ([] if step else [SYN] * 3))
        more = random.choice([0, 0, 0, -5] + ([1, 5] if flags & (RST | SYN) else []))
        off = random.choice([0, 0, 0, 1, 1, 1000, -1])
        text = random.choice([b'', b'', b'', b'x', b'hello'])
        forge(SILENT, c.getsockname(), first + off, following + more, flags, None, text)
        words.append(word(flags, off, more, text))
        time.sleep(0.001)
    named('syn-sent', c.getsockname(), SILENT, words)
    time.sleep(0.001)
    abort(c)


must(libc.unshare(0x40000000), 'unshare')
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
# Every invalid segment that deserves an ACK gets one: no rate limit.
write('/proc/sys/net/ipv4/tcp_invalid_ratelimit', '0')
recorder = Recorder(out + '/trace', 'protocol==6 && dport!=0 && '
                    '((sport>=20990 && sport<=20991) || (dport>=20990 && dport<=20991))')
tracer = Tracer(tcptrace, out)
try:
    listener = socket.socket(); listener.bind(SERVER); listener.listen(99)
    silent = socket.socket(); silent.bind(SILENT); silent.listen(99); deaf(silent)
    for number in range(count):
        if random.random() < 0.4:
            opening(number)
        else:
            synchronized(number, listener)
    kinds.close()
    time.sleep(1)
finally:
    try:
        tracer.end()
    finally:
        recorder.end()
