#!/usr/bin/env python3
"""tern-bench goodput --real: a short run of each kind prints what was promised (no figure is judged here)."""

import json
import os
import shutil
import subprocess
import sys
import unittest

BUILD = os.path.dirname(os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern")))
BENCH = os.path.join(BUILD, "tern-bench")
KEYS = {"workload", "metric", "unit", "tern", "low", "high", "peers", "target", "better", "passed", "seeds"}


def bench(*arguments):
    """(exit code, standard output, standard error)."""
    done = subprocess.run([BENCH, "goodput", "--real", *arguments], capture_output=True, text=True, timeout=600,
                          check=False)
    return done.returncode, done.stdout, done.stderr


class Real(unittest.TestCase):
    def rows(self, *arguments):
        code, out, error = bench("--json", *arguments)
        if code == 1 and ("not permitted" in error or "Linux has no" in error or "missing" in error):
            self.skipTest(error)
        self.assertEqual(code, 0, error)
        for row in (rows := json.loads(out)):
            self.assertEqual(set(row), KEYS | ({"mean", "interval"} if "--fairness" in arguments else set()))
            self.assertTrue(0 < row["low"] <= row["tern"] <= row["high"], row)
        return rows

    def test_goodput_beside_linux(self):
        rows = self.rows("--seeds", "2", "--seconds", "2", "--cc", "reno", "--harm", "1 % loss", "--rtt", "20")
        self.assertEqual([row["metric"] for row in rows],
                         [f"{pair}, reno, 1 % loss, 20 ms" for pair in ("tern to linux", "linux to tern")])
        for row in rows:
            peer = row["peers"]["linux-reno"]
            low, high = peer["interval"]
            self.assertTrue(0 < low <= peer["ratio"] <= high, row)
            self.assertEqual(row["passed"], low >= 0.95)
            self.assertEqual(row["seeds"], 2)
            # 100 Mbit/s is what the wire carries; where a receiver begins to count late, it finds some there already.
            self.assertLess(row["high"], 150)

    def test_one_seed_has_no_interval(self):
        for row in self.rows("--seeds", "1", "--seconds", "1", "--cc", "reno", "--harm", "no loss", "--rtt", "20"):
            self.assertIsNone(row["peers"]["linux-reno"]["interval"])
            self.assertFalse(row["passed"])

    def test_fairness(self):
        row, = self.rows("--fairness", "--seeds", "2", "--seconds", "3", "--cc", "reno")
        self.assertLess(row["high"], 1)
        self.assertAlmostEqual(row["tern"] + row["peers"]["linux-reno"]["median"], 1, delta=0.002)
        low, high = row["interval"]
        self.assertTrue(row["low"] <= row["mean"] <= row["high"], row)
        self.assertTrue(low <= row["mean"] <= high, row)
        self.assertEqual(row["passed"], low >= 0.4 and high <= 0.6)

    def test_one_run_proves_no_fairness(self):
        row, = self.rows("--fairness", "--seeds", "1", "--seconds", "2", "--cc", "reno")
        self.assertIsNone(row["interval"])
        self.assertFalse(row["passed"])

    def test_what_is_wrong_is_named(self):
        for arguments, word in ((("--seeds", "0"), "--seeds"), (("--cc", "vegas"), "vegas"), (("--rtt", "5"), "'5'"),
                                (("--harm", "rain"), "rain"), (("--what",), "--what")):
            with self.subTest(arguments=arguments):
                code, out, error = bench(*arguments)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(word, error)


if __name__ == "__main__":
    if not os.path.exists(BENCH) or not shutil.which("ip"):
        print("skipped: tern-bench is not built, or ip (iproute2) is missing", file=sys.stderr)
        sys.exit(77)
    unittest.main()
