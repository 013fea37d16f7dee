#!/usr/bin/env python3
"""`tern gateway`: UDP, names and pings, by what the guest's programs see."""

import os
import socket
import struct
import subprocess
import sys
import threading
import unittest

from gateway_world import ELSEWHERE, FAMILY, GATEWAY, LOOPBACK, UdpServer, World

WORLD = None

# What the guest runs: connected sockets, each result on a line of its own.
PRELUDE = """
import errno, hashlib, json, os, socket, struct, sys, time
def ask(address, port, data, seconds=20):
    with socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        s.connect((address, port))
        s.send(data)
        try:
            return s.recv(70000)
        except OSError as error:
            return errno.errorcode.get(error.errno, 'timeout')
"""


def query(number, name):
    """A DNS query (RFC 1035 4.1) for an A record."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def answer_with(address):
    def answer(data):
        question = data[12:data.index(b"\0", 12) + 5]       # without the OPT record that may follow
        return (data[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + question +
                b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 60, 4) + socket.inet_aton(address))
    return answer


class Udp(unittest.TestCase):
    def guest(self, code, *arguments, **more):
        done = WORLD.python(PRELUDE + code, *map(str, arguments), **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_datagrams_of_every_size(self):
        for version in WORLD.versions():
            with self.subTest(version=version), UdpServer(bytes, LOOPBACK[version]) as server:
                largest = 65507 if version == 4 else 65472      # the latter: what a device of 65520 octets carries
                lines = self.guest("""
for n in (0, 1, 2, 1200, 1472, 1473, 9000, 32768, int(sys.argv[3])):
    data = os.urandom(n)
    print(n, ask(sys.argv[1], int(sys.argv[2]), data) == data)
""", GATEWAY[version], server.port, largest)
                self.assertEqual([line.split()[1] for line in lines], ["True"] * 9, lines)

    def test_fragments_at_a_small_mtu(self):
        with UdpServer(bytes) as server:
            self.assertEqual(self.guest("""
data = os.urandom(60000)
print(ask(sys.argv[1], int(sys.argv[2]), data) == data)
""", GATEWAY[4], server.port, options=("--mtu", "1500")), ["True"])

    def test_datagrams_that_the_guest_hands_over_joined(self):
        """UDP_SEGMENT (udp(7)): they cross the device as one packet, and are as many datagrams as the program meant."""
        for version in WORLD.versions():
            with self.subTest(version=version), UdpServer(bytes, LOOPBACK[version]) as server:
                lines = self.guest("""
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect((sys.argv[1], int(sys.argv[2])))
data = os.urandom(9500)
try:
    s.sendmsg([data], [(17, 103, struct.pack('=H', 1000))])
except OSError as error:
    print('skip', error)
    sys.exit()
print([data[i:i + 1000] == s.recv(70000) for i in range(0, 9500, 1000)])
""", GATEWAY[version], server.port)
                if lines[0].startswith("skip"):
                    self.skipTest(lines[0])
                self.assertEqual(lines, [str([True] * 10)])

    def test_one_flow_keeps_its_order_and_its_port(self):
        with UdpServer(bytes) as server:
            lines = self.guest("""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect((sys.argv[1], int(sys.argv[2])))
for i in range(0, 1000, 10):
    for k in range(10):
        s.send(b'%d' % (i + k))
    print(*[s.recv(100).decode() for k in range(10)])
""", GATEWAY[4], server.port)
            self.assertEqual(" ".join(lines).split(), [str(i) for i in range(1000)])
            self.assertEqual(len(set(server.seen)), 1)

    def test_many_flows_at_once(self):
        with UdpServer(bytes) as server:
            self.assertEqual(self.guest("""
all, n = [], 0
for i in range(0, 500, 50):     # no more at once than the server's queue holds
    new = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for k in range(50)]
    for k, s in enumerate(new):
        s.settimeout(20)
        s.connect((sys.argv[1], int(sys.argv[2])))
        s.send(b'%d' % (i + k))
    n += sum(s.recv(100) == b'%d' % (i + k) for k, s in enumerate(new))
    all += new
print(all[0].getsockname()[0], n)
""", GATEWAY[4], server.port), ["10.0.2.100 500"])
            self.assertEqual(len(set(server.seen)), 500)

    def test_beyond_the_limit_datagrams_are_dropped_and_counted(self):
        with UdpServer(bytes) as server:
            done = WORLD.python(PRELUDE + """
n = 0
for i in range(12):
    n += ask(sys.argv[1], int(sys.argv[2]), b'x', 20 if i < 8 else 0.3) == b'x'
