#!/usr/bin/env python3
# Records the captures of this folder that `tcptrace lab --save` does not make. README.md says what each one shows.
#
#     sudo python3 Captures/record.py [--bin .build/debug] [NAME ...]

import argparse
import os
import signal
import socket
import subprocess
import time

from relay import ACK, ADDRESSES, FIN, PSH, RST, SYN, Packet, Relay

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 9500
LOCAL = ("127.0.0.1", PORT)


def listener(backlog=5):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(LOCAL)
    server.listen(backlog)
    return server


def pair():
    """Returns a listener, and the server's and the client's end of one connection to it."""
    server = listener()
    client = socket.create_connection(LOCAL)
    accepted, _ = server.accept()
    return server, accepted, client


class LabPrograms:
    """Runs lab-server and lab-client with these arguments; `lines` is the client's standard input."""

    def __init__(self, server, client, lines):
        self.server, self.client, self.lines = server, client, lines

    def __call__(self):
        server = subprocess.Popen(
            [BIN + "/lab-server", "--port", str(PORT)] + self.server, stdout=subprocess.PIPE, text=True
        )
        try:
            server.stdout.readline()
            subprocess.run(
                [BIN + "/lab-client", "--port", str(PORT)] + self.client, input=self.lines, text=True, timeout=10,
                stdout=subprocess.DEVNULL,
            )
            time.sleep(0.4)
        finally:
            server.terminate()
            server.wait()


def reset_unread_data():
    _, accepted, client = pair()
    client.sendall(b"read me\n")
    time.sleep(0.1)
    accepted.close()  # with the line still unread
    time.sleep(0.1)


def write_to_closed_peer():
    _, accepted, client = pair()
    client.close()
    time.sleep(0.1)
    accepted.sendall(b"too late\n")  # goes out: the peer's FIN only said that it will not send
    time.sleep(0.1)
    try:
        accepted.sendall(b"again\n")
    except BrokenPipeError:
        pass


def self_connect():
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(LOCAL)
    one.connect(LOCAL)
    one.sendall(b"echo\n")
    one.recv(100)
    time.sleep(0.1)
    one.close()
    time.sleep(0.1)


def syn_unanswered():
    server = listener(backlog=0)
    first = socket.create_connection(LOCAL)  # fills the accept queue
    second = socket.socket()
    second.bind(("127.0.0.1", PORT + 1))
    second.settimeout(4.5)
    try:
        second.connect(LOCAL)
    except TimeoutError:
        pass
    for end in (second, first, server):
        end.close()


def from_port(port):
    """Connects from this very port, even if an old connection from it has not quite ended."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(("127.0.0.1", port))
    client.connect(LOCAL)
    return client


def time_wait_reused():
    server = listener()
    for line in (b"first\n", b"second\n"):
        client = from_port(PORT + 1)  # the second time its TIME_WAIT is still there
        accepted, _ = server.accept()
        client.sendall(line)
        accepted.recv(100)
        time.sleep(0.1)
        client.close()
        accepted.recv(100)
        accepted.close()
        time.sleep(1.1)  # net.ipv4.tcp_tw_reuse_delay


def stale_close_wait():
    server = listener()
    first = from_port(PORT + 1)
    forgotten, _ = server.accept()
    first.sendall(b"hello\n")
    forgotten.recv(100)
    first.close()
    time.sleep(61)  # until the client's kernel has dropped its FIN_WAIT_2, and the port is free
    second = from_port(PORT + 1)
    accepted, _ = server.accept()
    second.sendall(b"again\n")
    accepted.recv(100)
    time.sleep(0.1)
    for end in (second, accepted, forgotten):
        end.close()
    time.sleep(0.1)


def keepalive():
    _, accepted, client = pair()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    client.sendall(b"hello\n")
    accepted.recv(100)
    time.sleep(3.5)
    client.close()
    accepted.recv(100)
    accepted.close()
    time.sleep(0.1)


# The following recordings need control over the wire: each gets a Relay, and the capture is made in namespace a.


def simultaneous_open(relay):
    # The first SYN is held until the other side has sent its own.
    relay.hold = lambda packet: packet.flags & (SYN | ACK) == SYN
    ends = [relay.socket(0), relay.socket(1)]
    for side, end in enumerate(ends):
        end.bind((ADDRESSES[side], PORT))
        end.setblocking(False)
        end.connect_ex((ADDRESSES[1 - side], PORT))
    time.sleep(0.3)
    for end in ends:
        end.setblocking(True)
    ends[0].sendall(b"hello\n")
    ends[1].recv(100)
    time.sleep(0.1)
    for end in reversed(ends):
        end.close()
        time.sleep(0.1)


def simultaneous_close(relay):
    client, server = relay.pair(PORT)
    client.sendall(b"hello\n")
    server.recv(100)
    time.sleep(0.1)
    relay.hold = lambda packet: packet.flags & FIN
    client.close()
    server.close()
    time.sleep(0.2)


def closed_pair(relay):
    """Opens and closes a connection, leaving TIME_WAIT at the client. Returns the packet with the server's text."""
    client, server = relay.pair(PORT)
    server.sendall(b"hello\n")
    client.recv(100)
    time.sleep(0.1)
    client.close()
    time.sleep(0.1)
    server.close()
    time.sleep(0.1)
    return next(packet for packet in relay.seen[1] if packet.payload)


