"""The work that an ACK makes does not grow with what is in flight, nor for SACK blocks made to hurt: instructions as
callgrind counts them, which are the same in every run, at 100,000 segments in flight against 10."""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest

BUILD = os.path.dirname(os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern")))
BENCH = os.path.join(BUILD, "tern-bench")
MOST_TIMES = 2
KINDS = {"in order", "1 % loss", "repeated", "alternating", "backwards", "known singles", "tiny", "D-SACK"}


class Work(unittest.TestCase):
    def test_same_from_10_to_100000(self):
        done = subprocess.run([BENCH, "acks", "--quick", "--json"], capture_output=True, text=True, timeout=110,
                              check=True)
        counts = {}
        for row in json.loads(done.stdout):
            kind, flight = row["metric"].rsplit(", ", 1)
            self.assertEqual(row["unit"], "instr/ACK")
            counts.setdefault(kind, {})[int(flight.split()[0])] = row["tern"]
        self.assertEqual(set(counts), KINDS)
        for kind, at in counts.items():
            with self.subTest(kind=kind, instructions=at):
                self.assertGreater(at[10], 200)     # an ACK was looked at
                self.assertLessEqual(at[100000], MOST_TIMES * at[10])


def is_sanitized():
    """Such a program cannot run under valgrind."""
    with open(BENCH, "rb") as program:
        return re.search(rb"__[at]san_init", program.read()) is not None


if __name__ == "__main__":
    if not shutil.which("valgrind") or is_sanitized():
        print("no valgrind, or a sanitizer in its place: nothing can be counted")
        sys.exit(77)
    unittest.main()
