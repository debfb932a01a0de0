# Real faults, in a network namespace of their own, while tcptrace watches.
#
#     faults.py TCPTRACE DIRECTORY TIMES
#
# Leaves in DIRECTORY: faults (one JSON object per connection: what was done, and the expected findings), json (the output of
# tcptrace) and errors. Must be root. Everything stays on lo and on one veth pair that goes with the namespaces.
import ctypes, errno, fcntl, json, os, select, signal, socket, struct, subprocess, sys, time

from forge import RST, SYN, TCP_REPAIR, deaf, forge, hear, numbers

signal.pthread_sigmask(signal.SIG_SETMASK, [])
libc = ctypes.CDLL(None, use_errno=True)
tcptrace, out, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
HERE, THERE = '10.99.0.1', '10.99.0.2'
TCP_MD5SIG, TCP_LINGER2, TCP_FASTOPEN, TCP_USER_TIMEOUT = 14, 8, 23, 18


def enter_new_network():
    if libc.unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def works(*words):
    try:
        return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        return False


def setting(name, value):
    with open('/proc/sys/net/ipv4/' + name, 'w') as file:
        file.write(str(value))


def call_me(name):
    with open('/proc/self/comm', 'w') as file:
        file.write(name)


def link_address(device):
    with socket.socket() as s:
        return fcntl.ioctl(s, 0x8927, struct.pack('256s', device.encode()))[18:24].hex(':')


class Remote:
    """A proxy for a socket in another process: each method call is forwarded to it."""

    def __init__(self, worker, number):
        self.worker, self.number = worker, number

    def __getattr__(self, method):
        return lambda *arguments: self.worker.ask(self.number, method, arguments)


class Worker:
    """A process that performs socket operations on request."""

    def __init__(self, name, own_network=False):
        self.name = name
        self.pipe, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.pipe.close()
                for worker in workers:
                    worker.pipe.close()
                if own_network:
                    enter_new_network()
                call_me(name)
                self.serve(other)
            finally:
                os._exit(1)
        other.close()
        workers.append(self)
        self.ask(0, 'ping', ())

    def serve(self, pipe):
        sockets, count = {}, 0
        while True:
            request = pipe.recv(1 << 16)
            if not request:
                os._exit(0)
            number, method, arguments = eval(request)
            try:
                if method == 'socket':
                    result = socket.socket()
                elif method == 'ping':
                    result = None
                elif method == 'exit':
                    os._exit(0)
                elif method == 'run':
                    result = run(*arguments)
                elif method == 'address':
                    result = link_address('veth1')
                elif method == 'filter':
                    result = deaf(sockets[number])
                else:
                    result = getattr(sockets[number], method)(*arguments)
                if isinstance(result, tuple) and isinstance(result[0], socket.socket):
                    result = result[0]
                if isinstance(result, socket.socket):
                    count += 1
                    sockets[count] = result
                    result = ('socket', count)
                else:
                    result = ('value', result)
            except OSError as error:
                result = ('error', error.errno)
            pipe.send(repr(result).encode())

    def ask(self, number, method, arguments):
        self.pipe.send(repr((number, method, arguments)).encode())
        kind, value = eval(self.pipe.recv(1 << 20))
        if kind == 'error':
            raise OSError(value, method)
        return Remote(self, value) if kind == 'socket' else value

    def socket(self):
        return self.ask(0, 'socket', ())

    def end(self, number=None):
        """Ends the process: by a signal, or by exit() without close()."""
        if number is None:
            self.pipe.send(repr((0, 'exit', ())).encode())
        else:
            os.kill(self.pid, number)
        os.waitpid(self.pid, 0)
        self.pipe.close()
        workers.remove(self)


workers = []
faults = open(out + '/faults', 'w')
# Every connection has this port at one end; it keeps other programs' kernel events out. Each listener has its own
# address.
PORT = 20000
# Sockets of the last run may still send in their own namespace, and events do not name a namespace. So each run has its
# own range of about 250 ports, below those that the kernel chooses.
next_address, next_port = [0], [20001 + os.getpid() % 79 * 250]


def fault(kind, client, server, codes, words=(), also=(), outcome=None):
    """Records one expectation. Client port 0 stands for any one connection to the server. `codes` must be found, `words`
    must match in their messages, and nothing but `also` may be found besides. The connection must end with `outcome`, if
    it is given."""
    faults.write(json.dumps({
        'kind': kind, 'client': '%s %d' % client, 'server': '%s %d' % server, 'codes': codes, 'words': list(words),
        'also': list(also), 'outcome': outcome}) + '\n')
    faults.flush()


def own_address():
    next_address[0] += 1
    return '127.1.%d.%d' % divmod(next_address[0], 250)


def prepared(s, address, port=PORT):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    return s


def listener(worker, backlog=64, address=None):
    s = prepared(worker.socket(), address or own_address())
    s.listen(backlog)
    return s


def name_of(s):
    return tuple(s.getsockname())


def caller(address='127.0.0.1', port=None):
    """A socket with a port of its own: the kernel might choose one of an earlier fault again."""
    if port is None:
        next_port[0] += 1
        port = next_port[0]
    return prepared(socket.socket(), address, port)


def pair(l, c=None):
    c = c or caller()
    c.connect(name_of(l))
    s = l.accept()
    return c, s


