# Segments with old timestamps on open connections; Linux drops some of them (PAWS) and accepts others.
#
#     paws.py TCPTRACE DIRECTORY
#
# Leaves in DIRECTORY: json and errors (the output of tcptrace) and kernel: one line per forged segment, with KIND, CLIENT-PORT
# and the increase of TcpExt's PAWSEstab. In a network namespace of its own; must be root.
import signal, socket, subprocess, sys, time

from forge import ACK, FIN, PSH, RST, forge, numbers
from statetrace import Tracer, libc, must

signal.pthread_sigmask(signal.SIG_SETMASK, [])
tcptrace, out = sys.argv[1], sys.argv[2]
PORT = 20900
# Identifies the forged segments.
WINDOW = 63


def counter(name):
    with open('/proc/net/netstat') as file:
        rows = [line.split() for line in file if line.startswith('TcpExt')]
    return int(rows[1][rows[0].index(name)])


kernel = open(out + '/kernel', 'w')


def attempt(kind, flags, back, age, text=b''):
    """Forges a segment from the client, `back` octets before its SND.NXT, with a timestamp `age` ms old."""
    c = socket.create_connection(('127.0.0.1', PORT)); s, _ = listener.accept()
    for _ in range(2):
        c.sendall(b'hello'); s.recv(9); s.sendall(b'world'); c.recv(9)
    clock = numbers(c)[2]
    time.sleep(0.06)  # so that everything is acknowledged
    before = counter('PAWSEstab')
    sequence, acknowledged, _ = numbers(c)
    forge(c.getsockname(), c.getpeername(), sequence - back, acknowledged, flags, (clock - age, numbers(s)[2]), text, WINDOW)
    time.sleep(0.02)
    kernel.write('%s %d %d\n' % (kind, c.getsockname()[1], counter('PAWSEstab') - before))
    try:
        c.close(); s.recv(99); s.close()
    except OSError:
        s.close()


must(libc.unshare(0x40000000), 'unshare')
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
listener = socket.socket(); listener.bind(('127.0.0.1', PORT)); listener.listen(9)
tracer = Tracer(tcptrace, out, '--events', 'packet', 'port', str(PORT))
try:
    for _ in range(3):
        attempt('old-text', PSH | ACK, 0, 5000, b'stray')
        attempt('old-ack', ACK, 0, 5000)
        attempt('old-fin', FIN | ACK, 0, 5000)
        attempt('very-old-text', PSH | ACK, 0, 1 << 30, b'stray')
        # In the window, but not the next octets expected.
        attempt('old-text-ahead', PSH | ACK, -100, 5000, b'stray')
        # PAWS does not apply to RST (RFC 7323 5.2), nor to segments that are not older.
        attempt('old-reset', RST | ACK, 0, 5000)
        attempt('repeated-text', PSH | ACK, 5, -200, b'hello')
        # At the edge: Linux tolerates one tick, and for an ACK with nothing new as many as a timeout takes.
        for age in range(5):
            attempt('text-older-by-%d' % age, PSH | ACK, 0, age, b'stray')
        for age in (1, 50, 150, 600, 4000):
            attempt('ack-older-by-%d' % age, ACK, 0, age)
    kernel.close()
    time.sleep(0.3)
finally:
    tracer.end()
