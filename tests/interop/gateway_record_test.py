#!/usr/bin/env python3
"""`tern record ... gateway`: a gateway's run is kept, and had again byte for byte, with no guest, no sockets and no clock;
and drawn, asked what it waits for, and made a page of."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "support"))
from pcapng import INBOUND, OUTBOUND, packets  # pylint: disable=wrong-import-position
from gateway_world import World  # pylint: disable=wrong-import-position

LIMIT = 300
SIZE = 3_000_000

# Text both ways, many small connections, a reset, a refusal, a half-close; UDP there and back, and to where nobody is.
GUEST = """
import socket, struct, sys
def to(port, family=socket.AF_INET):
    return socket.create_connection(("10.0.2.2" if family == socket.AF_INET else "fd00::2", port), 20)
port, closed, udp, size, ipv6 = map(int, sys.argv[1:])
with to(port) as s:
    s.sendall(b"u" * size)
    s.shutdown(socket.SHUT_WR)
    got = 0
    while piece := s.recv(65536):
        got += len(piece)
    assert got == size, got
for family in (socket.AF_INET, socket.AF_INET6) if ipv6 else (socket.AF_INET,):
    for i in range(20):
        with to(port, family) as s:
            s.sendall(b"%d" % i)
            s.shutdown(socket.SHUT_WR)
            assert s.recv(100) == b"%d" % i
with to(port) as s:
    s.sendall(b"gone")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
try:
    to(closed)
    raise SystemExit("not refused")
except ConnectionRefusedError:
    pass
def ask(s, n):
    for _ in range(20):     # a bad link may lose it, or its answer
        try:
            s.send(b"d" * n)
            while len(s.recv(20000)) != n:
                pass
            return
        except TimeoutError:
            pass
    raise SystemExit("no answer by UDP")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(2)
    s.connect(("10.0.2.2", udp))
    for n in (1, 1000, 9000):
        ask(s, n)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(2)
    s.connect(("10.0.2.2", closed))
    try:
        ask(s, 1)
        raise SystemExit("UDP not refused")
    except ConnectionRefusedError:
        pass