print(n)
""", GATEWAY[4], str(server.port), options=("--flows", "8", "--stats"))
            self.assertEqual(done.stdout, "8\n")
            self.assertIn("flows_refused 4", done.stderr)

    def test_closed_port_is_refused(self):
        for version in WORLD.versions():
            with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as unused:
                unused.bind((LOOPBACK[version], 0))
                port = unused.getsockname()[1]
            with self.subTest(version=version):
                self.assertEqual(self.guest("print(ask(sys.argv[1], int(sys.argv[2]), b'x'))\n" * 2,
                                            GATEWAY[version], port), ["ECONNREFUSED"] * 2)

    def test_server_that_ends(self):
        with UdpServer(bytes) as server:
            with WORLD.running(sys.executable, "-c", PRELUDE + """
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b'x')
print(s.recv(10), flush=True)
sys.stdin.readline()
s.send(b'y')
try:
    print(s.recv(10))
except OSError as error:
    print(errno.errorcode[error.errno])
""", GATEWAY[4], str(server.port), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), "b'x'\n")
                server.__exit__()
                process.stdin.write("\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), "ECONNREFUSED\n")

    def test_unreachable_and_forbidden_are_told(self):
        """As ICMP, which a program reads that asks for it (IP_RECVERR): its type and code."""
        code = """
def told(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 11, 1)
    s.settimeout(20)
    s.connect((address, port))
    s.send(b'x')
    try:
        s.recv(10)
    except OSError:
        pass
    for level, kind, data in s.recvmsg(10, 200, socket.MSG_ERRQUEUE)[1]:
        if (level, kind) == (0, 11):
            number, origin, kind, code = struct.unpack('=IBBB', data[:7])
            return f'{kind}/{code}'
for address in sys.argv[1:]:
    print(told(address, 9000))
"""
        self.assertEqual(self.guest(code, "10.0.2.77", "10.0.2.2", "192.0.2.1", options=("--no-host-loopback",)),
                         ["3/1", "3/13", "3/0"])
        self.assertEqual(self.guest(code, "198.51.100.7", "10.0.2.3", options=("--deny", "198.51.100.0/24")),
                         ["3/13", "3/3"])

    def test_only_the_peer_may_answer(self):
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.bind(("127.0.0.1", 0))

        def answer(data):
            stranger.sendto(b"forged", server.seen[-1])
            return data

        with stranger, UdpServer(answer) as server:
            self.assertEqual(self.guest("""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.sendto(b'x', (sys.argv[1], int(sys.argv[2])))
got = []
try:
    while True:
        got.append(s.recv(100))
        s.settimeout(1)
except OSError:
    print(got)
""", GATEWAY[4], server.port), ["[b'x']"])

    def test_unprivileged(self):
        if not WORLD.can_be_nobody():
            self.skipTest("no other user can be had")
        with UdpServer(bytes) as server:
            done = WORLD.run("bash", "-c", f"exec 3<>/dev/udp/10.0.2.2/{server.port}; echo hello >&3; "
                                           "timeout 20 head -n 1 <&3", nobody=True)
            self.assertEqual((done.stdout, done.stderr), ("hello\n", ""))


class Forwards(unittest.TestCase):
    def test_datagrams_from_outside(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        code = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 5353))
print('up', flush=True)
while True:
    data, peer = s.recvfrom(70000)
    s.sendto(peer[0].encode() + b' ' + data, peer)
"""
        with WORLD.running(sys.executable, "-c", code, options=("-p", f"127.0.0.1:{port}:5353/udp"),
                           stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "up\n")
            clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
            # One with the port of another, at another address: the guest must still tell them apart.
            clients[0].bind(("127.0.0.1", 0))
            clients[1].bind(("127.0.0.2", clients[0].getsockname()[1]))
            for i, client in enumerate(clients):
                client.settimeout(20)
                client.sendto(b"%d" % i, ("127.0.0.1", port))
            for i, client in enumerate(clients):
                self.assertEqual(client.recv(100), b"10.0.2.2 %d" % i)
                client.close()


