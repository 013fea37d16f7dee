#!/usr/bin/env python3
"""`tern trace` on captures of Linux talking to Linux, over a wire that loses and delays: real servers (nginx, redis, python's
http.server), the kernel's own counters as the truth.

    red: r0 10.9.0.1 (client)  ===  tern wire: 20 ms, losses by seed  ===  b0 10.9.0.2 :blue (server)

tcpdump captures at both hosts. The kernel's TcpRetransSegs of each namespace says how often it sent again.
"""

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
import threading
import time
import unittest

import wire_world as world

TERN, LIMIT = world.TERN, 60
SIZE = 400000


def in_host(name, *words, **more):
    return subprocess.Popen(["ip", "netns", "exec", name, *words], stdin=subprocess.DEVNULL, **more)


def counters(name):
    """Of /proc/net/snmp, Tcp: what that host's kernel counted."""
    text = world.run("ip", "netns", "exec", name, "cat", "/proc/net/snmp")
    head, values = [line.split()[1:] for line in text.splitlines() if line.startswith("Tcp:")]
    return dict(zip(head, map(int, values)))


def is_open(name):
    """Whether a connection of that host waits for its peer yet."""
    states = {line.split()[0] for line in world.run("ip", "netns", "exec", name, "ss", "-Htan").splitlines()}
    return bool(states - {"LISTEN", "TIME-WAIT"})


