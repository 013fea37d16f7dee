#!/usr/bin/env python3
"""The way from a measurement to the README's table and the chart, with peers that are made up here: small figures,
nothing about how fast anything is.

TERN_BENCH: the program. Everything is written under a folder of the test's own.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import chart  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
import table  # noqa: E402

BENCH = os.environ.get("TERN_BENCH", os.path.join(HERE, "..", "build", "release", "tern-bench"))
PEERS = {
    "lwip-64k": "echo ready 1.2.3-made-up; while read -r line; do echo 20.5 1.25; done",
    "lwip-256k": "echo cannot find its window; exit 1",
    "gvisor": "echo ready 4.5.6; read -r line; echo 1 1",      # and is gone in the second round
    "lwip-offload-64k": "echo ready 1; while read -r line; do echo nonsense; done",
}
PAGE = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
SVG = "{http://www.w3.org/2000/svg}"


def run(command, **environment):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240,
                          env={**os.environ, **environment})


def measured(folder, *arguments):
    """A quick run beside the made-up peers: (results, process)."""
    peers, path = os.path.join(folder, "peers"), os.path.join(folder, "results.json")
    os.makedirs(peers, exist_ok=True)
    for name, script in PEERS.items():
        with open(os.path.join(peers, name), "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(file.name, 0o755)
    done = run([BENCH, "--quick", "--results", path, *arguments], TERN_BENCH_PEERS=peers)
    return json.loads(report.read(path)), done


class Measured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.data, cls.done = measured(folder, "bulk", "bulk-owned", "memory", "messages")
        cls.rows = {(row["workload"], row["metric"]): row for row in cls.data["rows"]}

    def test_a_peer_that_does_its_rounds_stands_beside_tern(self):
        row = self.rows["bulk", "MSS 1460, both ends"]
        peer = row["peers"]["lwIP, window 64 KiB"]
        self.assertEqual((peer["version"], peer["median"], peer["frames"]), ("1.2.3-made-up", 20.5, 1.25))
        self.assertAlmostEqual(peer["ratio"], row["tern"] / 20.5, delta=0.01 * peer["ratio"])

    def test_less_being_better_turns_the_ratio(self):
        row = self.rows["messages", "1 connection"]
        self.assertEqual(row["better"], "lower")
        self.assertAlmostEqual(row["peers"]["lwIP"]["ratio"], 20.5 / row["tern"], delta=0.01)

    def test_a_peer_that_cannot_is_named_once_with_its_reason(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        self.assertNotIn("lwIP, window 256 KiB", self.rows["bulk", "MSS 1460, both ends"]["peers"])
        self.assertEqual(self.done.stderr.count("cannot find its window"), 1, self.done.stderr)
        self.assertIn("lwip-offload-256k bulk-owned) is left out: it is not built here", self.done.stderr)

    def test_a_peer_that_ends_or_talks_nonsense_is_no_peer_from_then_on(self):
        peer = self.rows["bulk", "MSS 1460, both ends"]["peers"]["gVisor"]
        self.assertEqual((peer["low"], peer["high"]), (1, 1))
        self.assertNotIn("lwIP, window 64 KiB", self.rows["bulk-owned", "MSS 1460, both ends"]["peers"])
        self.assertIn("it ended in a round", self.done.stderr)

    def test_each_row_says_when_and_beside_what(self):
        self.assertEqual(self.data["rounds"], 2)
        for row in self.rows.values():
            self.assertRegex(row["date"], r"^20\d\d-\d\d-\d\d \d\d:\d\d UTC$")
            self.assertGreater(row["memcpy"], 0)
            self.assertGreater(row["sum"], 0)

    def test_a_throughput_says_its_frames_and_its_bound(self):
        for name in ("MSS 1460, both ends", "MSS 1460, ACK every second segment"):
            self.assertGreater(self.rows["bulk-owned", name]["frames"], 1)
        self.assertGreater(self.rows["bulk-owned", "MSS 1460, ACK every second segment"]["frames"], 1.4)
        self.assertLess(self.rows["bulk-owned", "MSS 1460, both ends"]["frames"], 1.2)
        self.assertGreater(self.rows["bulk", "MSS 1460, both ends"]["passes"], 0)

    def test_the_table_knows_every_row_by_its_name(self):
        for group in rows.GROUPS:
            for row in group.rows:
                if row.workload in ("bulk", "bulk-owned", "memory"):
                    self.assertIn((row.workload, row.metric), self.rows)

    def test_alone_starts_nobody(self):
        with tempfile.TemporaryDirectory() as folder:
            data, done = measured(folder, "--alone", "bulk")
        self.assertEqual(done.stderr, "")
        self.assertTrue(all(row["peers"] == {} for row in data["rows"]))

    def test_results_that_cannot_be_written_are_an_error(self):
        done = run([BENCH, "--quick", "--alone", "--results", "/nowhere/results.json", "calibration"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/results.json", done.stderr)

    def test_help_has_it(self):
        self.assertIn("--results FILE", run([BENCH, "--help"]).stdout)


def made_up(workload, metric, tern, **other):
    return {"workload": workload, "metric": metric, "unit": "u", "tern": tern, "low": tern, "high": tern, "peers": {},
            "target": None, "better": "higher", "date": "2026-01-02 03:04 UTC", "load": 0.5, "memcpy": 30, "sum": 60,
            **other}


def all_rows():
    """Every row of the table, some short of their targets, some beside peers far ahead and far behind."""
    made = []
    for group in rows.GROUPS:
        for i, row in enumerate(group.rows):
            better = "lower" if group.less else "higher"
            peers = {f"peer {k}, a setting": {"version": "1", "median": 10.0 ** k, "low": 1, "high": 2, "ratio": 0.5}
                     for k in range(i % 4)}
            made.append(made_up(row.workload, row.metric, 7.5 * (i + 1), better=better, target=12 if i % 2 else None,
                                peers=peers))
    return {"tern": "0", "rounds": 5, "machine": "a machine", "rows": made}


class Pages(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory()) if hasattr(self, "enterContext") else None
        if self.folder is None:
            held = tempfile.TemporaryDirectory()
            self.addCleanup(held.cleanup)
            self.folder = held.name
        os.mkdir(os.path.join(self.folder, "bench"))
        self.files = report.Files(self.folder)
        report.write(self.files.page, PAGE)
        report.write(self.files.results, report.as_text(all_rows()))

    def report(self, *arguments):
        return run([sys.executable, os.path.join(HERE, "report.py"), "--into", self.folder, *arguments])

    def test_made_pages_agree_until_one_is_touched(self):
        self.assertEqual(self.report("--check").returncode, 1)
        self.assertEqual(self.report().returncode, 0)
        self.assertEqual(self.report("--check").returncode, 0)
        for path in (self.files.page, self.files.picture):
            good = report.read(path)
            report.write(path, good.replace("7.5", "9.5", 1))
            self.assertIn(path, self.report("--check").stderr)
            report.write(path, good)
        data = all_rows()
        data["rows"][0]["tern"] = 8.25
        report.write(self.files.results, report.as_text(data))
        self.assertEqual(self.report("--check").returncode, 1)

    def test_the_page_keeps_what_stands_around_the_table(self):
        self.report()
        page = report.read(self.files.page)
        self.assertTrue(page.startswith("before\n") and page.endswith("after\n"))
        self.assertNotIn("\nold\n", page)
        self.assertIn("**short**", page)
        self.assertIn("](bench/report.svg)", page)
        self.assertNotIn("not measured", page)

    def test_a_row_that_is_short_and_has_a_reason_shows_it(self):
        data, group = all_rows(), rows.GROUPS[0]
        row = rows.Row(group.rows[1].label, group.rows[1].workload, group.rows[1].metric, "the reason")
        data["rows"][1]["target"] = 100
        old, rows.GROUPS = rows.GROUPS, (rows.Group("g", "u", False, (row,)),)
        try:
            self.assertIn("the reason", table.made(data))
            data["rows"][1]["target"] = 1
            self.assertNotIn("the reason", table.made(data))
        finally:
            rows.GROUPS = old

    def test_a_run_replaces_its_rows_and_leaves_the_others(self):
        old = {"rounds": 5, "rows": [made_up("bulk", "a", 1), made_up("bulk", "b", 2)]}
        new = {"rounds": 5, "rows": [made_up("bulk", "b", 3), made_up("bulk", "c", 4)]}
        got = [(row["metric"], row["tern"]) for row in report.merged(old, new)["rows"]]
        self.assertEqual(got, [("a", 1), ("b", 3), ("c", 4)])

    def test_a_run_that_fails_writes_nothing(self):
        before = report.read(self.files.results)
        self.assertNotEqual(self.report("--run", "false").returncode, 0)
        self.assertEqual(report.read(self.files.results), before)

    def test_nothing_in_the_chart_lies_on_something_else(self):
        root = xml.fromstring(chart.made(all_rows()))
        taken = []
        for node in root.iter(SVG + "text"):
            x, y, wide = float(node.get("x")), float(node.get("y")), chart.width_of(node.text)
            left = x - wide if node.get("text-anchor") == "end" else x
            self.assertGreaterEqual(left, 0, node.text)
            self.assertLessEqual(left + wide, chart.WIDTH, node.text)
            for other, a, b, at in taken:
                self.assertFalse(at == y and left < b and a < left + wide, f"{other!r} and {node.text!r}")
            taken.append((node.text, left, left + wide, y))
        bars = [node for node in root.iter(SVG + "rect")]
        self.assertGreater(len(bars), 60)
        for bar in bars:
            self.assertLessEqual(float(bar.get("width")), chart.BARS)

    def test_the_chart_is_for_light_and_dark(self):
        picture = chart.made(all_rows())
        self.assertIn("prefers-color-scheme: dark", picture)
        self.assertIsNone(re.search(r"<script|href=", picture))


class Ours(unittest.TestCase):
    def test_the_readme_and_the_chart_are_what_the_results_give(self):
        files = report.Files(report.ROOT)
        if not os.path.exists(files.results):
            self.skipTest("there is no bench/results.json (make bench makes it)")
        self.assertEqual(list(report.stale(files, json.loads(report.read(files.results)))), [])


if __name__ == "__main__":
    unittest.main()
