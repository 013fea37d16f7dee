#!/usr/bin/env python3
"""Programs that nobody here wrote, through `tern gateway`, over IPv4 and IPv6.

    curl, redis-benchmark, iperf3, ssh, socat, dig, ping (guest)  --  tern  --  their servers (host, on loopback)
    curl, redis-cli (host)  --  tern, -p  --  nginx, redis-server (guest)

Each is judged by its outcome, by what the gateway counts (nothing is left over) and, where it does not carry
much, by its packets: without offloads, on a clean link, Wireshark finds nothing malformed, no bad checksum,
nothing sent again, no ACK of what was never sent.

A program that is not installed skips its tests by name; tools/bootstrap.sh ci installs them all.
"""

import contextlib
import hashlib
import http.server
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import unittest

from gateway_world import (ELSEWHERE, FAMILY, GATEWAY, LOOPBACK, Patient, UdpServer, World, await_true, is_few, odd_in)

WORLD = None
PATIENCE = 120              # seconds for one program
# Octets of a large file: more than any buffer on its way holds. TERN_LARGE=1073741824: a gigabyte.
LARGE = int(os.environ.get("TERN_LARGE", 1 << (26 if os.environ.get("TERN_TEST_UID") else 28)))
BLOCK = 1 << 16

# Debian keeps daemons where a user's PATH does not look.
os.environ["PATH"] += ":/usr/sbin:/sbin"