def time_wait_assassination(relay):
    # An old duplicate of the server's text reaches the client's TIME_WAIT (RFC 1337).
    relay.inject(closed_pair(relay), to=0)
    time.sleep(0.2)


def challenge_acks(relay):
    client, server = relay.pair(PORT)
    server.sendall(b"hello\n")
    client.recv(100)
    time.sleep(0.2)
    sent = next(packet for packet in relay.seen[1] if packet.payload)
    expected = sent.sequence + len(sent.payload)  # RCV.NXT of the client

    def forged(flags, sequence, acknowledgment=0, payload=b""):
        forged = Packet(sent.data[: sent.payload_start] + payload)
        forged.data[forged.start + 13] = flags
        forged.put(4, "!I", sequence)
        if acknowledgment:
            forged.put(8, "!I", sent.field(8, "!I") + acknowledgment)
        return forged

    old = forged(PSH | ACK, sent.sequence, payload=sent.payload)
    stamp = old.data.index(b"\x08\x0a", old.start + 20) + 2
    value = int.from_bytes(old.data[stamp : stamp + 4], "big")
    old.data[stamp : stamp + 4] = ((value - 100_000) % 2**32).to_bytes(4, "big")
    for packet in (
        forged(RST, expected + 100),  # in the window, not exact
        forged(SYN, expected + 50),  # a SYN inside the connection
        forged(ACK, expected, acknowledgment=2_000_000_000),  # acknowledges what was never sent
        old,  # the server's text again with an older timestamp than the last: PAWS
    ):
        relay.inject(packet, to=0)
        time.sleep(0.6)  # tcp_invalid_ratelimit is 0.5 s
    client.sendall(b"still here\n")
    server.recv(100)
    time.sleep(0.1)
    client.close()
    time.sleep(0.1)
    server.close()
    time.sleep(0.1)


# The action of each recording, and its capture filter: None for the default one, RELAYED if the action takes a Relay.
RELAYED = object()
RECORDINGS = {
    "half-close": (LabPrograms(["--slow-close", "0.3", "--farewell", "bye"], ["--half-close"], "hello\nfin\n"), None),
    "server-closes-first": (LabPrograms(["--close", "--fin-wait", "0"], ["--slow-close", "0.3"], "hello\nfin\n"), None),
    "reset-unread-data": (reset_unread_data, None),
    "write-to-closed-peer": (write_to_closed_peer, None),
    "self-connect": (self_connect, None),
    "syn-unanswered": (syn_unanswered, f"tcp port {PORT + 1}"),
    "ipv6": (LabPrograms(["--close", "--host", "::1"], ["--host", "::1"], "hello\nfin\n"), None),
    "keepalive": (keepalive, None),
    "time-wait-reused": (time_wait_reused, None),
    "stale-close-wait": (stale_close_wait, None),
    "simultaneous-open": (simultaneous_open, RELAYED),
    "simultaneous-close": (simultaneous_close, RELAYED),
    "time-wait-assassination": (time_wait_assassination, RELAYED),
    "challenge-acks": (challenge_acks, RELAYED),
}


def record(name):
    action, words = RECORDINGS[name]
    if words is RELAYED:
        with Relay() as relay:
            trace(name, lambda: action(relay), ["ip", "netns", "exec", relay.names[0]], relay.interface)
    else:
        trace(name, action, [], "lo", words)


def trace(name, action, prefix, interface, words=None):
    command = prefix + [BIN + "/tcptrace", "-i", interface, "-s", "2048", "-w", f"{HERE}/{name}.pcapng"]
    tracer = subprocess.Popen(
        command + (words or f"tcp port {PORT}").split(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    print(name, tracer.stderr.readline().strip(), sep=": ")
    time.sleep(0.2)
    try:
        action()
        time.sleep(0.2)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=10)


arguments = argparse.ArgumentParser()
arguments.add_argument("--bin", default=".build/debug")
arguments.add_argument("names", nargs="*", metavar="NAME", help=", ".join(RECORDINGS))
arguments = arguments.parse_args()
BIN = os.path.abspath(arguments.bin)
for chosen in arguments.names or RECORDINGS:
    record(chosen)
