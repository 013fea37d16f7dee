#!/usr/bin/env python3
"""hardening_check.py's own: each thing that a program can lack is told."""

import os
import platform
import subprocess
import sys
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))
CC = os.environ.get("CC", "cc")

PROGRAM = """
#include <stdio.h>
#include <string.h>
int main(int n, char **words)
{
	char text[64];

	strcpy(text, words[n - 1]);
	return puts(text);
}
"""

COMPILE = ["-O2", "-fPIE", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong"]
LINK = ["-pie", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]


class Programs(unittest.TestCase):
    def check(self, drop=(), add=()):
        """What is said of a program that is built without some of the flags."""
        with tempfile.TemporaryDirectory() as folder:
            source, program = os.path.join(folder, "a.c"), os.path.join(folder, "a")
            with open(source, "w", encoding="utf-8") as file:
                file.write(PROGRAM)
            flags = [flag for flag in COMPILE + LINK if flag not in drop]
            subprocess.run([CC, *flags, *add, "-o", program, source], check=True, timeout=60, capture_output=True)
            done = subprocess.run([sys.executable, os.path.join(TOOLS, "hardening_check.py"), program],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.partition("without ")[2].strip()

    def test_with_all_of_it(self):
        self.assertEqual(self.check(), (0, ""))

    def test_each_that_is_missing(self):
        for what, drop, add in (
                ("PIE", ("-pie", "-fPIE"), ("-no-pie", "-fno-pie")),
                ("RELRO", ("-Wl,-z,relro",), ("-Wl,-z,norelro",)),
                ("BIND_NOW", ("-Wl,-z,now",), ("-Wl,-z,lazy",)),
                ("NX", ("-Wl,-z,noexecstack",), ("-Wl,-z,execstack",)),
                ("SSP", ("-fstack-protector-strong",), ("-fno-stack-protector",)),
                ("FORTIFY", ("-D_FORTIFY_SOURCE=2",), ())):
            with self.subTest(what=what):
                self.assertEqual(self.check(drop, add), (1, what))


@unittest.skipUnless(platform.machine() == "x86_64", "CET is x86's")
class Objects(unittest.TestCase):
    def test_one_of_two_without_cet(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, protection in (("a", "full"), ("b", "none")):
                source = os.path.join(folder, name + ".c")
                with open(source, "w", encoding="utf-8") as file:
                    file.write(f"int {name};\n")
                subprocess.run([CC, "-c", "-fcf-protection=" + protection, source], cwd=folder, check=True, timeout=60)
            for members, said in ((["a.o"], ""), (["a.o", "b.o"], "x.a(b.o): without CET\n")):
                archive = os.path.join(folder, "x.a")
                subprocess.run(["ar", "rcs", archive, *members], cwd=folder, check=True, timeout=60)
                done = subprocess.run([sys.executable, os.path.join(TOOLS, "hardening_check.py"), "--archive", archive],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((done.returncode, done.stdout.replace(folder + os.sep, "")), (1 if said else 0, said))


class Flags(unittest.TestCase):
    def test_a_flag_that_leaves_no_trace(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "compile_commands.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write('[{"directory": "/x", "file": "/x/src/a.c", "command": "cc -O2 -c a.c '
                           '-fstack-protector-strong -ftrivial-auto-var-init=zero"}]')
            done = subprocess.run([sys.executable, os.path.join(TOOLS, "hardening_check.py"), "--flags", path],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("src/a.c: compiled without -fstack-clash-protection\n", done.stdout)
            self.assertNotIn("auto-var-init", done.stdout)


if __name__ == "__main__":
    unittest.main()
