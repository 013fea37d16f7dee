#!/usr/bin/env python3
"""`tern nc` against Linux's TCP, in a network namespace of the test's own.

    tern nc 10.64.64.2, fd64::2  ===  TUN or TAP device  ===  10.64.64.1, fd64::1 Linux, this process
"""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "tools"))
import namespaces  # noqa: E402

TERN = os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern"))
OURS = {4: "10.64.64.2", 6: "fd64::2"}      # tern's
SYSTEM = {4: "10.64.64.1", 6: "fd64::1"}    # the kernel's
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
LIMIT = 100                                 # seconds for one transfer
SLOW = int(os.environ.get("TERN_INTEROP_BYTES", 20_000_000))


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(77)


def enter_namespace():
    """A network namespace of our own with loopback up, as root or through a user namespace; or the test is skipped."""
    try:
        namespaces.make(namespaces.CLONE_NEWNET)
    except OSError:
        skip("network namespaces are not permitted here")
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        skip(f"/dev/net/tun: {error.strerror}")
    if not os.path.exists("/proc/net/if_inet6"):
        skip("there is no IPv6")
    if not shutil.which("ip"):
        skip("ip (iproute2) is missing")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def await_true(condition, seconds=LIMIT):
    """Whether the condition became true within that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def has_link(name):
    return subprocess.run(["ip", "link", "show", name], capture_output=True, check=False).returncode == 0


def listener(version, port, **options):
    made = socket.create_server((SYSTEM[version], port), family=FAMILY[version], **options)
    made.settimeout(LIMIT)
    return made


def send_all_and_shut(sock, data):
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def read_all(sock):
    pieces = []
    while piece := sock.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


class Nc:
    """A running `tern nc`."""

    def __init__(self, *arguments, stdin=subprocess.PIPE, data=None):
        self.out = tempfile.TemporaryFile()
        self.error = tempfile.TemporaryFile()
        with tempfile.TemporaryFile() as file:
            if data is not None:
                file.write(data)
                file.seek(0)
                stdin = file
            self.process = subprocess.Popen([TERN, "nc", "-v", *arguments], stdin=stdin, stdout=self.out,
                                            stderr=self.error)

    def said(self):
        self.error.seek(0)
        return self.error.read().decode("utf-8", "replace")

    def end(self, limit=LIMIT):
        """(exit code, what it wrote)."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"tern nc did not end: {self.said()}") from None
        self.out.seek(0)
        return code, self.out.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        self.out.close()
        self.error.close()


class WithDevice(unittest.TestCase):
    """Each test has a device of its own that outlives tern nc, so that the kernel's addresses are there first."""
    kind = "tun"
    options = ()

    def setUp(self):
        self.ip("tuntap", "add", "dev", "t0", "mode", self.kind)
        self.addCleanup(lambda: self.ip("link", "del", "t0"))
        with contextlib.suppress(OSError), open("/proc/sys/net/ipv6/conf/t0/accept_dad", "w", encoding="ascii") as file:
            file.write("0")
        self.ip("link", "set", "t0", "up")
        self.ip("addr", "add", "10.64.64.1/24", "dev", "t0")
        self.ip("addr", "add", "fd64::1/64", "dev", "t0", "nodad")

    def ip(self, *arguments):
        subprocess.run(["ip", *arguments], check=True)

    def nc(self, *arguments, **options):
        tap = ("--tap",) if self.kind == "tap" else ()
        made = Nc("--dev", "t0", "--address", "10.64.64.2/24", "--address", "fd64::2/64", *tap, *self.options,
                  *arguments, **options)
        self.addCleanup(made.stop)
        return made

    def connect(self, version, port, nc):
        self.assertTrue(await_true(lambda: "listening" in nc.said()), nc.said())
        return socket.create_connection((OURS[version], port), timeout=LIMIT)


