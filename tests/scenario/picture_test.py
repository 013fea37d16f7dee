#!/usr/bin/env python3
"""Ladders as SVG and as Mermaid, plots of captures: well-formed, told in words, for light and dark, what was lost and what
was folded seen to be; and a connection of 10,000 segments is still a picture."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from trace_test import ACK, PSH, TERN, Capture, plain

SVG = "{http://www.w3.org/2000/svg}"


def run(*words, expect=0, data=None):
    done = subprocess.run([TERN, *words], capture_output=True, input=data, timeout=120, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode != expect:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode(), done.stderr.decode()


class Pictures(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.file = os.path.join(self.directory.name, "picture.svg")

    def parse(self):
        with open(self.file, encoding="utf-8") as file:
            self.text = file.read()
        root = ElementTree.fromstring(self.text)
        self.assertEqual((root.tag, root.get("role")), (SVG + "svg", "img"))
        self.assertTrue(root.find(SVG + "title").text)
        self.assertGreater(len(root.find(SVG + "desc").text), 40)
        self.assertIn("prefers-color-scheme:dark", root.find(SVG + "style").text)
        self.assertNotRegex(self.text, r"<script|<foreignObject|href=|url\(")
        return root

    def arrows(self, root):
        return [group.find(SVG + "title").text for group in root.iter(SVG + "g")]

    def words(self, root):
        return ["".join(text.itertext()) for text in root.iter(SVG + "text")]

    def test_the_ladder_of_a_run(self):
        out = run("lab", "lost-fin", "--svg", self.file)[0]
        self.assertIn("As expected.", out)
        root = self.parse()
        self.assertEqual(len(self.arrows(root)), 8)
        self.assertTrue(any(arrow.startswith("4 FIN+ACK") and arrow.endswith(", dropped") for arrow in self.arrows(root)))
        self.assertEqual(self.text.count("class='x'"), 1)
        for word in ("SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "CLOSE-WAIT", "TIME-WAIT"):
            self.assertIn(word, self.words(root))
        self.assertIn("… 59.99 s in which nothing is seen", self.words(root))
        self.assertRegex(root.find(SVG + "desc").text, r"8 segments, 1 of them sent again, 1 lost")

    def test_arrows_slope_as_time_passes(self):
        """Each ends below where it begins, at the other lifeline; and no later than what follows it there."""
        run("lab", "reordering", "--svg", self.file)
        lines = re.findall(r"<path class='([cs])' d='M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)'/>", (self.parse(), self.text)[1])
        self.assertGreater(len(lines), 10)
        for host, x, y, to_x, to_y in lines:
            self.assertEqual(float(x), 220 if host == "c" else 740)
            self.assertEqual(float(to_x), 740 if host == "c" else 220)
            self.assertGreater(float(to_y), float(y))
        ends = [float(line[4]) for line in lines if line[0] == "c"]
        self.assertEqual(ends, sorted(ends))

    def test_the_ladder_of_a_capture(self):
        out = run("trace", "-", "--conn", "1", "--svg", self.file, data=plain().bytes())[0]
        self.assertIn("captured near the client".lower(), out.lower())
        root = self.parse()
        self.assertEqual(len(self.arrows(root)), 9)
        self.assertEqual(root.find(SVG + "title").text, "10.0.0.1:1000, 10.0.0.2:80")
        self.assertTrue(any(re.fullmatch(r"\([A-Z0-9-]+\)", word) for word in self.words(root)))    # inferred
        two = Capture()
        for port in (1000, 1001):
            two.open(port=port)
        err = run("trace", "-", "--conn", "all", "--svg", self.file, data=two.bytes(), expect=1)[1]
        self.assertIn("#2 is in no picture: the file holds #1", err)

    def test_what_cannot_be_written_is_said(self):
        missing = os.path.join(self.directory.name, "no", "such.svg")
        self.assertIn(f"--svg: cannot write '{missing}'", run("lab", "--svg", missing, expect=1)[1])
        self.assertIn(f"--svg: cannot write '{missing}'",
                      run("trace", "-", "--conn", "1", "--svg", missing, data=plain().bytes(), expect=1)[1])
        self.assertIn("--svg: of which connection?", run("trace", "-", "--svg", self.file, expect=2)[1])
        self.assertIn("--mermaid takes the ladder's place", run("lab", "--mermaid", "--json", expect=2)[1])

    def test_mermaid(self):
        lines = run("lab", "lost-fin", "--mermaid")[0].splitlines()
        self.assertEqual(lines[0], "sequenceDiagram")
        sent = [line.strip() for line in lines if re.match(r"    [AB]-", line)]
        self.assertEqual(len(sent), 8)
        self.assertEqual(len([line for line in sent if line.startswith("A-xB: ") and "dropped" in line]), 1)
        self.assertIn("    Note left of A: TIME-WAIT", lines)
        self.assertIn("    Note right of B: CLOSE-WAIT", lines)
        for line in lines[1:]:
            self.assertRegex(line, r"^    (accTitle: |participant [AB] as |Note (left of|right of|over) [AB,]+: |[AB]-(>>|x)[AB]: )")
            self.assertNotRegex(line.replace("#59;", "").replace("#35;", ""), "[;#]")
        out = run("trace", "-", "--conn", "1", "--mermaid", data=plain().bytes())[0]
        self.assertTrue(out.startswith("sequenceDiagram\n"))  # and nothing else on standard output
        self.assertEqual(len(re.findall(r"^    [AB]->>", out, re.M)), 9)

    def test_ten_thousand_segments(self):
        """Lossless most of it is one fold; with losses each repair is short, and the middle is left out."""
        for loss, rows in (((), 2500), (("--loss", "1%"), 8000)):
            with self.subTest(loss):
                out = run("lab", "cubic", "--bytes", "10000000", *loss, "--svg", self.file)[0]
                root = self.parse()
                segments = int(re.search(r"(\d+) segments", root.find(SVG + "desc").text)[1])
                self.assertGreater(segments, 10000)
                self.assertLess(len(self.text), 700000)
                self.assertLess(float(root.get("height")), 60000)
                self.assertLess(len(out.splitlines()), rows)
                self.assertIn("more segments (", out)
                folded = sum(map(int, re.findall(r"… (\d+) more segments", self.text)))
                folded += sum(map(int, re.findall(r"… (\d+) segments of \S+ \S+ are left out", self.text)))
                drawn = len(self.arrows(root))
                self.assertAlmostEqual(folded + drawn, segments, delta=segments // 100)
        # A window's worth at a time, an hour between: the gaps are said, not drawn.
        capture = Capture()
        capture.open()
        for burst in range(17):
            for i in range(600):
                capture.client(1 + 100 * (600 * burst + i), 1, PSH | ACK, b"x" * 100, after=3600 if i == 0 else 0.0001)
            capture.server(1, 1 + 60000 * (burst + 1), ACK, after=0.02)
        run("trace", "-", "--conn", "1", "--svg", self.file, data=capture.bytes())
        root = self.parse()
        self.assertEqual(len([word for word in self.words(root) if re.fullmatch(r"… 360\d(\.\d+)? s in which nothing is seen", word)]), 17)
        self.assertLess(len(self.arrows(root)), 400)

    def test_the_plot_of_a_capture(self):
        capture = Capture()
        capture.open()
        for i in range(20):
            capture.client(1 + 1000 * i, 1, PSH | ACK, b"x" * 1000)
            capture.server(1, 1001 + 1000 * i, ACK, after=0.040)
        run("trace", "-", "--conn", "1", "--plot", self.file, data=capture.bytes())
        root = self.parse()
        found = {path.get("class", "").split()[-1] for path in root.iter(SVG + "path") if path.get("class", "").startswith("l ")}
        self.assertLessEqual({"ack", "flight", "rtt", "srtt", "min"}, found)
        self.assertEqual(self.words(root).count("the peer's window"), 2)    # its edge; and how much, beside what is in flight
        self.assertNotIn("cwnd", found)                         # a capture does not show it
        self.assertIn("20 segments", root.find(SVG + "desc").text)


if __name__ == "__main__":
    if not os.path.exists(TERN):
        print(f"skipped: there is no {TERN}", file=sys.stderr)
        sys.exit(77)
    unittest.main()
