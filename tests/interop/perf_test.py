#!/usr/bin/env python3
"""`tern perf` against iperf3 over Linux's TCP, and against itself, in a network namespace of the test's own.

    tern perf 10.64.64.2, fd64::2  ===  TUN or TAP device  ===  10.64.64.1, fd64::1 Linux: iperf3, this process
    tern perf 10.9.0.1  ===  v0, a veth pair, v1  ===  tern perf 10.9.0.2
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from nc_test import LIMIT, TERN, await_true, enter_namespace, skip

COOKIE = b"abcdefghijklmnopqrstuvwxyz2345678902" + b"\0"
PARAM_EXCHANGE, CREATE_STREAMS, TEST_RUNNING, EXCHANGE_RESULTS = 9, 10, 2, 13
DENIED, ERROR = b"\xff", b"\xfe"
DEVICE = ("--dev", "t0", "--address", "10.64.64.2/24", "--address", "fd64::2/64")
BYTES = 20_000_000


class Run:
    """A program that runs, with its two outputs in files."""

    def __init__(self, *words):
        self.words = words
        self.out, self.error = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.error)

    def said(self):
        texts = []
        for file in (self.out, self.error):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return "".join(texts)

    def end(self, limit=LIMIT):
        """(exit code, all it said)."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"{self.words} did not end") from None
        return code, self.said()

    def json(self):
        self.out.seek(0)
        return json.load(self.out)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.stop()
        self.out.close()
        self.error.close()


def ip(*words):
    subprocess.run(["ip", *words], check=True, timeout=LIMIT)


class World(unittest.TestCase):
    kind, options = "tun", ()

    def setUp(self):
        ip("tuntap", "add", "dev", "t0", "mode", self.kind)
        self.addCleanup(lambda: ip("link", "del", "t0"))
        with contextlib.suppress(OSError), open("/proc/sys/net/ipv6/conf/t0/accept_dad", "w", encoding="ascii") as file:
            file.write("0")
        ip("link", "set", "t0", "up")
        ip("addr", "add", "10.64.64.1/24", "dev", "t0")
        ip("addr", "add", "fd64::1/64", "dev", "t0", "nodad")

    def start(self, *words):
        made = Run(*words)
        self.addCleanup(made.close)
        return made

    def perf(self, *words):
        return self.start(TERN, "perf", *DEVICE, *(("--tap",) if self.kind == "tap" else ()), *self.options, *words)

    def done(self, run, code=0):
        got, said = run.end()
        self.assertEqual(got, code, said)
        return said

    def server(self, *words):
        run = self.perf("-s", *words)
        self.assertTrue(await_true(lambda: "listening" in run.said(), LIMIT), run.said())
        return run

    def iperf3(self, *words):
        run = self.start("iperf3", *words, "--forceflush")
        if "-s" in words:
            self.assertTrue(await_true(lambda: "listening" in run.said(), LIMIT), run.said())
        return run


def needs_iperf3(test):
    return unittest.skipUnless(shutil.which("iperf3"), "iperf3 is missing")(test)


class ClientBasics:
    """tern perf -c against iperf3 -s."""

    def run_json(self, *words, host="10.64.64.1"):
        self.iperf3("-s", "-1")
        run = self.perf("-c", host, "-J", "-i", "0.2", *words)
        self.done(run)
        return run.json()

    def check_ends(self, said, streams):
        self.assertEqual(len(said["start"]["connected"]), streams)
        self.assertEqual([each["sender"]["socket"] for each in said["end"]["streams"]], [1, 3, 4, 5, 6, 7, 8][:streams])
        for each in said["end"]["streams"]:
            self.assertGreater(each["sender"]["bytes"], 0)
            self.assertGreater(each["receiver"]["bytes"], 0)
            # The sender counts what it gave to its TCP: what the receiver has not, was on its way. (Each side omits by its
            # own clock.)
            if not said["start"]["test_start"]["omit"]:
                self.assertLessEqual(each["receiver"]["bytes"], each["sender"]["bytes"])

    def test_as_many_bytes(self):
        for host in ("10.64.64.1", "fd64::1"):
            with self.subTest(host):
                said = self.run_json("-n", str(BYTES), host=host)
                self.check_ends(said, 1)
                self.assertEqual(said["end"]["sum_sent"]["bytes"], BYTES)
                self.assertEqual(said["start"]["test_start"]["bytes"], BYTES)
                self.assertEqual(said["end"]["sender_tcp_congestion"], "cubic")

    def test_the_other_way(self):
        said = self.run_json("-n", str(BYTES), "-R")
        self.check_ends(said, 1)
        self.assertGreaterEqual(said["end"]["sum_received"]["bytes"], BYTES)
        self.assertEqual(said["start"]["test_start"]["reverse"], 1)
        self.assertFalse(said["end"]["streams"][0]["sender"]["sender"])

    def test_both_ways(self):
        said = self.run_json("-t", "1", "-P", "2", "--bidir")
        self.check_ends(said, 4)
        self.assertEqual([each["sender"]["sender"] for each in said["end"]["streams"]], [True, True, False, False])
        for name in ("sum_sent", "sum_received", "sum_sent_bidir_reverse", "sum_received_bidir_reverse"):
            self.assertGreater(said["end"][name]["bytes"], 0, name)