class Transfers:
    """Large transfers, each way and both at once, from either side's opening."""

    @classmethod
    def setUpClass(cls):
        cls.data = os.urandom(SLOW)
        cls.sum = hashlib.sha256(cls.data).digest()

    def check(self, data):
        self.assertEqual(len(data), len(self.data))
        self.assertEqual(hashlib.sha256(data).digest(), self.sum)

    def test_connect_and_send(self):
        for version in (4, 6):
            with self.subTest(version=version), listener(version, 7000) as server:
                nc = self.nc("-N", SYSTEM[version], "7000", data=self.data)
                with server.accept()[0] as peer:
                    self.check(read_all(peer))
                code, out = nc.end()
                self.assertEqual((code, out), (0, b""), nc.said())
                self.assertIn(f"connected to {SYSTEM[version]} port 7000", nc.said())

    def test_connect_and_receive(self):
        for version in (4, 6):
            with self.subTest(version=version), listener(version, 7001) as server:
                nc = self.nc("-N", SYSTEM[version], "7001", stdin=subprocess.DEVNULL)
                with server.accept()[0] as peer:
                    send_all_and_shut(peer, self.data)
                    self.assertEqual(read_all(peer), b"")
                code, out = nc.end()
                self.assertEqual(code, 0, nc.said())
                self.check(out)

    def test_listen_and_both_ways_at_once(self):
        for version in (4, 6):
            with self.subTest(version=version):
                nc = self.nc("-N", "-l", "7002", data=self.data)
                with self.connect(version, 7002, nc) as peer:
                    sender = threading.Thread(target=send_all_and_shut, args=(peer, self.data))
                    sender.start()
                    self.check(read_all(peer))
                    sender.join()
                code, out = nc.end()
                self.assertEqual(code, 0, nc.said())
                self.check(out)


class Tun(Transfers, WithDevice):
    pass


class TunWithoutSegmentation(Transfers, WithDevice):
    options = ("--no-gso",)


class TunWithoutOffloads(Transfers, WithDevice):
    options = ("--plain",)


class Tap(Transfers, WithDevice):
    kind = "tap"


class TapWithoutOffloads(Transfers, WithDevice):
    kind = "tap"
    options = ("--plain",)


class Impaired(Transfers, WithDevice):
    """Loss, delay and reordering of what tern sends: the same bytes arrive."""
    options = ("--loss", "1%", "--delay", "2ms", "--reorder", "1%", "--duplicate", "1%", "--seed", "7")

    @classmethod
    def setUpClass(cls):
        cls.data = os.urandom(1_000_000)
        cls.sum = hashlib.sha256(cls.data).digest()


class ImpairedTap(Impaired):
    kind = "tap"


class Through(WithDevice):
    def through(self, *options):
        self.ip("addr", "add", "192.0.2.1/32", "dev", "lo")
        self.addCleanup(lambda: self.ip("addr", "del", "192.0.2.1/32", "dev", "lo"))
        with socket.create_server(("192.0.2.1", 7014)) as server:
            server.settimeout(LIMIT)
            nc = self.nc("-N", "-w", "5", *options, "192.0.2.1", "7014", data=b"from afar")
            with contextlib.suppress(TimeoutError), server.accept()[0] as peer:
                self.assertEqual(read_all(peer), b"from afar")
            return nc.end()[0], nc.said()


class Routes(Through):
    def test_tun_reaches_what_lies_behind_the_system(self):
        code, said = self.through()
        self.assertEqual(code, 0, said)


class RoutesOfTap(Through):
    kind = "tap"

    def test_gateway_reaches_what_lies_behind_it(self):
        code, said = self.through("--gateway", "10.64.64.1")
        self.assertEqual(code, 0, said)

    def test_without_a_gateway_there_is_no_way(self):
        nc = self.nc("192.0.2.1", "7014", stdin=subprocess.DEVNULL)
        self.assertEqual(nc.end(), (1, b""))
        self.assertIn("no route", nc.said())


