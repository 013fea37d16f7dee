#!/usr/bin/env python3
"""TCP through `tern gateway`, against Linux on both sides.

    client (guest)  --  TUN/TAP  --  tern  --  socket  --  server (this process, on loopback)

Every way in which a connection can begin and end is run twice by the same two programs, directly over loopback and
through the gateway; what both ends saw, results and errno, must be the same. Then bulk both ways, many connections
at once, and the counters: nothing may be left.

Exits with 77 and says why where namespaces or /dev/net/tun are not to be had.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

from gateway_world import GATEWAY, Patient, World, is_few, odd_in, packets_in

WORLD = None
HERE = os.path.abspath(__file__)    # a copy of it, once there is a WORLD
SETTLE = float(os.environ.get("TERN_SETTLE", "0.25"))   # seconds in which what was done at one end is seen at the other
PATIENCE = 20
MANY = 300
BULK = 64 << 20

# name: (client, server), each a list of steps; `wait` lets the other end's last step arrive.
SCENARIOS = {
    "guest closes": (["send 1000", "close"], ["receive", "wait", "send 10", "wait", "send 10", "receive"]),
    "guest closes, no data": (["close"], ["receive", "close"]),
    "server closes": (["receive", "wait", "send 10", "wait", "send 10", "receive"], ["send 1000", "close"]),
    "server closes, no data": (["receive", "close"], ["close"]),
    "both close": (["send 100", "end", "receive", "close"], ["send 200", "end", "receive", "close"]),
    "both close, no data": (["end", "receive", "close"], ["end", "receive", "close"]),
    "guest half-closes": (["send 70000", "end", "receive", "close"], ["receive", "send 90000", "close"]),
    "guest half-closes, no data": (["end", "receive", "close"], ["receive", "close"]),
    "server half-closes": (["receive", "send 90000", "close"], ["send 70000", "end", "receive", "close"]),
    "server half-closes, no data": (["receive", "close"], ["end", "receive", "close"]),
    "guest sends after a half-close from afar": (
        ["receive", "send 10", "wait", "send 10", "end", "close"], ["send 5", "end", "receive", "close"]),
    "guest resets": (["send 1000", "wait", "reset"], ["receive", "send 10", "receive"]),
    "guest resets, no data": (["wait", "reset"], ["receive", "send 10"]),
    "guest resets at once": (["wait", "send 50000", "reset"], ["receive or reset"]),
    "server resets": (["receive", "send 10", "receive"], ["send 1000", "wait", "reset"]),
    "server resets, no data": (["receive", "send 10"], ["wait", "reset"]),
    "server resets at once": (["receive or reset"], ["wait", "send 50000", "reset"]),
    "guest resets after half-close": (["send 10", "end", "wait", "reset"], ["receive", "wait", "wait", "send 10",
                                                                             "wait", "send 10"]),
    "server resets after half-close": (["receive", "wait", "wait", "send 10", "wait", "send 10"],
                                       ["send 10", "end", "wait", "reset"]),
    "server resets what half-closed": (["send 10", "end", "receive"], ["receive", "wait", "reset"]),
    "guest closes with text unread": (["wait", "close"], ["send 1000", "wait", "wait", "receive"]),
    "server closes with text unread": (["send 1000", "wait", "wait", "receive"], ["wait", "close"]),
    "guest never reads": (["wait", "wait", "reset"], ["flood", "receive"]),
    "server never reads": (["flood", "receive"], ["wait", "wait", "reset"]),
    "server talks first": (["receive 100", "send 100", "end", "receive", "close"],
                           ["send 100", "receive 100", "receive", "close"]),
    "urgent from the guest": (["send 10", "wait", "urgent", "wait", "send 10", "close"], ["receive with urgent"]),
    "urgent from the server": (["receive with urgent"], ["send 10", "wait", "urgent", "wait", "send 10", "close"]),
}


# ---- the two programs ---------------------------------------------------------------------------


def receive_all(sock, limit=None):
    """Octets until the end or an error: (how many, how it ended)."""
    total = 0
    while limit is None or total < limit:
        try:
            data = sock.recv(1 << 16 if limit is None else limit - total)
        except OSError as error:
            return total, errno.errorcode.get(error.errno, str(error))
        if not data:
            return total, "end"
        total += len(data)
    return total, "there"


def receive_with_urgent(sock):
    """Ordinary octets and where the urgent one stood."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    seen, at_mark = 0, []
    while True:
        mark = bytearray(4)
        import fcntl  # pylint: disable=import-outside-toplevel
        fcntl.ioctl(sock, 0x8905, mark)  # SIOCATMARK
        if struct.unpack("i", mark)[0] and seen not in at_mark:
            at_mark.append(seen)
        data = sock.recv(1 if at_mark and seen == at_mark[-1] else 1 << 16)
        if not data:
            return seen, at_mark
        seen += len(data)