def exchange(c, s):
    c.sendall(b'hello'); s.recv(100); s.sendall(b'world'); c.recv(100)


def linger_0(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def quietly(call, *arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return error.errno


def expect(value, wanted):
    if value != wanted:
        raise AssertionError('%r, not %r' % (value, wanted))


def settled():
    """Waits for a reading of the sockets' queues. They are read at intervals, long ones on a busy machine; without a reading
    the number of lost octets is unknown."""
    time.sleep(0.5)


kept = []
SERVER, CLIENT = r'fault-server\[\d+\]', r'fault-client\[\d+\]'


# --- faults that take time: each begins, and the others proceed meanwhile ----------------------------------------------

def queue_full(l):
    l = listener(server, 1)
    for _ in range(2):
        c = caller(); c.connect(name_of(l)); kept.append(c)
        fault('queue filler', name_of(c), name_of(l), ['never-accepted'], [SERVER, 'accept'])
    time.sleep(0.15)
    c = caller(); c.setblocking(False); c.connect_ex(name_of(l)); kept.append(c)
    fault('accept-queue-full', name_of(c), name_of(l), ['accept-queue-full'], [SERVER, '2 connections', 'backlog 1'])


def queue_was_full(l):
    l = listener(server, 0)
    first = caller(); first.connect(name_of(l)); time.sleep(0.15)
    c = caller(); c.setblocking(False); c.connect_ex(name_of(l)); kept.append(c)
    fault('accept queue was full', name_of(c), name_of(l), ['accept-queue-full'], [SERVER, 'late'])
    kept.append(first); kept.append((l, first, c))


def let_in():
    for entry in [entry for entry in kept if isinstance(entry, tuple)]:
        kept.remove(entry)
        l, first, c = entry
        s = l.accept(); first.close(); s.recv(1); s.close()
        s = l.accept(); c.setblocking(True); c.close(); s.recv(1); s.close()


def dropped_by_filter(l):
    l = listener(server); l.filter()
    c = caller(); c.setblocking(False); c.connect_ex(name_of(l)); kept.append(c)
    fault('syn-filtered', name_of(c), name_of(l), ['syn-unanswered'], ['SOCKET_FILTER'])


def signature_missing(l):
    l = listener(server)
    peer = struct.pack('HH4s120x', socket.AF_INET, 0, socket.inet_aton('127.0.0.1'))
    l.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, peer + struct.pack('BBHi80s', 0, 0, 3, 0, b'key'))
    c = caller(); c.setblocking(False); c.connect_ex(name_of(l)); kept.append(c)
    fault('syn-without-md5', name_of(c), name_of(l), ['syn-unanswered'], ['TCP_MD5'])


def rule(l, verdict):
    run('nft', 'add', 'rule', 'inet', 'faults', 'in', 'ip', 'daddr', name_of(l)[0], 'tcp', 'dport', str(PORT), *verdict.split())


def dropped_by_rule(l):
    l = listener(server); rule(l, 'drop')
    c = caller(); c.setblocking(False); c.connect_ex(name_of(l)); kept.append(c)
    fault('rule drops', name_of(c), name_of(l), ['syn-unanswered'], ['NETFILTER_DROP', 'firewall rule on this host'])


def rejected_with_reset(l):
    l = listener(server); rule(l, 'reject with tcp reset')
    c = caller(); me = name_of(c); expect(quietly(c.connect, name_of(l)), errno.ECONNREFUSED); c.close()
    fault('rule rejects, RST', me, name_of(l), ['refused'], ['firewall rule on this host', 'ECONNREFUSED'])


def rejected_with_icmp(l):
    l = listener(server); rule(l, 'reject with icmp type admin-prohibited')
    c = caller(); me = name_of(c); expect(quietly(c.connect, name_of(l)), errno.EHOSTUNREACH); c.close()
    fault('rule rejects, ICMP', me, name_of(l), ['syn-unanswered'], ['firewall rule on this host', 'NETFILTER_DROP'])


def firewall(chain, l, end, verdict):
    """Adds a rule for segments from a listener (`s`) or to it (`d`), on the way in or out."""
    run('nft', 'add', 'rule', 'inet', 'faults', chain, 'ip', end + 'addr', name_of(l)[0], 'tcp', end + 'port', str(PORT), *verdict.split())


def answer_dropped(l):
    l = listener(server); firewall('in', l, 's', 'drop'); time.sleep(0.005)
    c = caller(); c.setblocking(False); c.connect_ex(name_of(l)); kept.append(c)
    fault('rule drops the SYN-ACK', name_of(c), name_of(l), ['syn-ack-lost'], ['NETFILTER_DROP', 'firewall rule on this host'])


def answer_dropped_on_its_way_out(l):
    l = listener(server); firewall('out', l, 's', 'drop'); time.sleep(0.005)
    c = caller(); c.setblocking(False); c.connect_ex(name_of(l)); kept.append(c)
    fault('SYN-ACK dropped going out', name_of(c), name_of(l), ['syn-unanswered'], ['the SYNs arrived', 'SYN-ACKs were dropped on their way out', 'NETFILTER_DROP'])


def rejected_on_its_way_out(l):
    l = listener(server); firewall('out', l, 'd', 'reject with tcp reset')
    c = caller(); me = name_of(c); expect(quietly(c.connect, name_of(l)), errno.ECONNREFUSED); c.close()
    fault('rule rejects going out', me, name_of(l), ['refused'], ['firewall rule on this host', 'outgoing SYNs', 'ECONNREFUSED'])


def rejected_in_the_middle(l):
    l = listener(server); c, s = pair(l); me = name_of(c); exchange(c, s); settled()
    firewall('in', l, 'd', 'reject with tcp reset'); c.sendall(b'more'); expect(quietly(c.recv, 1), errno.ECONNRESET)
    c.close(); kept.append(s)
    fault('rule rejects in the middle', me, name_of(l), ['middlebox'],
          [SERVER + r'\) was not sent by its TCP', 'ESTABLISHED', '4 octets', CLIENT + r'\) gets ECONNRESET'])


def rst_dropped(l):
    """There is no listener, and the RST that says so is dropped on its way out."""
    l = listener(server); name = name_of(l); firewall('out', l, 's', 'drop'); l.close(); time.sleep(0.005)
    c = caller(); c.setblocking(False); c.connect_ex(name); kept.append(c)
    fault('rule drops the RST', name_of(c), name, ['syn-unanswered'], ['nothing listens there, and the RST', 'NETFILTER_DROP'])


def deferred(l):
    """A listener that waits for the first octets: its kernel ignores the bare ACK. The octets come, and all is well."""
    l = prepared(server.socket(), own_address()); l.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 9); l.listen(64)
    c = caller(); c.connect(name_of(l)); waiting.append((l, c))
    fault('accept deferred', name_of(c), name_of(l), ['accept-deferred'], ['TCP_DEFER_ACCEPT'], ['tail-loss-probe'])


