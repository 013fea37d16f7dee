#!/usr/bin/env python3
"""tern ss and tern stuck: looking at the connections of a running gateway."""

import contextlib
import html
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
from gateway_world import World, await_true  # pylint: disable=wrong-import-position

LIMIT = 60

# Opens a connection for each line it reads, "PORT WHAT", and does with it what it says; says "done"; keeps them all.
GUEST = """
import socket, sys, threading
kept = []
for line in sys.stdin:
    port, what = line.split()
    s = socket.create_connection(("10.0.2.2", int(port)), 10)
    kept.append(s)
    if what == "half-close":
        s.shutdown(socket.SHUT_WR)
    elif what == "send":
        threading.Thread(target=s.sendall, args=(bytes(1 << 27),), daemon=True).start()
    elif what == "close":
        assert s.recv(1) == b""
        s.close()
    print("done", flush=True)
"""


class Server:
    """Listens, and hands each connection to what the test wants done with it; keeps them open."""

    def __init__(self, act=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.act, self.kept = act, []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.kept.append(connection)
                if self.act:
                    threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            self.act(connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Whoever waits in accept() has to be gone before the listener is closed: its descriptor's number is the next
        # one's, whose connection it would take.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(LIMIT)
        for each in [self.listener, *self.kept]:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()


def pour(connection):
    while True:
        connection.sendall(bytes(1 << 16))


class Look(unittest.TestCase):
    def setUp(self):
        self.path = f"{WORLD.work}/control"

    @contextlib.contextmanager
    def gateway(self, *options):
        with WORLD.running(sys.executable, "-u", "-c", GUEST, options=("--control", self.path, *options),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            self.process = process
            self.assertTrue(await_true(lambda: os.path.exists(self.path), LIMIT))
            yield

    def forget(self):
        """The socket of a gateway that was ended without a word."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def guest(self, port, what):
        self.process.stdin.write(f"{port} {what}\n")
        self.process.stdin.flush()
        self.assertEqual(self.process.stdout.readline(), "done\n")

    def run_tern(self, *arguments, code=0):
        done = subprocess.run([WORLD.tern, *arguments, self.path], capture_output=True, text=True, timeout=LIMIT, check=False,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def stuck(self, *more):
        return {int(each["local"].rsplit(":", 1)[1]): each
                for each in map(json.loads, self.run_tern("stuck", "--json", *more).splitlines())}

    def waits(self, port, what, who):
        """In the end: the octets have to come to rest first."""
        self.assertTrue(await_true(lambda: self.stuck().get(port, {}).get("waits") == what, LIMIT),
                        (self.stuck("--all"), self.run_tern("ss", "--json")))
        found = self.stuck()[port]
        self.assertEqual((found["who"], found["well"]), (who, False))
        self.assertIn(f"  {found['line'].split(' for ')[0].split(' (')[0]}", self.run_tern("stuck"))
        return found

    def test_stuck_says_who_has_to_act(self):
        with Server() as silent, Server(pour) as pouring, self.gateway():
            self.guest(silent.port, "idle")
            self.assertTrue(await_true(lambda: self.stuck() == {}, LIMIT))     # its ACK may be on its way
            self.assertEqual(self.run_tern("stuck"), "nothing waits for anything\n")
            self.assertEqual(self.stuck("--all")[silent.port]["waits"], "idle")
            # The guest does not read: tern asks it until it does.
            self.guest(pouring.port, "idle")
            found = self.waits(pouring.port, "zero-window", "peer")
            self.assertEqual(found["state"], "ESTABLISHED")
            self.assertIn("next try in", found["line"])

    def test_stuck_at_the_program(self):
        with Server() as silent, Server() as deaf, self.gateway():
            self.guest(silent.port, "half-close")
            found = self.waits(silent.port, "close-wait", "program")
            self.assertEqual(found["state"], "CLOSE-WAIT")
            self.assertIn("the peer has closed; the local program has not", found["line"])
            self.assertIn("CLOSE-WAIT", self.run_tern("stuck", "--lang", "zh"))
            self.assertIn("对方已关闭；本地程序还没有", self.run_tern("stuck", "--lang", "zh"))
            # The server does not read: what the guest sends fills tern's window.
            self.guest(deaf.port, "send")
            self.assertIn("which does not read", self.waits(deaf.port, "unread", "program")["line"])

    def test_stuck_at_the_peer(self):
        with Server(lambda connection: connection.shutdown(socket.SHUT_WR)) as closing, self.gateway():
            self.guest(closing.port, "idle")
            self.waits(closing.port, "fin-wait-2", "peer")
            with Server(lambda connection: connection.close()) as gone:
                self.guest(gone.port, "close")
                self.assertTrue(await_true(lambda: self.stuck("--all").get(gone.port, {}).get("waits") == "time-wait", LIMIT))
                found = self.stuck("--all")[gone.port]
                self.assertTrue(found["well"])
                self.assertLessEqual(found["ends_in_ms"], 60000)
                self.assertGreater(found["ends_in_ms"], 30000)

    def test_ss(self):
        with Server() as silent, self.gateway():
            self.guest(silent.port, "idle")
            self.assertTrue(await_true(lambda: "ESTAB" in self.run_tern("ss", "-H"), LIMIT))
            title, line = self.run_tern("ss").splitlines()
            self.assertEqual(title.split(), ["State", "Recv-Q", "Send-Q", "Local", "Address:Port", "Peer", "Address:Port"])
            state, received, sent, local, peer = line.split()
            self.assertEqual((state, received, sent, local), ("ESTAB", "0", "0", f"10.0.2.2:{silent.port}"))
            self.assertRegex(peer, r"^10\.0\.2\.100:\d+$")
            info = self.run_tern("ss", "-Htinop")
            for wanted in (r"users:\(\(flow=1,onward=127\.0\.0\.1:%d\)\)" % silent.port, r"timer:\(keepalive,\d+min\d+sec,0\)",
                           r"\bcubic wscale:\d+,\d+ rto:[\d.]+ rtt:[\d.]+/[\d.]+ mss:\d+ pmtu:\d+", r"\bcwnd:\d+\b",
                           r"\bsegs_in:\d+"):
                self.assertRegex(info, wanted)
            self.assertNotIn("State", info)
            self.assertIn("skmem:(r0,rb", self.run_tern("ss", "-m"))
            listening = self.run_tern("ss", "-Hl").split()
            self.assertEqual(listening[0], "LISTEN")
            self.assertEqual(len(self.run_tern("ss", "-Ha").splitlines()), 2)
            self.assertEqual(self.run_tern("ss", "-H6"), "")
            self.assertEqual(len(self.run_tern("ss", "-H4").splitlines()), 1)
            line = json.loads(self.run_tern("ss", "--json"))
            self.assertEqual((line["state"], line["onward_port"], line["held"]), ("ESTABLISHED", silent.port, True))

    def test_report_of_a_running_gateway(self):
        page = f"{WORLD.work}/now.html"

        def report(*more, code=0):
            done = subprocess.run([WORLD.tern, "report", self.path, "--plain", "-o", page, *more], capture_output=True, text=True,
                                  timeout=LIMIT, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
            self.assertEqual(done.returncode, code, done.stderr)
            if code:
                return done.stderr
            with open(page, encoding="utf-8") as file:
                text = file.read()
            found = re.search(r'<script type="[a-z/-]+" id="tern-events">(.*?)</script>', text, re.S).group(1)
            return [json.loads(line) for line in found.splitlines() if line], html.unescape(text)

        with Server() as silent, Server() as deaf, self.gateway("--history", "64K"):
            self.guest(silent.port, "half-close")
            self.guest(deaf.port, "send")
            self.waits(deaf.port, "unread", "program")
            events, text = report()
            ends = {each["conn"]: each["ends"] for each in events if each["ev"] == "connection"}
            conn = {port: next(conn for conn, (guest, to) in ends.items() if to == f"10.0.2.2:{port}")
                    for port in (silent.port, deaf.port)}
            states = [each["to"] for each in events if each["ev"] == "state" and each["conn"] == conn[silent.port]]
            self.assertEqual(states, ["SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT"])
            stands = {each["conn"]: each for each in events if each["ev"] == "status"}
            self.assertEqual((stands[conn[silent.port]]["state"], stands[conn[silent.port]]["waits"]), ("CLOSE-WAIT", "close-wait"))
            self.assertIn("the local program has not", stands[conn[silent.port]]["say"])
            self.assertEqual(stands[conn[deaf.port]]["waits"], "unread")
            self.assertIn("the local program has not", text.split("<noscript>")[1].split("</noscript>")[0])
            # Much text, little memory: the SYN is there, the newest are, and between them is what was left out.
            segments = [each for each in events if each["ev"] == "segment" and each["conn"] == conn[deaf.port]]
            self.assertEqual(segments[0]["flags"], "S")
            self.assertTrue(all(each["rseq"] is not None for each in segments))
            self.assertTrue(all(each["t"] >= 0 for each in events if "t" in each))
            said = json.loads(re.search(r'id="tern-meta">(.*?)</script>', text, re.S).group(1))
            self.assertEqual(said["source"], "gateway")
        self.forget()
        with Server() as silent, self.gateway():
            self.guest(silent.port, "idle")
            self.assertIn("keeps no history", report(code=1))
        self.forget()
        self.assertRegex(report(code=2), "control: No such file")
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as dead:
            dead.bind(self.path)
        self.addCleanup(self.forget)
        self.assertIn("Connection refused", report(code=1))

    def test_a_file_in_the_sockets_place_stays(self):
        with open(self.path, "w", encoding="ascii") as file:
            file.write("mine")
        self.addCleanup(self.forget)
        done = subprocess.run([WORLD.tern, "gateway", "--control", self.path, "--", "true"], capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"--control: '{self.path}': Address already in use", done.stderr)
        with open(self.path, encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")

    def test_what_cannot_be_written_is_named(self):
        for option in ("--pcap", "--json", "--record"):
            done = subprocess.run([WORLD.tern, "gateway", option, "/nonexistent/x", "--", "true"], capture_output=True,
                                  text=True, timeout=LIMIT, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{option}: cannot write '/nonexistent/x': No such file", done.stderr)
        for option in ("--pcap", "--json"):  # the command's exit code stays
            done = subprocess.run([WORLD.tern, "gateway", option, "/dev/full", "--", sys.executable, "-c",
                                   "import socket; socket.socket().connect_ex(('10.0.2.2', 1)); raise SystemExit(3)"],
                                  capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn(f"{option}: '/dev/full' is not whole", done.stderr)

    def test_wrong_use(self):
        for command in ("ss", "stuck"):
            for arguments, code, said in (([], 2, "control socket"), (["--fly", "x"], 2, "no option '--fly'"),
                                          (["/nonexistent"], 1, "/nonexistent: No such file"),
                                          (["/nonexistent", "--json"], 1, "/nonexistent: No such file")):
                with self.subTest(command=command, arguments=arguments):
                    done = subprocess.run([WORLD.tern, command, *arguments], capture_output=True, text=True, timeout=LIMIT,
                                          check=False)
                    self.assertEqual(done.returncode, code)
                    self.assertIn(said, done.stderr)


if __name__ == "__main__":
    WORLD = World()
    unittest.main()
