"""tern-bench: what it prints is what was promised (no figure is judged here), and it names what is wrong."""

import json
import os
import shutil
import subprocess
import sys
import unittest

BUILD = os.path.dirname(os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern")))
BENCH = os.path.join(BUILD, "tern-bench")

INSIDE = ["calibration", "bulk", "bulk-64k", "bulk-owned", "messages", "flatness", "open-close", "acks", "instructions",
          "goodput", "fairness", "bufferbloat", "cores", "latency", "memory"]
WORKLOADS = INSIDE + ["device", "gateway"]
KEYS = {"workload", "metric", "unit", "tern", "low", "high", "peers", "target", "better"}


def bench(*arguments):
    """Runs it; (exit code, standard output, standard error)."""
    done = subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stdout, done.stderr


class Json(unittest.TestCase):
    def test_rows(self):
        inside = [name for name in INSIDE if name != "instructions"]  # bench/baseline_test.py reads those
        code, out, error = bench("--quick", "--json", "--alone", *inside)  # beside peers: bench/report_test.py
        self.assertEqual((code, error), (0, ""))
        rows = json.loads(out)
        self.assertEqual(list(dict.fromkeys(row["workload"] for row in rows)), inside)
        self.check(rows)

    def check(self, rows):
        for row in rows:
            with self.subTest(row=row):
                self.assertEqual(set(row) - {"ceiling", "p99_s", "passes", "frames", "note"}, KEYS)
                # CPU time comes in ticks of the clock, and a short run may have had none.
                self.assertTrue(0 < row["low"] <= row["tern"] <= row["high"] or
                                "CPU" in row["metric"] and 0 <= row["low"] <= row["tern"] <= row["high"])
                self.assertIsInstance(row["peers"], dict)
                self.assertLessEqual(row["tern"], row.get("ceiling", row["tern"]))
                self.assertIn(row["better"], ("higher", "lower"))
                self.assertTrue(row["target"] is None or row["target"] > 0)
        self.assertEqual(len({(row["workload"], row["metric"]) for row in rows}), len(rows))

    def test_gateway(self):
        """tern alone, one second a direction: each row once for each MTU, and a relay that costs something."""
        code, out, error = bench("--quick", "--json", "--alone", "gateway")
        self.assertEqual(code, 0)
        rows = json.loads(out)
        if not rows:
            self.assertIn("nothing came through tern", error)
            self.skipTest("tern gateway cannot run here: " + error.strip())
        self.check(rows)
        metrics = [row["metric"] for row in rows]
        wanted = ["connections", "CPU of a connection", "request, median", "request, 99 %", "peak memory"]
        if shutil.which("iperf3"):
            wanted += ["from the guest", "from the guest, CPU", "to the guest", "to the guest, CPU"]
        else:
            self.assertIn("iperf3 is missing", error)
        self.assertEqual(sorted(metrics), sorted(f"{name}, MTU {mtu}" for name in wanted for mtu in (1500, 65520)))
        self.assertEqual({len(row["peers"]) for row in rows}, {0})
        self.assertNotIn("failed", error)

    def test_device(self):
        """Linux at the far end of each kind of device, both ways."""
        code, out, error = bench("--quick", "--json", "device")
        self.assertEqual(code, 0, error)
        rows = json.loads(out)
        if not rows:
            self.assertIn("left out", error)
            self.skipTest("no such device can be had here: " + error.strip())
        self.check(rows)
        devices = ["TUN, MTU 65520", "TUN, MTU 1500", "TAP, MTU 65520", "TAP, MTU 1500", "TUN, MTU 1500, no offload"]
        self.assertEqual(sorted(row["metric"] for row in rows),
                         sorted(f"{way} Linux, {what}{device}" for way in ("from", "to") for what in ("", "CPU, ")
                                for device in devices))

    def test_chosen_workloads_alone(self):
        code, out, _ = bench("--quick", "--json", "bulk-64k", "calibration")
        self.assertEqual(code, 0)
        self.assertEqual({row["workload"] for row in json.loads(out)}, {"bulk-64k", "calibration"})


class Words(unittest.TestCase):
    def test_table_has_the_machine_beside_every_row(self):
        code, out, _ = bench("--quick", "calibration")
        self.assertEqual(code, 0)
        self.assertIn("memcpy", out.splitlines()[0])
        self.assertIn("calibration", out.splitlines()[1])

    def test_list(self):
        code, out, _ = bench("--list")
        self.assertEqual((code, [line.split()[0] for line in out.splitlines()]), (0, WORKLOADS))

    def test_help_ends_with_examples(self):
        code, out, _ = bench("--help")
        self.assertEqual(code, 0)
        self.assertGreaterEqual(len(out.split("Examples:\n")[1].splitlines()), 3)

    def test_mistakes_are_named(self):
        for arguments, said in ((["bulky"], "no workload 'bulky'"), (["--jason"], "no option '--jason'"),
                                (["--quick", "--full"], "--quick and --full")):
            code, out, error = bench(*arguments)
            self.assertEqual((code, out), (2, ""))
            self.assertIn(said, error)


if __name__ == "__main__":
    if not os.path.exists(BENCH):
        print("tern-bench is not built")
        sys.exit(77)
    unittest.main()