@needs_iperf3
class ClientOnTap(ClientBasics, World):
    kind, options = "tap", ("--plain",)


@needs_iperf3
class Client(ClientBasics, World):
    def test_as_long(self):
        said = self.run_json("-t", "1", "-P", "3", "-O", "1")
        self.check_ends(said, 3)
        self.assertGreaterEqual(said["end"]["sum_sent"]["seconds"], 1)
        omitted = [each["sum"]["omitted"] for each in said["intervals"]]
        self.assertEqual(omitted, sorted(omitted, reverse=True))
        self.assertTrue(omitted[0] and not omitted[-1], omitted)
        counted = sum(each["sum"]["bytes"] for each in said["intervals"] if not each["sum"]["omitted"])
        self.assertLessEqual(counted, said["end"]["sum_sent"]["bytes"])
        self.assertGreater(counted, 0)
        stream = said["intervals"][-1]["streams"][0]
        self.assertGreater(stream["snd_cwnd"], 0)
        self.assertEqual(stream["pmtu"], 1500)
        self.assertGreater(said["end"]["cpu_utilization_percent"]["host_total"], 0)

    def test_paced_and_small(self):
        said = self.run_json("-t", "1", "-b", "20M", "-l", "1000", "-M", "1000", "-N", "-Z")
        self.check_ends(said, 1)
        self.assertLess(said["end"]["sum_received"]["bits_per_second"], 60e6)
        self.assertLessEqual(said["start"]["tcp_mss_default"], 1000)

    def test_text(self):
        self.iperf3("-s", "-1")
        said = self.done(self.perf("-c", "10.64.64.1", "-t", "1", "-P", "2"))
        for words in ("[  1] local 10.64.64.2 port", "connected to 10.64.64.1 port 5201", "bits/sec", "sender\n", "receiver\n",
                      "[SUM]", "CPU Utilization: local"):
            self.assertIn(words, said)

    def test_through_loss(self):
        said = self.run_json("-n", "2000000", "--loss", "2%", "--seed", "3")
        self.assertGreater(said["end"]["sum_sent"]["retransmits"], 0)
        self.assertEqual(said["end"]["sum_sent"]["bytes"], 2000000)

    def test_interrupted(self):
        server = self.iperf3("-s", "-1")
        run = self.perf("-c", "10.64.64.1", "-t", "60", "-i", "0.1")
        self.assertTrue(await_true(lambda: run.said().count("sec  ") > 2, LIMIT), run.said())
        run.process.send_signal(signal.SIGINT)
        said = self.done(run, 128 + signal.SIGINT)
        self.assertIn("sender", said)
        server.end()
        self.assertIn("the client has terminated", server.said())

    def test_server_goes(self):
        server = self.iperf3("-s", "-1")
        run = self.perf("-c", "10.64.64.1", "-t", "60", "-i", "0.1")
        self.assertTrue(await_true(lambda: run.said().count("sec  ") > 2, LIMIT), run.said())
        server.process.terminate()
        said = self.done(run, 1)
        self.assertIn("the server", said)