class Names(unittest.TestCase):
    ASK = PRELUDE + """
print(ask('10.0.2.3', 53, bytes.fromhex(sys.argv[1])).hex() if len(sys.argv) < 3 else '')
"""

    def test_by_udp(self):
        with UdpServer(answer_with("192.0.2.80"), "127.0.0.53", 53) as server:
            done = WORLD.python("import socket; print(socket.gethostbyname('www.example.test'))")
            self.assertEqual((done.stdout, done.stderr), ("192.0.2.80\n", ""))
            self.assertTrue(server.seen)

    def test_by_udp_over_ipv6(self):
        if not WORLD.has_ipv6:
            self.skipTest("no IPv6 here")
        with UdpServer(answer_with("192.0.2.81"), "127.0.0.53", 53):
            done = WORLD.python(PRELUDE + "print(ask('fd00::3', 53, bytes.fromhex(sys.argv[1])).hex())",
                                query(7, "a.test").hex())
            self.assertTrue(done.stdout.strip().endswith(socket.inet_aton("192.0.2.81").hex()), done)

    def test_by_tcp(self):
        def serve(connection):
            with connection.makefile("rb") as stream:
                data = stream.read(struct.unpack("!H", stream.read(2))[0])
            reply = answer_with("192.0.2.82")(data)
            connection.sendall(struct.pack("!H", len(reply)) + reply)

        listener = socket.create_server(("127.0.0.53", 53))

        def accept():
            with listener.accept()[0] as connection:
                serve(connection)

        threading.Thread(target=accept, daemon=True).start()
        with listener:
            done = WORLD.python(PRELUDE + """
data = bytes.fromhex(sys.argv[1])
s = socket.create_connection(('10.0.2.3', 53), 20)
s.sendall(struct.pack('!H', len(data)) + data)
print(s.makefile('rb').read().hex())
""", query(9, "b.test").hex())
            self.assertTrue(done.stdout.strip().endswith(socket.inet_aton("192.0.2.82").hex()), done)

    def test_next_resolver_when_the_first_is_down(self):
        with UdpServer(answer_with("192.0.2.83"), "127.0.0.54", 53):
            done = WORLD.python("import socket; print(socket.gethostbyname('www.example.test'))",
                                options=("--stats",))
            self.assertEqual(done.stdout, "192.0.2.83\n", done.stderr)
            self.assertIn("dns_failed 1\n", done.stderr)

    def test_next_resolver_when_the_first_is_silent(self):
        with UdpServer(lambda data: None, "127.0.0.53", 53), UdpServer(answer_with("192.0.2.84"), "127.0.0.54", 53):
            done = WORLD.python("import socket; print(socket.gethostbyname('www.example.test'))")
            self.assertEqual(done.stdout, "192.0.2.84\n", done.stderr)

    def test_no_dns(self):
        with UdpServer(answer_with("192.0.2.85"), "127.0.0.53", 53) as server:
            done = WORLD.python(PRELUDE + "print(ask('10.0.2.3', 53, b'x' * 20))", options=("--no-dns",))
            self.assertEqual((done.stdout, server.seen), ("ECONNREFUSED\n", []))


# A raw socket's ping: with an identifier of its own, and errors as they come. ping(1) is in gateway_programs_test.py.
PING = PRELUDE + """
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
six = ':' in sys.argv[1]
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 58 if six else 1)
s.settimeout(20)
for sequence in (1, 2):
    head = lambda sum: struct.pack('!BBHHH', 128 if six else 8, 0, sum, 4711, sequence)
    body = bytes(range(56))
    s.sendto(head(checksum(head(0) + body)) + body, (sys.argv[1], 0))
    try:
        while True:
            data, peer = s.recvfrom(2000)
            data = data if six else data[20:]
            if data[0] in ((129,) if six else (0, 3)):
                break
        print(peer[0], data[0], data[1], *(struct.unpack('!HH', data[4:8]) if data[0] in (0, 129) else ()),
              data[8:] == body)
    except OSError as error:
        print(error)
"""


class Pings(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("a raw socket in the guest needs its user to be root")

    def set_range(self, text):
        done = WORLD.as_root("sh", "-c", f"echo {text} >/proc/sys/net/ipv4/ping_group_range")
        if done.returncode != 0:
            self.skipTest(f"net.ipv4.ping_group_range: {done.stderr}")

    def test_through_ping_sockets(self):
        self.set_range("0 0")
        for address in (ELSEWHERE[version] for version in WORLD.versions()):
            kind = 129 if ":" in address else 0
            done = WORLD.python(PING, address, options=("--stats",))
            self.assertEqual(done.stdout.splitlines(), [f"{address} {kind} 0 4711 {n} True" for n in (1, 2)],
                             done.stderr)
            self.assertIn("echo_up 2\necho_down 2\n", done.stderr)

    def test_gateway_answers_for_itself(self):
        for version in WORLD.versions():
            done = WORLD.python(PING, GATEWAY[version])
            kind = 129 if version == 6 else 0
            self.assertEqual(done.stdout.splitlines(), [f"{GATEWAY[version]} {kind} 0 4711 {n} True" for n in (1, 2)])

    def test_where_the_system_has_none_it_is_told_and_counted(self):
        self.set_range("1 0")
        done = WORLD.python(PING, "198.51.100.9", options=("--stats",))
        self.assertEqual([line.split()[1:3] for line in done.stdout.splitlines()], [["3", "13"]] * 2)
        self.assertIn("echo_dropped 2\n", done.stderr)
        self.assertIn("net.ipv4.ping_group_range", done.stderr)


if __name__ == "__main__":
    WORLD = World()
    unittest.main()
