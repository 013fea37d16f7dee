#!/usr/bin/env python3
"""Peers of `tern gateway` that vanish without a word: what they leave behind ends within the times that tern-gateway(1)
states, shortened here by --keepalive and --user-timeout, and the other side is told by a reset.

    container (guest)  --  TAP  --  tern  --  loopback            --  server (this process)
    command (guest)    --  TAP  --  tern  --  veth, 192.0.2.0/24  --  server (another network namespace)

A cable is pulled by taking the address or the link away: no FIN, no RST, no ICMP error leaves then.
"""

import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

from gateway_world import TcpServer, World, await_true, start_container

WORLD = None
PATIENCE = 100
KEEPALIVE, USER_TIMEOUT = 2, 4      # seconds
OPTIONS = ("--keepalive", f"{KEEPALIVE}s", "--user-timeout", f"{USER_TIMEOUT}s")
PROBES = 5                          # a second apart
SLACK = 40                          # timers back off, and this machine may be busy; without the options it takes minutes


class Container:
    """A process in namespaces of its own that runs the Python it is given."""

    def __enter__(self):
        self.process = start_container()
        self.pid = self.process.pid
        return self

    def run(self, code):
        """The line that it prints."""
        self.process.stdin.write(f"exec({code!r})\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def how_it_ended(sock, begin):
    """What the program at this end sees, and after how many seconds."""
    sock.settimeout(PATIENCE)
    try:
        while sock.recv(1 << 16):
            pass
        return "end", time.monotonic() - begin
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error)), time.monotonic() - begin


