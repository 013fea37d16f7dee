#!/usr/bin/env python3
"""Mutants: one-line faults of the code, each with the test that must find it.

    mutants.py check                    every record applies, and names a test that there is
    mutants.py run BUILD [NAME...]      each fault is put in, and its test must fail

tests/mutants/ROOM.txt holds the records:

    == name-of-the-fault
    in src/tcp/challenge.c
    by unit/tcp_challenge_test
    why it matters, in one line
    -	the lines that are taken out
    +	the lines that come in instead
     	(lines of both, where the others alone do not say where)

Lines are compared without their indentation, and what is taken out must stand in the file exactly once: a record
whose place has gone, or is not the only one any more, is an error, not a pass.

A test is one of

    unit/NAME                tests/unit/NAME.c
    sim/NAME                 tests/sim/NAME.c, a few runs
    script/PATH              packet scripts of tests/script/: one, or a folder of them
    scenario/NAME [CLASS]    tests/scenario/NAME.py; with CLASS that class of tests alone
    interop/NAME [CLASS]     tests/interop/NAME.py likewise

`run` works beside a finished build: the file with the fault is a copy in a scratch directory, compiled with the
build's own flags, and linked into a copy of the test program in front of the libraries, so that theirs is not taken.
Nothing in the tree or the build changes. Each test is seen to pass first without a fault. A test that does not come
to an end is ended after its time and counts as one that found the fault. A fault that does not compile is an error:
a mutant has to run.
"""

import argparse
import glob
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time

import bounded

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORDS = os.path.join(ROOT, "tests", "mutants")
KINDS = {"unit": ".c", "sim": ".c", "script": "", "scenario": ".py", "interop": ".py"}
LEAST_TIME = 10  # seconds that a test may take with a fault, or five times what it takes without
COMPILE_TIME = 120
SIM_RUNS = "100"


class Broken(Exception):
    """A record that says nothing, or a place where it cannot be tried."""


class Mutant:
    def __init__(self, name, where):
        self.name, self.where = name, where
        self.file = self.test = self.why = ""
        self.old, self.new = [], []

    def __str__(self):
        return f"{self.where}: {self.name}"


def read_line(mutant, line):
    word, _, rest = line.partition(" ")
    if line[0] in "-+ ":
        if line[0] != "+":
            mutant.old.append(line[1:])
        if line[0] != "-":
            mutant.new.append(line[1:])
    elif word == "in" and not mutant.file:
        mutant.file = rest
    elif word == "by" and not mutant.test:
        mutant.test = rest
    elif not mutant.why:
        mutant.why = line
    else:
        raise Broken(f"{mutant}: '{line}' is one line too many")


def read_records(folder=RECORDS):
    mutants = []
    for path in sorted(glob.glob(os.path.join(folder, "*.txt"))):
        where = os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            for line in file.read().splitlines():
                if line.startswith("== "):
                    mutants.append(Mutant(line[3:], where))
                elif line and not line.startswith("#"):
                    if not mutants or mutants[-1].where != where:
                        raise Broken(f"{where}: '{line}' stands before the first record")
                    read_line(mutants[-1], line)
    return mutants


def apply(text, mutant):
    """The text with the fault. Lines are compared without indentation; the new ones have the old ones'."""
    lines = text.splitlines()
    bare = [line.strip() for line in lines]
    old = [line.strip() for line in mutant.old]
    places = [i for i in range(len(lines) - len(old) + 1) if bare[i:i + len(old)] == old]
    if not old:
        raise Broken(f"{mutant}: takes nothing out")
    if len(places) != 1:
        raise Broken(f"{mutant}: stands {len(places)} times in {mutant.file}: {' | '.join(old)}")
    if old == [line.strip() for line in mutant.new]:
        raise Broken(f"{mutant}: changes nothing")
    at = places[0]
    return "\n".join(lines[:at] + mutant.new + lines[at + len(old):]) + "\n"


def check(mutants, root=ROOT):
    """What is wrong with the records."""
    wrong, seen = [], set()
    for mutant in mutants:
        kind, _, rest = mutant.test.partition("/")
        name = rest.partition(" ")[0]
        try:
            if mutant.name in seen:
                raise Broken(f"{mutant}: the name is taken")
            if not mutant.why:
                raise Broken(f"{mutant}: does not say why it matters")
            if kind not in KINDS or not os.path.exists(os.path.join(root, "tests", kind, name + KINDS[kind])):
                raise Broken(f"{mutant}: there is no test '{mutant.test}'")
            with open(os.path.join(root, mutant.file), encoding="utf-8") as file:
                apply(file.read(), mutant)
        except (Broken, OSError) as error:
            wrong.append(str(error))
        seen.add(mutant.name)
    return wrong