class Endings(WithDevice):
    def test_half_close_by_us_leaves_the_other_direction_open(self):
        with listener(4, 7003) as server:
            nc = self.nc("-N", SYSTEM[4], "7003")
            with server.accept()[0] as peer:
                nc.process.stdin.write(b"question")
                nc.process.stdin.close()
                self.assertEqual(read_all(peer), b"question")
                self.assertIsNone(nc.process.poll())
                peer.sendall(b"answer ")
                peer.sendall(b"and more")
            self.assertEqual(nc.end(), (0, b"answer and more"), nc.said())

    def test_half_close_by_the_peer_leaves_ours_open(self):
        with listener(4, 7004) as server:
            nc = self.nc("-N", SYSTEM[4], "7004")
            with server.accept()[0] as peer:
                send_all_and_shut(peer, b"that was it")
                time.sleep(0.2)
                self.assertIsNone(nc.process.poll())
                nc.process.stdin.write(b"not quite")
                nc.process.stdin.close()
                self.assertEqual(read_all(peer), b"not quite")
            self.assertEqual(nc.end(), (0, b"that was it"), nc.said())

    def test_without_N_the_end_of_input_is_kept_from_the_peer(self):
        with listener(4, 7005) as server:
            nc = self.nc(SYSTEM[4], "7005", data=b"question")
            with server.accept()[0] as peer:
                peer.settimeout(LIMIT)
                self.assertEqual(peer.recv(100), b"question")
                peer.settimeout(0.5)
                self.assertRaises(TimeoutError, peer.recv, 100)
                peer.settimeout(LIMIT)
                send_all_and_shut(peer, b"answer")
                self.assertEqual(read_all(peer), b"")
            self.assertEqual(nc.end(), (0, b"answer"), nc.said())

    def test_reset_by_the_peer_is_told(self):
        with listener(4, 7006) as server:
            nc = self.nc(SYSTEM[4], "7006")
            peer = server.accept()[0]
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            code, _ = nc.end()
            self.assertEqual(code, 1)
            self.assertIn("reset", nc.said())

    def test_refusal_is_told(self):
        nc = self.nc(SYSTEM[4], "7007", stdin=subprocess.DEVNULL)
        self.assertEqual(nc.end(), (1, b""))
        self.assertIn("refused", nc.said())

    def test_watch_draws_the_connection(self):
        with listener(4, 7013) as server:
            nc = self.nc("--watch", "-N", SYSTEM[4], "7013", data=b"hello")
            with server.accept()[0] as peer:
                self.assertEqual(read_all(peer), b"hello")
            self.assertEqual(nc.end(), (0, b""), nc.said())
        drawn = nc.said()
        for row in (r"SYN seq 0 .* SYN-SENT\n", r"SYN\+ACK seq 0 ack 1 .* ESTABLISHED\n", r"len 5 ", r"FIN-WAIT-1\n",
                    r"TIME-WAIT\n"):
            self.assertRegex(drawn, row)

    def test_time_out_of_w(self):
        started = time.monotonic()
        nc = self.nc("-w", "1", "10.64.64.77", "7007", stdin=subprocess.DEVNULL)
        self.assertEqual(nc.end(), (1, b""))    # within LIMIT; by itself it would give up after two minutes
        self.assertGreaterEqual(time.monotonic() - started, 1)

    def test_signal_resets_the_connection(self):
        with listener(4, 7008) as server:
            nc = self.nc(SYSTEM[4], "7008")
            with server.accept()[0] as peer:
                peer.settimeout(LIMIT)
                nc.process.stdin.write(b"x")
                nc.process.stdin.flush()
                self.assertEqual(peer.recv(1), b"x")
                nc.process.send_signal(signal.SIGINT)
                self.assertRaises(ConnectionResetError, peer.recv, 1)
            self.assertEqual(nc.end()[0], 128 + signal.SIGINT)

    def test_reader_that_is_slow_slows_the_sender(self):
        """Nobody reads tern's output: the window shuts, and opens when somebody does."""
        with listener(4, 7009) as server:
            ends = os.pipe()
            process = subprocess.Popen([TERN, "nc", "--dev", "t0", "--address", "10.64.64.2/24", "-N", SYSTEM[4],
                                        "7009"], stdin=subprocess.DEVNULL, stdout=ends[1])
            os.close(ends[1])
            data = os.urandom(32 << 20)
            with server.accept()[0] as peer:
                peer.settimeout(1)
                with self.assertRaises(TimeoutError):
                    sent = 0
                    while sent < len(data):
                        sent += peer.send(data[sent:sent + 65536])
                self.assertLess(sent, len(data))
                peer.settimeout(LIMIT)
                rest = threading.Thread(target=send_all_and_shut, args=(peer, data[sent:]))
                rest.start()
                with os.fdopen(ends[0], "rb") as file:
                    got = file.read()
                rest.join()
                self.assertEqual(hashlib.sha256(got).digest(), hashlib.sha256(data).digest())
                self.assertEqual(process.wait(LIMIT), 0)


