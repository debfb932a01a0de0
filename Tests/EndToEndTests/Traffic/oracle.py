# Traffic of many kinds in a network namespace of its own, traced by tcptrace and by the kernel's own trace, side by side.
#
#     oracle.py TCPTRACE DIRECTORY
#
# Leaves in DIRECTORY: kinds (one line per connection: KIND CLIENT SERVER), trace (sock:inet_sock_set_state as the kernel prints
# it), json (the output of tcptrace) and errors. Must be root. The trace instance is removed whatever happens.
import os, signal, socket, struct, subprocess, sys, threading, time

from statetrace import Recorder, Tracer, libc, must, write

signal.pthread_sigmask(signal.SIG_SETMASK, [])
tcptrace, out = sys.argv[1], sys.argv[2]


# --- traffic: both ends in this process, one step after the other, so that every run is the same -----------------------

kinds = open(out + '/kinds', 'w')
next_port = [20000]


def named(kind, client, server):
    kinds.write('%s %s %d %s %d\n' % (kind, client[0], client[1], server[0], server[1]))


def listener(address='127.0.0.1', backlog=256):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    next_port[0] += 1
    s.bind((address, next_port[0]))
    s.listen(backlog)
    return s


def caller(address='127.0.0.1', port=0):
    """A socket bound before connect(), so that the kernel's first event has a port."""
    c = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    c.bind((address, port))
    return c


def pair(kind, l, address='127.0.0.1', port=0):
    c = caller(address, port)
    server = (address, l.getsockname()[1])
    named(kind, c.getsockname(), server)
    c.connect(server)
    s, _ = l.accept()
    return c, s


def exchange(c, s):
    c.sendall(b'hello')
    s.recv(100)
    s.sendall(b'world')
    c.recv(100)


def abort(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.close()


def drained(s):
    try:
        while s.recv(1 << 16):
            pass
    except OSError:
        pass


def quietly(call, *arguments):
    try:
        return call(*arguments)
    except OSError:
        return None


def client_closes(c, s):
    exchange(c, s); c.close(); s.recv(1); s.close()


def server_closes(c, s):
    exchange(c, s); s.close(); c.recv(1); c.close()


def both_close(c, s):
    exchange(c, s)
    gate = threading.Barrier(2)
    other = threading.Thread(target=lambda: (gate.wait(), s.close()))
    other.start(); gate.wait(); c.close(); other.join()


def client_half_closes(c, s):
    exchange(c, s); c.shutdown(socket.SHUT_WR); s.recv(1); s.sendall(b'more'); c.recv(9); s.close(); c.recv(1); c.close()


def server_half_closes(c, s):
    exchange(c, s); s.shutdown(socket.SHUT_WR); c.recv(1); c.sendall(b'more'); s.recv(9); c.close(); s.recv(1); s.close()


def client_lingers_0(c, s):
    exchange(c, s); abort(c); quietly(s.recv, 1); s.close()


def server_lingers_0(c, s):
    exchange(c, s); abort(s); quietly(c.recv, 1); c.close()


def server_leaves_unread(c, s):
    c.sendall(b'hello'); s.close(); quietly(c.recv, 1); c.close()


def client_leaves_unread(c, s):
    s.sendall(b'hello'); c.close(); quietly(s.recv, 1); s.close()


def writes_after_close(c, s):
    exchange(c, s); s.close(); c.sendall(b'x'); quietly(c.sendall, b'y'); c.close()


def shuts_down_reading(c, s):
    exchange(c, s); c.shutdown(socket.SHUT_RD); s.sendall(b'x'); s.close(); c.recv(9); c.close()


def lingers_a_second(c, s):
    exchange(c, s)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 1))
    c.close(); s.recv(1); s.close()


def big_transfer(c, s):
    other = threading.Thread(target=drained, args=(s,))
    other.start(); c.sendall(bytes(1 << 20)); c.shutdown(socket.SHUT_WR); other.join(); s.close(); c.recv(1); c.close()


def zero_window(c, s):
    c.setblocking(False)
    while True:
        try:
            c.send(bytes(1 << 16))
        except BlockingIOError:
            break
    time.sleep(0.3)
    other = threading.Thread(target=drained, args=(s,))
    other.start(); c.setblocking(True); c.shutdown(socket.SHUT_WR); other.join(); s.close(); c.recv(1); c.close()


def simple(name, steps, count, address='127.0.0.1', bound=None):
    l = listener(bound or address)
    for _ in range(count):
        steps(*pair(name, l, address))
    l.close()


