#!/usr/bin/env python3
"""Three hosts behind one address (examples/cores.c) on the queues of one TUN device, spoken to by Linux's TCP:

    this system, 10.99.0.1 -- tern0, a queue for each thread -- 10.99.0.2, three hosts
"""

import os
import re
import socket
import subprocess
import sys
import time
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir)
sys.path.insert(0, os.path.join(ROOT, "tools"))
import namespaces  # noqa: E402

CORES = os.path.join(os.path.dirname(os.environ["TERN"]), "examples", "cores")
ADDRESS = ("10.99.0.2", 7)
HOSTS, CONNECTIONS = 3, 90
LIMIT = 60                  # seconds for whatever takes a moment
FORGOTTEN = 3.5             # seconds after which the kernel forgets where a flow was answered (tun(4))


def receive(connection, n):
    got = b""
    while len(got) < n:
        piece = connection.recv(n - len(got))
        assert piece, "the connection ended"
        got += piece
    return got


@unittest.skipUnless(os.path.exists(CORES), "the examples are not built")
class Cores(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([CORES, str(HOSTS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.wait, LIMIT)
        self.addCleanup(self.server.kill)
        self.assertEqual(self.server.stdout.readline(), "ready\n")
        for line in ("ip addr add 10.99.0.1/24 dev tern0", "ip link set tern0 up"):
            subprocess.run(line.split(), check=True, timeout=LIMIT)

    def exchange(self, connections, text):
        for connection in connections:
            connection.sendall(text)
        for connection in connections:
            self.assertEqual(receive(connection, len(text)), text)

    def test_every_host_serves_and_every_byte_comes_back(self):
        connections = [socket.create_connection(ADDRESS, timeout=LIMIT) for _ in range(CONNECTIONS)]
        self.exchange(connections, bytes(range(250)) * 4)
        time.sleep(FORGOTTEN)       # now its own hash decides, which knows nothing of ours
        self.exchange(connections, bytes(range(250)) * 4)
        self.exchange(connections[:3], bytes(range(250)) * 1000)
        for connection in connections:
            connection.close()
        told, _ = self.server.communicate("", timeout=LIMIT)
        served = [int(n) for n in re.findall(r"host \d: (\d+) connections", told)]
        self.assertEqual(sum(served), CONNECTIONS, told)
        self.assertEqual(len(served), HOSTS, told)
        self.assertGreater(min(served), 0, told)
        self.assertGreater(int(re.search(r"(\d+) were handed on", told).group(1)), 0, told)


if __name__ == "__main__":
    try:
        namespaces.make(namespaces.CLONE_NEWNET)
    except OSError as error:
        print("skipped: no namespaces here:", error)
        sys.exit(77)
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        print("skipped: no /dev/net/tun")
        sys.exit(77)
    unittest.main()