class Bench:
    """A finished build, and a scratch directory beside it."""

    def __init__(self, build, scratch):
        self.build, self.scratch = os.path.abspath(build), scratch
        self.baseline = {}
        with open(os.path.join(self.build, "compile_commands.json"), encoding="utf-8") as file:
            self.compiles = {os.path.relpath(entry["file"], ROOT): shlex.split(entry["command"])
                             for entry in json.load(file)}

    def run(self, command, limit, where=None, **environment):
        """(exit code or None for a time-out, output)"""
        code, output = bounded.run(command, limit, cwd=where or self.build, stdout=subprocess.PIPE,
                                   env=dict(os.environ, **environment))
        return code, (output or b"").decode(errors="replace")

    def compile(self, mutant):
        """The object with the fault."""
        if mutant.file not in self.compiles:
            raise Broken(f"{mutant}: {mutant.file} is not compiled in this build")
        with open(os.path.join(ROOT, mutant.file), encoding="utf-8") as file:
            text = apply(file.read(), mutant)
        source, target = os.path.join(self.scratch, "mutant.c"), os.path.join(self.scratch, "mutant.o")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        command = list(self.compiles[mutant.file])
        command[command.index("-o") + 1] = target
        command[command.index("-c") + 1] = source
        code, output = self.run(command + ["-Wno-error", "-w"], COMPILE_TIME)
        if code != 0:
            raise Broken(f"{mutant}: does not compile:\n{output}")
        return target

    def link(self, target, extra=None):
        """A copy of the program that the build calls `target`; `extra` is linked in front of all libraries."""
        code, output = self.run(["ninja", "-t", "commands", "-s", target], COMPILE_TIME)
        if code != 0:
            raise Broken(f"{target}: {output.strip()}")
        words = shlex.split(output.strip().splitlines()[-1])
        words = words[words.index("&&") + 1:]
        words = words[:words.index("&&")]
        program = os.path.join(self.scratch, os.path.basename(target))
        at = words.index("-o")
        words[at + 1:at + 2] = [program] + ([extra] if extra else [])
        code, output = self.run(words, COMPILE_TIME)
        if code != 0:
            raise Broken(f"{target}: does not link:\n{output}")
        return program

    def try_test(self, test, extra, limit):
        """(passed, how it ended) of a test with `extra` linked in."""
        kind, _, rest = test.partition("/")
        name, _, selected = rest.partition(" ")
        started = time.monotonic()
        if kind in ("unit", "sim"):
            command = [self.link(f"tests/{kind}/{name}", extra)]
        elif kind == "script":
            path = os.path.join(ROOT, "tests", "script", name)
            scripts = [path] if path.endswith(".pkt") else sorted(
                glob.glob(os.path.join(path, "**", "*.pkt"), recursive=True))
            command = [self.link("tern", extra), "script", *scripts]
        else:
            self.link("tern", extra)
            command = [sys.executable, os.path.join(ROOT, "tests", kind, name + ".py")] + selected.split()
        code, output = self.run(command, limit, ROOT, TERN=os.path.join(self.scratch, "tern"),
                                TERN_SIM_RUNS=SIM_RUNS, PYTHONDONTWRITEBYTECODE="1")
        self.last_output = output
        if code is None:
            return False, f"no end within {limit:.0f} s"
        if code == 77:
            raise Broken(f"{test} is skipped here")
        return code == 0, f"exit code {code}, {time.monotonic() - started:.1f} s"

    def limit_of(self, test):
        """How long the test may take with a fault; without one it passes."""
        if test not in self.baseline:
            started = time.monotonic()
            passed, how = self.try_test(test, None, 300)
            if not passed:
                raise Broken(f"{test} fails without any fault ({how}):\n{self.last_output[-2000:]}")
            self.baseline[test] = max(LEAST_TIME, 5 * (time.monotonic() - started))
        return self.baseline[test]


def chosen(mutants, options):
    if options.name:
        unknown = set(options.name) - {mutant.name for mutant in mutants}
        if unknown:
            raise Broken("no such mutant: " + ", ".join(sorted(unknown)))
        mutants = [mutant for mutant in mutants if mutant.name in options.name]
    if options.room:
        mutants = [mutant for mutant in mutants if re.fullmatch(options.room, mutant.where.removesuffix(".txt"))]
    if options.sample:
        quick = [mutant for mutant in mutants if mutant.test.split("/")[0] == "unit"]
        mutants = random.Random(options.seed).sample(quick, min(options.sample, len(quick)))
    return mutants


def run(mutants, options):
    killed, survived, broken = 0, [], []
    with tempfile.TemporaryDirectory(prefix="tern-mutants-") as scratch:
        bench = Bench(options.build, scratch)
        for mutant in mutants:
            try:
                limit = bench.limit_of(mutant.test)
                passed, how = bench.try_test(mutant.test, bench.compile(mutant), limit)
            except Broken as error:
                broken.append(mutant.name)
                print(f"ERROR     {mutant.name}: {error}", flush=True)
                continue
            if passed:
                survived.append(mutant.name)
                print(f"SURVIVED  {mutant.name}: {mutant.test} finds nothing ({how}); {mutant.why}", flush=True)
            else:
                killed += 1
                print(f"killed    {mutant.name}: {mutant.test} ({how})", flush=True)
    if broken:
        print("not tried: " + ", ".join(broken))
    print(f"{killed} killed, {len(survived)} survived" + (f", {len(broken)} not tried" if broken else ""))
    return 1 if survived or broken or killed == 0 else 0


def main():
    parser = argparse.ArgumentParser(description="one-line faults of the code, and the tests that find them")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="every record applies, and names a test that there is")
    runs = commands.add_parser("run", help="each fault is put in, and its test must fail")
    runs.add_argument("build", help="a finished build, such as build/release")
    runs.add_argument("name", nargs="*", help="these alone")
    runs.add_argument("--room", help="those of the rooms that the expression names: tcp|ip")
    runs.add_argument("--sample", type=int, help="so many of them, by unit tests")
    runs.add_argument("--seed", default="tern", help="of the sample")
    options = parser.parse_args()
    try:
        mutants = read_records()
        wrong = check(mutants)
        for line in wrong:
            print(line, file=sys.stderr)
        if options.command == "check" or wrong:
            print(f"{len(mutants) - len(wrong)} of {len(mutants)} records apply")
            return 1 if wrong else 0
        return run(chosen(mutants, options), options)
    except Broken as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
