# The observers of the traffic: the kernel's own trace of TCP states (sock:inet_sock_set_state), through a separate
# trace instance that is removed again, and tcptrace.
import ctypes, os, signal, subprocess, time

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def must(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)


def record(target, condition, ready, stop):
    """Runs in a child: writes the trace of events that match `condition` to the file `target`. Writes a byte to `ready` when it
    has begun, and ends at a byte from `stop`."""
    instance = '/sys/kernel/tracing/instances/tcptrace-oracle-%d' % os.getppid()
    must(libc.unshare(0x00020000), 'unshare')
    must(libc.mount(b'none', b'/', None, 0x4000 | 0x40000, None), 'private')
    # If tracefs is already mounted, a mount would fail as busy, and is not needed.
    if not os.path.exists('/sys/kernel/tracing/instances'):
        must(libc.mount(b'tracefs', b'/sys/kernel/tracing', b'tracefs', 0, None), 'mount tracefs')
    for old in os.listdir('/sys/kernel/tracing/instances'):
        # Left behind by a test that was killed: its process no longer exists.
        if old.startswith('tcptrace-oracle-') and not os.path.exists('/proc/' + old.split('-')[-1]):
            os.rmdir('/sys/kernel/tracing/instances/' + old)
    os.mkdir(instance)
    try:
        write(instance + '/buffer_size_kb', '8192')
        write(instance + '/events/sock/inet_sock_set_state/filter', condition)
        write(instance + '/events/sock/inet_sock_set_state/enable', '1')
        os.write(ready, b'1')
        os.read(stop, 1)
        write(instance + '/events/sock/inet_sock_set_state/enable', '0')
        for cpu in os.listdir(instance + '/per_cpu'):
            with open(instance + '/per_cpu/' + cpu + '/stats') as stats:
                assert 'overrun: 0\n' in stats.read().split('commit')[0], 'the trace instance ran over'
        with open(instance + '/trace') as source, open(target, 'w') as copy:
            copy.write(source.read())
    finally:
        os.rmdir(instance)


class Recorder:
    """Records from its creation until `end`."""

    def __init__(self, target, condition):
        (ready_read, ready_write), (stop_read, self.stop) = os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self.stop)
            record(target, condition, ready_write, stop_read)
            os._exit(0)
        os.close(ready_write)
        if os.read(ready_read, 1) != b'1':
            raise RuntimeError('the kernel cannot be traced: see above')

    def end(self):
        os.write(self.stop, b'1')
        if os.waitpid(self.child, 0)[1] != 0:
            raise RuntimeError('the kernel could not be traced: see above')


class Tracer:
    """tcptrace on lo; it ends with this process, however that ends."""

    def __init__(self, tcptrace, out, *arguments):
        self.errors = out + '/errors'
        self.process = subprocess.Popen(
            [tcptrace, '-i', 'lo', '-v', '-T', 'json', *arguments], stdout=open(out + '/json', 'w'), stderr=open(self.errors, 'w'),
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        for _ in range(1000):
            if 'listening on lo' in open(self.errors).read():
                return
            time.sleep(0.01)
        self.process.kill()
        raise RuntimeError('tcptrace does not listen: ' + open(self.errors).read())

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
