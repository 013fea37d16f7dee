#!/usr/bin/env python3
"""`tern script`: every script of ours goes as it says, over IPv4 and IPv6; and what it says where one does not."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from lab import tern  # noqa: E402
from scripts import FOLDER, OPEN, SCRIPTS, check_all, play  # noqa: E402

MAKER = os.path.join(os.path.dirname(os.path.dirname(FOLDER)), "tools", "make_scripts.py")


class Suite(unittest.TestCase):
    def test_there_are_enough(self):
        self.assertGreater(len(SCRIPTS), 300)

    def test_generated_ones_are_what_the_generator_makes(self):
        run = subprocess.run([sys.executable, MAKER, "--check"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_ipv4(self):
        check_all(self, SCRIPTS)

    def test_ipv6(self):
        check_all(self, SCRIPTS, "--ip-version=ipv6")


class Said(unittest.TestCase):
    """A script that does not come out says where, what was expected and what was."""

    def test_the_opening_itself_is_right(self):
        self.assertEqual(play(OPEN), (0, "", ""))

    def test_wrong_field(self):
        code, _, error = play(OPEN + "+0 write(3, ..., 10) = 10\n+0 > . 1:11(10) ack 1\n")
        self.assertEqual(code, 1)
        self.assertIn("FILE:9: error handling packet: live packet field tcp_psh: expected: 0 (0x0) vs actual: 1 (0x1)",
                      error)
        self.assertIn("script packet:  0.050000 . 1:11(10) ack 1", error)
        self.assertIn("actual packet:  0.050000 P. 1:11(10) ack 1 win", error)

    def test_each_field_that_can_be_wrong(self):
        sack = OPEN.replace("<mss 1460>", "<mss 1460,nop,nop,sackOK>") + "+0 < P. 101:201(100) ack 1 win 65535\n"
        syn = OPEN[:OPEN.index("<...>")]
        offer = "<mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>\n"
        self.assertEqual(play(syn + offer)[0], 0)
        self.assertEqual(play(sack + "+0 > . 1:1(0) ack 1 <nop,nop,sack 101:201>\n")[0], 0)
        write = OPEN + "+0 write(3, ..., 10) = 10\n"
        self.assertEqual(play(write + "+0 > [noecn] P. 1:11(10) ack 1\n")[0], 0)
        for text, said in ((write + "+0 > P. 2:12(10) ack 1\n", "tcp_seq: expected: 2 (0x2) vs actual: 1 (0x1)"),
                           (write + "+0 > P. 1:11(10) ack 2\n", "tcp_ack_seq: expected: 2 (0x2) vs actual: 1 (0x1)"),
                           (write + "+0 > P. 1:11(10) ack 1 win 7\n", "tcp_window: expected: 7 (0x7)"),
                           (write + "+0 > P. 1:6(5) ack 1\n", "payload: expected 5 bytes vs actual 10 bytes"),
                           (write + "+0 > [ect0] P. 1:11(10) ack 1\n", "ip_ecn: expected: 2 (0x2) vs actual: 0 (0x0)"),
                           (syn + offer.replace("wscale 8", "wscale 7"), "bad value outbound TCP option 5"),
                           (syn + offer.replace("1460", "1440"), "bad value outbound TCP option 1"),
                           (sack + "+0 > . 1:1(0) ack 1 <nop,nop,sack 101:202>\n", "bad value outbound TCP option 3"),
                           (sack + "+0 > . 1:1(0) ack 1 <nop,nop,sack 100:201>\n", "bad value outbound TCP option 3")):
            with self.subTest(said=said):
                code, _, error = play(text)
                self.assertEqual(code, 1)
                self.assertIn(said, error)

    def test_a_call_that_waits_for_ever(self):
        blocking = OPEN.replace("+0.000 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n", "").replace(
            "+0.000 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)", "+0...0.050 connect(3, ..., ...) = 0")
        self.assertEqual(play(blocking), (0, "", ""))
        code, _, error = play(blocking + "+0...0.500 read(3, ..., 10) = 10\n")
        self.assertEqual(code, 1)
        self.assertIn("read call has not returned by", error)

    def test_time_goes_back(self):
        code, _, error = play(OPEN + "0.010 < . 1:1(0) ack 1 win 65535\n")
        self.assertEqual(code, 1)
        self.assertIn("time goes back", error)

    def test_wrong_time(self):
        code, _, error = play(OPEN + "+0 write(3, ..., 10) = 10\n+0.1 > P. 1:11(10) ack 1\n")
        self.assertEqual(code, 1)
        self.assertIn("timing error: expected outbound packet at 0.150000 sec but happened at 0.050000 sec", error)

    def test_no_packet_at_all(self):
        code, _, error = play(OPEN + "+0 > P. 1:11(10) ack 1\n")
        self.assertEqual(code, 1)
        self.assertIn("no packet left the host", error)

    def test_wrong_result(self):
        code, _, error = play(OPEN + "+0 read(3, ..., 10) = 10\n")
        self.assertEqual(code, 1)
        self.assertIn("FILE:8: runtime error in read call: Expected result 10 but got -1 with errno 11 (EAGAIN)", error)

    def test_wrong_errno(self):
        code, _, error = play(OPEN + "+0 read(3, ..., 10) = -1 EPIPE (Broken pipe)\n")
        self.assertEqual(code, 1)
        self.assertIn("Expected errno 32 (EPIPE) but got 11 (EAGAIN)", error)

    def test_a_call_that_blocks_wants_a_time(self):
        code, _, error = play(OPEN.replace("+0.000 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n", "")
                              .replace("= -1 EINPROGRESS (Operation now in progress)", "= 0"))
        self.assertEqual(code, 1)
        self.assertIn("it blocks", error)

    def test_assertion(self):
        code, _, error = play(OPEN + "+0 %{ assert tcpi_snd_cwnd == 11, tcpi_snd_cwnd }%\n")
        self.assertEqual(code, 1)
        self.assertIn("AssertionError: assert tcpi_snd_cwnd == 11: 10", error)

    def test_expressions(self):
        code, out, error = play(OPEN + "+0 %{\na = 2 + 3 * 4\nassert a == 14 and not a < 3\n"
                                "assert 1 < 2 <= 2 and a in (1, 14)\nassert max(1, a) == 14; print(a // 4, 'x')\n"
                                "assert -7 // 2 == -4 and -7 % 3 == 2 and 7 % -3 == -2 and 1 // 0.5 == 2\n"
                                "assert int(-2.5) == -2 and int(1e300) > 1e299 and --1 == 1\n}%\n")
        self.assertEqual((code, out.strip(), error), (0, "3 x", ""))

    def test_no_number_of_words_uses_up_the_stack(self):
        for count, code in ((1000000, 0), (1000001, 1)):
            with self.subTest(count):
                self.assertEqual(play(OPEN + "+0 %{ assert " + "not " * count + "1 }%\n")[0], code)
        for opens, closes in (("(", ")"), ("abs(", ")"), ("max(1, ", ")")):
            with self.subTest(opens):
                text = opens * 100000 + "1" + closes * 100000
                self.assertIn("nested too deeply", play(OPEN + "+0 %{ assert " + text + " }%\n")[2])

    def test_options_at_the_head(self):
        for head, said in (("--tolerance_usecs=99999999999", "--tolerance_usecs: '99999999999' is not a whole number from 0 to 1000000"),
                           ("--mtu=10", "--mtu: '10' is not a whole number from 68 to 65535"),
                           ("--local_ip=x", "--local_ip: 'x' is no address"), ("--nosuch=1", "there is no option '--nosuch'"),
                           ("--profile=os2", "there is no profile 'os2'")):
            with self.subTest(head):
                code, _, error = play(head + "\n" + OPEN)
                self.assertEqual(code, 1)
                self.assertIn(said, error)
        self.assertEqual(play("--mtu=1000\n" + OPEN.replace("> S 0:0(0) <...>", "> S 0:0(0) <mss 960,sackOK,TS val 1 ecr 0,nop,wscale 8>"))[0], 0)

    def test_range_of_time(self):
        self.assertEqual(play(OPEN + "+0 write(3, ..., 10) = 10\n+0~+0.1 > P. 1:11(10) ack 1\n")[0], 0)
        self.assertEqual(play(OPEN + "+0 write(3, ..., 10) = 10\n* > P. 1:11(10) ack 1\n")[0], 0)
        self.assertIn("time range", play(OPEN + "+0 write(3, ..., 10) = 10\n+0.1~+0.2 > P. 1:11(10) ack 1\n")[2])

    def test_segments_are_joined_unless_strict(self):
        text = OPEN + "+0 write(3, ..., 2920) = 2920\n+0 > P. 1:2921(2920) ack 1\n"
        self.assertEqual(play(text)[0], 0)
        code, _, error = play(text, "--strict-segments")
        self.assertEqual(code, 1)
        self.assertIn("tcp_psh", error)

    def test_commands_are_passed_over_with_a_warning(self):
        code, _, error = play("`./common.sh`\n" + OPEN)
        self.assertEqual(code, 0)
        self.assertIn("FILE:1: warning: command './common.sh' is passed over", error)
        self.assertEqual(play("`./common.sh`\n" + OPEN, "--quiet"), (0, "", ""))

    def test_raw_options(self):
        text = OPEN.replace("<mss 1460>", "<raw 2 4 2 88,raw 253 4 0 0>") + "+0 %{ assert tcpi_snd_mss == 600 }%\n"
        self.assertEqual(play(text), (0, "", ""))
        self.assertIn("too few", play(OPEN + "+0 write(3, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <raw 1>\n")[2])

    def test_what_cannot_be_read(self):
        for text, said in (("0 foo\n", "'(' is missing"), ("0 > S 0:5(4)\n", "0:5 is not 4 octets"),
                           ("0 < Q 0:0(0)\n", "'Q' is no TCP flag"), ("0 %{ assert", "'%{' without '}%'"),
                           ("0.2~0.1 > S 0:0(0)\n", "backwards"), ("* < S 0:0(0)\n", "packets that leave"),
                           ("0 < S 0:0(0) <raw>\n", "raw without octets"), ("", "without events"), ("0 < S 0:0(0) <mss 99999>\n", "99999 is no MSS")):
            with self.subTest(text=text):
                code, _, error = play(text)
                self.assertEqual(code, 2)
                self.assertIn(said, error)
        self.assertEqual(tern("script", "/nosuch/file")[0], 2)
        self.assertEqual(tern("script")[0], 2)


if __name__ == "__main__":
    unittest.main()
