#!/usr/bin/env python3
"""Runs spin on model/tcp.pml: the bounds within which its properties hold, and the mutants that must break one.

usage: model.py [--long]        --long: the wider bounds too (tools/proof.py)

Each run is one verifier: compiled, run to the end of its search or to its first error, and judged by both. Of the
runs that hold it adds up which changes of state, GO(from, to, why), were taken: one that none took is a failure.
Ends with `N passed, N failed`; exits with 77 where there is no spin.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

SKIPPED = 77
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODEL = os.path.join(ROOT, "model", "tcp.pml")
HOLDS = ""
CRASH = "LOSS=0 DUP=0 PREM=0 CRASH=1 INC=2 DATA=0 SHUT=0"

SAFETY = (("-DSAFETY", "-DCOLLAPSE"), ("-m1000000",))
NO_CYCLE = (("-DNP", "-DNFAIR=3", "-DCOLLAPSE"), ("-l", "-f", "-m1000000"))    # any cycle under weak fairness


@dataclass(frozen=True)
class Run:
    name: str
    bounds: str                 # -D of the model, without -D
    breaks: str = HOLDS         # what its first error says, a regular expression
    how: tuple = SAFETY
    long: bool = False
    seconds: int = 300


RUNS = (
    Run("P1-P5, a loss", "LOSS=1 DUP=0 PREM=0"),
    Run("P1-P5, a duplicate", "LOSS=0 DUP=1 PREM=0", long=True),
    Run("P1-P5, an abort", "LOSS=0 DUP=0 PREM=0 ABORT=1"),
    Run("P1-P5, a crash", "LOSS=0 DUP=0 PREM=0 CRASH=1 INC=2 DATA=0 SHUT=0", long=True),
    Run("P1-P5, P7", "CLEAN FW2=0 LOSS=1 DUP=0 PREM=0"),
    Run("P1-P5, P7, P8", "CLEAN FW2=0 LOSS=0 DUP=1 PREM=0 INC=2 DATA=0 SHUT=0"),
    Run("P6, a loss", "FAIRT LOSS=1 DUP=0 PREM=0 DATA=0", how=NO_CYCLE),
    Run("P6, a crash", f"FAIRT {CRASH} IMPATIENT=0", how=NO_CYCLE, long=True),

    Run("FIN taken before its place", "LOSS=1 DUP=0 PREM=0 MUT_FINEARLY", "got"),
    Run("the same ISN again", f"{CRASH} MUT_SAMEISN", "irs"),
    Run("a two-way handshake", f"{CRASH} MUT_TWOWAY", "irs"),
    Run("no look at the SYN-ACK's ACK", f"{CRASH} MUT_NOACKCHK", "irs"),
    Run("no TIME-WAIT", "CLEAN FW2=0 LOSS=1 DUP=0 PREM=0 MUT_NOTW", r"st\[i\]!=10"),
    Run("RST ends TIME-WAIT", "CLEAN FW2=0 LOSS=0 DUP=1 PREM=0 INC=2 DATA=0 SHUT=0 MUT_TWRST", "waited"),
    Run("no challenge ACK", f"FAIRT {CRASH} IMPATIENT=0 MUT_NOCHAL", "cycle", how=NO_CYCLE),
    Run("an ACK for every ACK", f"FAIRT {CRASH} IMPATIENT=0 MUT_ACKWAR", "cycle", how=NO_CYCLE),
    Run("no end of FIN-WAIT-2", "FW2=0 LOSS=1 DUP=0 PREM=0 ABORT=1", r"st\[0\]==0"),

    Run("P1-P5, wide", "LOSS=1 DUP=1 PREM=1", long=True, seconds=3600),
    Run("P1-P5, wide, a crash", "LOSS=0 DUP=0 PREM=0 CRASH=1 INC=2", long=True, seconds=3600),
    Run("P1-P5, wide, an abort", "LOSS=1 DUP=1 PREM=0 ABORT=1", long=True, seconds=3600),
    Run("P1-P5, P7, wide", "CLEAN FW2=0 LOSS=1 DUP=1 PREM=1", long=True, seconds=3600),
    Run("P6, wide", "FAIRT LOSS=1 DUP=1 PREM=0", how=NO_CYCLE, long=True, seconds=3600),
)


def defines(bounds):
    return ["-D" + word for word in bounds.split()]


def make(run, directory):
    """Compiles the verifier; returns what went wrong, or None."""
    steps = (["spin", *defines(run.bounds), "-DCOVER", "-a", MODEL],
             ["gcc", "-O2" if run.long else "-O0", "-w", *run.how[0], "-o", "pan", "pan.c"])
    for step in steps:
        done = subprocess.run(step, cwd=directory, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0 or "Error" in done.stdout:
            return (done.stdout + done.stderr).strip()[-500:]
    return None


def search(run, directory):
    """What the verifier printed; None past the time."""
    try:
        return subprocess.run(["./pan", *run.how[1]], cwd=directory, capture_output=True, text=True,
                              timeout=run.seconds, check=False).stdout
    except subprocess.TimeoutExpired:
        return None


def judge(run, out):
    """What is wrong with the outcome, or None."""
    if out is None:
        return f"not done within {run.seconds} s"
    errors = re.search(r"errors: (\d+)", out)
    if not errors or re.search(r"max search depth too small|out of memory|Search not completed", out) and \
            run.breaks == HOLDS:
        return "the search was not completed"
    if run.breaks == HOLDS:
        return None if errors.group(1) == "0" else "a property does not hold: " + first_error(out)
    if errors.group(1) == "0":
        return "a mutant lives"
    return None if re.search(run.breaks, first_error(out)) else "it fails for another reason: " + first_error(out)


def first_error(out):
    found = re.search(r"^pan:\d+: (.*)", out, re.M)
    return found.group(1) if found else ""


def figures(out):
    stored = re.search(r"(\d+) states, stored", out)
    moves = re.search(r"(\d+) transitions", out)
    return f"{stored.group(1) if stored else '?'} states, {moves.group(1) if moves else '?'} transitions"


# --- which edges were taken -----------------------------------------------------------------------

def edges_of_model():
    """{line: (from, to, why)} of each GO() in the source."""
    found = {}
    with open(MODEL, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            for match in re.finditer(r"\bGO\(([A-Z]\w+), (\w+), (\w+)\)", line):
                found[number] = match.groups()
    return found


def lines_taken(out):
    """With -DCOVER the verifier names each line of a GO() that it comes by."""
    return {int(line) for line in re.findall(r"^taken (\d+)$", out, re.M)}


# --- running --------------------------------------------------------------------------------------

def play(run):
    """(what is wrong or None, figures, lines of the edges taken)"""
    with tempfile.TemporaryDirectory() as directory:
        wrong = make(run, directory)
        if wrong:
            return wrong, "", set()
        out = search(run, directory)
        wrong = judge(run, out)
        taken = lines_taken(out) if run.breaks == HOLDS and not wrong else set()
        return wrong, figures(out or ""), taken


def main():
    parser = argparse.ArgumentParser(description="check model/tcp.pml with spin")
    parser.add_argument("--long", action="store_true", help="the wider bounds too")
    parser.add_argument("--only", default="", help="runs whose name matches this regular expression")
    options = parser.parse_args()
    if not shutil.which("spin") or not shutil.which("gcc"):
        print("skipped: spin is not installed (apt-get install spin)")
        return SKIPPED
    edges, taken, passed, failed = edges_of_model(), set(), 0, 0
    for run in (run for run in RUNS if (options.long or not run.long) and re.search(options.only, run.name)):
        began = time.monotonic()
        wrong, said, lines = play(run)
        taken |= lines
        passed, failed = passed + (not wrong), failed + bool(wrong)
        outcome = f"FAILED: {wrong}" if wrong else "holds" if run.breaks == HOLDS else "fails, as it must"
        print(f"{run.name:28} {run.bounds}: {outcome}; {said}, {time.monotonic() - began:.1f} s", flush=True)
    for line, edge in edges.items():
        if line not in taken and not options.only:
            print(f"FAILED: never taken: {edge[0]} to {edge[1]}, {edge[2]}")
            failed += 1
    print(f"{len(taken)} of {len(edges)} changes of state taken")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
