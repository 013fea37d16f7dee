#!/usr/bin/env python3
"""`tern gateway` under load: a thousand connections at once, ten thousand in sequence, and a mixture for as long as is
asked for. Nothing is lost, nothing is left over - no flow, no block, no chunk, no descriptor, no socket of the host's -
and memory stays where it was.

TERN_SOAK=600: seconds of the mixture; 12 where it is not given.
"""

import contextlib
import hashlib
import json
import os
import random
import re
import resource
import selectors
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
import unittest

from gateway_world import FAMILY, GATEWAY, LOOPBACK, TcpServer, UdpServer, World, await_true

WORLD = None
HERE = os.path.abspath(__file__)    # a copy of it, once there is a WORLD
AT_ONCE = 1000
IN_SEQUENCE = 10000
SOAK = float(os.environ.get("TERN_SOAK", "12"))
PATIENCE = 120
MIB = 1 << 20


def allow_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16384), most))


# ---- in the guest -------------------------------------------------------------------------------


def say(*words):
    print(*words, flush=True)


def at_once(address, port, count):
    """Opens them all, asks on each, waits to be told, closes them."""
    socks = [socket.create_connection((address, port), PATIENCE) for _ in range(count)]
    for i, sock in enumerate(socks):
        sock.sendall(b"%8d" % i)
    say(sum(sock.recv(8, socket.MSG_WAITALL) == b"%8d" % i for i, sock in enumerate(socks)))
    sys.stdin.readline()
    for sock in socks:
        sock.close()
    say("closed")
    sys.stdin.readline()


def in_sequence(address, port, count):
    good = 0
    for i in range(count):
        with socket.create_connection((address, port), PATIENCE) as sock:
            sock.sendall(b"%8d" % i)
            good += sock.recv(8, socket.MSG_WAITALL) == b"%8d" % i
        if i + 1 == count // 5:     # by then everything that is ever needed has been made
            say("warm")
            sys.stdin.readline()
    say(good)
    sys.stdin.readline()


class Mixture:
    """What programs do to a network, all at once. Each job is one exchange; False: it went wrong."""

    def __init__(self, ports):
        self.ports, self.counts, self.wrong = ports, {}, []

    def connect(self, what, chance):
        version = chance.choice([int(key) for key in self.ports])
        return socket.create_connection((GATEWAY[version], self.ports[str(version)][what]), PATIENCE)

    def echo(self, chance):
        with self.connect("tcp", chance) as sock:
            for _ in range(chance.randrange(1, 20)):
                data = chance.randbytes(chance.choice((1, 100, 1000, 10000)))
                sock.sendall(b"e" + struct.pack("!I", len(data)) + data)
                if sock.recv(len(data), socket.MSG_WAITALL) != data:
                    return False
        return True

    def download(self, chance):
        size = chance.randrange(8 * MIB)
        with self.connect("tcp", chance) as sock:
            sock.sendall(b"d" + struct.pack("!I", size))
            digest, got, last = hashlib.sha256(), 0, b""      # its sum comes behind it
            while data := sock.recv(1 << 18):
                got += len(data)
                last += data
                digest.update(memoryview(last)[:-32])
                last = last[-32:]
        return got == size + 32 and last == digest.digest()

    def upload(self, chance):
        data = chance.randbytes(1 << 16) * chance.randrange(1, 100)
        with self.connect("tcp", chance) as sock:
            sock.sendall(b"u")
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return sock.recv(32, socket.MSG_WAITALL) == hashlib.sha256(data).digest()

    def reset(self, chance):
        with self.connect("tcp", chance) as sock:
            sock.sendall(b"d" + struct.pack("!I", 4 * MIB))
            sock.recv(chance.randrange(1, 200000))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return True

    def be_reset(self, chance):
        with self.connect("tcp", chance) as sock:
            sock.sendall(b"r")
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                while True:
                    sock.sendall(bytes(10000))
        return True

    def be_refused(self, chance):
        try:
            self.connect("closed", chance).close()
        except ConnectionRefusedError:
            return True
        return False

    def datagrams(self, chance):
        version = chance.choice([int(key) for key in self.ports])
        with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect((GATEWAY[version], self.ports[str(version)]["udp"]))
            for _ in range(chance.randrange(1, 20)):
                data = chance.randbytes(chance.randrange(1, 5000))
                sock.send(data)
                if sock.recv(70000) != data:
                    return False
        return True

    def work(self, seed, until):
        chance = random.Random(seed)
        jobs = (self.echo, self.echo, self.echo, self.download, self.upload, self.reset, self.be_reset, self.be_refused,
                self.datagrams)
        while time.monotonic() < until:
            job = chance.choice(jobs)
            try:
                good = job(chance)
            except OSError as error:
                good = False
                self.wrong.append(f"{job.__name__}: {error}")
            self.counts[job.__name__] = self.counts.get(job.__name__, 0) + 1
            if not good:
                self.wrong.append(job.__name__)
            time.sleep(0.001)

    def run(self, seconds, workers):
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self.work, args=(seed, until)) for seed in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        say(json.dumps([self.counts, self.wrong]))
        sys.stdin.readline()


