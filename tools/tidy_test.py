#!/usr/bin/env python3
"""Each rule of tidy.py, seen to fail on a bad sample and to let a good one pass."""

import contextlib
import io
import os
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

import tidy
import run_tests


def whats(path, text):
    return [(breach.line, breach.what) for breach in tidy.check_text(path, text)]


class Arrows(unittest.TestCase):
    def accept(self, path, *lines):
        self.assertEqual(whats(path, "\n".join(lines) + "\n"), [])

    def reject(self, fragment, path, *lines):
        found = whats(path, "\n".join(lines) + "\n")
        self.assertTrue(any(fragment in what for _, what in found), f"{fragment!r} not in {found}")

    def test_down_is_allowed(self):
        self.accept("src/host/demux.c", '#include "tcp/tcb.h"', '#include "ip/ip.h"', '#include "base/seq.h"')
        self.accept("src/tcp/emit.c", '#include "wire/tcp.h"', "#include <tern/watch.h>")
        self.accept("src/host/host.c", "#include <tern/host.h>")
        self.accept("src/tool/main.c", '#include "lab/lab.h"', '#include "watch/ladder.h"')

    def test_up_is_not(self):
        self.reject("wrong arrow: tcp/ includes ip/", "src/tcp/emit.c", '#include "ip/ip.h"')
        self.reject("wrong arrow: tcp/ includes host/", "src/tcp/emit.c", '#include "host/host.h"')
        self.reject("wrong arrow: base/ includes wire/", "src/base/seq.h", '#include "wire/tcp.h"')
        self.reject("wrong arrow: ip/ includes tcp/", "src/ip/ip.c", '#include "tcp/tcb.h"')
        self.reject("wrong arrow: host/ includes loop/", "src/host/host.c", '#include "loop/loop.h"')

    def test_the_stack_has_one_door(self):
        self.reject("wrong arrow: watch/ includes tcp/", "src/watch/ladder.c", '#include "tcp/tcb.h"')
        self.reject("wrong arrow: lab/ includes host/", "src/lab/lab.c", '#include "host/host.h"')

    def test_the_line_is_named(self):
        self.assertEqual(whats("src/tcp/a.c", '\n\n#include "ip/ip.h"\n')[0][0], 3)

    def test_the_core_sees_type_headers_only(self):
        self.reject("is not one", "src/tcp/call.c", "#include <tern/socket.h>")
        self.reject("is not one", "include/tern/types.h", "#include <tern/host.h>")

    def test_unknown_rooms_and_bare_names(self):
        self.reject("no row in the arrow table", "src/attic/a.c", "int a;")
        self.reject("by its room", "src/tcp/a.c", '#include "tcb.h"')
        self.reject("not installed", "include/tern/host.h", '#include "host/host.h"')

    def test_system_headers(self):
        for header in ("sys/socket.h", "unistd.h", "stdio.h", "stdlib.h", "time.h", "string.h", "assert.h"):
            self.reject("freestanding room", "src/tcp/a.c", f"#include <{header}>")
            self.reject("freestanding room", "src/link/pair.c", f"#include <{header}>")
            self.reject("freestanding room", "src/link/impair.c", f"#include <{header}>")
            self.accept("src/loop/loop.c", f"#include <{header}>")
            self.accept("src/link/tun.c", f"#include <{header}>")
        self.accept("src/tcp/a.c", "#include <stdint.h>", "#include <stddef.h>")

    def test_tests_may_look_everywhere(self):
        self.accept("tests/unit/a_test.c", '#include "tcp/tcb.h"', '#include "lab/lab.h"', "#include <stdio.h>")


