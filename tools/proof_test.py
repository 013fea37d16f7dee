#!/usr/bin/env python3
"""proof.py: it goes on after a failure, ends what passes its bound, counts; and its table and docs/PROOF.md agree."""

import contextlib
import io
import os
import re
import tempfile
import time
import unittest

import proof
from proof import Form


def run_all(*forms):
    """(what run_all returns, what it printed)"""
    out = io.StringIO()
    with tempfile.TemporaryDirectory() as build, contextlib.redirect_stdout(out):
        return proof.run_all(forms, build), out.getvalue()


class Running(unittest.TestCase):
    def test_goes_on_after_a_failure(self):
        counts, out = run_all(Form("a", 1, "echo 7 runs; exit 3", "runs"), Form("b", 1, "echo 8 runs", "runs"))
        self.assertEqual(counts, (1, 1, []))
        self.assertIn("a: FAILED: exit code 3", out)
        self.assertIn("    8 runs", out)

    def test_without_a_figure_it_is_a_failure(self):
        self.assertEqual(run_all(Form("a", 1, "echo 7 walks", "runs"))[0], (0, 1, []))

    def test_what_cannot_run_here_is_neither(self):
        self.assertEqual(run_all(Form("a", 1, "exit 77", "runs"))[0], (0, 0, ["a"]))

    def test_ends_at_the_bound_with_all_it_started(self):
        began = time.monotonic()
        counts, out = run_all(Form("a", 0, "sleep 50 & sleep 50", "."))
        self.assertEqual(counts, (0, 1, []))
        self.assertIn("not done within 0 minutes", out)
        self.assertLess(time.monotonic() - began, 10)


class Table(unittest.TestCase):
    def test_names_differ(self):
        names = [form.name for form in proof.FORMS]
        self.assertEqual(len(names), len(set(names)))

    def test_each_form_has_its_row(self):
        with open(os.path.join(proof.ROOT, "docs", "PROOF.md"), encoding="utf-8") as file:
            rows = re.findall(r"^\| `([\w-]+)` \|", file.read(), re.M)
        self.assertEqual(sorted(rows), sorted(form.name for form in proof.FORMS))

    def test_each_pattern_and_command_can_be_read(self):
        for form in proof.FORMS:
            re.compile(form.figure)
            self.assertNotIn("{", form.command.format(build="b").replace("${", ""))
            self.assertGreater(form.minutes, 0)


if __name__ == "__main__":
    unittest.main()
