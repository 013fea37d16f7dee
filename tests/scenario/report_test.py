#!/usr/bin/env python3
"""`tern report` without a browser (tests/web has that): every source gives a page with its events in it, the ladder stands
where scripts are off, what a source holds is never markup, and what is wrong is said."""

import base64
import html
import json
import os
import re
import subprocess
import tempfile
import unittest
import zlib

from trace_test import TERN, plain

CSP = "default-src 'none'; script-src 'sha256-"


def run(*arguments, data=None, expect=0, env=None):
    done = subprocess.run([TERN, *arguments], input=data, capture_output=True, timeout=60, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})})
    if done.returncode != expect:
        raise AssertionError(f"{arguments}: {done.returncode}, not {expect}: {done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


def block(page, name):
    return re.search(rf'<script type="[a-z/-]+" id="{name}">(.*?)</script>', page, re.S).group(1)


def events(page):
    return [json.loads(line) for line in block(page, "tern-events").splitlines() if line]


def packed(page):
    """The events of a page, deflated or not."""
    found = re.search(r'id="tern-events" data-encoding="deflate">(.*?)</script>', page, re.S)
    if not found:
        return events(page)
    return [json.loads(line) for line in zlib.decompress(base64.b64decode(found.group(1))).decode().splitlines() if line]


def static(page):
    return html.unescape(re.search(r"<noscript>.*?<pre>(.*?)</pre>", page, re.S).group(1))


class Sources(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory(prefix="tern-report-")
        self.addCleanup(self.room.cleanup)
        self.record = os.path.join(self.room.name, "run.tern")
        self.capture = os.path.join(self.room.name, "a.pcap")

    def test_a_lab_run(self):
        page = run("report", "lab", "lost-fin", "-o", "-")[0]
        lines = run("lab", "lost-fin", "--json")[0].splitlines()
        kept = events(page)
        self.assertEqual([(e["t"], e["host"], e["ev"]) for e in kept if e["ev"] != "series"],
                         [(e["t"], e["host"], e["ev"]) for e in map(json.loads, lines) if e["ev"] != "end"])
        sent = [e for e in kept if e["ev"] == "segment" and e["dir"] == "tx"]
        for segment in sent: # the header is that segment's: its sequence number stands in it
            self.assertEqual(int(segment["hdr"][48:56], 16), segment["seq"])
        self.assertTrue(all(e["say"] for e in sent))
        self.assertIn("FIN-WAIT-1", static(page))
        self.assertEqual(json.loads(block(page, "tern-meta"))["source"], "lab")

    def test_a_recording_is_what_was_run(self):
        for scenario, option in (("lost-fin", ()), ("retransmission", ("--loss", "5%")), ("duplicate", ())):
            if f"\n{scenario}" not in "\n" + run("lab", "--list")[0]:
                continue
            run("record", "-o", self.record, "lab", scenario, *option)
            told = [json.loads(line) for line in run("lab", scenario, *option, "--json")[0].splitlines()]
            kept = events(run("report", self.record, "-o", "-")[0])

            def fates(of):
                return [(e["n"], e["arrives"]) for e in of if e["ev"] == "segment" and e["dir"] == "tx"]

            def states(of):
                return [(e["t"], e["host"], e["from"], e["to"]) for e in of if e["ev"] == "state"]
            self.assertEqual(fates(kept), fates(told))
            self.assertEqual(states(kept), states(told))

    def test_a_capture_and_two(self):
        with open(self.capture, "wb") as file:
            file.write(plain().bytes())
        other = os.path.join(self.room.name, "b.pcap")
        with open(other, "wb") as file:
            file.write(plain().bytes())
        kept = events(run("report", self.capture, "-o", "-")[0])
        self.assertEqual(kept[0]["ev"], "connection")
        self.assertEqual(len([e for e in kept if e["ev"] == "segment" and e["dir"] == "tx"]), 9)
        self.assertIn("inferred", {e.get("basis") for e in kept if e["ev"] == "state"})
        for segment in kept: # the header is the packet's: its sequence number and window stand in it
            if segment["ev"] == "segment" and segment["dir"] == "tx":
                self.assertEqual(int(segment["hdr"][48:56], 16), segment["seq"])
        pair = events(run("report", self.capture, other, "-o", "-")[0])
        self.assertEqual({e["basis"] for e in pair if e["ev"] == "segment"}, {"observed"})
        self.assertTrue(all("hdr" in e for e in pair if e["ev"] == "segment" and e["dir"] == "tx"))
        self.assertIn("none of its", run("report", self.capture, "192.0.2.77:9", "-o", "-", expect=2)[1])

    def test_every_file_from_standard_input(self):
        """A recording and a capture through a pipe, and a file as it is: the page is that of the file itself."""
        with open(self.capture, "wb") as file:
            file.write(plain().bytes())
        run("record", "-o", self.record, "lab", "lost-fin")
        for path in (self.capture, self.record):
            with open(path, "rb") as file:
                data = file.read()
            of_file = events(run("report", path, "-o", "-")[0])
            self.assertGreater(len(of_file), 20)
            self.assertEqual(events(run("report", "-", "-o", "-", data=data)[0]), of_file)
            with open(path, "rb") as file:
                done = subprocess.run([TERN, "report", "-", "-o", "-"], stdin=file, capture_output=True, check=True, timeout=60)
            self.assertEqual(events(done.stdout.decode()), of_file)

    def test_lines_from_standard_input(self):
        lines = run("lab", "--json")[0]
        page = run("report", "-", "-o", "-", data=lines.encode())[0]
        self.assertEqual(events(page), [json.loads(line) for line in lines.splitlines()])
        for wrong, words in ((b"", "it is empty"), (b"what is this?\n", "it is neither pcap nor pcapng")):
            self.assertIn(f"/dev/stdin: {words}", run("report", "-", "-o", "-", data=wrong, expect=2)[1])

    def test_hostile_text_stays_text(self):
        evil = "</script><script>alert(1)</script><!--"
        line = json.dumps({"v": 1, "t": 0, "host": evil, "conn": 1, "ev": "call", "call": evil})
        page = run("report", "-", "--title", evil, "-o", "-", data=line.encode())[0]
        self.assertEqual(page.count("<script"), run("report", "lab", "-o", "-")[0].count("<script"))
        self.assertNotIn(evil, page)
        self.assertEqual(events(page)[0]["call"], evil)
        self.assertEqual(json.loads(block(page, "tern-meta"))["title"], evil)
        self.assertIn(CSP, page)

    def test_nothing_of_it_is_elsewhere(self):
        page = run("report", "lab", "-o", "-")[0]
        self.assertIsNone(re.search(r"""(?:src|href)=["']?[a-z]+:|url\((?!#)|@import""", page))
        self.assertLess(len(page.encode()), 1500000)


class Long(unittest.TestCase):
    LIMIT = 1500000

    def test_a_long_run_is_deflated_and_whole(self):
        options = ("lab", "connection", "--bytes", "9000000", "--loss", "2%", "-o", "-")
        page, said = run("report", *options)
        if 'data-encoding="deflate"' not in page:
            self.assertIn("without zlib", said)
            self.skipTest("this tern was built without zlib")
        plainly = run("report", "--plain", *options)[0]
        self.assertLess(len(page.encode()), self.LIMIT)
        self.assertGreater(len(plainly), 5 * len(page))
        self.assertTrue(packed(page) == events(plainly)) # no difference of a megabyte
        self.assertGreater(sum(e["ev"] == "segment" and e["dir"] == "tx" for e in packed(page)), 10000)

    def test_what_is_left_out_is_counted(self):
        options = ("lab", "connection", "--bytes", "20000000", "--loss", "2%", "-o", "-")
        page, said = run("report", *options)
        if 'data-encoding="deflate"' not in page:
            self.skipTest("this tern was built without zlib")
        self.assertLess(len(page.encode()), self.LIMIT)
        whole = packed(run("report", "--whole", *options)[0])
        kept = packed(page)
        sent = [e for e in whole if e["ev"] == "segment" and e["dir"] == "tx"]
        folded = [e for e in kept if e["ev"] == "folded"]
        shown = [e for e in kept if e["ev"] == "segment" and e["dir"] == "tx"]
        absent = sum(e["segments"] for e in folded)
        self.assertIn(f" {absent} segments are folded away", said)
        self.assertEqual(len(shown) + absent, len(sent))
        self.assertEqual(sum(e["len"] for e in shown) + sum(e["octets"] for e in folded), sum(e["len"] for e in sent))
        for name, count in (("again", sum("again_of" in e for e in sent)), ("lost", sum(e["fate"] == "lost" for e in sent))):
            here = sum("again_of" in e if name == "again" else e["fate"] == "lost" for e in shown)
            self.assertEqual(here + sum(e[name] for e in folded), count, name)
        for kind in ("state", "call", "series"):
            self.assertTrue([e for e in kept if e["ev"] == kind] == [e for e in whole if e["ev"] == kind], kind)
        numbers = {e["n"] for e in shown} # what arrives in the page was sent in it, and the other way about
        arrived = {e["n"] for e in kept if e["ev"] == "segment" and e["dir"] == "rx"}
        self.assertTrue(arrived <= numbers)
        self.assertTrue(arrived == numbers & {e["n"] for e in whole if e["ev"] == "segment" and e["dir"] == "rx"})
        times = [e["t"] for e in kept if e["ev"] not in ("series", "folded")]
        self.assertTrue(times == sorted(times))
        self.assertTrue(kept[:500] == whole[:500])


class Words(unittest.TestCase):
    def test_help_has_three_examples_and_more(self):
        text = run("report", "--help")[0]
        self.assertGreaterEqual(text.split("Examples:\n")[1].count("  tern report "), 3)

    def test_chinese(self):
        page = run("report", "lab", "--lang", "zh", "-o", "-")[0]
        self.assertEqual(json.loads(block(page, "tern-meta"))["lang"], "zh")
        self.assertIn("脚本已关闭", page)

    def test_what_is_wrong_is_said(self):
        for arguments, words in (((), "of what?"), (("lab",), "-o PAGE is missing"), (("lab", "-o"), "wants a value"),
                                 (("lab", "--json", "-o", "-"), "no --help"), (("lab", "no-such", "-o", "-"), "no-such"),
                                 (("/nonexistent.pcap", "-o", "-"), "/nonexistent.pcap")):
            self.assertIn(words, run("report", *arguments, expect=2)[1])
        self.assertIn("cannot write", run("report", "lab", "-o", "/nonexistent/page.html", expect=1)[1])
        self.assertIn("/dev/full", run("report", "lab", "-o", "/dev/full", expect=1)[1])


if __name__ == "__main__":
    unittest.main()