class Vanish(unittest.TestCase):
    def setUp(self):
        self.control = f"{WORLD.work}/control"

    def ask(self, what):
        done = subprocess.run([WORLD.tern, "ctl", self.control, what], capture_output=True, text=True, check=True,
                              timeout=PATIENCE)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def assert_nothing_left(self):
        def left():
            stats = {each["name"]: each["value"] for each in self.ask("stats")}
            return {name: stats[name] for name in ("flows", "chunks_lent", "CurrEstab", "TernConnections",
                                                   "TernHalfOpen") if stats[name]}

        await_true(lambda: not left(), 10)
        self.assertEqual(left(), {})

    @contextlib.contextmanager
    def attached(self, container):
        ready, told = os.pipe()
        process = subprocess.Popen([WORLD.tern, "gateway", *OPTIONS, "--control", self.control, "--ready-fd", str(told),
                                    "--attach", str(container.pid)], pass_fds=(told,))
        os.close(told)
        try:
            self.assertEqual(os.read(ready, 1), b"1")
            yield process
        finally:
            os.close(ready)
            process.terminate()
            process.wait(10)

    def test_a_guest_that_vanishes(self):
        ends, greeted = {}, []

        def serve(sock):
            what = sock.recv(1)
            greeted.append(what)
            began.wait(PATIENCE)
            begin = time.monotonic()
            if what == b"f":            # data in flight: what the guest never acknowledges
                sock.settimeout(0.2)
                with contextlib.suppress(OSError):
                    while True:
                        sock.sendall(bytes(1 << 16))
            ends[what] = how_it_ended(sock, begin)

        began = threading.Event()
        deaf = socket.socket()          # a server whose SYNs get no answer until there is room
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        plugs = [socket.create_connection(deaf.getsockname(), 5)]
        deaf_port = deaf.getsockname()[1]
        with TcpServer(serve) as server, Container() as container, self.attached(container):
            self.assertEqual(container.run(f"""
import fcntl, struct
flight = socket.create_connection(('10.0.2.2', {server.port}), 10); flight.send(b'f')
idle = socket.create_connection(('10.0.2.2', {server.port}), 10); idle.send(b'i')
half = socket.socket(); half.setblocking(False); half.connect_ex(('10.0.2.2', {deaf_port}))
print('up', flush=True)"""), "up\n")
            self.assertTrue(await_true(lambda: len(greeted) == 2 and
                                       "connecting" in [flow["state"] for flow in self.ask("flows")]))
            # From here on that address is nobody's: what is sent to it is lost (SIOCSIFADDR, netdevice(7)).
            self.assertEqual(container.run("""
request = struct.pack('16sHH4s8x', b'tern0', socket.AF_INET, 0, socket.inet_aton('10.99.0.1'))
fcntl.ioctl(idle, 0x8916, request)
print('gone', flush=True)"""), "gone\n")
            vanished = time.monotonic()
            began.set()
            accepted, _ = deaf.accept()     # room: the onward connection of the half-open one stands soon
            accepted.close()
            deaf.settimeout(PATIENCE)
            onward, _ = deaf.accept()
            half_open = how_it_ended(onward, vanished)
            self.assertTrue(await_true(lambda: len(ends) == 2, PATIENCE))
            self.assertEqual((ends[b"f"][0], ends[b"i"][0], half_open[0]), ("ECONNRESET",) * 3)
            self.assertGreater(ends[b"f"][1], USER_TIMEOUT - 1)
            self.assertLess(ends[b"f"][1], USER_TIMEOUT + SLACK)
            self.assertGreater(ends[b"i"][1], KEEPALIVE - 1)
            self.assertLess(ends[b"i"][1], KEEPALIVE + PROBES + SLACK)
            self.assertLess(half_open[1], 15 + 2 * SLACK)     # four SYN-ACKs, the last 7 s after the first
            self.assert_nothing_left()
            onward.close()
        for sock in [deaf, *plugs]:
            sock.close()

    def test_a_server_that_vanishes(self):
        with Container() as far:
            done = WORLD.as_root("sh", "-ec", f"""
ip link add tern-near type veth peer name tern-far netns {far.pid}
ip address add 192.0.2.1/24 dev tern-near
ip link set tern-near up
nsenter -t {far.pid} -n sh -ec 'ip link set lo up; ip address add 192.0.2.2/24 dev tern-far; ip link set tern-far up'
""")
            if done.returncode != 0:
                self.skipTest(f"no veth pair into another namespace: {done.stderr.strip()}")
            self.assertEqual(far.run("server = socket.create_server(('192.0.2.2', 7000)); print('up', flush=True)"),
                             "up\n")
            code = """
import errno, json, socket, sys, threading, time
PATIENCE = 100
socks = [socket.create_connection(('192.0.2.2', 7000), 10) for _ in range(2)]
print('up', flush=True)
sys.stdin.readline()
ends = [None, None]
def watch(i):
    begin = time.monotonic()
    socks[i].settimeout(PATIENCE)
    try:
        while i == 0:
            socks[i].sendall(bytes(1 << 16))
        socks[i].recv(1)
        ends[i] = ('end', 0)
    except OSError as error:
        ends[i] = (errno.errorcode.get(error.errno, str(error)), time.monotonic() - begin)
threads = [threading.Thread(target=watch, args=(i,)) for i in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps(ends), flush=True)
sys.stdin.readline()
"""
            with WORLD.running(sys.executable, "-c", code, options=(*OPTIONS, "--control", self.control),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), "up\n")
                self.assertEqual(far.run("held = [server.accept() for _ in range(2)]; print('held', flush=True)"),
                                 "held\n")
                done = WORLD.as_root("nsenter", "-t", str(far.pid), "-n", "ip", "address", "flush", "dev", "tern-far")
                self.assertEqual(done.returncode, 0, done.stderr)
                process.stdin.write("\n")
                process.stdin.flush()
                ends = json.loads(process.stdout.readline())
                self.assertEqual([end[0] for end in ends], ["ECONNRESET"] * 2)
                for _, seconds in ends:
                    self.assertGreater(seconds, KEEPALIVE - 1)
                    self.assertLess(seconds, USER_TIMEOUT + PROBES + SLACK)
                self.assert_nothing_left()
                process.stdin.write("\n")
                process.stdin.flush()
                self.assertEqual(process.wait(10), 0)

    def test_without_options_an_idle_server_is_asked_after_ten_minutes(self):
        """By the kernel's own word (ss -o): the timer of the gateway's socket."""
        with TcpServer(lambda sock: sock.recv(1)) as server:
            code = ("import socket,sys; s=socket.create_connection(('10.0.2.2',int(sys.argv[1])),10); "
                    "print('up',flush=True); sys.stdin.read()")
            with WORLD.running(sys.executable, "-c", code, str(server.port), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), "up\n")
                out = subprocess.run(["ss", "-Htno", "dport", "=", f":{server.port}"], capture_output=True, text=True,
                                     check=True, timeout=PATIENCE).stdout
                self.assertRegex(out, r"timer:\(keepalive,(9min|10min)")


if __name__ == "__main__":
    WORLD = World()
    unittest.main()
