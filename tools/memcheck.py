#!/usr/bin/env python3
"""The unit tests and packet scripts under valgrind's memcheck: what is read before it is written, or beyond its
block, or never given back.

    memcheck.py [--jobs N] [--short] BUILD

Each program must end as it does without, and memcheck must have nothing to say. Left out, by name and with the
reason, is what cannot run there. --short: a set that takes seconds.
"""

import argparse
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MEMCHECK = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--track-origins=no", "--child-silent-after-fork=yes"]
SKIPPED = 77
LIMIT = 1800  # seconds for one program

LEFT_OUT = {}
SHORT = ("wire_tcp_test", "wire_ip_test", "tcp_reassembly_test", "slices_test")
SHORT_SCRIPTS = ("open", "sack", "icmp")


def programs(build, short):
    """(name, command) of everything that is to be run."""
    for path in sorted(glob.glob(os.path.join(build, "tests", "unit", "*_test"))):
        name = os.path.basename(path)
        if name not in LEFT_OUT and (not short or name in SHORT):
            yield name, [path]
    for folder in sorted(glob.glob(os.path.join(ROOT, "tests", "script", "*"))):
        name = os.path.basename(folder)
        scripts = sorted(glob.glob(os.path.join(folder, "**", "*.pkt"), recursive=True))
        if scripts and (not short or name in SHORT_SCRIPTS):
            yield "script/" + name, [os.path.join(build, "tern"), "script", *scripts]


def run(name, command):
    """(name, exit code, what was said, seconds)"""
    started = time.monotonic()
    try:
        done = subprocess.run(MEMCHECK + command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        code, said = done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        code, said = -1, (error.stdout or b"").decode(errors="replace") + f"\nno end within {LIMIT} s"
    return name, code, said, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser(description="the unit tests and scripts under valgrind's memcheck")
    parser.add_argument("build", help="a finished build, such as build/release")
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--short", action="store_true", help="a set that takes seconds")
    parser.add_argument("--verbose", action="store_true", help="name what passes, and its time")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: there is no valgrind")
        return SKIPPED
    passed, failed, skipped = 0, [], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        todo = [pool.submit(run, *program) for program in programs(os.path.abspath(options.build), options.short)]
        for done in concurrent.futures.as_completed(todo):
            name, code, said, seconds = done.result()
            if code == 0:
                passed += 1
            elif code == SKIPPED:
                skipped.append(name)
            else:
                failed.append(name)
                print(f"{name}: exit code {code}\n{said[-6000:]}", flush=True)
            if options.verbose:
                print(f"{seconds:7.1f} s  {code:3}  {name}", flush=True)
    for name, why in sorted(LEFT_OUT.items()):
        print(f"left out: {name}: {why}")
    if skipped:
        print("skipped: " + ", ".join(sorted(skipped)))
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