def needs(*programs):
    """Skips the test where one of them is missing."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise unittest.SkipTest(" and ".join(missing) + " not installed")


def url_host(address):
    return f"[{address}]" if ":" in address else address


def free_port(version=4):
    with socket.socket(FAMILY[version]) as probe:
        probe.bind((LOOPBACK[version], 0))
        return probe.getsockname()[1]


def answers(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), 10).close()
        return True
    except OSError:
        return False


@contextlib.contextmanager
def daemon(*arguments, port=None, address="127.0.0.1", **more):
    """A server of the host's, from when it answers until the end of the block."""
    log = f"{WORLD.work}/{os.path.basename(arguments[0])}.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   cwd=WORLD.work, **more)
    try:
        if port is not None and not await_true(lambda: answers(port, address) or process.poll() is not None, PATIENCE):
            raise AssertionError(f"{arguments[0]} does not listen")
        if process.poll() is not None:
            with open(log, encoding="utf-8", errors="replace") as text:
                raise AssertionError(f"{arguments[0]} ended: {text.read()}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def blocks(total):
    """Octets that tell where they belong: a counter at the head of each block."""
    body = os.urandom(BLOCK - 8)
    for i in range(total // BLOCK):
        yield struct.pack("!Q", i) + body


class Pages(http.server.BaseHTTPRequestHandler):
    """GET /N: N octets; PUT: their SHA-256. HTTP/1.1, so that connections are kept."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        total, digest = int(self.path[1:]), hashlib.sha256()
        self.send_response(200)
        self.send_header("Content-Length", str(total))
        self.end_headers()
        left = total
        for block in blocks(total + BLOCK):
            block = block[:left]
            digest.update(block)
            self.wfile.write(block)
            left -= len(block)
        self.server.sums.append(digest.hexdigest())

    def do_PUT(self):
        digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
        while left > 0:
            data = self.rfile.read(min(left, 1 << 20))
            digest.update(data)
            left -= len(data)
        self.send_response(200)
        self.send_header("Content-Length", "64")
        self.end_headers()
        self.wfile.write(digest.hexdigest().encode())

    def log_message(self, *_):
        pass


class PageServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, version):
        self.address_family = FAMILY[version]
        self.sums, self.connections = [], 0
        super().__init__((LOOPBACK[version], 0), Pages)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def process_request(self, *request):
        self.connections += 1
        super().process_request(*request)

    def __exit__(self, *error):
        self.shutdown()
        super().__exit__(*error)


class Case(Patient):
    SETTLES = (0.1, 1, 4)

    def each_version(self):
        """A failure names the addresses that its command was given."""
        return WORLD.versions()

    def check_counters(self, stderr):
        """Nothing is left over, and nothing went wrong below the programs. Flows of datagrams end by time alone."""
        counters = {name: int(value) for name, value in re.findall(r"^(\S+) (\d+)$", stderr, re.M)}
        of_datagrams = counters.get("udp_flows", 0) + counters.get("dns_queries", 0) + ("echo_up" in counters)
        for name in ("InCsumErrors", "InErrs", "flows_refused"):
            self.assertNotIn(name, counters, stderr)
        self.assert_in_time(counters["flows"] <= of_datagrams, stderr)
        for name in ("chunks_lent", "CurrEstab", "TernHalfOpen"):
            self.assert_in_time(counters.get(name, 0) == 0, stderr)
        self.assert_in_time(is_few(counters.get("RetransSegs", 0), counters.get("OutSegs", 0)), stderr)
        return counters

    def guest(self, *command, options=(), code=0, captured=False, **more):
        """A command in the guest; its stdout. The guest stays for a moment, so that servers end too."""
        # Another user's packets are no others: once is enough.
        if captured and shutil.which("tshark") and not WORLD.helper:
            return self.guest_on_the_wire(*command, options=options, code=code, **more)
        script = f'"$@"; code=$?; sleep {self.settled}; exit $code'
        done = WORLD.run("sh", "-c", script, "sh", *command, options=("--stats", *options), timeout=PATIENCE, **more)
        self.assertEqual(done.returncode, code, (done.stdout[-2000:], done.stderr))
        self.counters = self.check_counters(done.stderr)
        return done.stdout

    def guest_on_the_wire(self, *command, options=(), **more):
        capture = f"{WORLD.work}/{self.id()}.pcapng"
        out = self.guest(*command, options=(*options, "--plain", "--pcap", capture), **more)
        odd = odd_in(capture)
        if odd and os.environ.get("TERN_KEEP"):
            shutil.copy(capture, os.environ["TERN_KEEP"])
        self.assertGreater(os.path.getsize(capture), 500)
        os.unlink(capture)
        self.assert_clean(odd)
        return out


class Curl(Case):
    def setUp(self):
        needs("curl")

    def test_keep_alive_download_and_upload(self):
        upload = os.urandom(3 << 20)
        with open(f"{WORLD.work}/upload", "wb") as file:
            file.write(upload)
        for version in self.each_version():
            with PageServer(version) as server:
                base = f"http://{url_host(GATEWAY[version])}:{server.port}"
                out = self.guest("curl", "-sS", "-w", "%{http_code} %{num_connects}\n",
                                 "-o", "one", f"{base}/1000", "-o", "two", f"{base}/2000000", "-o", "none", f"{base}/0",
                                 "--next", "-sS", "-w", "%{http_code} %{num_connects}\n", "-o", "four", "-T", "upload",
                                 f"{base}/", captured=True)
                self.assertEqual(out.split(), ["200", "1", "200", "0", "200", "0", "200", "0"])
                self.assertEqual(server.connections, 1)
                sums = []
                for name in ("one", "two"):
                    with open(f"{WORLD.work}/{name}", "rb") as file:
                        sums.append(hashlib.sha256(file.read()).hexdigest())
                self.assertEqual(sums, server.sums[:2])
                with open(f"{WORLD.work}/four", encoding="ascii") as file:
                    self.assertEqual(file.read(), hashlib.sha256(upload).hexdigest())

    def test_a_large_file_down(self):
        with PageServer(4) as server:
            out = self.guest("sh", "-c", f"curl -sS http://10.0.2.2:{server.port}/{LARGE} | sha256sum")
            self.assertEqual(out.split()[0], server.sums[0])
            self.assertGreater(self.counters["octets_down"], LARGE)

    def test_a_large_file_up_over_ipv6(self):
        if not WORLD.has_ipv6:
            self.skipTest("the host has no IPv6")
        digest, path = hashlib.sha256(), f"{WORLD.work}/large"
        with PageServer(6) as server:
            os.mkfifo(path)
            try:
                def feed():
                    with open(path, "wb") as pipe, contextlib.suppress(BrokenPipeError):
                        for block in blocks(LARGE):
                            digest.update(block)
                            pipe.write(block)
                feeder = threading.Thread(target=feed, daemon=True)
                feeder.start()
                out = self.guest("sh", "-c", f"curl -sS -T - -H 'Content-Length: {LARGE}' -H 'Transfer-Encoding:' "
                                             f"http://[fd00::2]:{server.port}/ <large")
                feeder.join(PATIENCE)
            finally:
                os.unlink(path)
            self.assertEqual(out, digest.hexdigest())

    def test_many_at_once(self):
        for version in self.each_version():
            with PageServer(version) as server:
                base = f"http://{url_host(GATEWAY[version])}:{server.port}"
                config = "".join(f'url = "{base}/{1000 + i}"\noutput = "many{i}"\n' for i in range(60))
                with open(f"{WORLD.work}/config", "w", encoding="ascii") as file:
                    file.write(config)
                self.guest("curl", "-sS", "--parallel", "--parallel-immediate", "--parallel-max", "60", "-K", "config",
                           captured=True)
                self.assertEqual([os.path.getsize(f"{WORLD.work}/many{i}") for i in range(60)],
                                 [1000 + i for i in range(60)])

    def test_over_a_tun_device_and_at_a_small_mtu(self):
        for options in (("--tun",), ("--mtu", "1500"), ("--mtu", "1280", "--tun")):
            with PageServer(4) as server:
                self.guest("curl", "-sS", "-o", "one", f"http://10.0.2.2:{server.port}/3000000", captured=True,
                           options=options)
                with open(f"{WORLD.work}/one", "rb") as file:
                    self.assertEqual(hashlib.sha256(file.read()).hexdigest(), server.sums[0])


class HttpServers(Case):
    def fetch(self, version, port, size):
        return self.guest("sh", "-c", f"curl -sS http://{url_host(GATEWAY[version])}:{port}/file >got && "
                                      f"curl -sS -o /dev/null -w '%{{http_code}}' "
                                      f"http://{url_host(GATEWAY[version])}:{port}/none", captured=size < 1 << 24)

    def check(self, version, port, data):
        self.assertEqual(self.fetch(version, port, len(data)), "404")
        with open(f"{WORLD.work}/got", "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), hashlib.sha256(data).hexdigest())

    def setUp(self):
        needs("curl")
        self.root = f"{WORLD.work}/root"
        os.makedirs(self.root, exist_ok=True)
        self.data = os.urandom(2 << 20)
        with open(f"{self.root}/file", "wb") as file:
            file.write(self.data)
        os.chmod(f"{self.root}/file", 0o644)

    def nginx(self, listen):
        """Its configuration, all within our directory."""
        path = f"{WORLD.work}/nginx.conf"
        where = "\n".join(f"{name}_temp_path {WORLD.work}/nginx;" for name in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(path, "w", encoding="ascii") as file:
            file.write(f"""
daemon off; master_process off; pid {WORLD.work}/nginx.pid; error_log stderr;
events {{ }}
http {{ access_log off; sendfile on; tcp_nopush on; {where}
server {{ {listen} root {self.root}; }} }}
""")
        return ["nginx", "-c", path, "-p", WORLD.work, "-e", "stderr"]

    def test_nginx(self):
        needs("nginx")
        for version in self.each_version():
            port = free_port(version)
            with daemon(*self.nginx(f"listen {url_host(LOOPBACK[version])}:{port};"), port=port,
                        address=LOOPBACK[version]):
                self.check(version, port, self.data)

    def test_nginx_in_the_guest(self):
        needs("nginx")
        for version in self.each_version():
            port = free_port(version)
            with WORLD.running(*self.nginx("listen 8080; listen [::]:8080;"),
                               options=("-p", f"{url_host(LOOPBACK[version])}:{port}:8080"),
                               stderr=subprocess.DEVNULL):
                url = f"http://{url_host(LOOPBACK[version])}:{port}/file"
                self.assertTrue(await_true(lambda url=url: subprocess.run(
                    ["curl", "-sf", "-o", "/dev/null", url], check=False, timeout=PATIENCE).returncode == 0, PATIENCE))
                done = subprocess.run(["curl", "-sS", url, url], capture_output=True, check=True, timeout=PATIENCE)
                self.assertEqual(done.stdout, 2 * self.data)

    def test_python_http_server(self):
        for version in self.each_version():
            port = free_port(version)
            with daemon(sys.executable, "-m", "http.server", "--bind", LOOPBACK[version], "--directory", self.root,
                        str(port), port=port, address=LOOPBACK[version]):
                self.check(version, port, self.data)


class Redis(Case):
    def setUp(self):
        needs("redis-server", "redis-benchmark", "redis-cli")

    @contextlib.contextmanager
    def server(self, port):
        with daemon("redis-server", "--port", str(port), "--bind", "127.0.0.1", *(["::1"] if WORLD.has_ipv6 else []),
                    "--save", "", "--dir", WORLD.work, port=port):
            yield

    def test_redis_benchmark(self):
        for version in self.each_version():
            port = free_port(version)
            with self.server(port):
                out = self.guest("redis-benchmark", "-h", GATEWAY[version], "-p", str(port), "-n", "500", "-c", "50",
                                 "-t", "ping,set,get,lrange_100", "--csv", captured=True)
                rows = re.findall(r'^"([^"]+)","([\d.]+)"', out, re.M)
                self.assertGreaterEqual(len(rows), 5, out)
                self.assertTrue(all(float(row[1]) > 0 for row in rows), out)
                # 16 requests in a segment, and values of 100 kB
                self.guest("redis-benchmark", "-h", GATEWAY[version], "-p", str(port), "-n", "10000", "-c", "20", "-P",
                           "16", "-t", "set,get", "-q")
                self.guest("redis-benchmark", "-h", GATEWAY[version], "-p", str(port), "-n", "100", "-c", "20", "-d",
                           "100000", "-t", "set,get", "-q")

    def test_what_is_set_inside_is_read_outside(self):
        port = free_port()
        with self.server(port):
            self.guest("redis-cli", "-h", "10.0.2.2", "-p", str(port), "set", "key", "x" * 100000, captured=True)
            done = subprocess.run(["redis-cli", "-p", str(port), "get", "key"], capture_output=True, text=True,
                                  check=True, timeout=PATIENCE)
            self.assertEqual(done.stdout.strip(), "x" * 100000)


class Iperf3(Case):
    def setUp(self):
        needs("iperf3")

    def run_iperf3(self, version, *options, captured=False):
        port = free_port(version)
        with daemon("iperf3", "-s", "-1", "-p", str(port), "-B", LOOPBACK[version], "--forceflush"):
            self.assertTrue(await_true(lambda: listens(port), PATIENCE))
            out = self.guest("iperf3", "-c", GATEWAY[version], "-p", str(port), "-J", "--connect-timeout", "30000",
                             *options, captured=captured)
        result = json.loads(out)
        self.assertNotIn("error", result)
        return result["end"]

    def test_both_ways(self):
        for version in self.each_version():
            for way in ((), ("-R",)):
                end = self.run_iperf3(version, "-t", "1", *way)
                self.assertGreater(end["sum_received"]["bytes"], 1 << 20)

    def test_both_ways_on_the_wire(self):
        for version in self.each_version():
            for way in ((), ("-R",)):
                end = self.run_iperf3(version, "-n", "4M", *way, captured=True)
                self.assertGreaterEqual(end["sum_sent"]["bytes"], 4 << 20)

    def test_eight_streams(self):
        for version in self.each_version():
            for way in ((), ("-R",), ("--bidir",)):
                end = self.run_iperf3(version, "-t", "1", "-P", "8", *way)
                streams = [each.get("receiver", each) for each in end["streams"]]
                self.assertEqual(len(streams), 16 if way == ("--bidir",) else 8)
                self.assertTrue(all(stream["bytes"] > 0 for stream in streams), streams)
                if way == ("--bidir",):  # neither way starves the other
                    up = sum(stream["bytes"] for stream in streams if stream["sender"])
                    down = sum(stream["bytes"] for stream in streams if not stream["sender"])
                    self.assert_in_time(min(up, down) * 100 > max(up, down), up, down)

    def test_datagrams(self):
        for version in self.each_version():
            lost = []
            # Nobody waits for a reader that a busy machine does not run: what loses does so again and again.
            while len(lost) < 4 and not (lost and lost[-1] <= 0.01):
                end = self.run_iperf3(version, "-u", "-b", "20M", "-l", "1000", "-t", "1", captured=True)
                self.assertGreater(end["sum"]["packets"], 1000)
                lost.append(end["sum"]["lost_packets"] / end["sum"]["packets"])
            self.assertLessEqual(min(lost), 0.01, lost)


def listens(port):
    """By the kernel's list: a server that serves one client must not be asked by connecting."""
    wanted = f":{port:04X} "
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/net/{name}", encoding="ascii") as file:
            if any(wanted in line and " 0A " in line for line in file):
                return True
    return False


class Socat(Case):
    """Half-close, in both directions: the one who ends first still hears all of the other."""

    def setUp(self):
        needs("socat")
        self.data = os.urandom(1 << 20)
        with open(f"{WORLD.work}/data", "wb") as file:
            file.write(self.data)
        self.sum = hashlib.sha256(self.data).hexdigest()

    def sides(self, version, port):
        listen = f"TCP{version}-LISTEN:{port},bind={url_host(LOOPBACK[version])},reuseaddr"
        return listen, f"TCP{version}:{url_host(GATEWAY[version])}:{port}"

    def test_the_guest_half_closes_first(self):
        for version in self.each_version():
            port = free_port(version)
            listen, connect = self.sides(version, port)
            # The sum is known at the end of the input alone.
            with daemon("socat", "-t", "20", listen, "SYSTEM:sha256sum"):
                self.assertTrue(await_true(lambda port=port: listens(port), PATIENCE))
                out = self.guest("sh", "-c", f"socat -t 20 - {connect} <data", captured=True)
            self.assertEqual(out.split()[:1], [self.sum])

    def test_the_server_half_closes_first(self):
        for version in self.each_version():
            port = free_port(version)
            listen, connect = self.sides(version, port)
            with daemon("sh", "-c", f"socat -t 20 {listen} - <data >answer") as server:
                self.assertTrue(await_true(lambda port=port: listens(port), PATIENCE))
                self.guest("socat", "-t", "20", connect, "SYSTEM:sha256sum", captured=True)
                server.wait(PATIENCE)
            with open(f"{WORLD.work}/answer", encoding="ascii") as file:
                self.assertEqual(file.read().split()[:1], [self.sum])

    def test_both_at_once(self):
        """64 MiB each way, at the same time."""
        port = free_port()
        big = f"{WORLD.work}/big"
        with open(big, "wb") as file:
            for block in blocks(64 << 20):
                file.write(block)
        with open(big, "rb") as file:
            want = hashlib.file_digest(file, "sha256").hexdigest()
        listen, connect = self.sides(4, port)
        with daemon("sh", "-c", f"socat -b 65536 -t 20 {listen} - <big | sha256sum >answer") as server:
            self.assertTrue(await_true(lambda: listens(port), PATIENCE))
            out = self.guest("sh", "-c", f"socat -b 65536 -t 20 - {connect} <big | sha256sum")
            server.wait(PATIENCE)
        self.assertEqual(out.split()[:1], [want])
        with open(f"{WORLD.work}/answer", encoding="ascii") as file:
            self.assertEqual(file.read().split()[:1], [want])
        os.unlink(big)


class Ssh(Case):
    """A real session: keys, a pseudo-random pipe both ways, exit codes."""

    def setUp(self):
        needs("ssh", "sshd", "ssh-keygen")
        if os.geteuid() != 0:
            self.skipTest("sshd lets this user in only where it has a shell, as nobody has not")

    @contextlib.contextmanager
    def sshd(self, version, port):
        directory = f"{WORLD.work}/ssh"
        shutil.rmtree(directory, ignore_errors=True)
        os.mkdir(directory, 0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{directory}/{name}"], check=True,
                           timeout=PATIENCE)
        shutil.copy(f"{directory}/user.pub", f"{directory}/authorized")
        with open(f"{directory}/config", "w", encoding="ascii") as file:
            file.write(f"HostKey {directory}/host\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\n"
                       f"AuthorizedKeysFile {directory}/authorized\nPasswordAuthentication no\n"
                       f"ListenAddress {url_host(LOOPBACK[version])}:{port}\n")
        # Its privilege separation wants a directory that only a boot makes: on a tmpfs that nobody else sees.
        script = f"mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec {shutil.which('sshd')} -D -e -f config"
        with daemon("unshare", "--mount", "sh", "-c", f"cd {directory} && {script}", port=port,
                    address=LOOPBACK[version]):
            yield ["ssh", "-F", "none", "-p", str(port), "-i", f"{directory}/user", "-o", "StrictHostKeyChecking=no",
                   "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes",
                   f"root@{GATEWAY[version]}"]

    def test_commands_and_pipes(self):
        data = os.urandom(4 << 20)
        with open(f"{WORLD.work}/pipe", "wb") as file:
            file.write(data)
        for version in self.each_version():
            with self.sshd(version, free_port(version)) as ssh:
                self.guest(*ssh, "exit 7", code=7, captured=True)
                # Its input ends long before its output: half-close inside the session.
                out = self.guest("sh", "-c", '"$@" <pipe', "sh", *ssh, "cat | sha256sum; cat /dev/null", captured=True)
                self.assertEqual(out.split()[:1], [hashlib.sha256(data).hexdigest()])
                out = self.guest("sh", "-c", '"$@" | sha256sum', "sh", *ssh, f"cat {WORLD.work}/pipe")
                self.assertEqual(out.split()[:1], [hashlib.sha256(data).hexdigest()])


# ---- names --------------------------------------------------------------------------------------


def read_name(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), at + 1


def answer(data, room=None):
    """A server for *.example.test (RFC 1035 4.1): A, AAAA; `long` is cut where there is no room for it (TC)."""
    name, at = read_name(data)
    kind = struct.unpack("!H", data[at:at + 2])[0]
    records = {1: [socket.inet_aton("198.51.100.9")], 28: [socket.inet_pton(socket.AF_INET6, "2001:db8::9")]}
    addresses = records.get(kind, []) * (200 if name.startswith("long") and kind == 1 else 1)
    cut = room is not None and len(addresses) > 20
    rows = [] if cut else [b"\xc0\x0c" + struct.pack("!2HIH", kind, 1, 60, len(address)) + address
                           for address in addresses]
    flags = 0x8580 | (0x200 if cut else 0)
    return data[:2] + struct.pack("!5H", flags, 1, len(rows), 0, 0) + data[12:at + 4] + b"".join(rows)


class TcpNames:
    """The same by TCP: each message after its length (RFC 7766)."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.53", 53))
        self.asked = 0
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):
                    while head := stream.read(2):
                        reply = answer(stream.read(struct.unpack("!H", head)[0]))
                        connection.sendall(struct.pack("!H", len(reply)) + reply)
                        self.asked += 1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.listener.shutdown(socket.SHUT_RDWR)    # whoever waits in accept() holds it otherwise
        self.listener.close()


class Names(Case):
    @contextlib.contextmanager
    def servers(self):
        if not WORLD.may_serve_port_53():
            self.skipTest("port 53 is not ours to serve")
        with TcpNames() as tcp, UdpServer(lambda data: answer(data, 512), "127.0.0.53", 53) as udp:
            yield udp, tcp

    def test_the_c_librarys_resolver(self):
        with self.servers() as (udp, tcp):
            out = self.guest("getent", "ahosts", "www.example.test", captured=True)
            self.assertEqual({line.split()[0] for line in out.splitlines()}, {"198.51.100.9", "2001:db8::9"})
            self.assertTrue(udp.seen)
            self.assertEqual(tcp.asked, 0)

    def test_by_tcp(self):
        """RFC 7766: asked so, or because the answer was cut."""
        for name, environment in (("www.example.test", {"RES_OPTIONS": "use-vc"}), ("long.example.test", {})):
            with self.servers() as (_, tcp):
                out = self.guest("getent", "ahostsv4", name, captured=True, env={**os.environ, **environment})
                self.assertIn("198.51.100.9", out)
                self.assertGreater(tcp.asked, 0)

    def test_curl_by_name(self):
        needs("curl")
        with self.servers():
            for version in self.each_version():
                with PageServer(version) as server:
                    with Elsewhere(version, server.port):
                        out = self.guest("curl", "-sS", f"-{version}", "-o", "/dev/null", "-w", "%{http_code}",
                                         f"http://www.example.test:{server.port}/100", captured=True)
                    self.assertEqual(out, "200")

    def test_dig(self):
        needs("dig")
        with self.servers():
            for address in ("10.0.2.3", *(("fd00::3",) if WORLD.has_ipv6 else ())):
                for how in ("+notcp", "+tcp"):
                    out = self.guest("dig", "+short", "+noedns", how, f"@{address}", "www.example.test", "AAAA", captured=True)
                    self.assertEqual(out, "2001:db8::9\n")


class Elsewhere:
    """What comes to a port of the host's other address goes to the same port on its loopback."""

    def __init__(self, version, port):
        self.listener = socket.create_server((ELSEWHERE[version], port), family=FAMILY[version])
        self.to = (LOOPBACK[version], port)
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        with contextlib.suppress(OSError):
            while True:
                one = self.listener.accept()[0]
                two = socket.create_connection(self.to, PATIENCE)
                for each, other in ((one, two), (two, one)):
                    threading.Thread(target=self.copy, args=(each, other), daemon=True).start()

    def copy(self, one, two):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                two.sendall(data)
            two.shutdown(socket.SHUT_WR)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.listener.shutdown(socket.SHUT_RDWR)    # whoever waits in accept() holds it otherwise
        self.listener.close()


class Ping(Case):
    def setUp(self):
        needs("ping")
        group = os.getegid()
        done = WORLD.as_root("sh", "-c", f"echo {group} {group} >/proc/sys/net/ipv4/ping_group_range")
        self.outside = done.returncode == 0

    def test_the_gateway_and_beyond(self):
        for version in self.each_version():
            for address in (GATEWAY[version], *((ELSEWHERE[version],) if self.outside else ())):
                out = self.guest("ping", "-c", "3", "-i", "0.2", "-s", "1000", "-W", "5", address, captured=True)
                self.assertIn("3 packets transmitted, 3 received, 0% packet loss", out)

    def test_more_than_a_frame_holds(self):
        for version in self.each_version():
            out = self.guest("ping", "-c", "2", "-i", "0.2", "-s", "5000", "-W", "5", GATEWAY[version],
                             options=("--mtu", "1500"), captured=True)
            self.assertIn("2 packets transmitted, 2 received, 0% packet loss", out)

    def test_nobody_there(self):
        out = self.guest("ping", "-c", "1", "-W", "10", "10.0.2.77", code=1, captured=True)
        self.assertIn("Destination Host Unreachable", out)


if __name__ == "__main__":
    WORLD = World()
    unittest.main()
