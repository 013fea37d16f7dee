#!/usr/bin/env python3
"""analyze.py's own: what the analyzers print is read, what they find fails, and so does an alarm that is none any more."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import analyze  # noqa: E402

FAULTY = """#include <stdlib.h>
int f(int n)
{
	int *const p = n > 3 ? NULL : &n;

	return *p;
}
int g(int n)
{
	return n > 0 ? g(n - 1) : 0;
}
"""
CLEAN = "int f(int n);\nint f(int n)\n{\n\treturn n;\n}\n"

PRINTED = """In file included from {top}/src/a.c:1:
src/a.h:2:7: warning: dereference of NULL 'p' [CWE-476] [-Wanalyzer-null-dereference]
    2 | 	return *p;
  'f': events 1-2
{top}/src/a.c:1:3: warning: Excessive padding in 'struct s' (46 padding bytes).
Optimal fields order:
a,
b [clang-analyzer-optin.performance.Padding,-warnings-as-errors]
{top}/src/a.c:1:1: note: a note is no finding [none]
src/a.c:3:1: error: unknown type name 'x' [clang-diagnostic-error]
"""


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = os.path.realpath(folder.name)
        os.mkdir(os.path.join(self.top, "src"))
        self.addCleanup(setattr, analyze, "ROOT", analyze.ROOT)
        analyze.ROOT = self.top

    def file(self, name, text):
        path = os.path.join(self.top, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_over(self, name, source, alarms=(), version=None):
        """(run, what it said) after one file."""
        path = self.file("src/a.c", source)
        self.file(".clang-tidy", "Checks: '-*,clang-analyzer-core.*,misc-no-recursion'\nWarningsAsErrors: '*'\n")
        entry = {"file": path, "directory": self.top, "command": f"ccache gcc -Wall -o a.o -c {path}"}
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            run = analyze.Run(name, alarms)
            run.over([entry], 1)
            run.end(version or analyze.VERSIONS[name])
        return run, said.getvalue()


class Reading(Case):
    def test_findings_are_read(self):
        self.file("src/a.h", "int\n\treturn *p;\n")
        self.file("src/a.c", "struct s {\n")
        found = list(analyze.findings(PRINTED.replace("{top}", self.top), self.top))
        self.assertEqual([(each.check, each.file, each.line) for each in found],
                         [("analyzer-null-dereference", "src/a.h", 2),
                          ("clang-analyzer-optin.performance.Padding", "src/a.c", 1),
                          ("clang-diagnostic-error", "src/a.c", 3)])
        self.assertEqual(found[0].text, "\treturn *p;")
        self.assertIn("Optimal fields order: a, b", found[1].message)

    def test_table_is_checked(self):
        self.file("src/a.c", "return *p;\n")
        table = self.file("table", "# a comment\nc\tsrc/a.c\t*p\twhy\nc\tsrc/a.c\t*q\twhy\nc\tsrc/a.c\t*p\n"
                                   "c\tsrc/a.c\t*p\twhy\nc\tsrc/b.c\t*p\twhy\n")
        alarms, wrong = analyze.read_table(table)
        self.assertEqual(len(alarms), 4)
        self.assertEqual([line.split(":")[1] for line in wrong], ["3", "4", "5", "6"])

    def test_own_table_is_right(self):
        self.doCleanups()
        self.assertEqual(analyze.read_table(analyze.TABLE)[1], [])


class Running(Case):
    def test_faults_are_found(self):
        for name, check in (("gcc", "analyzer-null-dereference"), ("clang-tidy", "misc-no-recursion")):
            if not shutil.which(name):
                continue
            with self.subTest(name):
                run, said = self.run_over(name, FAULTY)
                self.assertEqual((run.passed, run.failed), (0, 1))
                self.assertIn(check, said)

    def test_clean_passes(self):
        for name in filter(shutil.which, analyze.ANALYZERS):
            with self.subTest(name):
                run, _ = self.run_over(name, CLEAN)
                self.assertEqual((run.passed, run.failed), (1, 0))

    def test_false_alarm_passes_and_then_fails(self):
        if not shutil.which("gcc"):
            self.skipTest("there is no gcc")
        alarm = analyze.Alarm("analyzer-null-dereference", "src/a.c", "return *p;", "n is small")
        run, _ = self.run_over("gcc", FAULTY, [alarm])
        self.assertEqual((run.passed, run.failed), (1, 0))
        run, said = self.run_over("gcc", CLEAN, [alarm])
        self.assertEqual((run.passed, run.failed), (1, 1))
        self.assertIn("no longer raised", said)
        run, said = self.run_over("gcc", CLEAN, [alarm], "99")
        self.assertEqual((run.passed, run.failed), (1, 0))
        self.assertIn("not raised by gcc 99", said)

    def test_what_does_not_compile_fails(self):
        for name in filter(shutil.which, analyze.ANALYZERS):
            with self.subTest(name):
                run, _ = self.run_over(name, "#include <no_such_header.h>\n")
                self.assertEqual(run.failed, 1)


if __name__ == "__main__":
    unittest.main()
