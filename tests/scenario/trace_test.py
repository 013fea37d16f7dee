#!/usr/bin/env python3
"""`tern trace` as a user has it: the table of captures made here, as text and as JSON held against docs/json-lines.md;
damage; many connections in little memory; 300 MB/s.

TERN_TRACE_BYTES=N sets the length of the capture that is timed (64 MiB; `make proof`: 1 GiB)."""

import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

TERN = os.environ.get("TERN", "build/release/tern")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
A, B = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
RATE = 300e6      # bytes per second
SLOW = 12 if "-fsanitize" in os.environ.get("TERN_BUILD", "") or "/dev/" in TERN or "/tsan/" in TERN else 1


def packet(source, target, sport, dport, seq, ack, flags, text=b"", window=65535, options=b""):
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, (20 + len(options)) // 4 << 4, flags, window,
                      0, 0) + options
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp) + len(text), 0, 0x4000, 64, 6, 0, source, target)
    return ip + tcp + text


class Capture:
    """Raw IP, microseconds."""

    def __init__(self):
        self.parts, self.now = [struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101)], 10**15

    def put(self, data, after=0.001):
        self.now += round(after * 10**6)
        self.parts.append(struct.pack("<IIII", self.now // 10**6 % 2**32, self.now % 10**6, len(data), len(data)) + data)

    def client(self, seq, ack, flags, text=b"", after=0.001, port=1000, **more):
        self.put(packet(A, B, port, 80, 1000 + seq, 5000 + ack if flags & ACK else 0, flags, text, **more), after)

    def server(self, seq, ack, flags, text=b"", after=0.001, port=1000, **more):
        self.put(packet(B, A, 80, port, 5000 + seq, 1000 + ack if flags & ACK else 0, flags, text, **more), after)

    def open(self, port=1000, far=0.020):
        self.client(0, 0, SYN, port=port)
        self.server(0, 1, SYN | ACK, after=far, port=port)
        self.client(1, 1, ACK, after=0.00002, port=port)

    def bytes(self):
        return b"".join(self.parts)


def trace(data, *arguments, expect=0):
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(data)
        file.flush()
        done = subprocess.run([TERN, "trace", file.name, *arguments], capture_output=True, text=True, timeout=120,
                              check=False)
    if done.returncode != expect:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    return done


def rows(data, *arguments):
    return [json.loads(line) for line in trace(data, "--json", *arguments).stdout.splitlines()]


def plain():
    capture = Capture()
    capture.open()
    capture.client(1, 1, PSH | ACK, b"x" * 100)
    capture.server(1, 101, PSH | ACK, b"y" * 300, after=0.020)
    capture.client(101, 301, ACK)
    capture.client(101, 301, FIN | ACK, after=1)
    capture.server(301, 102, FIN | ACK, after=0.020)
    capture.client(102, 302, ACK)
    return capture


class Table(unittest.TestCase):
    def test_a_whole_connection(self):
        row, = rows(plain().bytes())
        self.assertEqual((row["ev"], row["conn"], row["ends"]), ("connection", 1, ["10.0.0.1:1000", "10.0.0.2:80"]))
        self.assertEqual((row["opened"], row["closed"], row["closer"]), ("three-way", "fin", 0))
        self.assertEqual((row["a"]["text"], row["b"]["text"]), (100, 300))
        self.assertEqual((row["a"]["state"], row["b"]["state"]), ("TIME-WAIT", "CLOSED"))
        self.assertEqual((row["a"]["near"], row["b"]["near"]), ("judged", "no"))
        self.assertEqual(row["segments"], 9)
        self.assertEqual(row["packets"], [1, 9])
        self.assertAlmostEqual(row["rtt"] / 1e9, 0.02, delta=0.001)
        text = trace(plain().bytes()).stdout
        self.assertIn("three-way", text)
        self.assertEqual(len(text.splitlines()), 2)

    def test_a_coarse_clock_gives_no_round_trip_of_none(self):
        """What came in one moment of the capture's clock says nothing of the round trip; the rest does."""
        capture = Capture()
        for send, seq, ack, flags, text, after in (
                (capture.client, 0, 0, SYN, b"", 0), (capture.server, 0, 1, SYN | ACK, b"", 0),
                (capture.client, 1, 1, ACK, b"", 0), (capture.server, 1, 1, ACK, b"x" * 100, 0),
                (capture.client, 1, 101, ACK, b"", 0), (capture.server, 101, 1, ACK, b"x" * 100, 0),
                (capture.client, 1, 201, ACK, b"", 0.003)):
            send(seq, ack, flags, text, after=after)
        row, = rows(capture.bytes())
        self.assertEqual((row["rtt"], row["b"]["rtt_min"], row["b"]["srtt"]), (3000000, 3000000, 3000000))

    def test_how_it_opened_and_closed(self):
        capture = Capture()
        capture.client(0, 0, SYN, port=1001)              # refused
        capture.server(0, 1, RST | ACK, port=1001)
        capture.client(0, 0, SYN, port=1002)              # nobody answers
        capture.client(0, 0, SYN, port=1002, after=1)
        capture.open(port=1003)                           # aborted
        capture.client(1, 1, RST | ACK, port=1003)
        capture.server(77, 50, ACK, b"text", port=1004)    # begun before the capture
        capture.client(50, 81, ACK, port=1004)
        capture.client(0, 0, SYN, port=1005)              # both at once
        capture.server(0, 0, SYN, port=1005)
        capture.client(0, 1, SYN | ACK, port=1005)
        capture.server(0, 1, SYN | ACK, port=1005)
        capture.open(port=1006)                           # half closed
        capture.server(1, 1, FIN | ACK, port=1006)
        found = {row["ends"][0].rsplit(":")[1]: row for row in rows(capture.bytes())}
        self.assertEqual({port: (row["opened"], row["closed"]) for port, row in found.items()},
                         {"1001": ("refused", "open"), "1002": ("unanswered", "open"), "1003": ("three-way", "rst"),
                          "1004": ("unseen", "open"), "1005": ("simultaneous", "open"), "1006": ("three-way", "half-closed")})
        self.assertFalse(found["1004"]["opener_known"])
        self.assertEqual(found["1001"]["a"]["state"], "CLOSED")
        self.assertEqual(found["1006"]["b"]["state"], "FIN-WAIT-1")
        self.assertEqual(found["1006"]["closer"], 1)

    def test_what_is_sent_again_and_why(self):
        capture = Capture()
        capture.open(far=0.1)
        for i in range(5):
            capture.client(1 + 100 * i, 1, ACK, b"x" * 100)
        for _ in range(4):
            capture.server(1, 101, ACK, after=0.02)
        capture.client(101, 1, ACK, b"x" * 100)               # fast
        capture.server(1, 501, ACK, after=0.1)
        capture.client(501, 1, ACK, b"x" * 100)
        capture.client(501, 1, ACK, b"x" * 100, after=0.5)      # time-out
        capture.server(1, 601, ACK, after=0.1)
        capture.client(501, 1, ACK, b"x" * 100, after=0.01)    # needless
        capture.client(600, 1, ACK, b"", after=60)              # keep-alive
        capture.server(1, 601, ACK, window=0)
        capture.client(601, 1, ACK, b"p", after=0.3)            # window probe
        row, = rows(capture.bytes())
        a = row["a"]
        self.assertEqual((a["retransmitted"], a["fast"], a["timeout"], a["tail_probes"], a["needless"]),
                         (3, 1, 1, 1, 1))
        self.assertEqual((a["keepalives"], a["window_probes"], row["b"]["zero_windows"]), (1, 1, 1))
        self.assertEqual(row["b"]["duplicate_acks"], 3)
        self.assertEqual(a["text"], 601)

    def test_overtaken_or_lost_before_the_capture(self):
        capture = Capture()
        capture.open(far=0.1)
        capture.server(101, 1, ACK, b"y" * 100, after=0.1)
        capture.server(1, 1, ACK, b"y" * 100, after=0.001)      # overtaken
        capture.client(1, 201, ACK)
        capture.server(301, 1, ACK, b"y" * 100, after=0.1)
        capture.client(1, 201, ACK)
        capture.server(201, 1, ACK, b"y" * 100, after=0.3)      # lost, and sent again
        row, = rows(capture.bytes())
        self.assertEqual((row["b"]["out_of_order"], row["b"]["lost_before"], row["b"]["retransmitted"]), (1, 1, 1))

    def test_the_same_ports_again(self):
        capture = plain()
        capture.now += 3 * 10**6
        capture.put(packet(A, B, 1000, 80, 777000, 0, SYN))
        capture.put(packet(B, A, 80, 1000, 888000, 777001, SYN | ACK))
        capture.put(packet(A, B, 1000, 80, 777001, 888001, ACK))
        self.assertEqual([row["opened"] for row in rows(capture.bytes())], ["three-way", "three-way"])

    def test_named_connections_alone(self):
        capture = Capture()
        for port in (1, 2, 3):
            capture.open(port=port)
        lines = rows(capture.bytes(), "--conn", "2")
        self.assertEqual([line["conn"] for line in lines if line["ev"] == "connection"], [2])
        self.assertEqual({line["conn"] for line in lines}, {2})
        lines = rows(capture.bytes(), "10.0.0.1:3")
        self.assertEqual([line["conn"] for line in lines if line["ev"] == "connection"], [3])
        self.assertEqual(len(trace(capture.bytes(), ":80").stdout.split("SYN-SENT")), 4)


class Annotated(unittest.TestCase):
    """--annotate, read back by tshark, of a pcap and of the pcapng that came of it."""

    @staticmethod
    def shown(name, *fields):
        out = subprocess.run(["tshark", "-n", "-r", name, "-T", "fields", *[word for field in fields for word in ("-e", field)]],
                             capture_output=True, text=True, timeout=60, check=True).stdout
        return [line.split("\t") for line in out.splitlines()]

    def test_comments(self):
        if not shutil.which("tshark"):
            self.skipTest("tshark not installed")
        capture = Capture()
        capture.open(far=0.1)
        capture.client(1, 1, PSH | ACK, b"x" * 100)
        capture.client(1, 1, PSH | ACK, b"x" * 100, after=0.5)
        capture.server(1, 101, ACK, after=0.1)
        capture.client(101, 1, RST | ACK)
        with tempfile.TemporaryDirectory() as directory:
            with open(f"{directory}/a.pcap", "wb") as file:
                file.write(capture.bytes())
            for name, to in (("a.pcap", "b.pcapng"), ("b.pcapng", "c.pcapng")):
                subprocess.run([TERN, "trace", f"{directory}/{name}", "--annotate", f"{directory}/{to}"], timeout=120,
                               check=True, capture_output=True)
            before = self.shown(f"{directory}/a.pcap", "frame.time_epoch", "tcp.seq_raw", "tcp.len")
            once = self.shown(f"{directory}/b.pcapng", "frame.comment")
            twice = self.shown(f"{directory}/c.pcapng", "frame.comment")
            for name in ("b.pcapng", "c.pcapng"):
                self.assertEqual(self.shown(f"{directory}/{name}", "frame.time_epoch", "tcp.seq_raw", "tcp.len"), before)
        self.assertIn("client: CLOSED to SYN-SENT", once[0][0])
        self.assertIn("segment 1 of the seven", once[0][0])
        self.assertIn("lost beyond the capture", once[3][0])
        self.assertIn("retransmission of 4", once[4][0])
        self.assertIn("to CLOSED", once[6][0])
        self.assertIn(once[4][0], twice[4][0])
        self.assertEqual(twice[4][0].count("retransmission of 4"), 2)


class BothEnds(unittest.TestCase):
    """One connection, captured twice: 20 ms there, 30 ms back; the server's clock is 3.5 s ahead."""

    THERE, BACK, AHEAD = 0.020, 0.020, 3.5

    def captures(self):
        client, server = [], []     # (time, packet)

        def send(when, data, lost=False):
            ours = data[12:16] == A
            there = when + (self.THERE if ours else self.BACK)
            (client if ours else server).append((when, data))
            if not lost:
                (server if ours else client).append((there, data))
        def c(when, seq, ack, flags, text=b"", lost=False):
            send(when, packet(A, B, 1000, 80, 1000 + seq, 5000 + ack if flags & ACK else 0, flags, text), lost)
        def s(when, seq, ack, flags, text=b"", lost=False):
            send(when, packet(B, A, 80, 1000, 5000 + seq, 1000 + ack if flags & ACK else 0, flags, text), lost)
        c(0, 0, 0, SYN)
        s(0.02001, 0, 1, SYN | ACK)
        c(0.04002, 1, 1, ACK)
        c(0.05, 1, 1, PSH | ACK, b"x" * 100, lost=True)
        c(0.35, 1, 1, PSH | ACK, b"x" * 100)
        s(0.3701, 1, 101, ACK, lost=True)
        s(0.38, 1, 101, PSH | ACK, b"y" * 50)
        c(0.4001, 101, 51, ACK)
        c(2.0, 101, 51, FIN | ACK)
        s(2.0201, 51, 102, FIN | ACK, lost=True)
        s(2.3, 51, 102, FIN | ACK)
        c(2.3201, 102, 52, ACK)
        files = []
        for packets, ahead in ((client, 0), (server, self.AHEAD)):
            capture = Capture()
            capture.parts = capture.parts[:1]
            for when, data in sorted(packets, key=lambda one: one[0]):
                capture.now = 10**15
                capture.put(data, after=when + ahead)
            files.append(capture.bytes())
        return files

    def run_both(self, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            names = [f"{directory}/client.pcap", f"{directory}/server.pcap"]
            for name, data in zip(names, self.captures()):
                with open(name, "wb") as file:
                    file.write(data)
            return subprocess.run([TERN, "trace", *names, *arguments], capture_output=True, text=True, timeout=120,
                                  check=True)

    def test_clocks_slopes_and_losses(self):
        lines = [json.loads(line) for line in self.run_both("--json").stdout.splitlines()]
        pair, = [line for line in lines if line["ev"] == "pair"]
        self.assertAlmostEqual(pair["offset"] / 1e9, self.AHEAD, delta=1e-5)
        self.assertAlmostEqual(pair["uncertain"] / 1e9, 0.02, delta=1e-5)
        self.assertEqual((pair["lost"], pair["arrived"], pair["strays"]), ([1, 2], [6, 3], [0, 0]))
        sent = [line for line in lines if line.get("dir") == "tx"]
        self.assertEqual([line["n"] for line in sent if line["fate"] == "lost"], [4, 6, 10])
        came = {line["n"]: line["t"] for line in lines if line.get("dir") == "rx"}
        for line in sent:
            if line["fate"] != "lost":
                self.assertAlmostEqual((came[line["n"]] - line["t"]) / 1e9, 0.02, delta=1e-5)
        states = {host: [line["to"] for line in lines if line["ev"] == "state" and line["host"] == host]
                  for host in ("client", "server")}
        self.assertEqual(states["client"], ["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "TIME-WAIT"])
        self.assertEqual(states["server"], ["SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"])

    def test_drawn(self):
        text = self.run_both("--explain").stdout
        self.assertIn("clock is 3.5 s ahead", text)
        self.assertEqual(text.count("✗ lost") + text.count("lost ✗"), 3)


class Long(unittest.TestCase):
    def test_ten_thousand_segments(self):
        """Repetition is folded, silence is said: the drawing stays short, and names what is left out."""
        capture = Capture()
        capture.open(far=0.02)
        for i in range(5000):
            capture.server(1 + 1000 * i, 1, ACK, b"y" * 1000, after=0.0001)
            capture.client(1, 1001 + 1000 * i, ACK, after=0.0001)
        capture.client(1, 5000001, PSH | ACK, b"x" * 10, after=90)
        capture.server(5000001, 11, ACK, after=0.02)
        began = time.monotonic()
        text = trace(capture.bytes(), "--conn", "1").stdout
        self.assertLess(time.monotonic() - began, 10 * SLOW)
        self.assertLess(len(text.splitlines()), 100)
        self.assertRegex(text, r"… \d{4} more segments \(\d+-\d+\)")
        self.assertIn("90 s in which nothing is seen", text)
        whole = trace(capture.bytes(), "--conn", "1", "--all").stdout
        self.assertGreater(len(whole.splitlines()), 10000)


class Trouble(unittest.TestCase):
    def test_what_cannot_be_read_is_said(self):
        self.assertIn("neither pcap nor pcapng", trace(b"no capture at all", expect=2).stderr)
        self.assertIn("empty", trace(b"", expect=2).stderr)
        data = plain().bytes()
        done = trace(data[:-7], expect=1)
        self.assertIn("ends within a packet", done.stderr)
        self.assertIn("three-way", done.stdout)
        done = trace(data[:24 + 60] + b"\xff" * 100 + data[24 + 60:], expect=1)
        self.assertRegex(done.stderr, r"\d+ bytes at offset \d+ are skipped")
        self.assertIn("the file ends within its header", trace(data[:10], expect=2).stderr)
        folder = subprocess.run([TERN, "trace", "/"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((folder.returncode, folder.stderr), (2, "tern: trace: /: Is a directory\n"))
        missing = subprocess.run([TERN, "trace", "/nonexistent"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((missing.returncode, "No such file" in missing.stderr), (2, True))

    def test_what_is_not_there_is_said(self):
        for arguments, words in ((("--conn", "7"), "there is no connection 7, the last is 1"),
                                 (("--conn", "1,3-4"), "no connection 3,"), (("--conn", "7", "--json"), "no connection 7"),
                                 (("192.0.2.9:80",), "no connection has 192.0.2.9:80 at an end"),
                                 ((":81", "10.0.0.1"), "no connection has :81 at an end")):
            done = trace(plain().bytes(), *arguments, expect=1)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        trace(plain().bytes(), "--conn", "1-9")
        trace(plain().bytes(), "10.0.0.1:1000", ":80")

    def test_standard_input(self):
        done = subprocess.run([TERN, "trace", "-", "--json"], input=plain().bytes(), capture_output=True, timeout=120,
                              check=True)
        self.assertEqual(json.loads(done.stdout)["conn"], 1)

    def test_memory_is_bounded_by_what_lives(self):
        """100,000 connections, one after the other and hours apart, take what a few take."""
        header = Capture().bytes()
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            file.write(header)
            for i in range(100000):
                one = Capture()
                one.now = (10**9 + i // 10) * 10**6     # ten a second
                one.client(0, 0, SYN, port=1 + i % 60000)
                one.server(0, 1, RST | ACK, port=1 + i % 60000)
                file.write(b"".join(one.parts[1:]))
            file.flush()
            with tempfile.TemporaryFile() as out:
                process = subprocess.Popen([TERN, "trace", file.name], stdout=out, stderr=subprocess.DEVNULL)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                out.seek(0)
                lines = out.read().count(b"\n")
        self.assertEqual((process.returncode, lines), (0, 100001))
        if SLOW == 1:
            self.assertLess(usage.ru_maxrss, 64 * 1024)     # KiB; all of them at once would take 150 MiB


class Speed(unittest.TestCase):
    def test_300_megabytes_a_second(self):
        wanted = int(os.environ.get("TERN_TRACE_BYTES", 64 << 20))
        capture = Capture()
        for port in range(1, 65):
            capture.open(port=port)
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            file.write(capture.bytes())
            size, seq = len(capture.bytes()), [1] * 65
            text = b"z" * 1448
            while size < wanted:
                capture.parts = []
                for port in range(1, 65):
                    for _ in range(2):
                        capture.client(seq[port], 1, ACK, text, port=port, after=0.000002)
                        seq[port] += 1448
                    capture.server(1, seq[port], ACK, port=port, after=0.000002)
                    if seq[port] // 1448 % 50 == 0:
                        capture.client(seq[port] - 1448, 1, ACK, text, port=port, after=0.000002)
                size += file.write(capture.bytes())
            file.flush()
            best = 0
            for _ in range(3):
                began = time.monotonic()
                usage = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run([TERN, "trace", file.name], capture_output=True, timeout=600, check=True)
                spent = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = spent.ru_utime + spent.ru_stime - usage.ru_utime - usage.ru_stime
                best = max(best, size / cpu)
                print(f"{size / 2**20:.0f} MiB: {cpu:.2f} s of one core, {size / cpu / 1e6:.0f} MB/s "
                      f"({time.monotonic() - began:.2f} s by the clock)", file=sys.stderr)
        self.assertGreater(best, RATE / SLOW)


if __name__ == "__main__":
    if not os.path.exists(TERN):
        print(f"skipped: there is no {TERN}", file=sys.stderr)
        sys.exit(77)
    unittest.main()
