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
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import wire_world as world

TERN, LIMIT = world.TERN, 120
SIZE = 400000
CLOCK = 0.5e6       # ns by which the clock of captures may be slewed against the wire's (500 ppm, adjtime(3)), and rounding


def in_host(name, *words, **more):
    return subprocess.Popen(["ip", "netns", "exec", name, *words], stdin=subprocess.DEVNULL, **more)


def counters(name):
    """Of /proc/net/snmp and netstat, Tcp and TcpExt: what that host's kernel counted, as nstat shows it."""
    found = {}
    for file, which in (("snmp", "Tcp:"), ("netstat", "TcpExt:")):
        text = world.run("ip", "netns", "exec", name, "cat", f"/proc/net/{file}")
        head, values = [line.split()[1:] for line in text.splitlines() if line.startswith(which)]
        found.update(zip(head, map(int, values)))
    return found


def is_open(name):
    """Whether a connection of that host waits for its peer yet."""
    states = {line.split()[0] for line in world.run("ip", "netns", "exec", name, "ss", "-Htan").splitlines()}
    return bool(states - {"LISTEN", "TIME-WAIT"})


def await_end():
    """Until the FINs of both hosts' connections have come home, and what was on its way when they did."""
    if not world.await_true(lambda: not any(map(is_open, ("red", "blue"))), LIMIT):
        raise AssertionError("a connection does not end")
    time.sleep(0.5)


def wait_for_port(port):
    """By the kernel's list: a connection would be counted."""
    if not world.await_true(lambda: world.run("ip", "netns", "exec", "blue", "ss", "-Htln", "sport", "=", f":{port}"), LIMIT):
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