def refused(count):
    l = listener(); port = l.getsockname()[1]; l.close()
    for _ in range(count):
        c = caller(); named('refused', c.getsockname(), ('127.0.0.1', port))
        quietly(c.connect, ('127.0.0.1', port)); c.close()


def never_accepted(count):
    for _ in range(count // 10):
        l = listener(); server = l.getsockname(); clients = []
        for _ in range(10):
            c = caller(); named('listener-closes', c.getsockname(), server); c.connect(server); clients.append(c)
        l.close()
        for c in clients:
            quietly(c.recv, 1); c.close()


def full_queue(count, name, wait):
    l = listener(backlog=0); server = l.getsockname()
    first = caller(); named('queue-filler', first.getsockname(), server); first.connect(server)
    waiting = []
    for _ in range(count):
        c = caller(); c.setblocking(False); named(name, c.getsockname(), server); c.connect_ex(server); waiting.append(c)
    time.sleep(wait)
    for c in waiting:
        c.close()
    time.sleep(0.1)
    s, _ = l.accept(); client_closes(first, s); l.close()


def killed(count):
    l = listener()
    for _ in range(count):
        c = caller(); named('killed', c.getsockname(), l.getsockname())
        child = os.fork()
        if child == 0:
            c.connect(l.getsockname()); c.sendall(b'hello'); time.sleep(60); os._exit(0)
        c.close()
        s, _ = l.accept(); s.recv(100); os.kill(child, signal.SIGKILL); os.waitpid(child, 0); quietly(s.recv, 1); s.close()
    l.close()


def self_connect(count):
    for _ in range(count):
        next_port[0] += 1
        c = caller(port=next_port[0]); own = c.getsockname(); named('self-connect', own, own); c.connect(own); c.sendall(b'x'); c.recv(1); c.close()


def keep_alive(count):
    l = listener(); pairs = []
    for _ in range(count):
        c, s = pair('keep-alive', l)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        pairs.append((c, s))
    time.sleep(1.3)
    for c, s in pairs:
        client_closes(c, s)
    l.close()


def fast_open(count):
    l = listener(); l.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 64)
    for _ in range(count):
        c = caller(); named('fast-open', c.getsockname(), l.getsockname())
        c.sendto(b'hello', socket.MSG_FASTOPEN, l.getsockname())
        s, _ = l.accept(); s.recv(100); s.sendall(b'world'); c.recv(100); client_closes(c, s)
    l.close()


def reused_port(count):
    l = listener(); c = caller(); port = c.getsockname()[1]; c.close()
    for _ in range(count):
        server_closes(*pair('port-reuse', l, port=port)); time.sleep(0.005)
    l.close()


def orphans(count):
    """FIN_WAIT_2 without an owner expires after tcp_fin_timeout; then a new SYN meets the leaked CLOSE_WAIT, or the peer closes late."""
    l = listener(); stale = []; late = []
    for number in range(count):
        c, s = pair('stale-close-wait' if number % 2 else 'orphan-fin-wait-2', l)
        exchange(c, s); port = c.getsockname()[1]; c.close(); (stale if number % 2 else late).append((port, s))
    time.sleep(2.5)
    for port, s in late:
        s.close()
    for port, s in stale:
        client_closes(*pair('stale-close-wait', l, port=port)); s.close()
    l.close()


def traffic(n):
    for steps in (client_closes, server_closes, both_close, client_half_closes, server_half_closes, client_lingers_0,
                  server_lingers_0, server_leaves_unread, client_leaves_unread, writes_after_close, shuts_down_reading,
                  lingers_a_second):
        simple(steps.__name__.replace('_', '-'), steps, n)
    simple('ipv6', client_closes, n, '::1')
    simple('mapped', client_closes, n, '127.0.0.1', '::')
    simple('big-transfer', big_transfer, 10)
    simple('zero-window', zero_window, 3)
    refused(n); never_accepted(n); killed(10); self_connect(20); keep_alive(5); fast_open(20); reused_port(n)
    full_queue(5, 'queue-full', 1.3); full_queue(10, 'abort-syn-sent', 0.05); orphans(10)


must(libc.unshare(0x40000000), 'unshare')
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
write('/proc/sys/net/ipv4/tcp_fastopen', '3')
write('/proc/sys/net/ipv4/tcp_fin_timeout', '1')
# The filter keeps other traffic on this host out of the buffer.
recorder = Recorder(out + '/trace', 'protocol==6 && dport!=0 && '
                    '((sport>20000 && sport<21000) || (dport>20000 && dport<21000))')
tracer = Tracer(tcptrace, out)
try:
    traffic(int(sys.argv[3]))
    kinds.close()
    time.sleep(1.5)
finally:
    try:
        tracer.end()
    finally:
        recorder.end()