# ---- on the host --------------------------------------------------------------------------------


class EchoServer:
    """Echoes on any number of connections, in one thread."""

    def __init__(self, version):
        self.listener = socket.create_server((LOOPBACK[version], 0), family=FAMILY[version], backlog=1024)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.open, self.most, self.served, self.ended = 0, 0, 0, False
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.ended:
            for key, _ in self.selector.select(0.1):
                self.serve(key.fileobj)

    def serve(self, sock):
        if sock is self.listener:
            with contextlib.suppress(BlockingIOError):
                while True:
                    self.selector.register(self.listener.accept()[0], selectors.EVENT_READ)
                    self.open += 1
                    self.served += 1
                    self.most = max(self.most, self.open)
            return
        data = sock.recv(65536)
        if data:
            sock.sendall(data)
            return
        self.selector.unregister(sock)
        sock.close()
        self.open -= 1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.ended = True
        self.thread.join(5)
        self.listener.close()


def receive(sock, n):
    data = sock.recv(n, socket.MSG_WAITALL)
    return data if len(data) == n else None


def serve(sock):
    """The other end of a Mixture."""
    sock.settimeout(PATIENCE)
    with contextlib.suppress(ConnectionError):
        while what := sock.recv(1):
            if what == b"e":
                data = receive(sock, struct.unpack("!I", receive(sock, 4))[0])
                sock.sendall(data)
            elif what == b"d":
                data = os.urandom(1 << 16)
                size = struct.unpack("!I", receive(sock, 4))[0]
                data = data * (size // len(data) + 1)
                sock.sendall(memoryview(data)[:size])
                sock.sendall(hashlib.sha256(memoryview(data)[:size]).digest())
                return
            elif what == b"u":
                digest = hashlib.sha256()
                while data := sock.recv(1 << 18):
                    digest.update(data)
                sock.sendall(digest.digest())
                return
            else:
                sock.recv(50000)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return


def sockets_of_host(port):
    """TCP sockets that talk with that port, but for TIME-WAIT and the listener."""
    wanted = f":{port:04X}"
    found = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{name}", encoding="ascii") as file:
            for line in list(file)[1:]:
                local, remote, state = line.split()[1:4]
                if (local.endswith(wanted) or remote.endswith(wanted)) and state not in ("06", "0A"):
                    found.append(line)
    return found


class Load(unittest.TestCase):
    def setUp(self):
        self.control = f"{WORLD.work}/control"

    @contextlib.contextmanager
    def gateway(self, mode, *arguments, options=()):
        with WORLD.running(sys.executable, HERE, mode, *map(str, arguments),
                           options=("--control", self.control, *options), stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, text=True) as process:
            self.process = process
            self.assertTrue(await_true(lambda: os.path.exists(self.control), PATIENCE))
            self.descriptors = self.count_descriptors()
            yield process

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def count_descriptors(self):
        done = WORLD.as_root("sh", "-c", f"ls /proc/{self.process.pid}/fd | wc -l")
        return int(done.stdout)

    def stats(self):
        done = subprocess.run([WORLD.tern, "ctl", self.control, "stats"], capture_output=True, text=True, check=True,
                              timeout=PATIENCE)
        return {each["name"]: each["value"] for each in map(json.loads, done.stdout.splitlines())}

    def resident(self):
        """Bytes of memory that the gateway takes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) << 10

    def assert_nothing_left(self, port, datagrams=False):
        """datagrams: their flows live on until their time is over."""
        def left():
            for _ in range(20):     # a datagram flow whose time is over between the counts is in one of them alone
                before = self.stats()["flows"]
                descriptors = self.count_descriptors()      # that of stats() among them, if it is not closed yet
                stats = self.stats()
                if stats["flows"] == before:
                    break
            alive = stats["flows"] if datagrams else 0
            return {"flows": stats["flows"] - alive, "chunks": stats["chunks_lent"], "established": stats["CurrEstab"],
                    "blocks": stats["TernConnections"], "half-open": stats["TernHalfOpen"],
                    "descriptors": descriptors - self.descriptors - alive,
                    "sockets": len(sockets_of_host(port))}

        last = {}

        def nothing():
            last.update(left())
            return not any(last.values())

        await_true(nothing, PATIENCE)
        self.assertEqual({name: n for name, n in last.items() if n}, {})

    def test_a_thousand_at_once(self):
        for version in WORLD.versions():
            with EchoServer(version) as server, \
                    self.gateway("at-once", GATEWAY[version], server.port, AT_ONCE) as process:
                self.assertEqual(process.stdout.readline(), f"{AT_ONCE}\n")
                stats = self.stats()
                self.assertEqual((stats["flows"], stats["CurrEstab"], stats["tcp_opened"]), (AT_ONCE,) * 3)
                self.assertEqual((server.open, server.most), (AT_ONCE, AT_ONCE))
                self.assertEqual(len(sockets_of_host(server.port)), 2 * AT_ONCE)
                self.go_on()
                self.assertEqual(process.stdout.readline(), "closed\n")
                self.assert_nothing_left(server.port)
                self.assertEqual(self.stats()["tcp_closed"], AT_ONCE)
                self.go_on()
                self.assertEqual(process.wait(PATIENCE), 0)

    def test_ten_thousand_in_sequence(self):
        with EchoServer(4) as server, \
                self.gateway("in-sequence", GATEWAY[4], server.port, IN_SEQUENCE) as process:
            self.assertEqual(process.stdout.readline(), "warm\n")
            warm = self.resident()
            self.go_on()
            self.assertEqual(process.stdout.readline(), f"{IN_SEQUENCE}\n")
            self.assert_nothing_left(server.port)
            stats = self.stats()
            self.assertEqual((server.served, stats["tcp_opened"], stats["tcp_closed"]), (IN_SEQUENCE,) * 3)
            self.assertLess(stats["flows_most"], IN_SEQUENCE // 100)
            self.assertEqual((stats["flows_refused"], stats["half_open_refused"]), (0, 0))
            self.assertLess(self.resident() - warm, MIB)
            self.go_on()
            self.assertEqual(process.wait(PATIENCE), 0)

    def test_soak(self):
        with contextlib.ExitStack() as stack:
            ports = {}
            for version in WORLD.versions():
                closed = stack.enter_context(socket.socket(FAMILY[version]))
                closed.bind((LOOPBACK[version], 0))     # and does not listen
                ports[version] = {"tcp": stack.enter_context(TcpServer(serve, version)).port,
                                  "udp": stack.enter_context(UdpServer(bytes, LOOPBACK[version])).port,
                                  "closed": closed.getsockname()[1]}
            process = stack.enter_context(self.gateway("mixture", json.dumps(ports), SOAK))
            resident, held = self.watch_memory()
            counts, wrong = json.loads(process.stdout.readline())
            self.assertEqual(wrong, [])
            self.assertGreater(min(counts.values()), 3, counts)
            self.assertEqual(len(counts), 7, counts)
            for each in ports.values():
                self.assert_nothing_left(each["tcp"], datagrams=True)
            self.assert_flat(resident, "resident bytes")
            # What is not acknowledged yet comes and goes; what comes back every time is what it grew to at first,
            # once the mixture was under way.
            self.assertLess(min(held[-5:]), min(held[len(held) // 4:len(held) // 2]) + MIB // 2, held)
            self.go_on()
            self.assertEqual(process.wait(PATIENCE), 0)

    def watch_memory(self):
        """Samples of VmRSS and of tern's own count while the mixture runs."""
        resident, held, until = [], [], time.monotonic() + SOAK - 1
        while time.monotonic() < until:
            time.sleep(SOAK / 60)
            resident.append(self.resident())
            held.append(self.stats()["TernMemory"])
        return resident, held

    def assert_flat(self, samples, what):
        """From the end of the first third on, when every buffer has been in use, it does not grow."""
        third = len(samples) // 3
        early, late = statistics.median(samples[third:2 * third]), statistics.median(samples[-third:])
        self.assertLess(late, 1.15 * early + 2 * MIB, f"{what}: {samples}")


def main():
    modes = {"at-once": at_once, "in-sequence": in_sequence}
    allow_descriptors()
    if len(sys.argv) > 1 and sys.argv[1] in modes:
        modes[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    if len(sys.argv) > 1 and sys.argv[1] == "mixture":
        Mixture(json.loads(sys.argv[2])).run(float(sys.argv[3]), 8)
        return
    global WORLD, HERE  # pylint: disable=global-statement
    WORLD = World(HERE)
    HERE = WORLD.script(HERE)
    unittest.main()


if __name__ == "__main__":
    main()
