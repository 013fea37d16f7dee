"""Two hosts of Linux and a place between them for `tern wire`, each in a network namespace of its own.

    red: r0 10.9.0.1  ===  r1  tern wire, in this process's namespace  b1  ===  b0 10.9.0.2 :blue

enter() comes first: from then on this process, and what it starts, has its own network and mounts; all of it goes with
the last of them. No address resolution and no IPv6, so that every frame on the wire is one that a test sent.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "tools"))
import namespaces  # noqa: E402
from namespaces import inside  # noqa: E402

TERN = os.path.abspath(os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern")))
LIMIT = 100     # seconds for what should take a moment
ADDRESS = {"red": "10.9.0.1", "blue": "10.9.0.2"}
MAC = {"red": "02:00:00:00:09:01", "blue": "02:00:00:00:09:02"}


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(77)


def run(*words):
    return subprocess.run(words, check=True, timeout=LIMIT, capture_output=True, text=True).stdout


def enter():
    """A network of our own, and a /run/netns that nobody else sees; or the test is skipped."""
    for tool in ("ip", "nsenter"):
        if not shutil.which(tool):
            skip(f"{tool} is missing")
    try:
        namespaces.make_network_and_mounts()
        namespaces.make_netns_folder("tern-test")
        run("ip", "netns", "add", "probe")
        run("ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
        run("ip", "link", "del", "probe0")
        run("ip", "netns", "del", "probe")
    except (OSError, subprocess.CalledProcessError) as error:
        skip(f"network namespaces or veth pairs are not permitted here ({error})")


def inside_user_namespace():
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() != ["0", "0", "4294967295"]


def sysctl(name, value):
    with contextlib.suppress(OSError), open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


def make_host(name, device, peer):
    run("ip", "netns", "add", name)
    run("ip", "link", "add", peer, "type", "veth", "peer", "name", device)
    run("ip", "link", "set", device, "address", MAC[name])
    run("ip", "link", "set", device, "netns", name)
    sysctl(f"ipv6/conf/{peer}/disable_ipv6", 1)
    run("ip", "link", "set", peer, "up")
    dress(name, device)


def dress(name, device):
    """The host's end: address, and whom it talks to."""
    other = "blue" if name == "red" else "red"
    with inside(name):
        sysctl("ipv6/conf/all/disable_ipv6", 1)
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "set", device, "up")
        run("ip", "addr", "add", f"{ADDRESS[name]}/24", "dev", device)
        run("ip", "neigh", "add", ADDRESS[other], "lladdr", MAC[other], "dev", device, "nud", "permanent")


def make_hosts():
    make_host("red", "r0", "r1")
    make_host("blue", "b0", "b1")


def remove_hosts():
    """Their devices go with them a moment later: those at our end at once."""
    for name, peer in (("red", "r1"), ("blue", "b1")):
        subprocess.run(["ip", "link", "del", peer], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def socket_in(name, kind=socket.SOCK_DGRAM, protocol=0, port=0):
    """A socket of that host, bound to its address."""
    with inside(name):
        made = socket.socket(socket.AF_INET, kind, protocol)
    made.settimeout(LIMIT)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind != socket.SOCK_RAW:
        made.bind((ADDRESS[name], port))
    return made


def first():
    """What lets a wire keep its times on a busy machine, where that is permitted."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, *before)
    except PermissionError:
        return []
    return ["--realtime"]


def await_true(condition, seconds=LIMIT):
    """Whether the condition became true within that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


class Wire:
    """A running `tern wire`; with its options, as a context."""

    def __init__(self, *options, devices=("r1", "b1")):
        self.out, self.error = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        ready, told = os.pipe()
        self.process = subprocess.Popen([TERN, "wire", *devices, "--json", "--for", "900s", "--ready-fd", str(told),
                                         *first(), *options], stdout=self.out, stderr=self.error, pass_fds=(told,))
        os.close(told)
        came = select.select([ready], [], [], LIMIT)[0] and os.read(ready, 1)
        os.close(ready)
        if not came:
            self.stop()
            raise AssertionError(f"tern wire did not begin: {self.said()}")

    def said(self):
        self.error.seek(0)
        return self.error.read().decode("utf-8", "replace")

    def lines(self):
        self.out.seek(0)
        return [json.loads(line) for line in self.out.read().decode().splitlines(keepends=True) if line.endswith("\n")]

    def stop(self, number=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"tern wire did not end: {self.said()}") from None

    def counters(self):
        """Ends it: the counters of what came from the first device, and from the second."""
        if (code := self.stop()) != 0:
            raise AssertionError(f"tern wire ended with {code}: {self.said()}")
        return self.lines()[-2:]

    def counters_now(self):
        """The same while it goes on."""
        before = len(self.lines())
        self.process.send_signal(signal.SIGUSR1)
        if not await_true(lambda: len(self.lines()) == before + 2):
            raise AssertionError(f"tern wire does not tell its counters: {self.said()}")
        return self.lines()[-2:]

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop()
        self.out.close()
        self.error.close()