def wait_for_port(port):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with world.inside("red"):
            probe = socket.socket()
        probe.settimeout(3)
        with probe:
            if probe.connect_ex((world.ADDRESS["blue"], port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(f"nobody listens at port {port}")


def whole_segments(device):
    """What this thread's namespace sends by it leaves as the segments that go on the wire (ethtool -K ... tso off)."""
    with socket.socket() as sock:
        for command in (0x1f, 0x24, 0x2c):      # ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(sock, 0x8946, struct.pack("16sP8x", device.encode(), ctypes.addressof(value)))


class Server:
    """A program at blue; ended with the context."""

    def __init__(self, port, *words):
        self.process = in_host("blue", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port = port

    def __enter__(self):
        wait_for_port(self.port)
        return self

    def __exit__(self, *ignored):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Capture:
    """tcpdump at both hosts while the context lasts."""

    def __init__(self, directory, port):
        self.files = {name: f"{directory}/{name}.pcap" for name in ("red", "blue")}
        self.dumps = [in_host(name, "tcpdump", "-Z", "root", "-U", "-n", "-i", device, "-s", "200", "-w", self.files[name],
                              "tcp", "port", str(port), stderr=subprocess.PIPE, text=True)
                      for name, device in (("red", "r0"), ("blue", "b0"))]

    def __enter__(self):
        for dump in self.dumps:
            while "listening on" not in (line := dump.stderr.readline()):
                if not line:
                    raise unittest.SkipTest("tcpdump cannot capture here")
        return self

    def __exit__(self, *ignored):
        time.sleep(0.5)
        for dump in self.dumps:
            dump.send_signal(signal.SIGINT)
            dump.communicate(timeout=20)


def trace(*arguments):
    done = subprocess.run([TERN, "trace", *arguments, "--json"], capture_output=True, text=True, timeout=LIMIT, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


INFOS = []      # of each connection that fetch() made, in their order, before it closed


def tcp_info(sock):
    """What the kernel itself says of the connection (TCP_INFO, linux/tcp.h), as `ss -i` shows it."""
    raw = sock.getsockopt(socket.IPPROTO_TCP, 11, 256)
    words = struct.unpack_from("=24I", raw, 8)
    acked, received = struct.unpack_from("=QQ", raw, 120)
    return {"rtt": words[15] * 1000, "total_retrans": words[23], "bytes_acked": acked, "bytes_received": received,
            "min_rtt": struct.unpack_from("=I", raw, 148)[0] * 1000, "snd_mss": words[2]}


def fetch(port, ask, until):
    """One connection of red's, to its end."""
    with world.inside("red"):
        sock = socket.create_connection((world.ADDRESS["blue"], port), LIMIT)
    with sock:
        sock.settimeout(LIMIT)
        sock.sendall(ask)
        got = b""
        while not until(got):
            piece = sock.recv(65536)
            if not piece:
                break
            got += piece
        info = tcp_info(sock)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    INFOS.append(info)
    return got


class LinuxToLinux(unittest.TestCase):
    def setUp(self):
        for tool in ("tcpdump",):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is missing")
        self.directory = tempfile.mkdtemp(dir="/tmp")
        os.chmod(self.directory, 0o777)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        world.make_hosts()
        self.addCleanup(world.remove_hosts)
        for name, device in (("red", "r0"), ("blue", "b0")):
            with world.inside(name):
                whole_segments(device)

    def compare(self, port, server, ask, until, most):
        """The whole of it: capture, kernel, trace. most: octets of the answer at the least."""
        with world.Wire("--delay", "20ms", "--loss", "2%", "--seed", "5"), server:
            before = {name: counters(name) for name in ("red", "blue")}
            with Capture(self.directory, port) as capture:
                INFOS.clear()
                got = [fetch(port, ask, until) for _ in range(4)]
                end = time.monotonic() + 30     # let FINs come home
                while time.monotonic() < end and any(map(is_open, ("red", "blue"))):
                    time.sleep(0.1)
                time.sleep(1)
            after = {name: counters(name) for name in ("red", "blue")}
        self.assertTrue(all(len(one) >= most for one in got))
        kernel = {name: after[name]["RetransSegs"] - before[name]["RetransSegs"] for name in after}
        opened = after["red"]["ActiveOpens"] - before["red"]["ActiveOpens"]
        for name, side in (("red", "a"), ("blue", "b")):
            rows = [line for line in trace(capture.files[name]) if line["ev"] == "connection" and line["opened"] != "unseen"]
            self.assertEqual(len(rows), opened)
            self.assertEqual({row["opened"] for row in rows}, {"three-way"})
            self.assertLessEqual({row["closed"] for row in rows}, {"fin", "crossing-fin"})
            again = sum(row[side]["retransmitted"] for row in rows)
            print(f"{type(server).__name__} {port}, {name}: kernel sent again {kernel[name]}, trace {again}, "
                  f"texts {[row['b']['text'] for row in rows]}", file=sys.stderr)
            self.assertEqual(again, kernel[name], f"what {name} sent again")
            for row in rows:
                self.assertGreaterEqual(row["b"]["text"], most)
                self.assertGreater(row["rtt"], 0.039e9)
                self.assertLess(row["rtt"], 0.5e9)
                self.assertIn(row["a"]["state"], ("TIME-WAIT", "CLOSED", "LAST-ACK"))
            if name == "red":
                self.compare_with_tcp_info(rows)
        self.assertGreater(kernel["blue"], 0, "the wire lost nothing: this shows nothing")
        lines = trace(capture.files["red"], capture.files["blue"])
        begun = {line["conn"] for line in lines if line["ev"] == "connection" and line["opened"] != "unseen"}
        pairs = [line for line in lines if line["ev"] == "pair" and line["conn"] in begun]
        self.assertEqual(len(pairs), opened)
        for pair in pairs:      # one machine, one clock
            self.assertLess(abs(pair["offset"]), 5e6)
        self.assertGreaterEqual(sum(pair["lost"][1] for pair in pairs), kernel["blue"] // 2)

    def compare_with_tcp_info(self, rows):
        """Connection by connection: octets both ways, what was sent again, the least round trip."""
        self.assertEqual(len(rows), len(INFOS))
        for row, info in zip(sorted(rows, key=lambda row: row["t"]), INFOS):
            print(f"  #{row['conn']}: TCP_INFO {info}; trace text {row['a']['text']} {row['b']['text']}, again "
                  f"{row['a']['retransmitted']}, least RTT {row['a']['rtt_min']}", file=sys.stderr)
            # The kernel counts the SYN among what is acknowledged, and a FIN among what is received.
            self.assertIn(info["bytes_acked"] - row["a"]["text"], (0, 1))
            self.assertLessEqual(info["bytes_received"] - row["b"]["text"], 1)
            self.assertLess(row["b"]["text"] - info["bytes_received"], 3000)        # the last of it may be on its way
            self.assertLessEqual(info["total_retrans"], row["a"]["retransmitted"])      # its FIN came after
            # The kernel's least is over the connection; both measure at red's door, the capture a little nearer the wire.
            self.assertLessEqual(row["a"]["rtt_min"], info["min_rtt"] + 20e6)
            self.assertGreater(row["a"]["rtt_min"], 0.039e9)
            self.assertLessEqual(info["snd_mss"], row["b"]["mss"])

    def test_python_http_server(self):
        with open(f"{self.directory}/file", "wb") as file:
            file.write(b"z" * SIZE)
        self.compare(8000, Server(8000, sys.executable, "-m", "http.server", "-d", self.directory, "8000"),
                     b"GET /file HTTP/1.0\r\n\r\n", lambda got: len(got) > SIZE, SIZE)

    def test_nginx(self):
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        if not os.path.exists(nginx):
            self.skipTest("nginx is missing")
        with open(f"{self.directory}/file", "wb") as file:
            file.write(b"z" * SIZE)
        os.chmod(f"{self.directory}/file", 0o644)
        with open(f"{self.directory}/nginx.conf", "w", encoding="ascii") as file:
            file.write(f"""daemon off; master_process off; pid {self.directory}/pid; error_log {self.directory}/error;
                events {{ }} http {{ access_log off; client_body_temp_path {self.directory}/b; proxy_temp_path {self.directory}/p;
                fastcgi_temp_path {self.directory}/f; uwsgi_temp_path {self.directory}/u; scgi_temp_path {self.directory}/s;
                server {{ listen 8080; root {self.directory}; }} }}""")
        self.compare(8080, Server(8080, nginx, "-c", f"{self.directory}/nginx.conf", "-p", self.directory, "-e",
                                  f"{self.directory}/error"),
                     b"GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", lambda got: len(got) > SIZE, SIZE)

    def test_redis(self):
        if not shutil.which("redis-server"):
            self.skipTest("redis-server is missing")
        value = b"v" * 200000
        ask = (b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nQUIT\r\n" % (len(value), value))
        self.compare(6379, Server(6379, "redis-server", "--port", "6379", "--bind", world.ADDRESS["blue"], "--save", "",
                                  "--protected-mode", "no", "--dir", self.directory),
                     ask, lambda got: got.endswith(b"+OK\r\n") and len(got) > len(value), len(value))

    def test_ssh(self):
        """A program of its own closes, and the kernels' counters alone are the truth."""
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        if not os.path.exists(sshd) or not shutil.which("ssh") or not shutil.which("ssh-keygen"):
            self.skipTest("sshd is missing")
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.directory}/{name}"], check=True,
                           stdout=subprocess.DEVNULL)
        os.chmod(self.directory, 0o755)
        with open(f"{self.directory}/sshd_config", "w", encoding="ascii") as file:
            file.write(f"Port 2222\nListenAddress {world.ADDRESS['blue']}\nHostKey {self.directory}/host\nUsePAM no\n"
                       f"AuthorizedKeysFile {self.directory}/user.pub\nStrictModes no\nPermitRootLogin yes\n"
                       f"PidFile none\nUseDNS no\n")
        script = f"mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec {sshd} -D -e -f {self.directory}/sshd_config"
        ssh = ["ssh", "-F", "none", "-p", "2222", "-i", f"{self.directory}/user", "-o", "StrictHostKeyChecking=no", "-o",
               "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", f"root@{world.ADDRESS['blue']}",
               f"head -c {SIZE} /dev/zero"]
        with world.Wire("--delay", "20ms", "--loss", "2%", "--seed", "7"), Server(2222, "unshare", "-m", "sh", "-c", script):
            before = {name: counters(name) for name in ("red", "blue")}
            with Capture(self.directory, 2222) as capture:
                with in_host("red", *ssh, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
                    out, err = client.communicate(timeout=LIMIT)
                if client.returncode == 255:
                    self.skipTest(f"sshd lets nobody in here: {err.decode()[-200:]}")
                time.sleep(2)
            after = {name: counters(name) for name in ("red", "blue")}
        self.assertEqual(len(out), SIZE)
        for name, side in (("red", "a"), ("blue", "b")):
            row, = [line for line in trace(capture.files[name]) if line["ev"] == "connection" and line["opened"] != "unseen"]
            kernel = after[name]["RetransSegs"] - before[name]["RetransSegs"]
            print(f"ssh, {name}: kernel sent again {kernel}, trace {row[side]['retransmitted']}, text {row['b']['text']}",
                  file=sys.stderr)
            self.assertEqual(row[side]["retransmitted"], kernel)
            self.assertGreater(row["b"]["text"], SIZE)
            self.assertIn(row["closed"], ("fin", "crossing-fin", "rst"))
            self.assertGreater(row["rtt"], 0.039e9)

    def test_live(self):
        """--live at one end of a connection that lives meanwhile."""
        done = {}

        def watch():
            with world.inside("red"):
                done["run"] = subprocess.run([TERN, "trace", "--live", "r0", "--for", "6s", "--json"], capture_output=True,
                                             text=True, timeout=LIMIT, check=False)
        with open(f"{self.directory}/file", "wb") as file:
            file.write(b"z" * 5000)
        with world.Wire("--delay", "5ms"), Server(8000, sys.executable, "-m", "http.server", "-d", self.directory, "8000"):
            thread = threading.Thread(target=watch)
            thread.start()
            time.sleep(1.5)
            fetch(8000, b"GET /file HTTP/1.0\r\n\r\n", lambda got: len(got) > 5000)
            thread.join()
        if "built without libpcap" in done["run"].stderr:
            self.skipTest("built without libpcap")
        self.assertEqual(done["run"].returncode, 0, done["run"].stderr)
        rows = [json.loads(line) for line in done["run"].stdout.splitlines()]
        self.assertEqual([(row["opened"], row["b"]["text"] > 5000) for row in rows], [("three-way", True)])


if __name__ == "__main__":
    if not os.path.exists(TERN):
        world.skip(f"there is no {TERN}")
    world.enter()
    unittest.main()