def say_first_octets():
    settled()
    while waiting:
        l, c = waiting.pop()
        c.sendall(b'GET'); s = l.accept(); s.recv(9); s.sendall(b'OK'); c.recv(9); c.close(); s.recv(1); s.close()


def stuck_among_two(l):
    """Two listeners share an address (SO_REUSEPORT). One accepts and the other does not: every waiting connection waits at the latter."""
    address = own_address(); stuck = []
    for worker in (server, sleeper):
        s = worker.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); s.bind((address, PORT)); s.listen(64); stuck.append(s)
    good, bad = stuck
    good.setblocking(False)
    # The kernel chooses which listener gets a connection.
    while True:
        c = caller(); c.connect((address, PORT)); kept.append(c)
        try:
            kept.append(good.accept())
        except OSError:
            break
    fault('stuck among two', name_of(c), (address, PORT), ['never-accepted'], [r'fault-sleeper\[\d+\] has not called accept', 'number 1 of 1'])


waiting = []
late = []


def accepted_late(l):
    l = listener(server); c = caller(); c.connect(name_of(l)); late.append((l, c))
    fault('accepted late', name_of(c), name_of(l), ['never-accepted', 'accepted-late'], [SERVER + ' did not call accept', SERVER + ' has not'])


def accept_late():
    for l, c in late:
        s = l.accept(); settled(); c.close(); s.recv(1); s.close()


def nobody_accepts(l):
    l = listener(server)
    c = caller(); c.connect(name_of(l)); c.sendall(b'hello'); kept.append(c)
    fault('never-accepted', name_of(c), name_of(l), ['never-accepted'], [SERVER, 'accept', '5 octets'])


def stopped(l):
    worker = stoppable.pop()
    name = name_of(listener(worker)); os.kill(worker.pid, signal.SIGSTOP)
    c = caller(); c.connect(name); kept.append(c)
    fault('stopped', name_of(c), name, ['never-accepted'], [r'fault-stopped\[%d\] is stopped by a signal' % worker.pid, 'kill -CONT %d' % worker.pid])


def quits_before_accept(l):
    l = listener(server)
    c = caller(); c.connect(name_of(l)); c.sendall(b'hello'); me = name_of(c); c.close()
    fault('quits-before-accept', me, name_of(l), ['never-accepted'], [SERVER], ['orphan-fin-wait-2'])


def leak_close_missing(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); c.close(); s.recv(1)
    fault('leak-close-missing', me, name_of(l), ['close-wait-leak', 'orphan-fin-wait-2'], [SERVER, r'close\(\) is missing'])


def leak_octets_unread(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); c.sendall(b'seven b'); c.close()
    fault('leak-octets-unread', me, name_of(l), ['close-wait-leak', 'orphan-fin-wait-2'], [SERVER, '7 octets and the end'],
          ['tail-loss-probe'])


def leak_end_unread(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); c.close()
    fault('leak-end-unread', me, name_of(l), ['close-wait-leak', 'orphan-fin-wait-2'], [SERVER, 'still unread'])


def leak_from_before(l):
    """A connection made before the trace begins: only its keep-alives are captured, and the kernel supplies the rest."""
    c, s = pair(l); me = name_of(c)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
        s.setsockopt(socket.IPPROTO_TCP, option, 1)
    c.close(); s.recv(1)
    fault('leak from before', me, name_of(l), ['close-wait-leak', 'orphan-fin-wait-2'],
          [SERVER, 'which came before the capture', r'close\(\) is missing'])


def orphan(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); c.close(); s.recv(1)
    fault('orphan-fin-wait-2', me, name_of(l), ['orphan-fin-wait-2', 'close-wait-leak'], [CLIENT, SERVER])


