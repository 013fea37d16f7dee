#!/usr/bin/env python3
"""What `tern` says of itself agrees: --help, the man pages, and the completions of bash, zsh and fish.

Each subcommand of `tern --help` has a man page that names each option of its own help, and none that it has not; each
shell completes each subcommand, and each option of each, and nothing else.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TERN = os.path.abspath(os.environ.get("TERN", "build/release/tern"))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPTION = re.compile(r"(?<![-\w])(--[a-z][a-z0-9-]*|-[a-zA-Z])(?![\w-])")
# Words that stand where a subcommand does, but have no page of their own.
WITHOUT_PAGE = {"help", "version"}


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    return done.stdout


def commands():
    return re.findall(r"^  ([a-z]+)  +", run(TERN, "--help"), re.M)


def options_of_help(command):
    """Left of the descriptions, and in the usage lines."""
    found = set()
    for line in run(TERN, command, "--help").splitlines():
        if re.match(r"usage:|       tern", line):
            found |= set(OPTION.findall(line))
        elif line.startswith("  -"):
            found |= set(OPTION.findall(re.split(r"  +", line.strip())[0]))
    return found


def options_of_page(command):
    """What is bold and looks like an option, in SYNOPSIS and in the terms of lists; others stand in examples."""
    with open(f"{ROOT}/man/tern-{command}.1.scd", encoding="utf-8") as file:
        text = file.read()
    synopsis = text.split("# SYNOPSIS")[1].split("\n#")[0]
    terms = [line for line, after in zip(text.splitlines(), text.splitlines()[1:])
             if line.startswith("*-") and after.startswith("\t")]
    return set(OPTION.findall(" ".join([synopsis, *terms]).replace("*", " ").replace("_", " ")))


class Help(unittest.TestCase):
    maxDiff = None

    def test_each_subcommand_has_a_page_with_its_options(self):
        self.assertGreater(len(commands()), 6)
        for command in commands():
            if command in WITHOUT_PAGE:
                continue
            with self.subTest(command):
                self.assertTrue(os.path.exists(f"{ROOT}/man/tern-{command}.1.scd"), "no man page")
                ours, its = options_of_help(command), options_of_page(command)
                self.assertEqual((sorted(ours - its), sorted(its - ours)), ([], []), "missing there; not in --help")

    def test_the_page_of_tern_names_each_subcommand(self):
        with open(f"{ROOT}/man/tern.1.scd", encoding="utf-8") as file:
            text = file.read().split("# COMMANDS")[1].split("\n# ")[0]
        named = set(re.findall(r"^\*([a-z]+)\*", text, re.M))
        self.assertEqual(set(commands()) - named - {"version"}, set())
        self.assertEqual(named - set(commands()), set())


class EachCommand(unittest.TestCase):
    """Three examples, JSON for programs, and a reason on standard error for what could not be done."""

    # Whose output is something else.
    WITHOUT_JSON = {"nc": "what the peer sends", "report": "a page, with the events as JSON in it"}
    # What none of them can do, whatever the machine allows; "no" is a directory that is not there.
    CANNOT = {
        "gateway": ["--pcap", "no/such.pcapng", "--", "true"], "lab": ["no-such-scenario"],
        "record": ["-o", "no/such.tern", "lab"], "replay": ["no/such.tern"], "trace": ["no/such.pcap"],
        "ss": ["no/such.sock"], "stuck": ["no/such.sock"], "ctl": ["no/such.sock", "flows"], "script": ["no/such.pkt"],
        "settings": ["no-such-setting"], "nc": ["no such host", "port"], "perf": ["no-such-word"],
        "wire": ["no-such-device", "nor-this"], "doctor": ["no-such-word"],
        "report": ["no/such.pcap", "-o", "no/such.html"],
    }

    def each(self):
        return [command for command in commands() if command not in WITHOUT_PAGE]

    def test_three_examples(self):
        for command in self.each():
            with self.subTest(command):
                text = run(TERN, command, "--help").split("\nExamples:\n")
                self.assertEqual(len(text), 2)
                examples = re.findall(r"^  .*\btern \w+.*", text[1], re.M)
                self.assertGreaterEqual(len(examples), 3)
                self.assertGreaterEqual(len([line for line in examples if f"tern {command}" in line]), 2)

    def test_json(self):
        for command in self.each():
            with self.subTest(command):
                self.assertTrue(command in self.WITHOUT_JSON or "--json" in run(TERN, command, "--help"))

    def test_what_cannot_be_done_is_said(self):
        self.assertEqual(set(self.CANNOT), set(self.each()), "a new command: say what it cannot do")
        for command in self.each():
            for words in (self.CANNOT[command], ["--no-such-option"]):
                with self.subTest([command, *words]):
                    done = subprocess.run([TERN, command, *words], capture_output=True, text=True, timeout=30, check=False,
                                          stdin=subprocess.DEVNULL, cwd="/")
                    self.assertIn(done.returncode, (1, 2))
                    self.assertLessEqual(done.stdout.count("\n"), command == "ss")   # the head of its table
                    self.assertRegex(done.stderr, r"\S")
                    self.assertRegex(done.stderr, r"^(tern: \w+: |no/such)")       # lab speaks for record
                    if words == ["--no-such-option"] and command not in ("ctl", "report"):  # what is missing comes first
                        self.assertIn("'--no-such-option'", done.stderr)


class Completion:
    """words -> what the shell offers for the last of them."""

    def test_subcommands(self):
        self.assertEqual(self.complete(""), set(commands()) | {"--help", "--version"})

    def test_options(self):
        for command in commands():
            if command in WITHOUT_PAGE:
                continue
            with self.subTest(command):
                if options_of_help(command):
                    self.assertEqual(self.complete(command, "-"), options_of_help(command))

    def test_values(self):
        self.assertEqual(self.complete("gateway", "--color", ""), {"auto", "always", "never"})
        self.assertIn("lost-fin", self.complete("lab", "lost-"))
        self.assertIn("flows", self.complete("ctl", "path", ""))
        self.assertIn("gateway", self.complete("help", "gat"))
        with tempfile.TemporaryDirectory() as directory:
            with open(f"{directory}/run.tern", "wb"):
                pass
            self.assertEqual(self.complete("replay", f"{directory}/r"), {f"{directory}/run.tern"})
            self.assertEqual(self.complete("gateway", "--pcap", f"{directory}/r"), {f"{directory}/run.tern"})


class Bash(Completion, unittest.TestCase):
    def setUp(self):
        if not shutil.which("bash"):
            self.skipTest("bash not installed")

    def complete(self, *words):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tern; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        return set(run("bash", "-c", script, "bash", f"{ROOT}/share/completions/tern.bash", TERN, *words).split())


class Zsh(Completion, unittest.TestCase):
    def setUp(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh not installed")

    def complete(self, *words):
        """With stand-ins for what the completion system offers: they tell what they are given."""
        script = ('compadd() { [[ $1 == -- ]] && shift; print -l -- ${(M)@:#${words[CURRENT]}*} }\n'
                  '_files() { print -l -- ${words[CURRENT]}*(N) }\n'
                  'file=$1; shift; words=("$@"); CURRENT=$#; source $file')
        return set(run("zsh", "-f", "-c", script, "zsh", f"{ROOT}/share/completions/_tern", TERN, *words).split())


class Fish(Completion, unittest.TestCase):
    def setUp(self):
        if not shutil.which("fish"):
            self.skipTest("fish not installed")

    def complete(self, *words):
        with tempfile.TemporaryDirectory() as home:
            os.symlink(TERN, f"{home}/tern")
            lines = run("fish", "--no-config", "-c", f"source {ROOT}/share/completions/tern.fish; complete -C '{' '.join(['tern', *words])}'",
                        env={**os.environ, "HOME": home, "PATH": f"{home}:{os.environ['PATH']}"})
        return {line.split("\t")[0] for line in lines.splitlines()}


if __name__ == "__main__":
    if not os.path.exists(TERN):
        print(f"skipped: there is no {TERN}", file=sys.stderr)
        sys.exit(77)
    unittest.main()