def has_run(pid):
    """The clock ticks that a process has had; or that it wants to."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return "R" if fields[0] == "R" else fields[11:13]


def await_quiet(pids):
    """Until those that read packets have none to read: they sleep, and do nothing, for half a second."""
    seen = []
    while len(seen) < 6 or seen[-6:] != seen[-1:] * 6 or "R" in seen[-1]:
        time.sleep(0.1)
        seen.append([has_run(pid) for pid in pids])


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
        await_quiet([dump.pid for dump in self.dumps])
        said = []
        for dump in self.dumps:
            dump.send_signal(signal.SIGINT)
            said.append(dump.communicate(timeout=LIMIT)[1])
        for one in said:
            if (dropped := re.search(r"(\d+) packets? dropped by kernel", one)) and dropped[1] != "0":
                raise unittest.SkipTest(f"the machine is too busy for tcpdump, which lost {dropped[1]} packets")


def set_ahead(path, ns):
    """As if the clock of the machine that captured had been ahead."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at, unit = 24, {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[struct.unpack_from("=I", data)[0]]
    while at < len(data):
        seconds, part, length = struct.unpack_from("=III", data, at)
        seconds, part = divmod(seconds * 10**9 + part * unit + ns, 10**9)
        struct.pack_into("=II", data, at, seconds, part // unit)
        at += 16 + length
    with open(path, "wb") as file:
        file.write(data)


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
                await_end()
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
            self.assertLessEqual(abs(again - kernel[name]), 1 + kernel[name] // 20, f"what {name} sent again")
            self.compare_with_counters(name, rows, before, after)
            for row in rows:
                self.assertGreaterEqual(row["b"]["text"], most)
                self.assertGreater(row["rtt"], 0.02e9)  # 40 ms, by clocks of a busy machine
                self.assertLess(row["rtt"], 4e9)
                self.assertIn(row["a"]["state"], ("TIME-WAIT", "CLOSED", "LAST-ACK"))
            if name == "red":
                self.compare_with_tcp_info(rows)
        self.assertGreater(kernel["blue"], 0, "the wire lost nothing: this shows nothing")
        pairs = self.pairs(capture.files["red"], capture.files["blue"])
        self.assertEqual(len(pairs), opened)
        for pair in pairs:
            # One clock: what is not equal in the least delays is what the machine added to the wire's 20 ms, once or twice.
            self.assertGreaterEqual(pair["uncertain"], 20e6 - CLOCK)
            self.assertLessEqual(abs(pair["offset"]), pair["uncertain"] - 20e6 + CLOCK)
        self.assertGreaterEqual(sum(pair["lost"][1] for pair in pairs), kernel["blue"] // 2)
        ahead = 3 * 10**9 + 250 * 10**6
        set_ahead(capture.files["blue"], ahead)
        for pair, again in zip(pairs, self.pairs(capture.files["red"], capture.files["blue"]), strict=True):
            self.assertEqual(again, pair | {"offset": pair["offset"] + ahead})

    def pairs(self, *files):
        """What is said of the two captures of each connection whose opening is in them."""
        lines = trace(*files)
        begun = {line["conn"] for line in lines if line["ev"] == "connection" and line["opened"] != "unseen"}
        return [line for line in lines if line["ev"] == "pair" and line["conn"] in begun]

    def compare_with_counters(self, name, rows, before, after):
        """What nstat would show beside what trace says: how often was it sent again, and why. Returns both."""
        side = {"red": "a", "blue": "b"}[name]
        kernel = {key: after[name][key] - before[name][key] for key in (
            "RetransSegs", "TCPFastRetrans", "TCPSlowStartRetrans", "TCPTimeouts", "TCPLossProbes", "TCPSynRetrans",
            "TCPDSACKRecv")}
        ours = {key: sum(row[side][key] for row in rows)
                for key in ("retransmitted", "fast", "timeout", "tail_probes", "path_mtu", "needless")}
        print(f"  {name}: nstat {kernel}; trace {ours}", file=sys.stderr)
        self.assertEqual(ours["fast"] + ours["timeout"] + ours["tail_probes"] + ours["path_mtu"], ours["retransmitted"])
        # What the kernel sends again has one of these reasons; a probe may be new text and so no repetition.
        self.assertLessEqual(kernel["TCPFastRetrans"] + kernel["TCPSlowStartRetrans"], kernel["RetransSegs"])
        return kernel, ours

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
            self.assertLessEqual(row["a"]["rtt_min"], info["min_rtt"] + 200e6)
            self.assertGreater(row["a"]["rtt_min"], 0.02e9)
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
                await_end()
            after = {name: counters(name) for name in ("red", "blue")}
        self.assertEqual(len(out), SIZE)
        for name, side in (("red", "a"), ("blue", "b")):
            row, = [line for line in trace(capture.files[name]) if line["ev"] == "connection" and line["opened"] != "unseen"]
            kernel = after[name]["RetransSegs"] - before[name]["RetransSegs"]
            print(f"ssh, {name}: kernel sent again {kernel}, trace {row[side]['retransmitted']}, text {row['b']['text']}",
                  file=sys.stderr)
            self.assertLessEqual(abs(row[side]["retransmitted"] - kernel), 1 + kernel // 20)
            self.assertGreater(row["b"]["text"], SIZE)
            self.assertIn(row["closed"], ("fin", "crossing-fin", "rst"))
            self.assertGreater(row["rtt"], 0.02e9)

    def test_bad_wire(self):
        """So much is lost that the kernels time out and probe: how often, and which of the reasons."""
        with open(f"{self.directory}/file", "wb") as file:
            file.write(b"z" * 60000)
        INFOS.clear()
        with world.Wire("--delay", "20ms", "--loss", "12%", "--seed", "9"), \
                Server(8000, sys.executable, "-m", "http.server", "-d", self.directory, "8000"):
            before = {name: counters(name) for name in ("red", "blue")}
            with Capture(self.directory, 8000) as capture:
                for _ in range(8):
                    fetch(8000, b"GET /file HTTP/1.0\r\n\r\n", lambda got: len(got) > 60000)
                await_end()
            after = {name: counters(name) for name in ("red", "blue")}
        for name in ("red", "blue"):
            rows = [line for line in trace(capture.files[name]) if line["ev"] == "connection"]
            kernel, ours = self.compare_with_counters(name, rows, before, after)
            self.assertLessEqual(abs(ours["retransmitted"] - kernel["RetransSegs"]), 2 + kernel["RetransSegs"] // 10)
            again = kernel["TCPFastRetrans"] + kernel["TCPSlowStartRetrans"]
            self.assertLessEqual(abs(ours["fast"] - again), 3 + again // 5)
            # A probe that had to wait for the time-out's time looks like one; and one of new text repeats nothing.
            waited = kernel["TCPTimeouts"] + kernel["TCPLossProbes"]
            self.assertLessEqual(ours["timeout"] + ours["tail_probes"] - waited, 3 + again // 5)
            self.assertLessEqual(waited - ours["timeout"] - ours["tail_probes"], 3 + kernel["TCPLossProbes"])
            self.assertLessEqual(ours["needless"] - kernel["TCPDSACKRecv"], 1)
            if name == "blue":
                self.assertGreater(kernel["RetransSegs"], 10, "the wire lost too little: this shows nothing")
                self.assertGreater(ours["fast"], 5)

    def test_live(self):
        """--live at one end of a connection that lives meanwhile, until it is interrupted."""
        with open(f"{self.directory}/file", "wb") as file:
            file.write(b"z" * 5000)
        with world.Wire("--delay", "5ms"), Server(8000, sys.executable, "-m", "http.server", "-d", self.directory, "8000"):
            with world.inside("red"):
                live = subprocess.Popen([TERN, "trace", "--live", "r0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
            try:
                begun = live.stderr.readline()      # what passes before that is not captured
                if "capturing on r0" in begun:
                    fetch(8000, b"GET /file HTTP/1.0\r\n\r\n", lambda got: len(got) > 5000)
                    await_end()
                    await_quiet([live.pid])
                    live.send_signal(signal.SIGINT)
                out, err = live.communicate(timeout=LIMIT)
            finally:
                live.kill()
        if "built without libpcap" in begun:
            self.skipTest("built without libpcap")
        self.assertEqual(live.returncode, 0, begun + err)
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([(row["opened"], row["b"]["text"] > 5000) for row in rows], [("three-way", True)])


if __name__ == "__main__":
    if not os.path.exists(TERN):
        world.skip(f"there is no {TERN}")
    world.enter()
    unittest.main()
