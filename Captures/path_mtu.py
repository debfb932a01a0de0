# Records path-mtu.pcapng and mtu-black-hole.pcapng in three temporary network namespaces: client, router and
# server.
#
#     sudo python3 Captures/path_mtu.py [TCPTRACE]
#
# The router's link to the server has an MTU of 1200 octets. The capture is made at the client's end.
import ctypes, os, signal, socket, subprocess, sys, time

program = sys.argv[1] if len(sys.argv) > 1 else '.build/debug/tcptrace'
folder = os.path.dirname(os.path.abspath(__file__))
CLIENT, ROUTER, SERVER = 'path-client', 'path-router', 'path-server'


def ip(words):
    subprocess.run(['ip'] + words.split(), check=True)


def inside(namespace, words):
    subprocess.run(['ip', 'netns', 'exec', namespace] + words.split(), check=True)


def build():
    for name in (CLIENT, ROUTER, SERVER):
        ip('netns add ' + name)
        inside(name, 'ip link set lo up')
    ip('link add veth0 netns %s type veth peer name veth1 netns %s' % (CLIENT, ROUTER))
    ip('link add veth2 mtu 1200 netns %s type veth peer name veth3 netns %s' % (ROUTER, SERVER))
    for name, device, address in ((CLIENT, 'veth0', '192.0.2.1'), (ROUTER, 'veth1', '192.0.2.254'), (ROUTER, 'veth2', '198.51.100.254'),
                                  (SERVER, 'veth3', '198.51.100.2')):
        inside(name, 'ip address add %s/24 dev %s' % (address, device))
        inside(name, 'ip link set %s up' % device)
    inside(CLIENT, 'ip route add default via 192.0.2.254')
    inside(SERVER, 'ip route add default via 198.51.100.254')
    inside(ROUTER, 'sysctl -qw net.ipv4.ip_forward=1')
    # No GSO: each captured frame is one segment on the wire.
    inside(CLIENT, 'ip link set veth0 gso_max_segs 1')


def socket_in(namespace):
    own, other = os.open('/proc/self/ns/net', os.O_RDONLY), os.open('/run/netns/' + namespace, os.O_RDONLY)
    enter(other)
    try:
        return socket.socket()
    finally:
        enter(own)
        os.close(own); os.close(other)


def enter(descriptor):
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0x40000000) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


def record(name, seconds):
    listener = socket_in(SERVER); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('198.51.100.2', 9500)); listener.listen(1)
    trace = subprocess.Popen(['ip', 'netns', 'exec', CLIENT, program, '-i', 'veth0', '-s', '2048', '-w', '%s/%s.pcapng' % (folder, name),
                              'tcp port 9500 or icmp'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while 'listening' not in trace.stderr.readline():
        pass
    time.sleep(0.3)
    client = socket_in(CLIENT); client.connect(('198.51.100.2', 9500)); server, _ = listener.accept()
    client.sendall(b'hello'); server.recv(9); client.sendall(bytes(4000)); time.sleep(seconds)
    server.setblocking(False)
    if seconds < 1:
        server.recv(1 << 16); client.close(); time.sleep(0.1); server.close(); time.sleep(0.3)
    trace.send_signal(signal.SIGINT); trace.wait(); client.close(); server.close(); listener.close()


try:
    build()
    record('path-mtu', 0.3)
    inside(CLIENT, 'ip route flush cache')
    inside(ROUTER, 'iptables -A OUTPUT -p icmp -j DROP')
    record('mtu-black-hole', 3.5)
finally:
    for name in (CLIENT, ROUTER, SERVER):
        subprocess.run(['ip', 'netns', 'delete', name])
