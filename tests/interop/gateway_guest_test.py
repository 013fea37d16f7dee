#!/usr/bin/env python3
"""`tern gateway`: the guest it makes or joins, how it ends, and what it says where the system does not allow it."""

import ast
import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

from gateway_world import LIMIT, NOBODY, TcpServer, World, await_true, become_nobody, start_container
from namespaces import CLONE_NEWNS, CLONE_NEWUSER, libc, mount, unshare

WORLD = None
CONGESTION_CONTROL = "/proc/sys/net/ipv4/tcp_congestion_control"

SLEEPS = "echo ready; exec sleep 300"


def has_children(pid):
    """A gateway's: its command, until it has ended and was waited for."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
            if int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                return True
    return False


def greet(connection):
    connection.sendall(b"hello from the host")


class Guest(unittest.TestCase):
    def test_keeps_the_users_ids_and_has_the_addresses(self):
        for nobody in self.users():
            with self.subTest(nobody=nobody):
                done = WORLD.run("sh", "-c", "id -u; id -g; ip -j address; ip -j route; ip -j -6 route", nobody=nobody)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                uid, gid, links, routes, routes6 = done.stdout.splitlines()
                ours = NOBODY if nobody else os.geteuid()
                self.assertEqual((int(uid), int(gid)), (ours, NOBODY if nobody else os.getegid()))
                by_name = {link["ifname"]: link for link in json.loads(links)}
                self.assertIn("UP", by_name["lo"]["flags"])
                device = by_name["tern0"]
                self.assertIn("UP", device["flags"])
                self.assertEqual(device["mtu"], 65520)
                found = {(a["local"], a["prefixlen"]) for a in device["addr_info"] if a["scope"] == "global"}
                self.assertIn(("10.0.2.100", 24), found)
                self.assertIn("10.0.2.2", {route.get("gateway") for route in json.loads(routes)})
                if WORLD.has_ipv6:
                    self.assertIn(("fd00::100", 64), found)
                    self.assertFalse([a for a in device["addr_info"] if "tentative" in a and a["scope"] == "global"])
                    self.assertIn("fd00::2", {route.get("gateway") for route in json.loads(routes6)})

    def users(self):
        return (False, True) if WORLD.can_be_nobody() else (False,)

    def test_options_of_its_network(self):
        done = WORLD.run("ip", "-j", "address", options=("--mtu", "1500", "--cidr", "10.9.0.0/16", "--no-ipv6"))
        device = {link["ifname"]: link for link in json.loads(done.stdout)}["tern0"]
        self.assertEqual(device["mtu"], 1500)
        self.assertEqual([(a["local"], a["prefixlen"]) for a in device["addr_info"] if a["scope"] == "global"],
                         [("10.9.0.100", 16)])

    def test_reaches_the_host(self):
        for nobody in self.users():
            with self.subTest(nobody=nobody), TcpServer(greet) as server:
                done = WORLD.run("bash", "-c", f"cat </dev/tcp/10.0.2.2/{server.port}", nobody=nobody)
                self.assertEqual((done.returncode, done.stdout), (0, "hello from the host"), done.stderr)

    def test_resolv_conf_is_its_own(self):
        with open("/etc/resolv.conf", encoding="ascii") as file:
            before = file.read()
        for nobody in self.users():
            done = WORLD.run("cat", "/etc/resolv.conf", nobody=nobody)
            self.assertEqual(done.stdout, "# by tern gateway\nnameserver 10.0.2.3\n"
                                          "search example.test corp.test\noptions edns0\n")
        with open("/etc/resolv.conf", encoding="ascii") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(WORLD.run("cat", "/etc/resolv.conf", options=("--no-dns",)).stdout, before)

    def test_its_tcp_does_not_pace(self):
        """Reno, whatever the machine has by default; where the link is impaired that is to be felt."""
        with open(CONGESTION_CONTROL, encoding="ascii") as file:
            ours = file.read()
        for nobody in self.users():
            self.assertEqual(WORLD.run("cat", CONGESTION_CONTROL, nobody=nobody).stdout, "reno\n")
        self.assertEqual(WORLD.run("cat", CONGESTION_CONTROL, options=("--delay", "1ms")).stdout, ours)

    def test_exit_codes(self):
        for status, command in ((0, "exit 0"), (1, "exit 1"), (77, "exit 77"), (255, "exit 255"),
                                (128 + 15, "kill -TERM $$"), (128 + 9, "kill -KILL $$"), (128 + 11, "kill -SEGV $$")):
            with self.subTest(command=command):
                self.assertEqual(WORLD.run("sh", "-c", command).returncode, status)

    def test_command_that_cannot_start(self):
        for status, command, words in ((127, "/no/such/program", "No such file"), (127, "no-such-program", "No such"),
                                       (126, "/etc/passwd", "Permission denied"), (126, "/", "Permission denied")):
            with self.subTest(command=command):
                done = WORLD.run(command, env={"PATH": "/usr/bin:/bin"})
                self.assertEqual(done.returncode, status)
                self.assertRegex(done.stderr, f"^tern: gateway: cannot run '{command}': {words}.*\n$")

    def test_usage_is_2(self):
        done = subprocess.run([WORLD.tern, "gateway", "--no-such-option", "--", "true"], capture_output=True,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 2)

    def test_streams_and_environment_are_the_commands(self):
        done = WORLD.run("sh", "-c", "cat; echo $WORD; pwd; echo no >&2", input="from stdin\n",
                         env={**os.environ, "WORD": "kept"})
        self.assertEqual(done.stdout, f"from stdin\nkept\n{WORLD.work}\n")
        self.assertEqual(done.stderr, "no\n")

    def test_no_descriptor_and_no_blocked_signal_reaches_the_command(self):
        done = WORLD.python("import os,signal; print(sorted(map(int,os.listdir('/proc/self/fd')))[:-1], "
                            "signal.pthread_sigmask(signal.SIG_BLOCK,[]))")
        self.assertEqual(done.stdout, "[0, 1, 2] set()\n")

    def test_signals_are_passed_on(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
            with self.subTest(number=number):
                code = ("import signal,sys,time\n"
                        f"signal.signal({int(number)}, lambda *_: sys.exit(42))\n"
                        # In small sleeps: Python looks for what came just before one only when it is over.
                        "print('ready',flush=True)\nfor _ in range(300): time.sleep(0.1)")
                with WORLD.running(sys.executable, "-c", code, stdout=subprocess.PIPE, text=True) as process:
                    self.assertEqual(process.stdout.readline(), "ready\n")
                    process.send_signal(number)
                    self.assertEqual(process.wait(LIMIT), 42)

    def test_signal_that_ends_the_command(self):
        with WORLD.running("sh", "-c", SLEEPS, stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.terminate()
            self.assertEqual(process.wait(LIMIT), 128 + signal.SIGTERM)

    def test_upload_outlives_its_program(self):
        got = {}

        def slowly(connection):
            digest, total = hashlib.sha256(), 0
            time.sleep(0.5)
            while data := connection.recv(65536):
                digest.update(data)
                total += len(data)
            got["end"] = (total, digest.hexdigest())

        with TcpServer(slowly) as server:
            data = bytes(range(256)) * 12000
            code = ("import socket,sys,os; s=socket.create_connection(('10.0.2.2',int(sys.argv[1])),10); "
                    "s.sendall(bytes(range(256))*12000); os._exit(5)")
            self.assertEqual(WORLD.python(code, str(server.port)).returncode, 5)
            self.assertTrue(await_true(lambda: "end" in got, LIMIT))
        self.assertEqual(got["end"], (len(data), hashlib.sha256(data).hexdigest()))


    def test_second_signal_gives_up_what_lingers(self):
        held = threading.Event()
        with TcpServer(lambda connection: held.wait(LIMIT)) as server:
            code = ("import socket,sys,os; s=socket.create_connection(('10.0.2.2',int(sys.argv[1])),10); "
                    "s.settimeout(1); print('up',flush=True)\ntry:\n  while True: s.send(bytes(65536))\nexcept OSError: pass\nos._exit(6)")
            with WORLD.running(sys.executable, "-c", code, str(server.port), options=("--linger", f"{3 * LIMIT}s"),
                               stdout=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), "up\n")
                self.assertTrue(await_true(lambda: not has_children(process.pid), LIMIT), "the command goes on")
                self.assertIsNone(process.poll())
                process.terminate()
                self.assertEqual(process.wait(LIMIT), 6)
            held.set()

    def test_linger_is_bounded(self):
        held = threading.Event()
        with TcpServer(lambda connection: held.wait(LIMIT)) as server:
            code = ("import socket,sys,os; s=socket.create_connection(('10.0.2.2',int(sys.argv[1])),10); "
                    "s.settimeout(1)\ntry:\n  while True: s.send(bytes(65536))\nexcept OSError: pass\nos._exit(7)")
            self.assertEqual(WORLD.python(code, str(server.port), options=("--linger", "1s")).returncode, 7)
            held.set()


class Refusals(unittest.TestCase):
    """One error line says what is missing, and what to do."""

    def refused(self, prepare, nobody=False):
        def before():
            prepare()
            if nobody:
                become_nobody()

        done = subprocess.run(WORLD.command("true"), preexec_fn=before, capture_output=True, text=True, timeout=LIMIT,
                              check=False, cwd="/")
        self.assertEqual(done.returncode, 126, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("tern: gateway: "), done.stderr)
        return done.stderr

    def test_no_tun_device(self):
        def hide():
            if os.geteuid() == 0:
                unshare(CLONE_NEWNS)
            else:
                unshare(CLONE_NEWUSER | CLONE_NEWNS)
            mount("none", "/dev/net", "tmpfs")

        error = self.refused(hide)
        self.assertIn("/dev/net/tun", error)
        self.assertIn("modprobe tun", error)

    @unittest.skipUnless(os.geteuid() == 0, "root alone can close a device to others")
    def test_closed_tun_device(self):
        if not WORLD.can_be_nobody():
            self.skipTest("no other user can be had")

        def close():
            unshare(CLONE_NEWNS)
            os.chmod("/dev/net/tun", 0o600)

        try:
            self.assertIn("chmod 0666 /dev/net/tun", self.refused(close, nobody=True))
        finally:
            os.chmod("/dev/net/tun", 0o666)

    def test_no_user_namespaces(self):
        def forbid():
            unshare(CLONE_NEWUSER)
            with open("/proc/sys/user/max_user_namespaces", "w", encoding="ascii") as file:
                file.write("0")

        error = self.refused(forbid)
        self.assertIn("no user namespace", error)
        self.assertIn("sysctl user.max_user_namespaces=", error)


class Joined(unittest.TestCase):
    def serve(self, *options, pass_fds=(), check=None):
        """Runs `tern gateway OPTIONS` until check() is through; returns its exit code after the exit descriptor."""
        ready, told = os.pipe()
        exit_read, exit_write = os.pipe()
        command = [WORLD.tern, "gateway", "--tun", "--ready-fd", str(told), "--exit-fd", str(exit_read), *options]
        process = subprocess.Popen(command, pass_fds=(told, exit_read, *pass_fds), stderr=subprocess.PIPE, text=True)
        os.close(told)
        os.close(exit_read)
        try:
            self.assertEqual(os.read(ready, 8), b"1", "the ready descriptor")
            self.assertEqual(os.read(ready, 8), b"", "it is closed after that")
            if check:
                check()
            os.close(exit_write)
            exit_write = -1
            status = process.wait(LIMIT)
            self.assertEqual(process.stderr.read(), "")
            return status
        finally:
            if exit_write >= 0:
                os.close(exit_write)
            os.close(ready)
            process.kill()
            process.wait()
            process.stderr.close()

    def fetch_in(self, container, port):
        container.stdin.write(f"s=socket.create_connection(('10.0.2.2',{port}),10);"
                              "print(s.recv(100).decode(),flush=True);s.close()\n")
        container.stdin.flush()
        return container.stdout.readline()

    @contextlib.contextmanager
    def container(self):
        process = start_container()
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()

    def test_attach_ready_fd_and_exit_fd(self):
        with TcpServer(greet) as server, self.container() as container:
            fetched = []
            status = self.serve("--attach", str(container.pid),
                                check=lambda: fetched.append(self.fetch_in(container, server.port)))
            self.assertEqual((status, fetched), (0, ["hello from the host\n"]))

    def congestion_control_in(self, container):
        container.stdin.write(f"print(open('{CONGESTION_CONTROL}').read(),end='',flush=True)\n")
        container.stdin.flush()
        return container.stdout.readline()

    def test_netns(self):
        with TcpServer(greet) as server, self.container() as container:
            fetched = []
            before = self.congestion_control_in(container)
            status = self.serve("--netns", f"/proc/{container.pid}/ns/net",
                                check=lambda: fetched.append(self.fetch_in(container, server.port)))
            self.assertEqual((status, fetched), (0, ["hello from the host\n"]))
            self.assertEqual(self.congestion_control_in(container), before)

    def tell(self, container, *command):
        """Runs it in the container: its exit code, output and errors."""
        container.stdin.write(f"import subprocess;d=subprocess.run({command!r},capture_output=True,text=True,timeout={LIMIT});"
                              "print(repr((d.returncode,d.stdout,d.stderr)),flush=True)\n")
        container.stdin.flush()
        return ast.literal_eval(container.stdout.readline())

    def network_of(self, container):
        """What lasts longer than a device: default routes of others, and settings."""
        return [self.tell(container, *command) for command in (
            ("ip", "route"), ("ip", "-6", "route", "show", "default"),
            ("cat", CONGESTION_CONTROL, "/proc/sys/net/ipv4/ping_group_range"))]

    def test_a_default_route_of_its_own_stays(self):
        for family, at, route in (("-4", "192.0.2.2/24", "192.0.2.1"), ("-6", "2001:db8::2/64", "2001:db8::1")):
            if family == "-6" and not WORLD.has_ipv6:
                continue
            with self.subTest(family=family), self.container() as container:
                for line in ("link add v0 type veth peer name v1", "link set v0 up", "link set v1 up", f"address add {at} dev v0",
                             f"{family} route add default via {route} dev v0 onlink"):
                    code, _, error = self.tell(container, "ip", *line.split())
                    if code != 0 and "veth" in line:
                        self.skipTest(error)
                    self.assertEqual(code, 0, error)
                before = self.network_of(container)
                done = subprocess.run([WORLD.tern, "gateway", "--attach", str(container.pid)], capture_output=True, text=True,
                                      timeout=LIMIT, check=False)
                self.assertEqual((done.returncode, done.stderr), (
                    1, "tern: gateway: that network has a default route of its own already, which would be lost\n"))
                self.assertEqual(self.network_of(container), before)

    def test_not_the_network_that_tern_is_in(self):
        with self.container() as container:
            before = self.network_of(container)
            for options in (("--attach", str(container.pid)), ("--netns", f"/proc/{container.pid}/ns/net"),
                            ("--tun", "--netns", "/proc/self/ns/net")):
                code, _, error = self.tell(container, WORLD.tern, "gateway", *options)
                self.assertEqual(code, 1)
                self.assertRegex(error, r"/ns/net is the network namespace that tern itself runs in\n$")
            self.assertEqual(self.network_of(container), before)

    def test_attach_ends_with_the_process(self):
        container = start_container()
        with subprocess.Popen([WORLD.tern, "gateway", "--tun", "--attach", str(container.pid)]) as process:
            time.sleep(0.5)
            self.assertIsNone(process.poll())
            container.stdin.close()
            self.assertEqual(process.wait(LIMIT), 0)
        container.wait(LIMIT)
        container.stdout.close()

    def test_attach_to_nobody(self):
        for options, words in ((("--attach", "4194303"), "process 4194303"), (("--netns", "/no/such"), "/no/such")):
            done = subprocess.run([WORLD.tern, "gateway", "--tun", *options], capture_output=True, text=True,
                                  timeout=LIMIT, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)

    def test_fd(self):
        with TcpServer(greet) as server, self.container() as container:
            # Its device, made by us in its namespaces: a child joins them and hands the descriptor out.
            ours, its = socket.socketpair()
            namespaces = [os.open(f"/proc/{container.pid}/ns/{name}", os.O_RDONLY) for name in ("user", "net")]
            child = os.fork()
            if child == 0:
                for namespace in namespaces:
                    if libc.setns(namespace, 0) != 0:
                        os._exit(ctypes.get_errno())
                device = os.open("/dev/net/tun", os.O_RDWR)
                fcntl.ioctl(device, 0x400454CA, struct.pack("16sH22x", b"tern0", 0x1 | 0x1000 | 0x4000))
                for command in ("ip link set lo up", "ip link set tern0 up mtu 1500",
                                "ip address add 10.0.2.100/24 dev tern0", "ip route add default via 10.0.2.2"):
                    if subprocess.run(command.split(), check=False).returncode != 0:
                        os._exit(1)
                socket.send_fds(its, [b"x"], [device])
                os._exit(0)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            _, (device,), _, _ = socket.recv_fds(ours, 1, 1)
            for namespace in namespaces:
                os.close(namespace)
            fetched = []
            status = self.serve("--fd", str(device), "--mtu", "1500", pass_fds=(device,),
                                check=lambda: fetched.append(self.fetch_in(container, server.port)))
            self.assertEqual((status, fetched), (0, ["hello from the host\n"]))
            os.close(device)
            ours.close()
            its.close()

    def test_fd_that_is_no_device(self):
        done = subprocess.run([WORLD.tern, "gateway", "--tun", "--fd", "0"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no TAP or TUN device", done.stderr)

    def test_exit_fd_ends_the_command(self):
        reader, writer = os.pipe()
        with WORLD.running("sh", "-c", SLEEPS, options=("--exit-fd", str(reader)), pass_fds=(reader,), stdout=subprocess.PIPE,
                           text=True) as process:
            os.close(reader)
            self.assertEqual(process.stdout.readline(), "ready\n")
            self.assertIsNone(process.poll())
            os.close(writer)
            self.assertEqual(process.wait(LIMIT), 128 + signal.SIGTERM)


class Control(unittest.TestCase):
    def ask(self, *arguments):
        done = subprocess.run([WORLD.tern, "ctl", self.path, *arguments], capture_output=True, text=True,
                              timeout=LIMIT, check=False)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def setUp(self):
        self.path = f"{WORLD.work}/control"

    @contextlib.contextmanager
    def gateway(self, *command, **more):
        with WORLD.running(*command, options=("--control", self.path), **more) as process:
            self.assertTrue(await_true(lambda: os.path.exists(self.path), LIMIT))
            yield process
        self.assertFalse(os.path.exists(self.path), "the socket goes with its gateway")

    def test_flows_and_stats(self):
        with TcpServer(lambda connection: connection.recv(1)) as server:
            code = ("import socket,sys; s=socket.create_connection(('10.0.2.2',int(sys.argv[1])),10); "
                    "print('up',flush=True); sys.stdin.read()")
            with self.gateway(sys.executable, "-c", code, str(server.port), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as process:
                self.assertEqual(process.stdout.readline(), "up\n")
                self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
                status, flows, error = self.ask("flows")
                self.assertEqual((status, error, len(flows)), (0, "", 1))
                flow = flows[0]
                self.assertEqual((flow["kind"], flow["guest"], flow["to"], flow["to_port"], flow["onward"],
                                  flow["onward_port"], flow["inbound"]),
                                 ("tcp", "10.0.2.100", "10.0.2.2", server.port, "127.0.0.1", server.port, False))
                stats = {each["name"]: each["value"] for each in self.ask("stats")[1]}
                self.assertEqual(stats["tcp_opened"], 1)

    def test_forwards_come_and_go(self):
        code = ("import socket; s=socket.create_server(('0.0.0.0',7000)); print('up',flush=True)\n"
                "while True:\n c,_=s.accept(); c.sendall(b'hello from the guest'); c.close()\n")
        with self.gateway(sys.executable, "-c", code, stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "up\n")
            self.assertEqual(self.ask("forwards"), (0, [], ""))
            status, (added,), _ = self.ask("add", "127.0.0.1:0:7000")
            self.assertEqual(status, 0)
            port = int(added["forward"].split(":")[1])
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                self.assertEqual(connection.makefile().read(), "hello from the guest")
            self.assertEqual(self.ask("forwards")[1], [added])
            self.assertEqual(self.ask("remove", str(added["id"])), (0, [], ""))
            self.assertEqual(self.ask("forwards"), (0, [], ""))
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 10)
            status, _, error = self.ask("remove", "99")
            self.assertEqual((status, error), (1, "tern: ctl: there is no such forward\n"))
            self.assertEqual(self.ask("add", "nonsense")[0], 1)
            kept, = self.ask("add", "127.0.0.1:0:7001")[1]
            for words, said in ((("remove", f"{kept['id']}x"), "is not a number"), (("remove",), "remove takes one ID"),
                                (("add", '"'), "is not a forward"), (("flows", "x"), "flows takes nothing more"),
                                (("fly",), "'fly' is not flows,")):
                status, _, error = self.ask(*words)
                self.assertEqual((status, said in error), (2, True), words)
            self.assertEqual(self.ask("forwards")[1], [kept])

    def test_requests_of_other_programs(self):
        with self.gateway("sleep", "30"):
            for request, answer in ((b'{ "do" : "forwards" }\n', {"ok": True}), (b"hello\n", None), (b"{}\n", None),
                                    (b'{"do":"fly"}\n', None), (b'{"do":"add","forward":7}\n', None),
                                    (b'{"do":["flows"]}\n', None), (b'{"do":"remove","id":-1}\n', None)):
                with self.subTest(request=request), socket.socket(socket.AF_UNIX) as client:
                    client.settimeout(10)
                    client.connect(self.path)
                    client.sendall(request + request)
                    client.shutdown(socket.SHUT_WR)
                    lines = [json.loads(line) for line in client.makefile()]
                    self.assertEqual(len(lines), 2)
                    self.assertEqual(lines[0], lines[1])
                    if answer:
                        self.assertEqual(lines[0], answer)
                    else:
                        self.assertIs(lines[0]["ok"], False)
            with socket.socket(socket.AF_UNIX) as client:    # a line without end
                client.settimeout(10)
                client.connect(self.path)
                with contextlib.suppress(OSError):
                    client.sendall(b"x" * 100000)
                    self.assertEqual(client.recv(100), b"")
            self.assertEqual(self.ask("forwards")[0], 0)

    def test_nobody_there(self):
        status, _, error = self.ask("flows")
        self.assertEqual(status, 1)
        self.assertTrue(error.startswith("tern: ctl: "))


if __name__ == "__main__":
    WORLD = World()
    unittest.main()