def keep_alive_death(l):
    c, s = pair(l)
    exchange(c, s); s.filter()
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
        c.setsockopt(socket.IPPROTO_TCP, option, value)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    kept.append(c)
    fault('keep-alive-death', name_of(c), name_of(l), ['keepalive-dead'], [CLIENT, 'ETIMEDOUT', '2 keep-alives'])


def user_timeout(l):
    c, s = pair(l)
    exchange(c, s); s.filter()
    c.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 1000); c.sendall(b'lost'); kept.append(c)
    fault('user-timeout', name_of(c), name_of(l), ['silent-close'], [CLIENT, 'ETIMEDOUT'], ['retransmission'])


def zero_window(l, kind='zero window', takes_back=False):
    if not takes_back:
        l = listener(server); l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    c, s = pair(l)
    if takes_back:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    c.setblocking(False)
    try:
        while True:
            c.send(bytes(1 << 14))
    except BlockingIOError:
        pass
    kept.append(c)
    fault(kind, name_of(c), name_of(l), ['zero-window-stall'], [SERVER, r'\d+ octets are waiting to be read'],
          ['retransmission', 'tail-loss-probe'])


def window_taken_back(l):
    zero_window(l, 'zero window, taken back', True)


def orphan_expires(l):
    c, s = pair(l)
    exchange(c, s)
    # Set for the socket, not for the namespace: tcp_fin_timeout must be long for other faults.
    c.setsockopt(socket.IPPROTO_TCP, TCP_LINGER2, 1)
    me = name_of(c); c.close(); s.recv(1)
    fault('orphan-expires', me, name_of(l), ['orphan-fin-wait-2', 'close-wait-leak'], ['dropped silently', SERVER])
    return s


def stale_close_wait(l):
    c, s = pair(l)
    exchange(c, s); c.setsockopt(socket.IPPROTO_TCP, TCP_LINGER2, 1)
    me = name_of(c); c.close()
    fault('stale-close-wait', me, name_of(l), ['orphan-fin-wait-2'], ['dropped silently'], ['close-wait-leak'])
    stale.append((me, l))


def meet_stale(me, l):
    c = caller(port=me[1]); c.connect(name_of(l)); s = l.accept()
    fault('stale-close-wait', me, name_of(l), ['half-open-peer', 'port-reused'], ['older connection'],
          outcome='closed')
    exchange(c, s); c.close(); s.recv(1); s.close()


def link_down(l, timeout):
    c, s = pair(l, caller(HERE))
    exchange(c, s)
    if timeout:
        c.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 1200)
    else:
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
            c.setsockopt(socket.IPPROTO_TCP, option, value)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    kept.append(c)
    return c


# --- faults that are over at once ---------------------------------------------------------------------------------------

def clean_client(l):
    c, s = pair(l); me = name_of(c); exchange(c, s); c.close(); s.recv(1); s.close()
    fault('clean, client closes', me, name_of(l), [])


def clean_bound(l):
    """Bound to an interface: the kernel finds such a socket only by a look-up that names the interface."""
    c = caller(); c.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo'); c, s = pair(l, c); me = name_of(c)
    exchange(c, s); time.sleep(0.4); exchange(c, s); c.close(); s.recv(1); s.close()
    fault('clean, bound to lo', me, name_of(l), [])


def clean_server(l):
    c, s = pair(l); me = name_of(c); exchange(c, s); s.close(); c.recv(1); c.close()
    fault('clean, server closes', me, name_of(l), [])


def refused(l):
    l = listener(server); name = name_of(l); l.close()
    c = caller(); me = name_of(c); expect(quietly(c.connect, name), errno.ECONNREFUSED); c.close()
    fault('refused', me, name, ['refused'], ['nothing listens', 'ECONNREFUSED'])


def half_close(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); c.shutdown(socket.SHUT_WR); s.recv(1); s.sendall(b'more'); c.recv(9); s.close(); c.recv(1); c.close()
    fault('half-close', me, name_of(l), ['half-close'], [CLIENT, SERVER, '4 octets'])


def unread_data(l):
    c, s = pair(l); me = name_of(c)
    c.sendall(b'hello'); settled(); s.close(); expect(quietly(c.recv, 1), errno.ECONNRESET); c.close()
    fault('unread-data', me, name_of(l), ['reset-unread-data'], [SERVER, r'unread( \(5 octets|:)', CLIENT + r'\) gets ECONNRESET'])


def client_linger(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); linger_0(c); c.close(); expect(quietly(s.recv, 1), errno.ECONNRESET); s.close()
    fault('linger-0, client', me, name_of(l), ['reset-linger'], [CLIENT, SERVER + r'\) gets ECONNRESET'])


def server_linger(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); linger_0(s); s.close(); expect(quietly(c.recv, 1), errno.ECONNRESET); c.close()
    fault('linger-0, server', me, name_of(l), ['reset-linger'], [SERVER, CLIENT + r'\) gets ECONNRESET'])


def killed(l):
    victim = Worker('fault-victim'); own = listener(victim); name = name_of(own)
    c, s = pair(own); me = name_of(c); c.sendall(b'hello'); settled()
    victim.end(signal.SIGKILL); expect(quietly(c.recv, 1), errno.ECONNRESET); c.close()
    fault('killed, unread data', me, name, ['reset-killed'], [r'fault-victim\[\d+\]', r'open( \(5 octets|:)', 'ECONNRESET'])


