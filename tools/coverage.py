#!/usr/bin/env python3
"""`make coverage`: which branches the tests take, by directory: unit tests, simulations (short), scripts over IPv4 and
IPv6, and the corpora of tests/fuzz. Built by clang with its own counters (the `coverage` preset).

A branch is one side of a condition, each operand of && and || by itself. Those inside tern_assert() are counted apart:
their false side is our own bug, and is never taken. What is left is listed with --list DIRECTORY, by file and line.
"""

import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "coverage")
GOAL = ("wire", "tcp", "ip")
ROOMS = GOAL + ("base", "host")

# Programs that hold every function of the core between them.
OBJECTS = ("tern", "tests/fuzz/peer_fuzz", "tests/fuzz/packet_fuzz", "tests/fuzz/frame_fuzz", "tests/fuzz/dhcp_fuzz",
           "tests/fuzz/reassembly_fuzz", "tests/fuzz/pack_fuzz", "tests/sim/sim_random", "tests/sim/sim_pack")


def build():
    subprocess.run(["cmake", "--preset", "coverage", "--log-level=NOTICE"], cwd=ROOT, check=True)
    subprocess.run(["cmake", "--build", BUILD], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def run_tests(profiles, runs):
    """Failures are the test run's business, not this one's: they are named, and the rest counts."""
    environment = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(profiles, "%2m.profraw"), TERN_SIM_RUNS=str(runs),
                       TERN_FUZZ_RUNS="0", PYTHONDONTWRITEBYTECODE="1")
    subprocess.run(["ctest", "--test-dir", BUILD, "-L", "unit|sim|fuzz", "-j", str(os.cpu_count() or 2), "-Q",
                    "--timeout", "900", "--output-log", os.path.join(BUILD, "coverage.log")],
                   env=environment, check=False, stdin=subprocess.DEVNULL)
    scripts = sorted(glob.glob(os.path.join(ROOT, "tests/script/**/*.pkt"), recursive=True))
    for version in ("ipv4", "ipv6"):
        for at in range(0, len(scripts), 200):
            subprocess.run([os.path.join(BUILD, "tern"), "script", "--quiet", "--ip-version=" + version] +
                           scripts[at:at + 200], env=environment, check=False, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def export(profiles):
    merged = os.path.join(BUILD, "coverage.profdata")
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", merged] + glob.glob(profiles + "/*.profraw"), check=True)
    objects = [os.path.join(BUILD, name) for name in OBJECTS]
    command = ["llvm-cov", "export", "-skip-functions", "-instr-profile=" + merged, objects[0]]
    for name in objects[1:]:
        command += ["-object", name]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def lines_of_asserts(path):
    """The lines that a tern_assert() statement covers."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines = set()
    for match in re.finditer(r"\btern_assert\(", text):
        end = text.find(";", match.start())
        first = text.count("\n", 0, match.start()) + 1
        lines.update(range(first, text.count("\n", 0, end) + 2))
    return lines


def branches_of(file):
    """{(line, column, end line, end column): [times true, times false]}, instances of one inline function together."""
    sides = defaultdict(lambda: [0, 0])
    for branch in file["branches"]:
        place = sides[tuple(branch[:4])]
        place[0] += branch[4]
        place[1] += branch[5]
    return sides


def measure(report):
    """{room: [branches, taken, in asserts, taken of those]} and {path: [(line, what)]} of those not taken."""
    rooms, missed = defaultdict(lambda: [0, 0, 0, 0]), defaultdict(list)
    for file in report["data"][0]["files"]:
        path = os.path.relpath(file["filename"], ROOT)
        if path.split("/")[0] != "src" or path.split("/")[1] not in ROOMS:
            continue
        asserts = lines_of_asserts(file["filename"])
        room = rooms[path.split("/")[1]]
        for place, sides in branches_of(file).items():
            at = 2 if place[0] in asserts else 0
            room[at] += 2
            room[at + 1] += (sides[0] > 0) + (sides[1] > 0)
            if at == 0 and 0 in sides:
                what = "never reached" if sides == [0, 0] else "never true" if sides[0] == 0 else "never false"
                missed[path].append((place[0], what, source(file["filename"], place)))
    return rooms, missed


def source(path, place):
    with open(path, encoding="utf-8") as file:
        line = file.read().split("\n")[place[0] - 1]
    end = place[3] - 1 if place[2] == place[0] else len(line)
    return line[place[1] - 1:end].strip()


def tell(rooms, missed):
    print(f"{'':6} {'branches':>9} {'taken':>7} {'':>7}   with those in asserts")
    for name in sorted(rooms, key=lambda name: (name not in GOAL, name)):
        n, taken, asserted, held = rooms[name]
        whole = f"{100 * (taken + held) / (n + asserted):6.2f} % of {n + asserted}"
        print(f"{name:6} {n:9} {taken:7} {100 * taken / max(n, 1):6.2f} %   {whole}")
    counts = sorted(((sum(2 if what == "never reached" else 1 for _, what, _ in places), path)
                     for path, places in missed.items()), reverse=True)
    print("most is missed in: " + ", ".join(f"{path} {n}" for n, path in counts[:12]))


def main():
    parser = argparse.ArgumentParser(description="branches that the tests take, by directory")
    parser.add_argument("--list", action="append", default=[], metavar="DIRECTORY", help="name what is not taken there")
    parser.add_argument("--runs", type=int, default=1000, help="of each simulation (1000)")
    parser.add_argument("--again", action="store_true", help="of what was counted last time, without running anything")
    options = parser.parse_args()
    for program in ("clang", "llvm-cov", "llvm-profdata"):
        if not shutil.which(program):
            print(f"coverage: there is no {program}", file=sys.stderr)
            return 77
    profiles = os.path.join(BUILD, "profiles")
    if not options.again:
        build()
        shutil.rmtree(profiles, ignore_errors=True)
        os.makedirs(profiles)
        run_tests(profiles, options.runs)
    rooms, missed = measure(export(profiles))
    for directory in options.list:
        for path in sorted(path for path in missed if path.startswith("src/" + directory)):
            for line, what, text in sorted(missed[path]):
                print(f"{path}:{line}: {what}: {text}")
    tell(rooms, missed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