class Lengths(unittest.TestCase):
    def function(self, lines, head="static int f(struct a *a)\n{"):
        """A function that takes that many lines, its head's and its closing brace's counted."""
        body = lines - head.count("\n") - 2
        return head + "\n" + "\ta->b = '}';\n" * body + "}\n"

    def test_function(self):
        self.assertEqual(whats("src/tcp/a.c", self.function(70)), [])
        self.assertEqual(whats("src/tcp/a.c", "\n" + self.function(71)),
                         [(2, "f() has 71 lines; 70 are the limit")])

    def test_function_with_inner_blocks(self):
        text = "int f(void)\n{\n" + "\tif (a) {\n\t\tb();\n\t}\n" * 30 + "}\n"
        self.assertIn("f() has 93 lines", whats("src/tcp/a.c", text)[0][1])

    def test_two_functions_are_two(self):
        self.assertEqual(whats("src/tcp/a.c", self.function(60) + "\n" + self.function(60)), [])

    def test_a_table_is_no_function(self):
        rows = "\t{ 1, f(2) },\n" * 90
        self.assertEqual(whats("src/tcp/a.c", "static const struct row rows[] = {\n" + rows + "};\n"), [])
        self.assertEqual(whats("src/tcp/a.h", "struct a {\n" + "\tint b;\n" * 90 + "};\n"), [])

    def test_braces_in_comments_and_strings(self):
        text = "int f(void)\n{\n\treturn g(\"}\"); /* } */ // }\n}\n" + self.function(71)
        self.assertEqual([what for _, what in whats("src/tcp/a.c", text)], ["f() has 71 lines; 70 are the limit"])

    def test_function_within_extern_c(self):
        text = '#ifdef __cplusplus\nextern "C" {\n#endif\n' + self.function(71) + "#ifdef __cplusplus\n}\n#endif\n"
        self.assertEqual(len(whats("include/tern/a.h", text)), 1)

    def test_file(self):
        self.assertEqual(whats("src/tcp/a.c", "int a;\n" * 800), [])
        self.assertIn("file of 801 lines", whats("src/tcp/a.c", "int a;\n" * 801)[0][1])

    def test_line(self):
        self.assertEqual(whats("src/tcp/a.c", "\t" + "a" * 112 + "\n"), [])
        self.assertIn("line of 121 columns", whats("src/tcp/a.c", "\t" + "a" * 113 + "\n")[0][1])

    def test_python_function(self):
        self.assertIn("f() has 71 lines", whats("tools/a.py", "def f():\n" + "    a = 1\n" * 70)[0][1])


class Citations(unittest.TestCase):
    GOOD = [
        "RFC 9293 3.10.7.4", "RFC 9293 3.10.7.4.", "RFC 9293 3.10, each", "RFC 5681, 6582", "RFC 1071, 1624",
        "RFC 791; RFC 8200 4.5 has 60 s", "RFC 9293 3.1 and 3.2", "RFC 2018, 2883 and 6675", "(RFC 9293)",
        "RFC 9293 3.10.1-3.10.8", "the RFC's order", "RFC variables", "the RFCs want", "RFCs 5681, 6582",
        "one function per RFC step", "RFC 8200 4: answer", "MUST-14", "SHLD-31, MAY-18 and REC-1",
        "RFC 9293\n * 3.10.7.4", "RFC 5681,\n * 6582", "RFC 9293 A.2", "RFC 7323 5.3 (R1)", "(RFC 793)",
        "RFC 6298 2.4 200 ms", "see the RFC.", "an RFC: that", "RFC 9293 3.8.6.2.1 (MUST-38)",
    ]
    BAD = [
        ("RFC9293 3.1", "blank is missing"), ("RFC-9293", "cannot parse"), ("rfc 9293 3.1", "cannot parse"),
        ("RFC 9293 §3.1", "cannot parse"), ("RFC 9293, section 3.1", "cannot parse"),
        ("RFC 9293 section 3.1", "cannot parse"), ("RFC  9293", "cannot parse"), ("RFC 99999", "no RFC 99999"),
        ("RFC 9293 3.11", "no section 3.11"), ("RFC 9293 3.10.7.5", "no section 3.10.7.5"),
        ("RFC 9293 3.1 and 3.12", "no section 3.12"), ("RFC 9293 3.10.1-3.10.9", "no section 3.10.9"),
        ("MUST-70", "MUST-1 to MUST-69"), ("SHLD-0", "SHLD-1 to"), ("MAY-19", "MAY-1 to"), ("REC-2", "REC-1 to"),
        ("SHOULD-4", "alone"),
    ]

    def test_good(self):
        for text in self.GOOD:
            with self.subTest(text):
                self.assertEqual(whats("src/tcp/a.c", f"/* {text} */\n"), [])

    def test_bad(self):
        for text, fragment in self.BAD:
            with self.subTest(text):
                found = whats("src/tcp/a.c", f"int a;\n/* {text} */\n")
                self.assertTrue(found and fragment in found[0][1], f"{fragment!r} not in {found}")
                self.assertEqual(found[0][0], 2)

    def test_addresses_are_not_citations(self):
        self.assertEqual(whats("docs/a.md", "https://www.rfc-editor.org/rfc/rfc9293.html\n"), [])

    def test_line_after_a_wrap(self):
        self.assertEqual(whats("src/tcp/a.c", "/*\n * a\n * b RFC 9293\n * 3.99\n */\n")[0][0], 3)