def flood(sock):
    """Sends until nobody takes it, or an error says that nobody is there."""
    sock.settimeout(3 * SETTLE)
    block, total = bytes(1 << 16), 0
    try:
        while total < 1 << 30:
            total += sock.send(block)
    except socket.timeout:
        return "blocked"
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        sock.settimeout(PATIENCE)
    return "took everything"


def step(sock, what):
    word, _, rest = what.partition(" ")
    if what == "receive with urgent":
        return receive_with_urgent(sock)
    if what == "receive or reset":  # how much of it comes is a matter of luck, also without us
        return receive_all(sock)[1] in ("end", "ECONNRESET")
    if word == "receive":
        return receive_all(sock, int(rest) if rest else None)
    if word == "flood":
        return flood(sock) in ("blocked", "ECONNRESET", "EPIPE")
    if word == "wait":
        time.sleep(SETTLE)
        return None
    if word == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if word in ("close", "reset"):
        sock.close()
        return None
    try:
        if word == "send":
            sock.sendall(bytes(int(rest)))
        elif word == "urgent":
            sock.send(b"!", socket.MSG_OOB)
        else:
            sock.shutdown(socket.SHUT_WR)
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def play(sock, steps):
    sock.settimeout(PATIENCE)
    seen = []
    for what in steps:
        result = step(sock, what)
        if result is not None:
            seen.append([what, result])
    return json.loads(json.dumps(seen))


def in_threads(jobs):
    """Runs {name: function}; {name: result}."""
    results = {}

    def run(name, function):
        try:
            results[name] = function()
        except OSError as error:
            results[name] = "failed: " + errno.errorcode.get(error.errno, str(error))

    threads = [threading.Thread(target=run, args=job) for job in jobs.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def client(address, ports):
    """Plays every scenario against its port; prints what it saw."""
    def one(name):
        with socket.create_connection((address, ports[name]), timeout=PATIENCE) as sock:
            return play(sock, SCENARIOS[name][0])
    print(json.dumps(in_threads({name: lambda name=name: one(name) for name in ports})))
    time.sleep(2 * SETTLE)  # the servers end too: nothing may be left then


def server(base):
    """Serves every scenario at a port of its own, from base on; prints what it saw."""
    listeners = {}
    for i, name in enumerate(SCENARIOS):
        listeners[name] = socket.create_server(("::", base + i), family=socket.AF_INET6, dualstack_ipv6=True) \
            if socket.has_dualstack_ipv6() else socket.create_server(("", base + i))
        listeners[name].settimeout(PATIENCE)
    print("ready", flush=True)

    def one(name):
        with listeners[name].accept()[0] as sock:
            return play(sock, SCENARIOS[name][1])
    print(json.dumps(in_threads({name: lambda name=name: one(name) for name in SCENARIOS})))
    time.sleep(2 * SETTLE)


def errors(targets):
    """What connect() says, and when. It blocks: an error within a millisecond may wake a poll() for it before SO_ERROR
    has anything to tell, once in a thousand times, and that reads like success."""
    def one(address, port):
        begin = time.monotonic()
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 1, 500000))
            try:
                sock.connect((address, port))
                return "connected"
            except BlockingIOError:
                return "silence"
            except OSError as error:
                return errno.errorcode[error.errno] + (" late" if time.monotonic() - begin > 1 else "")
    print(json.dumps([one(*target) for target in targets]))


def many(address, port):
    """MANY connections that all stand at once, each with an echo."""
    socks = [socket.create_connection((address, port), timeout=PATIENCE) for _ in range(MANY)]
    for i, sock in enumerate(socks):
        sock.sendall(b"%8d" % i)
    good = sum(sock.recv(8, socket.MSG_WAITALL) == b"%8d" % i for i, sock in enumerate(socks))
    for sock in socks:
        sock.close()
    time.sleep(SETTLE)
    print(json.dumps(good))