def exits(l):
    leaver = Worker('fault-leaver'); own = listener(leaver); name = name_of(own)
    c, s = pair(own); me = name_of(c); exchange(c, s); leaver.end(); c.recv(1); c.close()
    fault('exit without close', me, name, [])


def destroyed(l):
    c, s = pair(l); me = name_of(c); exchange(c, s)
    run('ss', '-KtnH', 'sport', '=', ':%d' % me[1], 'dport', '=', ':%d' % name_of(l)[1])
    expect(quietly(c.recv, 1), errno.ECONNABORTED); expect(quietly(s.recv, 1), errno.ECONNRESET); c.close(); s.close()
    fault('destroyed (ss -K)', me, name_of(l), ['reset-killed'],
          [r'ss\[\d+\] destroyed', CLIENT + r'\) gets ECONNABORTED', SERVER + r'\) gets ECONNRESET'])


def listener_closed(l):
    l = listener(server); name = name_of(l)
    c = caller(); c.connect(name); me = name_of(c); settled(); l.close()
    expect(quietly(c.recv, 1), errno.ECONNRESET); c.close()
    fault('listener closed', me, name, ['reset-listener-closed'], [SERVER, 'ECONNRESET'], ['never-accepted'])


def write_after_close(l):
    c, s = pair(l); me = name_of(c)
    exchange(c, s); s.close(); c.recv(1); c.sendall(b'late'); time.sleep(0.01)
    expect(quietly(c.sendall, b'x'), errno.EPIPE); c.close()
    fault('write after close', me, name_of(l), ['reset-after-close'], [SERVER, CLIENT, '4 octets', 'EPIPE'])


def write_to_full_orphan(l):
    """The orphan keeps its full socket while its FIN_WAIT_2 may last longer than a TIME_WAIT."""
    c, s = pair(l); me = name_of(c)
    exchange(c, s); s.setsockopt(socket.IPPROTO_TCP, TCP_LINGER2, 90); s.close(); c.recv(1); c.sendall(b'late')
    time.sleep(0.01); expect(quietly(c.sendall, b'x'), errno.EPIPE); c.close()
    fault('write to a full orphan', me, name_of(l), ['reset-after-close'], [SERVER, CLIENT, '4 octets', 'EPIPE'])


def self_connect(l):
    own = (own_address(), PORT); c = prepared(socket.socket(), *own)
    c.connect(own); c.sendall(b'x'); c.recv(1); c.close()
    fault('self-connect', own, own, ['self-connect'], ['connected to itself'])


def port_reused(l):
    c, s = pair(l); me = name_of(c); exchange(c, s); s.close(); c.recv(1); c.close()
    fault('port reused', me, name_of(l), [])
    time.sleep(0.02)
    c, s = pair(l, caller(port=me[1])); exchange(c, s); s.close(); c.recv(1); c.close()
    fault('port reused', me, name_of(l), ['port-reused'], ['the same ports'])


def fast_open(l):
    l = listener(server); l.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    for number in range(2):
        c = caller(); c.sendto(b'hello', socket.MSG_FASTOPEN, name_of(l)); s = l.accept(); me = name_of(c)
        s.recv(9); s.sendall(b'world'); c.recv(9); c.close(); s.recv(1); s.close()
        # The first connection on this host only asks for a cookie.
        if number == 1:
            fault('fast open', me, name_of(l), ['fast-open'], ['5 octets'])


def cookies(l):
    c, s = pair(l); me = name_of(c); exchange(c, s); c.close(); s.recv(1); s.close()
    fault('syn cookies', me, name_of(l), ['syn-cookies'], ['tcp_syncookies'])


def tail_loss_probe(l):
    """As in the lab: the last line and the FIN come at once, and the client is slow to acknowledge."""
    c, s = pair(l); me = name_of(c)
    for _ in range(3):
        exchange(c, s)
    c.sendall(b'last'); s.recv(9); s.sendall(b'line'); s.close(); time.sleep(0.12); c.recv(9); c.recv(1); c.close()
    fault('tail loss probe', me, name_of(l), [], [], ['tail-loss-probe'])


def simultaneous_open():
    """Each SYN waits for the link address of the other host; then both hosts learn it."""
    # Neither answers ARP requests: each learns the addresses only from this script.
    for worker, device in ((None, 'veth0'), (there, 'veth1')):
        words = ('sysctl', '-qw', 'net.ipv4.conf.%s.arp_ignore=8' % device)
        run(*words) if worker is None else worker.ask(0, 'run', words)
    macs = (link_address('veth0'), there.ask(0, 'address', ()))
    for _ in range(times):
        for worker, address, device in ((None, THERE, 'veth0'), (there, HERE, 'veth1')):
            words = ('ip', 'neighbour', 'flush', 'nud', 'all', 'dev', device)
            run(*words) if worker is None else worker.ask(0, 'run', words)
        a, b = caller(HERE), prepared(there.socket(), THERE, PORT)
        a.setblocking(False); b.setblocking(False)
        me, peer = name_of(a), name_of(b)
        quietly(b.connect, me); a.connect_ex(peer)
        run('ip', 'neighbour', 'replace', THERE, 'lladdr', macs[1], 'dev', 'veth0', 'nud', 'permanent')
        there.ask(0, 'run', ('ip', 'neighbour', 'replace', HERE, 'lladdr', macs[0], 'dev', 'veth1', 'nud', 'permanent'))
        time.sleep(0.1); a.setblocking(True); b.setblocking(True)
        a.sendall(b'hello'); expect(b.recv(9), b'hello'); a.close(); b.recv(1); b.close()
        fault('simultaneous open', me, peer, ['simultaneous-open'], ['both sides'])