class Exports(unittest.TestCase):
    def test_exports(self):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if not compiler or not shutil.which("nm"):
            self.skipTest("no compiler here")
        with tempfile.TemporaryDirectory() as directory:
            source, shared = os.path.join(directory, "a.c"), os.path.join(directory, "a.so")
            with open(source, "w", encoding="utf-8") as file:
                file.write("int tern_a(void) { return 1; }\nint leak(void) { return 2; }\n")
            subprocess.run([compiler, "-shared", "-fPIC", "-o", shared, source], check=True)
            found = [breach.what for dynamic in (True, False)
                     for breach in tidy.check_exports(shared, dynamic=dynamic) if "leak" in breach.what]
        self.assertEqual(found, ["exports leak, which does not begin with tern_"] * 2)


class Counting(unittest.TestCase):
    """run_tests.py: what a program's output counts for."""

    CMOCKA = ("[==========] Running 3 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n[  FAILED  ] b\n"
              "[ RUN      ] c\n[       OK ] c\n[==========] 3 test(s) run.\n[  PASSED  ] 2 test(s).\n"
              "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n\n 1 FAILED TEST(S)\n")

    def test_cmocka(self):
        self.assertEqual(run_tests.count(self.CMOCKA, False), (2, 1))

    def test_unittest(self):
        self.assertEqual(run_tests.count("Ran 9 tests in 0.1s\n\nOK (skipped=2)\n", True), (7, 0))
        self.assertEqual(run_tests.count("Ran 9 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n", False), (6, 3))

    def test_own_line_and_none(self):
        self.assertEqual(run_tests.count("seeds\n10000 passed, 0 failed\n", True), (10000, 0))
        self.assertEqual(run_tests.count("all is well\n", True), (1, 0))

    def test_a_crash_is_a_failure(self):
        self.assertEqual(run_tests.count("[       OK ] a\nSegmentation fault\n", False), (1, 1))
        self.assertEqual(run_tests.count("", False), (0, 1))

    def test_the_end_of_a_failure_is_kept_for_the_end_of_the_gate(self):
        report = ('<testsuite><testcase name="unit/a" status="fail"><failure/><system-out>%s</system-out></testcase>'
                  '<testcase name="unit/b" status="run"><system-out>fine</system-out></testcase></testsuite>')
        with tempfile.TemporaryDirectory() as directory:
            path, told = os.path.join(directory, "report.xml"), os.path.join(directory, "tally")
            with open(path, "w", encoding="utf-8") as file:
                file.write(report % "\n".join(f"line {n}" for n in range(1, 101)))
            with unittest.mock.patch.dict(os.environ, TERN_TALLY=told), contextlib.redirect_stdout(io.StringIO()):
                self.assertEqual(run_tests.summarise(run_tests.read_results(path), [], "build/x"), (1, 1))
            with open(told + ".failures", encoding="utf-8") as file:
                kept = file.read().splitlines()
        self.assertEqual(kept[:2], ["failed: unit/a in build/x", "    line 41"])
        self.assertEqual(kept[-1], "    line 100")

    def test_what_meets_the_system_is_run_again_and_named(self):
        def ctest(_, report, names):
            asked.append(names)
            with open(report, "w", encoding="utf-8") as file:
                file.write("<testsuite>" + "".join(
                    f'<testcase name="{name}" status="x">{"<failure/>" if name.endswith("bad") else ""}</testcase>'
                    for name in names) + "</testsuite>")

        asked, failed = [], ("failed", "")
        results = {"interop/late": failed, "unit/tap_test": failed, "interop/bad": failed, "unit/late": failed,
                   "interop/good": ("passed", "")}
        said = io.StringIO()
        with unittest.mock.patch.dict(os.environ, TERN_TALLY=""), contextlib.redirect_stdout(said), \
                unittest.mock.patch.object(run_tests, "run_ctest", ctest):
            second = run_tests.again(None, results)
            self.assertEqual(run_tests.summarise(results, second, "build/x"), (3, 2))
            many = {f"interop/{n}": failed for n in range(run_tests.AGAIN_MOST + 1)}
            self.assertEqual(run_tests.again(None, many), [])       # something is broken, not late
        self.assertEqual((asked, second), ([["interop/late", "unit/tap_test", "interop/bad"]],
                                           ["interop/late", "unit/tap_test"]))
        self.assertIn("passed when run again: interop/late, unit/tap_test\nfailed: interop/bad, unit/late\n", said.getvalue())


if __name__ == "__main__":
    unittest.main()
