#!/usr/bin/env python3
"""`tern perf` and `tern nc` by DPDK, in a network namespace of the test's own.

    tern perf 10.64.64.2  ===  net_tap, whose far end is the interface d0, 10.64.64.1: Linux's TCP
    tern perf 10.9.0.1  ===  net_memif over a socket in a directory  ===  tern perf 10.9.0.2

Skipped where the plug-in was not built (libdpdk-dev), or DPDK's environment does not start.
"""

import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest

from nc_test import LIMIT, TERN, await_true, enter_namespace, has_link, read_all, send_all_and_shut, skip
from perf_test import Run, ip

BYTES = 2_000_000


def dpdk_is_there():
    """What `tern doctor` says where there is none is why the test is skipped."""
    out = subprocess.run([TERN, "doctor", "--json"], capture_output=True, text=True, timeout=LIMIT, check=False).stdout
    said = [json.loads(line) for line in out.splitlines() if line.startswith('{"check":"DPDK"')]
    if not said or said[0]["state"] != "ok":
        skip(said[0]["text"] if said else "tern doctor says nothing of DPDK")


class Dpdk(unittest.TestCase):
    def start(self, *words):
        made = Run(*words)
        self.addCleanup(made.close)
        return made

    def done(self, run):
        code, said = run.end()
        self.assertEqual(code, 0, said)


class ByTap(Dpdk):
    """Linux's TCP at the far end: DPDK's net_tap leaves no sum unmade, so each side checks the other's."""

    def exchange(self, name, *options):
        """As many bytes each way through one connection; both must come as they went."""
        data = os.urandom(BYTES)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as into:
            into.write(data)
            into.seek(0)
            run = subprocess.Popen(
                [TERN, "nc", "-l", "-w", str(LIMIT), "--dev", f"dpdk:net_tap0,iface={name}", "--address", "10.64.64.2/24",
                 *options, "7000"], stdin=into, stdout=out, stderr=subprocess.PIPE, text=True)
            self.addCleanup(lambda: (run.kill(), run.wait(), run.stderr.close()))
            self.assertTrue(await_true(lambda: has_link(name) or run.poll() is not None, LIMIT))
            self.assertIsNone(run.poll(), "tern nc has ended")
            ip("addr", "add", "10.64.64.1/24", "dev", name)
            ip("link", "set", name, "up")
            with socket.create_connection(("10.64.64.2", 7000), LIMIT) as peer:
                peer.settimeout(LIMIT)
                sender = threading.Thread(target=send_all_and_shut, args=(peer, data))
                sender.start()
                self.assertTrue(read_all(peer) == data)
                sender.join()
            self.assertEqual(run.wait(LIMIT), 0)
            out.seek(0)
            self.assertTrue(out.read() == data)

    def test_bytes_both_ways(self):
        self.exchange("d0")

    def test_bytes_both_ways_without_offloads(self):
        self.exchange("d1", "--plain", "--mtu", "1280")


class ByMemif(Dpdk):
    """Two processes of tern, each with an environment of its own."""

    def test_both_ways(self):
        with tempfile.TemporaryDirectory() as directory:
            def device(role):
                return f"dpdk:net_memif0,role={role},id=0,socket-abstract=no,socket={directory}/memif --no-huge -m 128"
            server = self.start(TERN, "perf", "-s", "-1", "--dev", device("server"), "--address", "10.9.0.1/24")
            self.assertTrue(await_true(lambda: "listening" in server.said(), LIMIT), server.said())
            client = self.start(TERN, "perf", "-c", "10.9.0.1", "--dev", device("client"), "--address", "10.9.0.2/24",
                                "-n", str(BYTES), "-J")
            self.done(client)
            self.done(server)
            self.assertEqual(client.json()["end"]["sum_sent"]["bytes"], BYTES)


class NotToBeHad(Dpdk):
    def test_it_is_told(self):
        for device, reason in (("net_nothing0", "DPDK has no device 'net_nothing0'"),
                               ("net_null0 --no-such-word", "does not start with '--no-such-word'")):
            code, said = self.start(TERN, "nc", "--dev", f"dpdk:{device}", "10.9.0.1", "7").end()
            self.assertEqual(code, 1, said)
            self.assertIn(reason, said)


if __name__ == "__main__":
    if not os.path.exists(TERN):
        skip(f"there is no {TERN}")
    os.environ.setdefault("TERN_PLUGIN_DIR", os.path.dirname(os.path.abspath(TERN)))
    enter_namespace()
    dpdk_is_there()
    unittest.main()