def bulk(address, port):
    """Downloads until the end, uploads the same, half-closes, reads the server's sum."""
    with socket.create_connection((address, port), timeout=PATIENCE) as sock:
        down, data = hashlib.sha256(), bytearray()
        while len(data) < BULK:
            piece = sock.recv(1 << 20)
            if not piece:
                break
            down.update(piece)
            data += piece
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        print(json.dumps([down.hexdigest(), sock.recv(64, socket.MSG_WAITALL).decode()]))
    time.sleep(SETTLE)


# ---- the test -----------------------------------------------------------------------------------


def gateway(*command, options=()):
    """Runs a command behind the gateway: (exit code, its output, counters, all of stderr)."""
    done = WORLD.run(*command, options=("--stats", *options), timeout=100)
    counters = {name: int(value) for name, value in re.findall(r"^(\S+) (\d+)$", done.stderr, re.M)}
    return done.returncode, done.stdout, counters, done.stderr


def listen(address="127.0.0.1", backlog=512):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.create_server((address, 0), family=family, backlog=backlog)
    server.settimeout(PATIENCE)  # a gateway that fails is not waited for
    return server


class Gateway(Patient):
    maxDiff = None

    def settle(self, seconds):
        """Here and in the guest."""
        global SETTLE  # pylint: disable=global-statement
        SETTLE = seconds
        os.environ["TERN_SETTLE"] = str(seconds)

    def both_ends(self, run, address):
        """Every scenario: {name: (what the client saw, what the server saw)}."""
        servers = {name: listen(address) for name in SCENARIOS}
        ports = {name: server.getsockname()[1] for name, server in servers.items()}
        seen = {}

        def serve(name):
            servers[name].settimeout(PATIENCE)
            with servers[name].accept()[0] as sock:
                return play(sock, SCENARIOS[name][1])

        thread = threading.Thread(target=lambda: seen.update(
            in_threads({name: lambda name=name: serve(name) for name in SCENARIOS})))
        thread.start()
        output = run(ports)
        thread.join()
        for server in servers.values():
            server.close()
        clients = json.loads(output)
        return {name: {"client": clients[name], "server": seen[name]} for name in SCENARIOS}

    def direct(self, address):
        return self.both_ends(lambda ports: subprocess.run(
            [sys.executable, HERE, "client", address, json.dumps(ports)], capture_output=True, text=True,
            timeout=100, check=True).stdout, address)

    def through(self, address, guest_address, options=()):
        counters = {}

        def run(ports):
            code, output, count, error = gateway(sys.executable, HERE, "client", guest_address, json.dumps(ports),
                                                 options=options)
            self.assertEqual(code, 0, error)
            counters.update(count)
            return output

        seen = self.both_ends(run, address)
        self.assert_nothing_left(counters)
        self.assertEqual(counters["tcp_opened"], len(SCENARIOS))
        return seen

    def assert_nothing_left(self, counters):
        self.assertNotIn("InCsumErrors", counters)
        left = {name: counters.get(name, 0) for name in ("flows", "chunks_lent", "CurrEstab", "TernHalfOpen")}
        self.assert_in_time(not any(left.values()), left)

    def assert_same(self, seen, direct):
        other = {name: {"seen": seen[name], "directly": direct[name]} for name in SCENARIOS if seen[name] != direct[name]}
        self.assert_in_time(not other, json.dumps(other, indent=1))

    def test_both_ends_see_what_they_would_see_directly(self):
        self.assert_same(self.through("127.0.0.1", "10.0.2.2"), self.direct("127.0.0.1"))

    def test_the_same_over_ipv6(self):
        if not WORLD.has_ipv6:
            self.skipTest("the host has no IPv6")
        self.assert_same(self.through("::1", "fd00::2"), self.direct("::1"))

    def inbound(self, address):
        """Every scenario the other way round: the client is the host's, the server the guest's."""
        base = 7000
        free = {name: listen(address) for name in SCENARIOS}    # all at once, so that none is given twice
        ports = {name: each.getsockname()[1] for name, each in free.items()}
        for each in free.values():
            each.close()
        where = f"[{address}]" if ":" in address else address
        options = [part for i, port in enumerate(ports.values()) for part in ("-p", f"{where}:{port}:{base + i}")]
        with WORLD.running(sys.executable, HERE, "server", str(base), options=("--stats", *options),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")

            def one(name):
                with socket.create_connection((address, ports[name]), timeout=PATIENCE) as sock:
                    return play(sock, SCENARIOS[name][0])
            clients = in_threads({name: lambda name=name: one(name) for name in SCENARIOS})
            output, error = process.communicate(timeout=2 * PATIENCE)
            self.assertEqual(process.returncode, 0, error)
        counters = {name: int(value) for name, value in re.findall(r"^(\S+) (\d+)$", error, re.M)}
        self.assert_nothing_left(counters)
        self.assertEqual((counters["tcp_inbound"], counters["tcp_opened"]), (len(SCENARIOS),) * 2)
        servers = json.loads(output)
        return {name: {"client": clients[name], "server": servers[name]} for name in SCENARIOS}

    def test_both_ends_of_what_comes_in_see_what_they_would_see_directly(self):
        """-p, urgent data too: it is carried as such."""
        for address in ("127.0.0.1", *(("::1",) if WORLD.has_ipv6 else ())):
            self.assert_same(self.inbound(address), self.direct(address))

    def test_every_ending_is_clean_on_the_wire(self):
        """Without offloads, and small packets: Wireshark finds nothing malformed, no bad checksum, nothing sent again."""
        if not shutil.which("tshark"):
            self.skipTest("tshark not installed")
        capture = f"{WORLD.work}/endings.pcapng"
        for version, address in ((4, "127.0.0.1"), *(((6, "::1"),) if WORLD.has_ipv6 else ())):
            self.through(address, GATEWAY[version], options=("--plain", "--mtu", "1500", "--pcap", capture))
            self.assert_clean(odd_in(capture))
            self.assertGreater(packets_in(capture), 10 * len(SCENARIOS))
            os.unlink(capture)

    def test_errors_keep_their_meaning(self):
        closed = listen()
        port = closed.getsockname()[1]
        closed.close()
        deaf = socket.socket()  # listens, and never has room: SYNs are dropped
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        plugs = [socket.socket() for _ in range(3)]
        for plug in plugs:
            plug.setblocking(False)
            plug.connect_ex(deaf.getsockname())
        time.sleep(SETTLE)
        targets = [("10.0.2.2", port), ("10.0.2.77", 80), ("10.0.2.2", deaf.getsockname()[1]), ("10.0.2.3", 81)]
        code, output, counters, error = gateway(sys.executable, HERE, "errors", json.dumps(targets))
        self.assertEqual(code, 0, error)
        self.assertEqual(json.loads(output), ["ECONNREFUSED", "EHOSTUNREACH", "silence", "ECONNREFUSED"])
        self.assertEqual(counters["flows"], 1)  # the silent one: a client that gives up on a SYN says nothing
        self.assertEqual((counters["tcp_refused"], counters["tcp_unreachable"]), (2, 1))
        for sock in [deaf, *plugs]:
            sock.close()

    def test_what_is_denied_is_told_and_never_reached(self):
        server = listen()
        server.setblocking(False)
        port = server.getsockname()[1]
        targets = json.dumps([("10.0.2.2", port)])
        for options in (["--deny", f"10.0.2.2:{port}"], ["--allow", "192.0.2.0/24"], ["--no-host-loopback"]):
            with self.subTest(options):
                code, output, counters, error = gateway(sys.executable, HERE, "errors", targets, options=options)
                self.assertEqual(code, 0, error)
                self.assertEqual(json.loads(output), ["EHOSTUNREACH"])  # as Linux has ICMP 3/13
                self.assertEqual(counters["tcp_denied"], 1)
                self.assertRaises(BlockingIOError, server.accept)
        server.close()

    def test_bulk_both_ways(self):
        server = listen()
        data = os.urandom(1 << 20) * (BULK >> 20)
        sums = []

        def serve():
            with server.accept()[0] as sock:
                sock.sendall(data)
                up = hashlib.sha256()
                while piece := sock.recv(1 << 20):
                    up.update(piece)
                sums.append(up.hexdigest())
                sock.sendall(up.hexdigest().encode())

        thread = threading.Thread(target=serve)
        thread.start()
        code, output, counters, error = gateway(sys.executable, HERE, "bulk", "10.0.2.2",
                                                str(server.getsockname()[1]))
        thread.join()
        self.assertEqual(code, 0, error)
        self.assertEqual(json.loads(output), [hashlib.sha256(data).hexdigest(), sums[0]])
        self.assertEqual(sums[0], hashlib.sha256(data).hexdigest())
        self.assertEqual((counters["octets_down"], counters["octets_up"]), (BULK + 64, BULK))
        self.assertTrue(0 < counters["octets_direct"] <= BULK, counters)
        self.assert_in_time(is_few(counters.get("RetransSegs", 0), counters["OutSegs"]), counters)
        self.assert_nothing_left(counters)
        server.close()

    def test_bulk_over_a_bad_link(self):
        server = listen()
        data = os.urandom(1 << 20)

        def serve():
            with server.accept()[0] as sock:
                sock.settimeout(PATIENCE)
                sock.recv(1 << 16)  # the request: unread, it would make close() a reset
                sock.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        code, output, counters, error = gateway(
            "sh", "-c", "exec curl -s --http0.9 http://10.0.2.2:%d/ | sha256sum" % server.getsockname()[1],
            options=["--mtu", "1500", "--delay", "2ms", "--loss", "3%", "--seed", "7"])
        thread.join()
        self.assertEqual(code, 0, error)
        self.assertIn(hashlib.sha256(data).hexdigest(), output)
        self.assertGreater(counters["RetransSegs"], 0)
        server.close()

    def test_delay_holds_both_directions(self):
        server = listen()

        def serve():
            with server.accept()[0] as sock:
                while piece := sock.recv(100):
                    sock.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        program = ("import socket, time\n"
                   f"s = socket.create_connection(('10.0.2.2', {server.getsockname()[1]}))\n"
                   "for _ in range(5):\n"
                   "    t = time.monotonic()\n"
                   "    s.sendall(b'x'); s.recv(1)\n"
                   "    print(time.monotonic() - t)\n")
        code, output, _, error = gateway(sys.executable, "-c", program, options=["--delay", "60ms"])
        thread.join()
        self.assertEqual(code, 0, error)
        took = [float(line) for line in output.split()]
        self.assertGreaterEqual(min(took), 0.12)
        self.assertLess(min(took), 1.2)
        server.close()

    def test_many_at_once(self):
        server = listen()
        sent = []

        def serve():
            socks = [server.accept()[0] for _ in range(MANY)]
            for sock in socks:
                token = sock.recv(8, socket.MSG_WAITALL)
                sent.append(token)
                sock.sendall(token)
            for sock in socks:
                sock.recv(1)
                sock.close()

        thread = threading.Thread(target=serve)
        thread.start()
        code, output, counters, error = gateway(sys.executable, HERE, "many", "10.0.2.2",
                                                str(server.getsockname()[1]))
        thread.join()
        self.assertEqual(code, 0, error)
        self.assertEqual(json.loads(output), MANY)
        self.assertEqual((counters["tcp_opened"], counters["flows_most"]), (MANY, MANY))
        self.assert_nothing_left(counters)
        server.close()

    def test_limits_refuse_and_count(self):
        server = listen()
        port = server.getsockname()[1]
        code, output, counters, error = gateway(
            sys.executable, "-c",
            "import socket, sys\n"
            "keep = []\n"
            "for _ in range(8):\n"
            "    try:\n"
            f"        keep.append(socket.create_connection(('10.0.2.2', {port}), timeout=5))\n"
            "    except ConnectionRefusedError:\n"
            "        print('refused')\n", options=["--flows", "5"])
        self.assertEqual(code, 0, error)
        self.assertEqual(output.split(), ["refused"] * 3)
        self.assertEqual((counters["tcp_opened"], counters["flows_refused"]), (5, 3))
        server.close()

    def test_half_open_connections_are_bounded(self):
        """A server that takes no SYN: so many of the guest's wait for it; those beyond are not heard, as at a listener
        whose backlog is full, and cost nothing."""
        deaf = socket.socket()
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        plug = socket.create_connection(deaf.getsockname(), 5)
        code, output, counters, error = gateway(
            sys.executable, "-c",
            "import select, socket\n"
            "asked = [socket.socket() for _ in range(6)]\n"
            "for sock in asked:\n"
            "    sock.setblocking(False)\n"
            f"    sock.connect_ex(('10.0.2.2', {deaf.getsockname()[1]}))\n"
            "    select.select([], [sock], [], 0.2)\n"
            "print([sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for sock in asked])\n", options=["--half-open", "2"])
        self.assertEqual(code, 0, error)
        self.assertEqual(json.loads(output), [0] * 6)
        self.assertEqual(counters["flows_most"], 2)
        self.assertGreaterEqual(counters["ListenOverflows"], 4)     # and once more for each that was sent again
        plug.close()
        deaf.close()

    def test_the_last_upload_is_not_cut(self):
        server = listen()
        got = []

        def serve():
            with server.accept()[0] as sock:
                time.sleep(2 * SETTLE)  # the client is gone by then
                got.append(receive_all(sock))

        thread = threading.Thread(target=serve)
        thread.start()
        code, _, _, error = gateway(
            sys.executable, "-c",
            "import socket\n"
            f"s = socket.create_connection(('10.0.2.2', {server.getsockname()[1]}))\n"
            "s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)\n"
            "s.sendall(bytes(3 << 20))\n")
        thread.join()
        self.assertEqual(code, 0, error)
        self.assertEqual(got, [(3 << 20, "end")])
        server.close()

    def test_forwards(self):
        """-p: a client of the host talks to a server in the guest."""
        free = listen()
        port = free.getsockname()[1]
        free.close()
        program = ("import socket\n"
                   "server = socket.create_server(('', 8080))\n"
                   "print('ready', flush=True)\n"
                   "sock, peer = server.accept()\n"
                   "data = b''\n"
                   "while piece := sock.recv(65536): data += piece\n"
                   "sock.sendall(data[::-1])\n"
                   "print(peer[0])\n")
        with subprocess.Popen([WORLD.tern, "gateway", "-p", f"{port}:8080", "-p", f"127.0.0.1:0:9/tcp", "--", sys.executable,
                               "-c", program], stdout=subprocess.PIPE, text=True) as run:
            self.assertEqual(run.stdout.readline(), "ready\n")
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
                sock.sendall(b"forward")
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual(sock.recv(100, socket.MSG_WAITALL), b"drawrof")
            self.assertEqual(run.stdout.read(), "10.0.2.2\n")
            self.assertEqual(run.wait(PATIENCE), 0)

    def test_watch_json_and_pcap(self):
        server = listen()
        port = server.getsockname()[1]

        def serve():
            with server.accept()[0] as sock:
                sock.recv(1 << 16)
                sock.sendall(b"hello")

        thread = threading.Thread(target=serve)
        thread.start()
        capture = f"{WORLD.work}/watched.pcapng"
        try:
            done = subprocess.run(
                [WORLD.tern, "gateway", "--watch", "--ascii", "--pcap", capture, "--json", "-", "--", "curl", "-s",
                 "--http0.9", "-o", "/dev/null", f"http://10.0.2.2:{port}/"], capture_output=True, text=True,
                timeout=60, check=False)
            thread.join()
            self.assertEqual(done.returncode, 0, done.stderr)
            for word in ("SYN seq 0", "SYN+ACK seq 0 ack 1", "SYN-RECEIVED", "ESTABLISHED", "FIN+ACK", f"10.0.2.2:{port}"):
                self.assertIn(word, done.stderr)
            events = [json.loads(line) for line in done.stdout.splitlines()]
            states = [e["to"] for e in events if e["ev"] == "state" and e["conn"] == 1]
            self.assertEqual(states[:2], ["SYN-RECEIVED", "ESTABLISHED"])
            with open(capture, "rb") as file:
                data = file.read()
            self.assertEqual(data[:4], b"\x0a\x0d\x0d\x0a")
            self.assertIn(b"SYN-RECEIVED to ESTABLISHED (our-syn-acked", data)
        finally:
            if os.path.exists(capture):
                os.unlink(capture)
        server.close()


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "client":
        return client(sys.argv[2], json.loads(sys.argv[3]))
    if len(sys.argv) > 1 and sys.argv[1] == "server":
        return server(int(sys.argv[2]))
    if len(sys.argv) > 1 and sys.argv[1] == "errors":
        return errors([tuple(target) for target in json.loads(sys.argv[2])])
    if len(sys.argv) > 1 and sys.argv[1] == "many":
        return many(sys.argv[2], int(sys.argv[3]))
    if len(sys.argv) > 1 and sys.argv[1] == "bulk":
        return bulk(sys.argv[2], int(sys.argv[3]))
    global WORLD, HERE  # pylint: disable=global-statement
    WORLD = World(HERE)
    HERE = WORLD.script(HERE)
    unittest.main()
    return None


if __name__ == "__main__":
    main()
