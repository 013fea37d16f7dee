#!/usr/bin/env python3
"""libtern_packetdrill.so: our scripts, played through its 32 pointers as packetdrill would, come out as in process."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import scripts  # noqa: E402
from lab import TERN, tern  # noqa: E402
from scripts import OPEN, SCRIPTS  # noqa: E402

OBJECT = os.path.join(os.path.dirname(os.path.abspath(TERN)), "libtern_packetdrill.so")
THROUGH = ("--so-filename", OBJECT)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# tern_cwnd and the like are not in TCP_INFO, which is all that the interface tells.
PLAYED = [path for path in SCRIPTS if "tern_" not in read(path)]


def play(text, *options):
    return scripts.play(text, *THROUGH, *options)


class Suite(unittest.TestCase):
    def test_there_are_enough(self):
        self.assertGreater(len(PLAYED), 1000)
        self.assertGreater(sum("..." in line and "= " in line and "socket" not in line for path in PLAYED
                               for line in read(path).splitlines() if line.startswith("+") and "..." in line.split()[0]), 15)

    def test_ipv4(self):
        scripts.check_all(self, PLAYED, *THROUGH)

    def test_ipv6(self):
        scripts.check_all(self, PLAYED, *THROUGH, "--ip-version=ipv6")


class Differences(unittest.TestCase):
    """What is not as a script says is found through the pointers too."""

    def test_as_it_says(self):
        self.assertEqual(play(OPEN), (0, "", ""))

    def test_field(self):
        code, _, error = play(OPEN + "+0 write(3, ..., 10) = 10\n+0 > . 1:11(10) ack 1\n")
        self.assertEqual(code, 1)
        self.assertIn("FILE:9: error handling packet: live packet field tcp_psh: expected: 0 (0x0) vs actual: 1 (0x1)", error)

    def test_time(self):
        code, _, error = play(OPEN + "+0 write(3, ..., 10) = 10\n+0.1 > P. 1:11(10) ack 1\n")
        self.assertEqual(code, 1)
        self.assertIn("timing error: expected outbound packet at 0.150000 sec", error)

    def test_result_and_errno(self):
        self.assertIn("Expected errno 32 (EPIPE) but got 11 (EAGAIN)",
                      play(OPEN + "+0 read(3, ..., 10) = -1 EPIPE (Broken pipe)\n")[2])
        self.assertIn("Expected result 10 but got -1", play(OPEN + "+0 read(3, ..., 10) = 10\n")[2])

    def test_time_of_a_call_that_blocks(self):
        text = OPEN + "+0 fcntl(3, F_SETFL, O_RDWR) = 0\n+0...0.200 read(3, ..., 10) = 10\n+0.2 < P. 1:11(10) ack 1 win 65535\n"
        self.assertEqual(play(text)[0], 0)
        self.assertIn("expected system call return at 0.150000 sec but happened at 0.250", play(text.replace("...0.200", "...0.100"))[2])
        self.assertIn("has not returned", play(text.replace("+0.2 < P. 1:11(10)", "+0.2 < . 1:1(0)"))[2])

    def test_a_call_that_blocks_unsaid(self):
        """Alone, and while another call waits: it is told, and the tool's second thread is sent away."""
        text = OPEN + "+0 fcntl(3, F_SETFL, O_RDWR) = 0\n"
        self.assertIn("FILE:9: runtime error in read call: it blocks", play(text + "+0 read(3, ..., 10) = 10\n")[2])
        self.assertIn("FILE:10: runtime error in read call: it blocks",
                      play(text + "+0...0.300 read(3, ..., 10) = 10\n+0 read(3, ..., 10) = 10\n")[2])

    def test_assertion(self):
        self.assertEqual(play(OPEN + "+0 %{ assert tcpi_snd_cwnd == 10 }%\n")[0], 0)
        self.assertIn("AssertionError", play(OPEN + "+0 %{ assert tcpi_snd_cwnd == 11 }%\n")[2])
        self.assertIn("name 'tern_cwnd' is not defined", play(OPEN + "+0 %{ assert tern_cwnd }%\n")[2])

    def test_no_packet_at_all(self):
        self.assertIn("no packet left the host", play(OPEN + "+0 > P. 1:11(10) ack 1\n")[2])

    def test_settings_reach_it(self):
        text = OPEN.replace("> S 0:0(0) <...>", "> S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 1 ecr 0>")
        self.assertNotEqual(play(text)[0], 0)
        self.assertEqual(play(text, "--profile", "freebsd")[0], 0)
        self.assertEqual(play("--profile=freebsd\n" + text)[0], 0)

    def test_what_is_no_such_object(self):
        code, _, error = tern("script", "--so-filename", "/nosuch.so", SCRIPTS[0])
        self.assertEqual(code, 1)
        self.assertIn("/nosuch.so", error)
        code, _, error = tern("script", "--so-filename", "libc.so.6", SCRIPTS[0])
        self.assertEqual(code, 1)
        self.assertIn("packetdrill_interface_init", error)


class Object(unittest.TestCase):
    def test_it_shows_one_function(self):
        shown = subprocess.run(["nm", "-D", "--defined-only", OBJECT], capture_output=True, text=True, check=True).stdout
        self.assertEqual([line.split()[1:] for line in shown.splitlines()], [["T", "packetdrill_interface_init"]])

    def test_it_needs_libc_alone(self):
        needed = subprocess.run(["readelf", "-d", OBJECT], capture_output=True, text=True, check=True).stdout
        names = [line.split("[")[1].rstrip("]") for line in needed.splitlines() if "NEEDED" in line]
        self.assertIn("libc.so.6", names)
        self.assertEqual([name for name in names if not name.startswith(("libc.", "ld-"))], [])


if __name__ == "__main__":
    if not os.path.exists(OBJECT):
        print("skipped: there is no libtern_packetdrill.so in this build (sanitizers)")
        sys.exit(77)
    unittest.main()
