#!/usr/bin/env python3
"""`tern stuck` of recordings and of captures: who has to act, since when, what is tried next; and that what is inferred is
said to be."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from trace_test import ACK, FIN, PSH, RST, SYN, TERN, Capture


def run(*words, expect=0, data=None):
    done = subprocess.run([TERN, *words], capture_output=True, input=data, timeout=120, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode != expect:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


def rows(capture, *options):
    return [json.loads(line) for line in run("stuck", "--json", *options, "-", data=capture.bytes())[0].splitlines()]


def the_row(capture):
    found = rows(capture)
    if len(found) != 1:
        raise AssertionError(found)
    return found[0]


class FromACapture(unittest.TestCase):
    """The last packet is the present."""

    def test_nobody_answers(self):
        capture = Capture()
        capture.client(0, 0, SYN)
        capture.client(0, 0, SYN, after=1)
        capture.client(0, 0, SYN, after=2)
        row = the_row(capture)
        self.assertEqual((row["state"], row["waits"], row["who"]), ("SYN-SENT", "syn-sent", "peer"))
        self.assertEqual((row["quiet_ms"], row["next_in_ms"], row["ends_in_ms"]), (3000, 4000, None))
        self.assertTrue(row["inferred"])
        self.assertEqual((row["local"], row["peer"], row["source"], row["conn"]),
                         ("10.0.0.1:1000", "10.0.0.2:80", "capture", 1))
        self.assertIn("the client has called for 3.0 s, and nobody answers: the server", row["line"])

    def test_the_third_segment_is_missing(self):
        capture = Capture()
        capture.client(0, 0, SYN)
        capture.server(0, 1, SYN | ACK)
        capture.server(0, 1, SYN | ACK, after=1)
        row = the_row(capture)
        self.assertIn(row["waits"], ("syn-received", "silent"))
        self.assertEqual((row["local"], row["who"]), ("10.0.0.2:80", "peer"))

    def test_a_window_that_stays_shut(self):
        capture = Capture()
        capture.open()
        capture.client(1, 1, ACK, b"x" * 1000)
        capture.server(1, 1001, ACK, window=0, after=0.02)
        shut = the_row(capture)         # nobody has probed: whether more waits does not show
        self.assertEqual((shut["waits"], shut["who"], shut["local"]), ("unread", "program", "10.0.0.2:80"))
        for after in (0.2, 0.4, 0.8):
            capture.client(1000, 1, ACK, after=after)
            capture.server(1, 1001, ACK, window=0, after=0.02)
        row = the_row(capture)
        self.assertEqual((row["waits"], row["who"], row["local"]), ("zero-window", "peer", "10.0.0.1:1000"))
        self.assertAlmostEqual(row["quiet_ms"], 1460, delta=1)
        self.assertAlmostEqual(row["next_in_ms"], 1620, delta=1)    # 0.2, 0.4, 0.8: and an answer after each
        self.assertIn("zero window for 1.4 s: the program of the server is slow to read", row["line"])
        capture.server(1, 1001, ACK, window=5000)
        self.assertEqual(rows(capture), [])

    def test_sent_again_and_again(self):
        capture = Capture()
        capture.open()
        capture.client(1, 1, ACK, b"x" * 500)
        for after in (0.3, 0.6, 1.2):
            capture.client(1, 1, ACK, b"x" * 500, after=after)
        row = the_row(capture)
        self.assertEqual((row["waits"], row["who"], row["state"]), ("silent", "peer", "ESTABLISHED"))
        self.assertAlmostEqual(row["next_in_ms"], 2400, delta=2)
        self.assertIn("sent again 3 times", row["line"])

    def test_half_closed(self):
        capture = Capture()
        capture.open()
        capture.server(1, 1, FIN | ACK, after=1)
        capture.client(1, 2, ACK, after=0.00002)
        capture.client(0, 0, SYN, port=2000, after=312)         # another: 312 s have passed
        capture.server(0, 1, SYN | ACK, port=2000, after=0.02)
        capture.client(1, 1, ACK, port=2000, after=0.00002)
        row = the_row(capture)
        self.assertEqual((row["state"], row["waits"], row["who"]), ("CLOSE-WAIT", "close-wait", "program"))
        self.assertEqual(row["local"], "10.0.0.1:1000")
        self.assertEqual(row["quiet_ms"] // 1000, 312)
        text = run("stuck", "-", data=capture.bytes())[0].splitlines()
        self.assertEqual(text[0], "standard input: inferred from the capture; its last packet is now")
        self.assertRegex(text[1], r"^\(?CLOSE-WAIT\)? +#1 +10.0.0.1:1000 > 10.0.0.2:80  the server has closed; the program of "
                                  r"the client has not \(nothing has moved for 312 s\)")
        self.assertIn("客户端的程序还没有", run("stuck", "--lang", "zh", "-", data=capture.bytes())[0])
        self.assertEqual([each["waits"] for each in rows(capture, "--all")], ["close-wait", "idle"])

    def test_a_fin_that_is_not_acknowledged(self):
        capture = Capture()
        capture.open()
        capture.client(1, 1, FIN | ACK, after=1)
        self.assertEqual(the_row(capture)["waits"], "fin-unacked")

    def test_keep_alives_without_an_answer(self):
        capture = Capture()
        capture.open()
        capture.client(1, 1, PSH | ACK, b"x" * 10)
        capture.server(1, 11, ACK, after=0.02)
        for _ in range(3):
            capture.client(10, 1, ACK, after=75)
        row = the_row(capture)
        self.assertEqual((row["waits"], row["local"], row["next_in_ms"]), ("keepalive", "10.0.0.1:1000", 75000))
        capture.server(1, 11, ACK, after=0.02)                  # it lives
        self.assertEqual(rows(capture), [])

    def test_what_is_over_waits_for_nothing(self):
        capture = Capture()
        capture.open(port=1)
        capture.client(1, 1, RST | ACK, port=1)
        capture.client(0, 0, SYN, port=2)
        capture.server(0, 1, RST | ACK, port=2)
        capture.open(port=3)
        capture.client(1, 1, FIN | ACK, port=3)
        capture.server(1, 2, FIN | ACK, port=3, after=0.02)
        capture.client(2, 2, ACK, port=3)
        self.assertEqual(rows(capture), [])
        self.assertEqual(run("stuck", "-", data=capture.bytes())[0], "nothing waits for anything\n")
        self.assertEqual(run("stuck", "-", "--json", data=capture.bytes())[0], "")  # an option may follow
        left, = rows(capture, "--all")
        self.assertEqual((left["waits"], left["local"], left["well"]), ("time-wait", "10.0.0.1:3", True))

    def test_begun_before_the_capture(self):
        capture = Capture()
        capture.server(77, 50, ACK, b"text")
        capture.client(50, 81, ACK)
        row, = rows(capture, "--all")
        self.assertEqual(row["waits"], "idle")
        self.assertIn("10.0.0.2:80 spoke last", row["line"])

    def test_one_direction_tells_nothing(self):
        capture = Capture()
        for i in range(5):
            capture.server(77 + 10 * i, 50, ACK, b"x" * 10)
        out, err = run("stuck", "--json", "--all", "-", data=capture.bytes())
        self.assertEqual(out, "")
        self.assertIn("of 1 connections only one direction was captured", err)

    def test_damage_is_said(self):
        capture = Capture()
        capture.client(0, 0, SYN)
        out, err = run("stuck", "--json", "-", data=capture.bytes() + b"\1\2\3", expect=1)
        self.assertEqual(json.loads(out)["waits"], "syn-sent")
        self.assertIn("bytes at offset", err)
        self.assertIn("tern: stuck: -: ", run("stuck", "-", data=b"no capture", expect=2)[1])
        self.assertEqual(run("stuck", "/", expect=2)[1], "tern: stuck: /: Is a directory\n")


class FromARecording(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.file = os.path.join(self.directory.name, "run.tern")

    def record(self, *words):
        run("record", "-o", self.file, "lab", *words)
        return int(re.match(r"(\d+) inputs", run("replay", self.file)[0])[1])

    def waits(self, inputs):
        """What is waited for on the way: by input, the rows in their order."""
        seen = []
        for n in range(1, inputs + 1, max(1, inputs // 120)):
            for line in run("stuck", "--json", "--to", str(n), self.file)[0].splitlines():
                row = json.loads(line)
                self.assertFalse(row["inferred"])
                self.assertEqual(row["source"], "recording")
                seen.append(row)
        return seen

    def test_each_wait_of_a_run(self):
        seen = self.waits(self.record("zero-window"))
        found = {(row["waits"], row["host"], row["who"]) for row in seen}
        self.assertIn(("zero-window", "client", "peer"), found)
        probed = [row for row in seen if row["waits"] == "zero-window" and row["next_in_ms"] is not None]
        self.assertTrue(probed)
        self.assertTrue(all(0 <= row["next_in_ms"] < 120000 for row in probed))

    def test_since_when_and_until_when(self):
        seen = self.waits(self.record("fin-wait-2-orphan"))
        orphan = [row for row in seen if row["waits"] in ("orphan", "close-wait")]
        self.assertTrue(orphan)
        self.assertTrue(any(row["quiet_ms"] > 1000 for row in seen if row["quiet_ms"] is not None), seen[-1])

    def test_its_end_and_its_faults(self):
        inputs = self.record("peer-vanishes")
        self.assertIn("nothing waits", run("stuck", self.file)[0])
        text = run("stuck", "--to", str(inputs // 2), self.file)[0]
        self.assertRegex(text, r"^\S+ +client +10.0.0.2:80 > 10.0.0.1:\d+  ")
        self.assertIn(f"has {inputs} inputs", run("stuck", "--to", "999999", self.file, expect=2)[1])
        with open(self.file, "r+b") as file:
            file.seek(200)
            file.write(b"damage")
        self.assertIn(self.file, run("stuck", self.file, expect=2)[1])


if __name__ == "__main__":
    if not os.path.exists(TERN):
        print(f"skipped: there is no {TERN}", file=sys.stderr)
        sys.exit(77)
    unittest.main()