def vanish(s):
    """Closes a socket without sending a segment."""
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1); s.close()


def vanished(l):
    """The server's socket disappears without a segment (as after a power failure); a RST answers the client's next octets."""
    c, s = pair(l); me = name_of(c); exchange(c, s)
    vanish(s); time.sleep(0.3)
    c.sendall(b'lost'); expect(quietly(c.recv, 1), errno.ECONNRESET); c.close()
    fault('peer knows nothing', me, name_of(l), ['half-open-peer'], [CLIENT, '4 octets', 'ECONNRESET'], ['silent-close'])


def lost_and_found(l):
    """The server's kernel drops the first copies, but not a later one."""
    c, s = pair(l); me = name_of(c); exchange(c, s); s.filter(); c.sendall(b'late'); time.sleep(0.3)
    hear(s); s.recv(9); s.sendall(b'x'); c.recv(9); c.close(); s.recv(1); s.close()
    fault('lost and sent again', me, name_of(l), ['retransmission'], [CLIENT, 'SOCKET_FILTER'])


def forged_reset(l):
    c, s = pair(l); me = name_of(c); exchange(c, s)
    forge(me, name_of(l), numbers(c)[0] + 100, 0, RST); time.sleep(0.02)
    exchange(c, s); c.close(); s.recv(1); s.close()
    fault('forged RST', me, name_of(l), ['rst-ignored'], ['sequence number expected next'])


def middlebox(l):
    c, s = pair(l); me = name_of(c); exchange(c, s)
    forge(me, name_of(l), numbers(c)[0], 0, RST, hops=33); expect(quietly(s.recv, 1), errno.ECONNRESET); vanish(c); s.close()
    fault('middlebox', me, name_of(l), ['middlebox'], ['hop limit 33', 'other segments have 64'], ['reset', 'half-open-peer'])


def acks_lost(l):
    """The sender's kernel gets no ACK for a while: its retransmissions repeat octets that had arrived."""
    c, s = pair(l); me = name_of(c); exchange(c, s); deaf(c); c.sendall(b'late'); expect(s.recv(9), b'late'); time.sleep(0.6)
    hear(c); s.sendall(b'x'); c.recv(9); c.close(); s.recv(1); s.close()
    fault('ACKs lost', me, name_of(l), ['spurious-retransmission'], [CLIENT, 'had arrived: the ACK was late or lost'],
          ['tail-loss-probe', 'retransmission'])


def probe(l):
    """Two segments whose ACKs reach the sender's kernel only after it has sent a probe."""
    c, s = pair(l); me = name_of(c)
    for _ in range(3):
        exchange(c, s)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    deaf(c); c.sendall(b'one'); c.sendall(b'two'); time.sleep(0.04)
    hear(c); s.recv(9); s.sendall(b'x'); c.recv(9); c.close(); s.recv(1); s.close()
    fault('probe', me, name_of(l), ['tail-loss-probe'], [CLIENT, 'nothing was lost'], ['spurious-retransmission'])


def end_dropped(l):
    """A rule drops the FIN between the capture point and TCP."""
    l = listener(server)
    run('nft', 'add', 'rule', 'inet', 'faults', 'in', 'ip', 'daddr', name_of(l)[0], 'tcp', 'dport', str(PORT), 'tcp', 'flags', '&', 'fin',
        '!=', '0', 'drop')
    c, s = pair(l); me = name_of(c); exchange(c, s); c.shutdown(socket.SHUT_WR); kept.append(c); kept.append(s)
    fault('FIN dropped by rule', me, name_of(l), ['state-mismatch'], ['ESTABLISHED', 'CLOSE_WAIT'],
          ['retransmission', 'tail-loss-probe'])


class Holder:
    """Holds back the packets that an iptables rule sends to a queue (NFQUEUE), and releases them in any order."""

    def __init__(self, number):
        self.number, self.socket = number, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 0)); self.socket.settimeout(5)
        # NFQNL_MSG_CONFIG: bind; then copy no payload.
        self.say(2, 1, struct.pack('!BxH', 1, 0)); self.say(2, 2, struct.pack('!IB', 0, 1))

    def say(self, kind, attribute, value):
        body = struct.pack('!BBH', 0, 0, self.number) + struct.pack('HH', 4 + len(value), attribute) + value + bytes(-len(value) % 4)
        self.socket.send(struct.pack('IHHII', 16 + len(body), 3 << 8 | kind, 1, 0, 0) + body)

    def packet(self):
        while True:
            data = self.socket.recv(1 << 16)
            # Header 16, nfgenmsg 4, then NFQA_PACKET_HDR, which begins with the packet's number.
            if struct.unpack_from('H', data, 4)[0] == 3 << 8 and struct.unpack_from('H', data, 22)[0] == 1:
                return struct.unpack_from('!I', data, 24)[0]

    def release(self, packet):
        self.say(1, 2, struct.pack('!II', 1, packet))


