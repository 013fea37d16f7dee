#!/usr/bin/env python3
"""`make proof`: the long forms of what the test run does briefly, one after the other, each with its figures.

FORMS is the table; a new long form is one line there and one row in docs/PROOF.md. A form that fails, crashes or
passes its bound is a failure, and the others still run; one that exits with 77 cannot run here and is named. Each
one's whole output is kept in BUILD/proof/NAME.log. The last line is `N passed, N failed`, one for each form.
"""

import argparse
import os
import re
import shlex
import sys
import time
from dataclasses import dataclass

import bounded

SKIPPED = 77
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(frozen=True)
class Form:
    name: str
    minutes: int        # the bound: it is ended after so many
    command: str        # run by sh from the project's top; {build} is the build directory
    figure: str         # the lines of its output that match are its figures


FORMS = (
    Form("random-worlds", 120, "TERN_SIM_RUNS=1000000 {build}/tests/sim/sim_random", r"runs, |marked|invariants|passed"),
    Form("teardown", 60, "TERN_SIM_WIDE=1 {build}/tests/sim/sim_teardown", r"^  \w.* s\)$|passed"),
    Form("allocation-failures", 20, "{build}/tests/sim/sim_alloc_failure", r"trials|hurt|passed"),
    Form("packed-and-unpacked", 30, "TERN_SIM_RUNS=50000 {build}/tests/sim/sim_pack", r"runs, |packed|passed"),
    Form("buffers", 10, "{build}/tests/sim/sim_buffers", r"."),
    Form("random-listeners", 30, "TERN_PROOF_RUNS=200000 {build}/tests/unit/listen_random_test", r" runs of "),
    Form("random-recovery", 60, "TERN_PROOF_RUNS=50000 {build}/tests/unit/tcp_recovery_hostile_test", r" runs of "),
    Form("random-flight", 30, "TERN_PROOF_RUNS=500000 {build}/tests/unit/tcp_flight_random_test", r" runs of "),
    Form("scripts", 5, "for ip in ipv4 ipv6; do find tests/script -name '*.pkt' | sort >{build}/proof/scripts; xargs "
         "{build}/tern script --ip-version=$ip <{build}/proof/scripts && wc -l <{build}/proof/scripts || exit 1; done",
         r"^\d+$"),
    Form("fuzz", 300, "FUZZ_SECONDS=1200 tools/fuzz.sh", r" inputs |passed"),
    Form("mutants", 60, "python3 tools/mutants.py run {build}", r"SURVIVED|ERROR|killed, "),
    Form("inference", 10, "TERN_SIM_RUNS=1000 {build}/tests/sim/sim_trace", r"agree|observed|as the sender|passed"),
    Form("trace-speed", 15, "TERN_TRACE_BYTES=1073741824 TERN={build}/tern python3 tests/scenario/trace_test.py Speed",
         r"MB/s"),
    Form("model", 300, "python3 tools/model.py --long", r"holds|fails|taken|passed"),
    Form("syn-flood", 15, "{build}/tests/attack/syn_flood --long", r"."),
    Form("blind-packets", 10, "{build}/tests/attack/blind --long", r"."),
    Form("hostile-cost", 20, "{build}/tests/attack/hostile_cost --long", r"."),
    Form("half-datagrams", 10, "{build}/tests/attack/half_datagrams --long", r"."),
    Form("zero-window", 30, "{build}/tests/attack/zero_window --long", r"."),
    Form("shrew", 5, "{build}/tests/attack/shrew --long", r"."),
    Form("isolation", 10, "{build}/tests/attack/isolation --long", r"."),
    Form("other-machines", 60, "tools/other_machines.sh", r"^== |passed, |^skipped"),
    Form("memcheck", 120, "python3 tools/memcheck.py {build}", r"exit code|passed, |^left out|^skipped"),
    Form("analysis", 60, "python3 tools/analyze.py {build}", r" files, |passed, |^skipped"),
    Form("playground", 90, "TERN_PLAY_SESSIONS=5000 TERN={build}/tern python3 tests/scenario/playground_test.py Module",
         r" sessions, |^Ran"),
    Form("rows", 5, "TERN={build}/tern python3 tests/scenario/rows_test.py", r"^Ran"),
)


def run(form, build, log):
    """The exit code of one form, or None past its bound; its whole process group is ended then."""
    command = form.command.format(build=shlex.quote(build))
    with open(log, "w", encoding="utf-8") as file:
        code, _ = bounded.run(["sh", "-c", command], form.minutes * 60, cwd=ROOT, stdout=file)
    return code


def figures(form, log):
    with open(log, encoding="utf-8", errors="replace") as file:
        return [line.rstrip() for line in file if re.search(form.figure, line)]


def verdict(form, code, found):
    if code == SKIPPED:
        return "skipped"
    if code is None:
        return f"FAILED: not done within {form.minutes} minutes"
    if code != 0:
        return f"FAILED: exit code {code}"
    return "passed" if found else "FAILED: it prints no figure"


def tell(form, result, seconds, log, found):
    print(f"==> {form.name}: {result}, {seconds:.0f} s", flush=True)
    for line in found:
        print(f"    {line}")
    if not result.startswith("FAILED"):
        return
    print(f"    all of it: {log}; its end:")
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file.readlines()[-20:]:
            print("    | " + line.rstrip())


def run_all(forms, build):
    """(passed, failed, names of those skipped)"""
    passed = failed = 0
    skipped = []
    logs = os.path.join(build, "proof")
    os.makedirs(logs, exist_ok=True)
    for form in forms:
        log = os.path.join(logs, form.name + ".log")
        started = time.monotonic()
        code = run(form, build, log)
        found = figures(form, log)
        result = verdict(form, code, found)
        tell(form, result, time.monotonic() - started, log, found)
        if result == "skipped":
            skipped.append(form.name)
        elif result == "passed":
            passed += 1
        else:
            failed += 1
    return passed, failed, skipped


def bound(forms):
    return f"{len(forms)} long forms, at most {sum(form.minutes for form in forms) / 60:.1f} hours"


def main():
    parser = argparse.ArgumentParser(description="run the long forms of the proofs")
    parser.add_argument("build", nargs="?", default="build/release", help="a built directory")
    parser.add_argument("--only", default="", help="those whose name matches this regular expression")
    parser.add_argument("--list", action="store_true", help="name them, with their bounds and commands")
    options = parser.parse_args()
    forms = [form for form in FORMS if re.search(options.only, form.name)]
    if not forms:
        parser.error(f"no long form is called {options.only!r}")
    print(bound(forms), flush=True)
    if options.list:
        for form in forms:
            print(f"{form.name:24} {form.minutes:4} min  {form.command}")
        return 0
    passed, failed, skipped = run_all(forms, os.path.abspath(options.build))
    if skipped:
        print("skipped: " + ", ".join(skipped))
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
