"""What the gateway's tests share: a host of the test's own, and `tern gateway` on it.

    guest: 10.0.2.100, fd00::100  ===  tern gateway  ---  sockets of the host: 127.0.0.1, ::1
                                                          (a network namespace with loopback alone)

enter_host() comes first: from then on this process, and what it starts, has its own network, its own mounts, its own
/etc/resolv.conf, and a /dev/net/tun that everybody may open. Nothing that a test sends can leave that namespace.

TERN_TEST_UID=N: then it becomes that user, for good, as if its tests had been started by one without privileges; what a
test must have done to the host itself goes through World.as_root().
"""

import atexit
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "tools"))
import namespaces  # noqa: E402
from namespaces import CLONE_NEWNET, CLONE_NEWUSER, MNT_DETACH, MS_BIND, libc, mount  # noqa: E402

TERN = os.path.abspath(os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern")))
NOBODY = 65534
LIMIT = 100         # seconds for one run
GATEWAY = {4: "10.0.2.2", 6: "fd00::2"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
ELSEWHERE = {4: "198.51.100.9", 6: "2001:db8::9"}     # addresses of the host that are not its loopback's
RESOLV_CONF = "search example.test corp.test\nnameserver 127.0.0.53\nnameserver 127.0.0.54\noptions edns0\n"

PR_SET_DUMPABLE = 4


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(77)


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def open_tun_to_all(directory):
    """A device node of our own in place of the system's, where that is closed to others; as root only."""
    try:
        os.mkdir(f"{directory}/dev")
        mount("tun", f"{directory}/dev", "tmpfs")
        os.mknod(f"{directory}/dev/tun", 0o20666, os.makedev(10, 200))
        os.chmod(f"{directory}/dev/tun", 0o666)
        mount(f"{directory}/dev/tun", "/dev/net/tun", None, MS_BIND)
    except OSError:
        pass        # another user's tests are skipped then, by can_be_nobody()


def leave_host(directory):
    libc.umount2(directory.encode(), MNT_DETACH)
    with contextlib.suppress(OSError):
        os.rmdir(directory)


def enter_host():
    """Makes this process live on a host of its own, or skips the test with a reason."""
    if not shutil.which("ip"):
        skip("ip (iproute2) is missing")
    try:
        namespaces.make_network_and_mounts()
    except OSError as error:
        skip(f"network namespaces are not permitted here ({error.strerror})")
    directory = tempfile.mkdtemp(prefix="tern-gateway-")
    mount("tern-test", directory, "tmpfs", 0, "mode=755")
    atexit.register(leave_host, directory)
    if not os.path.exists("/dev/net/tun"):
        skip("there is no /dev/net/tun")
    open_tun_to_all(directory)
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        skip(f"/dev/net/tun: {error.strerror}")
    write(f"{directory}/resolv.conf", RESOLV_CONF)
    if os.path.exists("/etc/resolv.conf"):
        mount(f"{directory}/resolv.conf", "/etc/resolv.conf", None, MS_BIND)
    # Where everybody may execute it, whatever the mode of the build tree's parents.
    shutil.copy(TERN, f"{directory}/tern")
    os.chmod(f"{directory}/tern", 0o755)
    os.mkdir(f"{directory}/work")
    os.chmod(f"{directory}/work", 0o1777)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", ELSEWHERE[4] + "/32", "dev", "lo"], check=True)
    if os.path.exists("/proc/net/if_inet6"):
        subprocess.run(["ip", "address", "add", ELSEWHERE[6] + "/128", "dev", "lo", "nodad"], check=True)
    return directory


# ---- another user -------------------------------------------------------------------------------


class RootHelper:
    """A process that keeps the privileges this one gives up, and runs commands for it."""

    def __init__(self):
        ours, its = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            with open(os.devnull, "r+", encoding="ascii") as nothing:
                for fd in (0, 1, 2):    # whoever waits for the end of our output is not to wait for its
                    os.dup2(nothing.fileno(), fd)
            stream = its.makefile("rw")
            for line in stream:         # to the end of this process
                done = subprocess.run(json.loads(line), capture_output=True, text=True, check=False, timeout=LIMIT)
                stream.write(json.dumps([done.returncode, done.stdout, done.stderr]) + "\n")
                stream.flush()
            os._exit(0)
        its.close()
        self.talk = ours.makefile("rw")

    def run(self, arguments):
        self.talk.write(json.dumps(arguments) + "\n")
        self.talk.flush()
        return subprocess.CompletedProcess(arguments, *json.loads(self.talk.readline()))


def become_for_good(uid):
    """What is left is what a process of that user has, in a namespace where it may serve low ports."""
    if not may_become_nobody():
        skip("only root can run the tests as another user")
    write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
    helper = RootHelper()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    libc.prctl(PR_SET_DUMPABLE, 1)      # its own files in /proc are its own again
    os.environ.update(HOME="/", USER="nobody", LOGNAME="nobody")
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        skip(f"/dev/net/tun as user {uid}: {error.strerror}")
    return helper


def run_by_common_python(uid):
    """Where that user cannot use the Python that runs this (one of root's own): the system's does, from here on."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os._exit(0 if os.access(sys.executable, os.X_OK) else 1)
    if os.waitpid(child, 0)[1] == 0:
        return
    if sys.executable == "/usr/bin/python3" or not os.access("/usr/bin/python3", os.X_OK):
        skip(f"user {uid} may not run {sys.executable}, and there is no /usr/bin/python3")
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])


class World:
    def __init__(self, *scripts):
        """scripts: of the tests, to be run in the guest; World.script() says where they are then."""
        uid = os.environ.get("TERN_TEST_UID")
        if uid and may_become_nobody():
            run_by_common_python(int(uid))
        self.directory = enter_host()
        for script in (__file__, namespaces.__file__, *scripts):
            shutil.copy(os.path.abspath(script), self.directory)
        self.tern = f"{self.directory}/tern"
        self.work = f"{self.directory}/work"
        # The sandbox refuses what the leak checker of a sanitized build does at the end.
        os.environ["ASAN_OPTIONS"] = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "detect_leaks=0")))
        self.has_ipv6 = os.path.exists("/proc/net/if_inet6")
        self.helper = become_for_good(int(uid)) if uid else None
        os.chdir(self.work)
        # A user namespace may be forbidden to some users, and then there is nothing to test.
        done = self.run("true")
        if done.returncode != 0:
            skip(done.stderr.strip())

    def as_root(self, *arguments):
        """A command that changes the host; ["sh", "-c", ...] for several."""
        if self.helper:
            return self.helper.run(arguments)
        return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=LIMIT)

    def script(self, path):
        """The copy that every user may run, whatever the mode of the source tree's parents."""
        return os.path.join(self.directory, os.path.basename(path))

    def may_serve_port_53(self):
        try:
            socket.create_server(("127.0.0.53", 53)).close()
            return True
        except OSError:
            return False

    def versions(self):
        return (4, 6) if self.has_ipv6 else (4,)

    def can_be_nobody(self):
        """Whether a process of ours can become another user that may open /dev/net/tun."""
        if not may_become_nobody():
            return False
        done = subprocess.run(["/bin/sh", "-c", ": <>/dev/net/tun"], preexec_fn=become_nobody, cwd="/",
                              capture_output=True, check=False, timeout=LIMIT)
        return done.returncode == 0

    def command(self, *arguments, options=()):
        return [self.tern, "gateway", *options, "--", *arguments]

    def run(self, *arguments, options=(), nobody=False, **more):
        """`tern gateway OPTIONS -- ARGUMENTS`, to its end."""
        settings = {"capture_output": True, "text": True, "timeout": LIMIT, "check": False, "cwd": self.work}
        settings.update(more)
        return subprocess.run(self.command(*arguments, options=options),
                              preexec_fn=become_nobody if nobody else None, **settings)

    def python(self, code, *arguments, **more):
        """A Python program as the guest's command."""
        return self.run(sys.executable, "-c", code, *arguments, **more)

    @contextlib.contextmanager
    def running(self, *arguments, options=(), **more):
        """The same while the test goes on; ended with the block."""
        process = subprocess.Popen(self.command(*arguments, options=options), cwd=self.work, **more)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()


# ---- what was on the wire -----------------------------------------------------------------------

# What Wireshark notes about connections that are as they should be.
FINE = ("Connection finish (FIN)", "Connection establish request (SYN)", "Connection establish acknowledge (SYN+ACK)",
        "Connection reset (RST)", "TCP window update", "TCP window specified by the receiver is now completely full",
        "This frame initiates the connection closing", "This frame undergoes the connection closing",
        "TCP Zero Window segment", "TCP Zero Window Probe", "ACK to a TCP Zero Window Probe", "TCP keep-alive segment",
        "ACK to a TCP keep-alive segment", "Formatted text", "The urgent pointer field is nonzero",
        "Possible traceroute")  # a guess by the port number alone: iperf3's datagrams may come from such a one


def expert_of(path):
    """[(severity, summary)] of a capture, each checksum verified, payload left alone."""
    command = ["tshark", "-r", path, "-q", "-z", "expert", "-d", "tcp.port==1-65535,data"]
    for protocol in ("ip", "tcp", "udp"):
        command += ["-o", f"{protocol}.check_checksum:TRUE"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT,
                          env={**os.environ, "HOME": "/nonexistent"})
    found, severity = [], None
    for line in done.stdout.splitlines():
        head = re.match(r"(\w+)s \(\d+\)$", line)
        row = re.match(r" +\d+ +\S+ +\S+ +(.*)$", line)
        if head:
            severity = head.group(1)
        elif row and severity and "Frequency" not in line:
            found.append((severity, row.group(1)))
    return found


# What a machine that is short of processors makes of a clean link: one side is not run for some milliseconds, the other's
# tail loss probe goes off (RFC 8985 7.2) and is answered with a D-SACK. A few of these are no fault of anybody's.
LATE = ("This frame is a (suspected)", "D-SACK Sequence", "Duplicate ACK", "Duplicate to the ACK")
# As Linux has it where it completes a sum in software (skb_checksum_help()); right for UDP alone.
NEGATIVE_ZERO = "TCP Checksum 0xffff instead of 0x0000"
OURS = "!(ip.src == 10.0.2.100 || ipv6.src == fd00::100)"


def is_few(again, packets):
    """Sent again, of so many packets: what a busy machine explains."""
    return again <= max(3, packets // 100)


class Late(AssertionError):
    """What a machine that is too busy may do to a test, and a fault of ours would do each time."""


class Patient(unittest.TestCase):
    """A test that was Late is run again, with more time for what was done at one end to be seen at the other; the last time
    counts."""

    SETTLES = (0.25, 1, 3)      # seconds

    def _callTestMethod(self, method):
        for settle in self.SETTLES:
            self.settle(settle)
            try:
                return super()._callTestMethod(method)
            except Late as late:
                if settle == self.SETTLES[-1]:
                    raise
                print(f"{self.id()}: once more, it was late: {late}", file=sys.stderr)
        return None

    def settle(self, seconds):
        self.settled = seconds

    def assert_in_time(self, is_so, *words):
        if not is_so:
            raise Late(*words)

    def assert_clean(self, odd):
        """As odd_in() found it: what is no matter of times never is, the rest hardly ever."""
        self.assertEqual([each for each in odd if not each[1].startswith(LATE)], [])
        self.assert_in_time(not odd, odd)


def odd_in(path):
    """What is not as on a clean link: malformed, a bad checksum, sent again, an ACK of what was never sent, ..."""
    odd = [each for each in expert_of(path) if each[0] != "Comment" and not each[1].startswith(FINE)]
    if any(each[1].startswith(NEGATIVE_ZERO) for each in odd) and not packets_in(path, f"tcp.checksum==0xffff && {OURS}"):
        odd = [each for each in odd if not each[1].startswith(NEGATIVE_ZERO)]
    if any(each[1].startswith(LATE) for each in odd):
        again = packets_in(path, "tcp.analysis.retransmission")
        if is_few(again, packets_in(path)):
            odd = [each for each in odd if not each[1].startswith(LATE)]
    return odd


def packets_in(path, only="frame"):
    done = subprocess.run(["tshark", "-r", path, "-Y", only, "-T", "fields", "-e", "frame.number"], capture_output=True, text=True,
                          check=True, timeout=LIMIT, env={**os.environ, "HOME": "/nonexistent"})
    return len(done.stdout.split())


def may_become_nobody():
    """As root with every id, not as the root of a user namespace that knows one."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return os.geteuid() == 0 and any(int(line.split()[2]) > NOBODY for line in file)


def become_nobody():
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def await_true(condition, seconds=LIMIT):
    """Whether the condition became true within that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def start_container():
    """A process in namespaces of its own that runs what it reads: the stand-in for a container."""
    code = ("import ctypes,os,socket,sys\n"
            "uid,gid=os.geteuid(),os.getegid()\n"
            f"assert ctypes.CDLL(None).unshare({CLONE_NEWUSER | CLONE_NEWNET}) == 0\n"
            "for n,t in(('setgroups','deny'),('uid_map',f'0 {uid} 1'),('gid_map',f'0 {gid} 1')):\n"
            "    f=open('/proc/self/'+n,'w'); f.write(t); f.close()\n"
            "print('there',flush=True)\n"
            "for line in sys.stdin: exec(line)\n")
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "there\n"
    return process


class TcpServer:
    """Accepts on the host's loopback and gives each connection to `serve`."""

    def __init__(self, serve, version=4):
        self.listener = socket.socket(FAMILY[version], socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((LOOPBACK[version], 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            self.serve(connection)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.listener.shutdown(socket.SHUT_RDWR)    # whoever waits in accept() holds it otherwise
        self.listener.close()


class UdpServer:
    """Answers each datagram with what `answer` makes of it (None: nothing)."""

    def __init__(self, answer, address="127.0.0.1", port=0):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.port = self.socket.getsockname()[1]
        self.answer = answer
        self.seen = []
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(70000)
                if not peer:
                    return      # shut down
                self.seen.append(peer)
                answer = self.answer(data)
                if answer is not None:
                    self.socket.sendto(answer, peer)
            except OSError:
                return

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.socket.close()