@needs_iperf3
class Server(World):
    """iperf3 -c against tern perf -s."""

    def run_json(self, *words, host="10.64.64.2"):
        run = self.iperf3("-c", host, "-J", *words)
        self.done(run)
        return run.json()

    def test_one_test_after_another(self):
        server = self.server()
        for words, streams, host in ((("-n", "20M"), 1, "10.64.64.2"), (("-t", "1", "-R", "-P", "2"), 2, "fd64::2"),
                                     (("-t", "1", "--bidir", "-P", "2"), 4, "10.64.64.2"), (("-t", "1", "-O", "1"), 1, "fd64::2")):
            with self.subTest(words):
                said = self.run_json(*words, host=host)
                self.assertNotIn("error", said)
                self.assertEqual(len(said["end"]["streams"]), streams)
                for each in said["end"]["streams"]:
                    self.assertGreater(each["sender"]["bytes"], 0)
                    self.assertGreater(each["receiver"]["bytes"], 0)
                self.assertGreater(said["end"]["cpu_utilization_percent"]["remote_total"], 0)
        self.assertTrue(await_true(lambda: "(test #5)" in server.said(), LIMIT), server.said())
        server.process.send_signal(signal.SIGTERM)
        said = self.done(server, 128 + signal.SIGTERM)
        self.assertEqual(said.count("CPU Utilization"), 4)

    def test_json_of_a_server(self):
        server = self.perf("-s", "-J", "-1")
        self.assertTrue(await_true(lambda: self.start("iperf3", "-c", "10.64.64.2", "-n", "1M").end()[0] == 0, LIMIT))
        self.done(server)
        said = server.json()
        self.assertEqual(said["end"]["sum_sent"]["bytes"], 1 << 20)
        self.assertIn("accepted_connection", said["start"])

    def test_what_is_not_done_is_refused(self):
        server = self.server()
        code, said = self.start("iperf3", "-c", "10.64.64.2", "-u", "-t", "1").end()
        self.assertNotEqual(code, 0, said)
        self.assertIn("not implemented", said)
        self.run_json("-n", "1M")
        self.assertIn("not of TCP", server.said())

    def test_another_client_is_told_that_it_is_busy(self):
        self.server()
        first = self.iperf3("-c", "10.64.64.2", "-t", "60", "-i", "0.2")
        self.assertTrue(await_true(lambda: "sec  " in first.said(), LIMIT), first.said())
        with socket.create_connection(("10.64.64.2", 5201), timeout=LIMIT) as other:
            other.sendall(COOKIE)
            self.assertEqual(other.recv(9), DENIED)
            self.assertEqual(other.recv(9), b"")
        first.process.send_signal(signal.SIGINT)
        first.end()
        # And now it is not busy any more.
        self.assertTrue(await_true(lambda: self.start("iperf3", "-c", "10.64.64.2", "-n", "1M").end()[0] == 0, LIMIT))

    def test_interrupted(self):
        server = self.server()
        client = self.iperf3("-c", "10.64.64.2", "-t", "60", "-i", "0.2")
        self.assertTrue(await_true(lambda: "sec  " in client.said(), LIMIT), client.said())
        server.process.send_signal(signal.SIGINT)
        self.done(server, 128 + signal.SIGINT)
        code, said = client.end()
        self.assertIn("the server has terminated", said)


class Hostile(World):
    """Peers that do not keep to the protocol: tern says so and ends, or goes on with the next."""

    def talk(self, *sent):
        """What a server answers to a client that says that."""
        with socket.create_connection(("10.64.64.2", 5201), timeout=LIMIT) as client:
            answer = b""
            for each in sent:
                client.sendall(each)
            client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while piece := client.recv(1 << 16):
                    answer += piece
            return answer

    def test_clients(self):
        server = self.server()
        parameters = b'{"tcp":true,"time":1,"parallel":1,"len":1000}'
        ok = bytes([PARAM_EXCHANGE])
        for sent, expected in (
                ((b"short",), b""), ((COOKIE, b"\xff\xff\xff\xff"), ok), ((COOKIE, b"\0\0\0\0"), ok),
                ((COOKIE, struct.pack(">I", 4), b"{{{{"), ok + ERROR),
                ((COOKIE, struct.pack(">I", 32), b'{"parallel":1000,"tcp":true     }'[:32]), ok + ERROR),
                ((COOKIE, struct.pack(">I", len(parameters)), parameters), ok + bytes([CREATE_STREAMS])),
                ((COOKIE, struct.pack(">I", len(parameters)), parameters, b"\4"), ok + bytes([CREATE_STREAMS]))):
            with self.subTest(sent):
                self.assertEqual(self.talk(*sent)[:len(expected)], expected)
                self.assertTrue(await_true(lambda: self.is_free(), LIMIT), server.said())
        self.assertIsNone(server.process.poll(), server.said())

    def is_free(self):
        return self.talk(COOKIE) == bytes([PARAM_EXCHANGE])

    def test_servers(self):
        with socket.create_server(("10.64.64.1", 5201)) as listener:
            listener.settimeout(LIMIT)
            for said, word in ((b"", "closed"), (b"\1", "out of turn"), (b"\x63", "no state"), (DENIED, "busy"), (b"\x0b", "terminated"),
                               (ERROR + struct.pack(">II", 13, 0), "error 13"), (b"\x09\x0d", "out of turn")):
                with self.subTest(said):
                    run = self.perf("-c", "10.64.64.1", "-t", "1")
                    with listener.accept()[0] as peer:
                        peer.settimeout(LIMIT)
                        self.assertEqual(len(peer.recv(37, socket.MSG_WAITALL)), 37)
                        peer.sendall(said)
                        peer.shutdown(socket.SHUT_WR)
                        with contextlib.suppress(ConnectionResetError):
                            while peer.recv(1 << 16):
                                pass
                    self.assertIn(word, self.done(run, 1))

    def test_nobody(self):
        self.assertIn("refused", self.done(self.perf("-c", "10.64.64.1"), 1))
        run = self.perf("-c", "10.64.64.1", "-J")
        self.done(run, 1)
        self.assertIn("refused", run.json()["error"])
        ip("addr", "add", "10.64.64.9/32", "dev", "t0")
        subprocess.run(["ip", "route", "add", "blackhole", "10.64.65.0/24"], check=True, timeout=LIMIT)
        self.addCleanup(lambda: ip("route", "del", "blackhole", "10.64.65.0/24"))
        before = time.monotonic()
        self.assertIn("not answer in time", self.done(self.perf("-c", "10.64.65.1", "--connect-timeout", "300"), 1))
        self.assertLess(time.monotonic() - before, LIMIT)


