# Two network namespaces and a programmable wire between them: it can hold segments back, repeat old ones, and forge new
# ones. Used by record.py; needs root.

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ADDRESSES = ("10.95.0.1", "10.95.0.2")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def run(*words):
    subprocess.run(words, check=True)


@contextlib.contextmanager
def namespace(name):
    """Moves this thread into a network namespace for the duration of the `with` block."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if LIBC.setns(there, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        LIBC.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


class Packet:
    """An IPv4 packet that carries TCP. `packed` computes its length and checksums anew."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.start = (data[0] & 15) * 4

    def field(self, offset, form):
        return struct.unpack_from(form, self.data, self.start + offset)[0]

    def put(self, offset, form, value):
        struct.pack_into(form, self.data, self.start + offset, value & (2 ** (8 * struct.calcsize(form)) - 1))

    @property
    def flags(self):
        return self.data[self.start + 13]

    @property
    def sequence(self):
        return self.field(4, "!I")

    @property
    def payload_start(self):
        return self.start + (self.data[self.start + 12] >> 4) * 4

    @property
    def payload(self):
        return bytes(self.data[self.payload_start :])

    def packed(self):
        length = len(self.data)
        struct.pack_into("!HH", self.data, 2, length, self.field(-self.start + 4, "!H"))
        struct.pack_into("!H", self.data, 10, 0)
        struct.pack_into("!H", self.data, 10, checksum(self.data[: self.start]))
        self.put(16, "!H", 0)
        segment = self.data[self.start :]
        pseudo = bytes(self.data[12:20]) + struct.pack("!HH", 6, len(segment))
        self.put(16, "!H", checksum(pseudo + bytes(segment)))
        return bytes(self.data)


def checksum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Relay:
    """The namespaces tcptrace-a and tcptrace-b; TCP from one goes to the other, unless `hold` returns true for it."""

    names = ("tcptrace-a", "tcptrace-b")
    interface = "tun0"

    def __enter__(self):
        self.tuns, self.sockets, self.held, self.seen = [], [], {}, ([], [])
        self.hold = lambda packet: False
        for side, name in enumerate(self.names):
            run("ip", "netns", "add", name)
            with namespace(name):
                tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", self.interface.encode(), IFF_TUN | IFF_NO_PI))
                self.tuns.append(tun)
                # Router solicitations and the like would only add noise.
                with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w") as switch:
                    switch.write("1")
            run("ip", "-n", name, "address", "add", ADDRESSES[side], "peer", ADDRESSES[1 - side], "dev", self.interface)
            run("ip", "-n", name, "link", "set", self.interface, "up")
        self.running = True
        self.thread = threading.Thread(target=self.forward)
        self.thread.start()
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()
        time.sleep(0.1)
        self.running = False
        self.thread.join()
        for tun in self.tuns:
            os.close(tun)
        for name in self.names:
            run("ip", "netns", "delete", name)

    def forward(self):
        while self.running:
            for tun in select.select(self.tuns, [], [], 0.05)[0]:
                side = self.tuns.index(tun)
                data = os.read(tun, 65536)
                if data[0] >> 4 != 4 or data[9] != 6:
                    continue
                packet = Packet(data)
                if not self.hold(packet):
                    self.seen[side].append(packet)
                    os.write(self.tuns[1 - side], data)
                    continue
                # Held until the other side has sent such a packet too: then both are forwarded, and the answers cross
                # as well.
                self.held[side] = packet
                if len(self.held) == 2:
                    for sender in (1, 0):
                        os.write(self.tuns[1 - sender], bytes(self.held[sender].data))
                    self.held = {}
                    self.hold = lambda packet: False

    def inject(self, packet, to):
        os.write(self.tuns[to], packet.packed())

    def socket(self, side):
        with namespace(self.names[side]):
            one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sockets.append(one)
        return one

    def pair(self, port):
        """Opens a connection, and returns the client's socket in namespace a and the server's in b."""
        listener = self.socket(1)
        listener.bind((ADDRESSES[1], port))
        listener.listen(5)
        client = self.socket(0)
        client.connect((ADDRESSES[1], port))
        server, _ = listener.accept()
        self.sockets.append(server)
        return client, server