class Devices(unittest.TestCase):
    def test_device_is_made_with_both_ends_addresses(self):
        nc = Nc("-N", "-l", "7010", data=b"from tern")
        self.addCleanup(nc.stop)
        self.assertTrue(await_true(lambda: "listening" in nc.said()), nc.said())
        with socket.create_connection(("10.64.64.2", 7010), timeout=LIMIT) as peer:
            send_all_and_shut(peer, b"from linux")
            self.assertEqual(read_all(peer), b"from tern")
        self.assertEqual(nc.end(), (0, b"from linux"), nc.said())
        self.assertFalse(has_link("tern0"))

    def test_device_in_a_namespace_by_path(self):
        holder = subprocess.Popen(["unshare", "-n", "sleep", "60"])
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        path = f"/proc/{holder.pid}/ns/net"
        self.assertTrue(await_true(lambda: os.readlink(path) != os.readlink("/proc/self/ns/net")))
        nc = Nc("--netns", path, "--dev", "there", "-N", "-l", "7011", data=b"x" * 1000)
        self.addCleanup(nc.stop)
        self.assertTrue(await_true(lambda: "listening" in nc.said()), nc.said())
        self.assertFalse(has_link("there"))
        client = ("import socket; s = socket.create_connection(('fd64::2', 7011)); s.shutdown(1);"
                  "print(sum(len(b) for b in iter(lambda: s.recv(4096), b'')))")
        done = subprocess.run(["nsenter", f"--net={path}", sys.executable, "-c", client], capture_output=True,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.stdout, b"1000\n", done.stderr)
        self.assertEqual(nc.end()[0], 0)

    def test_wrong_command_lines(self):
        for arguments in ((), ("10.0.0.1",), ("-l",), ("-l", "0"), ("10.0.0.1", "65536"), ("--mtu", "67", "1.2.3.4", "5"),
                          ("--address", "1.2.3.4", "1.2.3.4", "5"), ("--bogus", "1.2.3.4", "5"), ("-w", "0", "1.2.3.4", "5"),
                          ("--gateway", "1.2.3.4", "1.2.3.4", "5"), ("--loss", "200%", "1.2.3.4", "5"),
                          ("--dev", "a-name-too-long-", "1.2.3.4", "5"), ("--address", "1.2.3.4/33", "1.2.3.4", "5")):
            with self.subTest(arguments=arguments):
                nc = Nc(*arguments, stdin=subprocess.DEVNULL)
                self.addCleanup(nc.stop)
                self.assertEqual(nc.end(), (2, b""))
                self.assertRegex(nc.said(), r"\Atern: nc: [^\n]+\n\Z")

    def test_help(self):
        done = subprocess.run([TERN, "nc", "--help"], capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"usage: tern nc", done.stdout)


@unittest.skipUnless(shutil.which("tshark") and shutil.which("tcpdump"), "tshark or tcpdump is missing")
class Wire(WithDevice):
    """What crosses the device, read by others' eyes: no bad checksum, nothing malformed, nothing sent in vain."""
    options = ("--plain",)

    def capture(self, version):
        path = os.path.join(self.directory, f"{version}.pcap")
        # Offloads off at the kernel's end too (--plain): sums are on the wire as they will be checked.
        dump = subprocess.Popen(["tcpdump", "-i", "t0", "-w", path, "-U", "-B", "32768", "-Z", "root"],
                                stderr=subprocess.PIPE)
        line = b"."
        while line and b"listening" not in line:
            line = dump.stderr.readline()
        self.assertIn(b"listening", line)
        with listener(version, 7012) as server:
            nc = self.nc("-N", SYSTEM[version], "7012", data=self.data)
            with server.accept()[0] as peer:
                self.assertEqual(read_all(peer), self.data)
                send_all_and_shut(peer, self.data)
            self.assertEqual(nc.end()[0], 0)
        time.sleep(0.5)
        dump.terminate()
        dump.wait()
        dump.stderr.close()
        return path

    def packets_in(self, path, which):
        done = subprocess.run(["tshark", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                               "-d", "tcp.port==7012,data", "-Y", which],
                              capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode().splitlines()

    def test_capture_is_clean(self):
        # Nothing that a dissector could take for a protocol that it knows.
        self.data = b"".join(b"line %d of plain text\n" % n for n in range(90_000))
        bad = ("_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0 || tcp.analysis.ack_lost_segment"
               " || tcp.options.mss_val < 1200")
        again = "tcp.analysis.retransmission && {}"
        with tempfile.TemporaryDirectory() as self.directory:
            for version in (4, 6):
                with self.subTest(version=version):
                    path = self.capture(version)
                    ours = f"ip.src == {OURS[4]}" if version == 4 else f"ipv6.src == {OURS[6]}"
                    self.assertEqual(self.packets_in(path, bad), [])
                    # A probe of the tail where the peer's machine was busy: few are no fault.
                    self.assertLessEqual(len(self.packets_in(path, again.format(ours))), 3)


class WireTap(Wire):
    kind = "tap"


if __name__ == "__main__":
    enter_namespace()
    unittest.main()
