#!/usr/bin/env python3
"""ECN (RFC 3168) between `tern nc` and Linux's TCP, in a network namespace of the test's own.

    tern nc --ecn HOW 10.64.64.2, fd64::2  ===  TUN device  ===  10.64.64.1, fd64::1 Linux, net.ipv4.tcp_ecn

What Linux agreed on, and saw, is what its own TCP_INFO tells.
"""

import socket
import subprocess
import sys
import threading
import unittest

import nc_test
from nc_test import FAMILY, LIMIT, OURS, SYSTEM, WithDevice, listener, read_all, send_all_and_shut

TCPI_OPT_ECN, TCPI_OPT_ECN_SEEN = 8, 16     # linux/tcp.h
TEXT = bytes(range(256)) * 4000


def system_ecn(value):
    with open("/proc/sys/net/ipv4/tcp_ecn", "w", encoding="ascii") as file:
        file.write(str(value))


def seen(sock):
    """(ECN was agreed on, ECN-capable packets came)."""
    options = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5]
    return bool(options & TCPI_OPT_ECN), bool(options & TCPI_OPT_ECN_SEEN)


class Ecn(WithDevice):
    def calls(self, version, how):
        """tern connects to Linux and sends; what Linux then says of it."""
        with listener(version, 7100) as waiting:
            nc = self.nc("-N", "--ecn", how, SYSTEM[version], "7100", data=TEXT)
            sock, _ = waiting.accept()
            with sock:
                sock.settimeout(LIMIT)
                self.assertEqual(read_all(sock), TEXT)
                found = seen(sock)
            code, _ = nc.end()
            self.assertEqual(code, 0)
        return found

    def is_called(self, version, how):
        """Linux connects to tern and sends; (what Linux then says of it, what tern received)."""
        nc = self.nc("-l", "-N", "--ecn", how, "7200", data=b"thanks")
        self.assertTrue(nc_test.await_true(lambda: "listening" in nc.said()), nc.said())
        with socket.socket(FAMILY[version], socket.SOCK_STREAM) as sock:
            sock.settimeout(LIMIT)
            sock.connect((OURS[version], 7200))
            sender = threading.Thread(target=send_all_and_shut, args=(sock, TEXT))
            sender.start()
            answer = read_all(sock)
            sender.join()
            found = seen(sock)
        code, got = nc.end()
        self.assertEqual((code, got, answer), (0, TEXT, b"thanks"))
        return found

    def test_offered_by_tern(self):
        for version in (4, 6):
            for how, system, expected in (("on", 2, (True, True)), ("on", 0, (False, False)),
                                          ("accept", 1, (False, False)), ("accurate", 2, (True, True))):
                with self.subTest(version=version, how=how, system=system):
                    system_ecn(system)
                    self.assertEqual(self.calls(version, how), expected)

    def test_offered_by_linux(self):
        for version in (4, 6):
            for how, system, expected in (("accept", 1, (True, True)), ("on", 1, (True, True)),
                                          ("off", 1, (False, False)), ("on", 2, (False, False)),
                                          ("accurate", 1, (True, True))):
                with self.subTest(version=version, how=how, system=system):
                    system_ecn(system)
                    self.assertEqual(self.is_called(version, how), expected)

    def test_marks_are_echoed(self):
        """What Linux sends is marked on its way out (netem's ecn): tern echoes, and nothing is lost or sent again."""
        system_ecn(1)
        made = subprocess.run(["tc", "qdisc", "add", "dev", "t0", "root", "netem", "loss", "10%", "ecn"],
                              capture_output=True, check=False)
        if made.returncode != 0:
            self.skipTest("no netem here: " + made.stderr.decode("utf-8", "replace").strip())
        with open("/proc/net/netstat", encoding="ascii") as file:
            before = file.read()
        self.assertEqual(self.is_called(4, "accept"), (True, True))
        with open("/proc/net/netstat", encoding="ascii") as file:
            after = file.read()
        self.assertGreater(counter(after, "TCPDeliveredCE"), counter(before, "TCPDeliveredCE"))


def counter(text, name):
    names, values = [line.split() for line in text.splitlines() if line.startswith("TcpExt:")][:2]
    return int(values[names.index(name)])


if __name__ == "__main__":
    nc_test.enter_namespace()
    unittest.main(argv=sys.argv[:1], verbosity=1)