print("well")
"""


def echo(listener):
    def serve(connection):
        try:
            with connection:
                while piece := connection.recv(65536):
                    connection.sendall(piece)
        except OSError:
            pass

    def run():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()


def echo_datagrams(sock):
    def run():
        while True:
            try:
                data, who = sock.recvfrom(65536)
                sock.sendto(data, who)
            except OSError:
                return
    threading.Thread(target=run, daemon=True).start()


class Recorded(unittest.TestCase):
    def setUp(self):
        self.file = os.path.join(WORLD.work, "run.tern")
        self.listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.closed = socket.socket()
        self.closed.bind(("127.0.0.1", 0))      # bound and not listening: nobody else gets it meanwhile
        for each in (self.listener, self.udp, self.closed):
            self.addCleanup(each.close)
        echo(self.listener)
        echo_datagrams(self.udp)

    def tern(self, *arguments, code=0):
        done = subprocess.run([WORLD.tern, *arguments], capture_output=True, text=True, timeout=LIMIT, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, code, (arguments, done.stdout[-500:], done.stderr[-2000:]))
        return done.stdout

    def record(self, *options, size=SIZE):
        ipv6 = os.path.exists("/proc/net/if_inet6") and "--no-ipv6" not in options
        return self.tern("record", "-o", self.file, "gateway", *options, "--", sys.executable, "-c", GUEST,
                         *map(str, (self.listener.getsockname()[1], self.closed.getsockname()[1], self.udp.getsockname()[1],
                                    size, int(ipv6))))

    def replays(self, least):
        out = self.tern("replay", self.file)
        found = re.fullmatch(r"(\d+) inputs, (\d+) packets, identical\n", out)
        self.assertTrue(found, out)
        self.assertGreater(int(found[2]), least)
        return int(found[1])

    def test_it_comes_again(self):
        self.assertEqual(self.record(), "well\n")
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)     # it holds a secret
        inputs = self.replays(40)
        events = [json.loads(line) for line in self.tern("replay", self.file, "--json").splitlines()]
        segments = [event for event in events if event["ev"] == "segment"]
        told = [event for event in segments if event["host"] == "tern"]
        self.assertEqual({event["basis"] for event in segments if event["host"] == "guest"}, {"observed", "inferred"})
        self.assertFalse(any("basis" in event for event in told))
        up = sum(event["len"] for event in told if event["dir"] == "rx" and event["verdict"] == "accepted")
        down = sum(event["len"] for event in told if event["dir"] == "tx" and "again_of" not in event)
        self.assertGreaterEqual(up, SIZE)
        self.assertGreaterEqual(down, SIZE)
        states = {(event["from"], event["to"]) for event in events if event["ev"] == "state"}
        self.assertLessEqual({("LISTEN", "SYN-RECEIVED"), ("SYN-RECEIVED", "ESTABLISHED"), ("ESTABLISHED", "CLOSE-WAIT"),
                              ("CLOSE-WAIT", "LAST-ACK"), ("LAST-ACK", "CLOSED")}, states)
        self.assertGreater(len({event["conn"] for event in told}), 20)
        ladder = self.tern("replay", self.file, "--ladder")
        self.assertIn("10.0.2.100:", ladder)
        for words in ("#1 SYN-RECEIVED", "#1 ESTABLISHED", "#1 LAST-ACK", "waiting ╰─────►┨"):
            self.assertTrue(words in ladder, f"{words}:\n{ladder[:3000]}")
        seen = set()
        for n in range(1, inputs, max(1, inputs // 12)):
            self.tern("replay", self.file, "--to", str(n))
            seen.update(json.loads(line)["waits"] for line in
                        self.tern("stuck", "--all", "--json", "--to", str(n), self.file).splitlines())
        self.assertTrue(seen)
        self.tern("report", self.file, "-o", f"{WORLD.work}/page.html")
        self.assertGreater(os.path.getsize(f"{WORLD.work}/page.html"), 50000)

    def test_over_a_bad_link_and_without_offloads(self):
        for options in (("--delay", "5ms", "--loss", "1%", "--reorder", "2%", "--seed", "3"), ("--plain", "--mtu", "1500"),
                        ("--tun", "--no-ipv6", "--pcap", f"{WORLD.work}/run.pcapng")):
            with self.subTest(options):
                self.assertEqual(self.record(*options, size=200_000), "well\n")
                self.replays(40)
                if "--pcap" in options:
                    self.compare_captures(f"{WORLD.work}/run.pcapng", f"{WORLD.work}/again.pcapng")

    def compare_captures(self, live, again):
        """What the gateway wrote while it ran, and what its recording gives: the same packets each way, the same words."""
        self.tern("replay", self.file, "--pcap", again)
        table = [[line.split() for line in self.tern("trace", file).splitlines()] for file in (live, again)]
        self.assertGreater(len(table[0]), 20)
        self.assertEqual(len(table[0]), len(table[1]))
        for direction in (INBOUND, OUTBOUND):
            of_live, of_again = ([(packet, comment) for _, way, packet, comment in packets(file) if way == direction]
                                 for file in (live, again))
            self.assertGreater(len(of_live), 40)
            self.assertEqual(of_live, of_again)

    def test_it_is_killed_and_what_it_did_is_there(self):
        """Up to what it was doing when it was killed: the open connection, and for what that waits."""
        guest = ("import socket, sys; s = socket.create_connection(('10.0.2.2', int(sys.argv[1])), 20); s.sendall(b'x' * 5000)\n"
                 "n = 0\n"
                 "while n < 5000: n += len(s.recv(5000))\n"
                 "print('there', flush=True); sys.stdin.read()\n")
        with WORLD.running(sys.executable, "-c", guest, str(self.listener.getsockname()[1]), options=("--record", self.file),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gateway:
            self.assertEqual(gateway.stdout.readline(), "there\n")
            gateway.kill()
            gateway.wait(LIMIT)
        out = self.tern("replay", self.file, code=1)
        self.assertRegex(out, r"^\d+ inputs, \d+ packets, identical\n$")
        events = [json.loads(line) for line in self.tern("replay", self.file, "--json", code=1).splitlines()]
        told = [event for event in events if event["ev"] == "segment" and event["host"] == "tern"]
        for direction in ("rx", "tx"):
            self.assertEqual(sum(event["len"] for event in told if event["dir"] == direction), 5000)
        self.assertEqual([(event["from"], event["to"]) for event in events if event["ev"] == "state"][-1],
                         ("SYN-RECEIVED", "ESTABLISHED"))
        self.assertIn("ESTABLISHED", self.tern("stuck", "--all", self.file, code=1))
        self.tern("report", self.file, "-o", f"{WORLD.work}/page.html", code=1)

    def test_a_changed_byte_is_told(self):
        self.record(size=1000)
        with open(self.file, "rb") as file:
            data = bytearray(file.read())
        command = struct.unpack_from("<I", data, 12)[0]
        data[16 + command + 200] ^= 1
        with open(self.file, "wb") as file:
            file.write(data)
        self.tern("replay", self.file, code=2)

    def test_what_cannot_be(self):
        done = subprocess.run([WORLD.tern, "gateway", "--record", "/no/such", "--", "true"], capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--record: cannot write '/no/such': No such file", done.stderr)
        done = subprocess.run([WORLD.tern, "gateway", "--record", "/dev/full", "--", "true"], capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        self.assertIn("--record: '/dev/full' is not whole: No space left", done.stderr)


if __name__ == "__main__":
    WORLD = World()
    unittest.main()