class Itself(World):
    """tern against tern: a veth pair between two packet sockets."""

    def setUp(self):
        made = subprocess.run(["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"], capture_output=True,
                              check=False, timeout=LIMIT)
        if made.returncode != 0:
            self.skipTest("veth: " + made.stderr.decode().strip())
        self.addCleanup(lambda: ip("link", "del", "v0"))
        for name in ("v0", "v1"):
            ip("link", "set", name, "up")

    links = ("packet:", ())

    def test_both_ways(self):
        kind, options = self.links
        server = self.start(TERN, "perf", "-s", "-1", "--dev", f"{kind}v0", "--address", "10.9.0.1/24", *options)
        self.assertTrue(await_true(lambda: "listening" in server.said(), LIMIT), server.said())
        run = self.start(TERN, "perf", "-c", "10.9.0.1", "--dev", f"{kind}v1", "--address", "10.9.0.2/24", "-t", "1", "--bidir",
                         "-J", *options)
        self.done(run)
        self.done(server)
        said = run.json()
        for name in ("sum_sent", "sum_received", "sum_sent_bidir_reverse", "sum_received_bidir_reverse"):
            self.assertGreater(said["end"][name]["bytes"], 1_000_000, name)
        print(f"{kind}{' '.join(options)}: {said['end']['sum_received']['bits_per_second'] / 1e9:.2f} and "
              f"{said['end']['sum_received_bidir_reverse']['bits_per_second'] / 1e9:.2f} Gbit/s", file=sys.stderr)


class ItselfPlain(Itself):
    links = ("packet:", ("--plain",))


class ItselfByRing(Itself):
    links = ("ring:", ())


def leave_no_sums_to_the_device(name):
    """What ethtool -K NAME tx off does (ETHTOOL_STXCSUM): else nothing would make them on the way to an AF_XDP socket."""
    value = ctypes.create_string_buffer(struct.pack("II", 0x17, 0))
    with socket.socket() as sock:
        fcntl.ioctl(sock, 0x8946, struct.pack("16sP16x", name.encode(), ctypes.addressof(value)))


def xdp_is_permitted(test):
    """Makes the veth pair; what `tern perf` says where it cannot have a socket on it is why the test is skipped."""
    run = Run(TERN, "perf", "-c", "10.9.0.9", "--dev", "xdp:v1", "--address", "10.9.0.2/24", "--connect-timeout", "1")
    test.addCleanup(run.close)
    said = run.end()[1]
    if "no AF_XDP socket" in said:
        test.skipTest(said.strip().splitlines()[-1])


class ItselfByXdp(Itself):
    links = ("xdp:", ())

    def setUp(self):
        super().setUp()
        xdp_is_permitted(self)


@needs_iperf3
class LinuxByLinks(Itself):
    """Linux's TCP and iperf3 at v0, tern at v1."""

    def test_both_ways(self):
        ip("addr", "add", "10.9.0.1/24", "dev", "v0")
        for kind in ("packet:", "ring:", "xdp:"):
            with self.subTest(kind):
                if kind == "xdp:":
                    xdp_is_permitted(self)
                    leave_no_sums_to_the_device("v0")
                server = self.iperf3("-s", "-1")
                run = self.start(TERN, "perf", "-c", "10.9.0.1", "--dev", f"{kind}v1", "--address", "10.9.0.2/24", "-t", "1",
                                 "--bidir", "-J")
                self.done(run)
                server.end()
                for name in ("sum_received", "sum_received_bidir_reverse"):
                    self.assertGreater(run.json()["end"][name]["bytes"], 1_000_000, name)


if __name__ == "__main__":
    if not os.path.exists(TERN):
        skip(f"there is no {TERN}")
    enter_namespace()
    unittest.main()