def reordered(l):
    c, s = pair(l); me = name_of(c); exchange(c, s); c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Queues the segments with text through iptables, as nftables' own queue is rarely available.
    run('iptables', *('-A OUTPUT -p tcp --sport %d --dport %d --tcp-flags PSH PSH -j NFQUEUE --queue-num 7' % (me[1], PORT)).split())
    c.sendall(b'one'); first = holder.packet(); c.sendall(b'two'); second = holder.packet()
    holder.release(second); holder.release(first)
    s.recv(3); s.recv(3); run('iptables', '-F', 'OUTPUT')
    exchange(c, s); c.close(); s.recv(1); s.close()
    fault('reordered', me, name_of(l), ['reordering'], [CLIENT, 'reordered on the path'], ['tail-loss-probe', 'spurious-retransmission'])


def forged_syn(l):
    c, s = pair(l); me = name_of(c); exchange(c, s)
    forge(me, name_of(l), numbers(c)[0] + 5000, 0, SYN); time.sleep(0.02)
    exchange(c, s); c.close(); s.recv(1); s.close()
    fault('forged SYN', me, name_of(l), ['challenge-ack'], ['arrived on the open connection'])


def ports_run_out(l):
    """TIME_WAIT holds all but a few ports of a small range."""
    l = listener(server, 64)
    count = 80
    for number in range(count):
        c = prepared(socket.socket(), '127.0.0.1', 40000 + number); c.connect(name_of(l)); s = l.accept(); me = name_of(c)
        c.close(); s.recv(1); s.close()
        # An ended connection is reported after a moment, and the kernel is queried once a second, or later on a busy
        # machine.
        time.sleep(1.5 if number == count // 2 else 0.03 if number > count // 2 else 0)
    # The finding is reported for the connection that crosses the threshold, which may be any of them.
    fault('ports run out', ('127.0.0.1', 0), name_of(l), ['time-wait-held'],
          [CLIENT, 'of the 100 ports', '40000-40099', 'are left', 'EADDRNOTAVAIL', 'tcp_tw_reuse is 0'],
          # This takes seconds: where all processors are busy a timeout may hit one of the eighty, and that finding is
          # true as well.
          ['retransmission'])


def quick():
    l = listener(server)
    for _ in range(times):
        for steps in (clean_client, clean_bound, clean_server, refused, half_close, unread_data, client_linger, server_linger, killed,
                      exits, destroyed, listener_closed, write_after_close, write_to_full_orphan, self_connect,
                      port_reused, *([rejected_with_reset, rejected_with_icmp, rejected_on_its_way_out, rejected_in_the_middle] if has_rules else []),
                      *([reordered] if has_queues else []), fast_open, tail_loss_probe, vanished, lost_and_found, forged_reset, forged_syn,
                      middlebox, acks_lost, probe):
            steps(l)
    # The host's counters are read at intervals, longer ones on a busy machine: nothing else may be opened in the same
    # interval.
    for _ in range(times):
        ports_run_out(l)
    time.sleep(1.5)
    setting('tcp_syncookies', 2)
    for _ in range(times):
        cookies(l)
    time.sleep(1.5)
    setting('tcp_syncookies', 1)


def slow():
    l = listener(server)
    for _ in range(times):
        for steps in (leak_close_missing, leak_octets_unread, leak_end_unread, orphan, orphan_expires, stale_close_wait,
                      keep_alive_death, user_timeout, zero_window, window_taken_back, queue_full, queue_was_full, dropped_by_filter, signature_missing, *([dropped_by_rule, end_dropped, rst_dropped, answer_dropped, answer_dropped_on_its_way_out] if has_rules else []), accepted_late, deferred, stuck_among_two,
                      nobody_accepts, stopped, quits_before_accept):
            steps(l)
        # Before the SYN is retransmitted, so that the retransmission is let in; a connection not accepted within a
        # second is reported as such.
        let_in()
        say_first_octets()


def other_way():
    """Octets that take another route than the captured one."""
    mine, theirs = '10.98.0.1', '10.98.0.2'
    # Answers are captured whichever way the octets take.
    run('ip', 'address', 'add', mine + '/32', 'dev', 'lo')
    run('ip', 'link', 'add', 'veth2', 'type', 'veth', 'peer', 'name', 'veth3', 'netns', str(there.pid))
    run('ip', 'address', 'add', '10.97.0.1/24', 'dev', 'veth2')
    run('ip', 'link', 'set', 'veth2', 'up')
    for words in ('ip address add 10.97.0.2/24 dev veth3', 'ip link set veth3 up', 'ip address add %s/32 dev lo' % theirs,
                  'ip route add %s via %s' % (mine, HERE), 'sysctl -qw net.ipv4.conf.all.rp_filter=0',
                  'sysctl -qw net.ipv4.conf.veth3.rp_filter=0'):
        there.ask(0, 'run', tuple(words.split()))
    l = listener(there, 64, theirs)
    for _ in range(times):
        run('ip', 'route', 'replace', theirs, 'via', THERE, 'src', mine)
        c, s = pair(l, caller(mine)); me = name_of(c); exchange(c, s)
        run('ip', 'route', 'replace', theirs, 'via', '10.97.0.2', 'src', mine)
        c.sendall(b'unseen'); expect(s.recv(9), b'unseen'); s.sendall(b'seen'); c.recv(9)
        run('ip', 'route', 'replace', theirs, 'via', THERE, 'src', mine)
        exchange(c, s); c.close(); s.recv(1); s.close()
        fault('another way', me, name_of(l), ['capture-gap'], ['6 octets'], ['tail-loss-probe'])


def large_vanish():
    """Behind a router the link is narrower, and its ICMP errors are filtered: a path MTU black hole."""
    l = listener(beyond, 64, '10.94.0.2')
    for _ in range(times):
        c, s = pair(l, caller('10.95.0.1')); exchange(c, s); c.sendall(bytes(2000)); kept.append(c); kept.append(s)
        fault('large segments vanish', name_of(c), name_of(l), ['mtu-black-hole'], [CLIENT, 'PKT_TOO_BIG', 'times in'],
              ['retransmission', 'tail-loss-probe'])


def over_the_link():
    l = listener(there, 64, THERE)
    for _ in range(times):
        c = link_down(l, True)
        fault('link down, user timeout', name_of(c), name_of(l), ['silent-close'], [CLIENT, 'ETIMEDOUT'], ['retransmission'])
        c = link_down(l, False)
        fault('link down, keep-alive', name_of(c), name_of(l), ['keepalive-dead'], [CLIENT, 'ETIMEDOUT'])
    there.ask(0, 'run', ('ip', 'link', 'set', 'veth1', 'down'))
    for c in kept[-2 * times::2]:
        c.sendall(b'lost')


enter_new_network()
setting('tcp_fastopen', 3)
setting('ip_local_port_range', '40000 40099')
setting('tcp_tw_reuse', 0)
call_me('fault-client')
# A program, or the kernel's support for it, may be missing.
has_rules = works('nft', 'add table inet faults; add chain inet faults in { type filter hook input priority 0; };'
                  ' add chain inet faults out { type filter hook output priority 0; }')
has_queues = works(*'iptables -A OUTPUT -p tcp --dport 9 -j NFQUEUE --queue-num 7'.split())
for name, there_is in (('nft', has_rules), ('iptables with NFQUEUE', has_queues)):
    if not there_is:
        print('not made, for want of %s: some faults' % name, flush=True)
if has_queues:
    run('iptables', '-F', 'OUTPUT'); holder = Holder(7)
stale = []
server, sleeper = Worker('fault-server'), Worker('fault-sleeper')
stoppable = [Worker('fault-stopped') for _ in range(times)]
there, beyond = Worker('fault-far', True), Worker('fault-beyond', True)
run('ip', 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1', 'netns', str(there.pid))
run('ip', 'address', 'add', HERE + '/24', 'dev', 'veth0')
run('ip', 'link', 'set', 'veth0', 'up')
there.ask(0, 'run', ('ip', 'address', 'add', THERE + '/24', 'dev', 'veth1'))
there.ask(0, 'run', ('ip', 'link', 'set', 'veth1', 'up'))
# The far host is also a router to a narrower link.
run('ip', 'link', 'add', 'veth4', 'type', 'veth', 'peer', 'name', 'veth5', 'netns', str(there.pid))
run(*('ip link add veth6 netns %d mtu 1200 type veth peer name veth7 netns %d' % (there.pid, beyond.pid)).split())
for words in ('address add 10.95.0.1/24 dev veth4', 'link set veth4 up', 'route add 10.94.0.0/24 via 10.95.0.2'):
    run('ip', *words.split())
for words in ('ip address add 10.95.0.2/24 dev veth5', 'ip link set veth5 up', 'ip address add 10.94.0.1/24 dev veth6',
              'ip link set veth6 up', 'sysctl -qw net.ipv4.ip_forward=1'):
    there.ask(0, 'run', tuple(words.split()))
for words in ('ip address add 10.94.0.2/24 dev veth7', 'ip link set veth7 up', 'ip route add default via 10.94.0.1'):
    beyond.ask(0, 'run', tuple(words.split()))
if has_rules:
    there.ask(0, 'run', ('nft', 'add table inet quiet; add chain inet quiet out { type filter hook output priority 0; };'
                         ' add rule inet quiet out ip protocol icmp drop'))
for _ in range(times):
    leak_from_before(listener(server))
program = subprocess.Popen([tcptrace, '-i', 'lo', '-i', 'veth0', '-i', 'veth4', '-v', '-T', 'json', '-w', out + '/case.pcapng', 'tcp port %d' % PORT], stdout=open(out + '/json', 'w'),
                           stderr=open(out + '/errors', 'w'))
try:
    for _ in range(2000):
        if 'listening on veth4' in open(out + '/errors').read():
            break
        time.sleep(0.01)
    begun = time.monotonic()
    simultaneous_open()
    other_way()
    if has_rules:
        large_vanish()
    over_the_link()
    slow()
    quick()
    accept_late()
    for me, l in stale:
        meet_stale(me, l)
    time.sleep(max(0, 8.5 - (time.monotonic() - begun)))
finally:
    program.send_signal(signal.SIGINT)
    program.wait(30)
    for worker in list(workers):
        worker.end(signal.SIGKILL)
