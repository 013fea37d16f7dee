#!/usr/bin/env python3
"""Runs ctest in a build directory and ends with the plain line `N passed, N failed`.

What is counted are single tests: each cmocka test, each Python test, each `N passed, N failed` that a program
prints itself, and one for a program that prints none of these. A program that fails counts at least one
failure, whatever it printed. Skipped programs are named and are neither passed nor failed. A run in which
nothing ran is a failure.

Some tests meet other programs, the system's TCP and its clock (AGAIN). Of those that fail (a few: AGAIN_MOST) each is
run once more, when nothing else runs: what fails twice has failed, and what passes then is named at the end. What runs
in virtual time alone fails at once.

With TERN_TALLY=FILE the two figures are also appended to FILE, for a caller that adds up several runs, and the
names of the programs that failed with the end of what each printed to FILE.failures, for it to show last.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

CMOCKA_OK = re.compile(r"^\[ +OK +\] ", re.M)
CMOCKA_FAILED = re.compile(r"^\[ +(?:FAILED|ERROR) +\] (?!\d+ test)(\S+)$", re.M)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.M)
UNITTEST_RESULT = re.compile(r"^(?:OK|FAILED)(?: \(([^)]*)\))?$", re.M)
OWN_LINE = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)

OUTPUT_LIMIT = 64 * 1024 * 1024
FAILURE_LINES = 60
AGAIN = re.compile(r"interop/|scenario/"
                   r"|unit/(afpacket|hosts|loop|netdev|qemu|relay_udp|sandbox|spin|tap|tun|wait|xdp)_test$")
AGAIN_MOST = 3


def count_unittest(output):
    """(passed, failed) of a Python unittest run; skipped ones are in neither."""
    ran = sum(int(n) for n in UNITTEST_RAN.findall(output))
    failed = skipped = 0
    for details in UNITTEST_RESULT.findall(output):
        for kind, n in re.findall(r"([a-z ]+)=(\d+)", details):
            if kind.strip() in ("failures", "errors", "unexpected successes"):
                failed += int(n)
            elif kind.strip() == "skipped":
                skipped += int(n)
    return max(ran - failed - skipped, 0), failed


def count(output, program_passed):
    """(passed, failed) of one program, from what it printed and whether ctest was content with it."""
    passed, failed = 0, 0
    own = OWN_LINE.findall(output)
    if own:
        passed, failed = (int(n) for n in own[-1])
    elif UNITTEST_RAN.search(output):
        passed, failed = count_unittest(output)
    else:
        passed = len(CMOCKA_OK.findall(output))
        failed = len(set(CMOCKA_FAILED.findall(output)))
    if not program_passed:
        return passed, max(failed, 1)
    return (passed, failed) if passed + failed else (1, 0)


def read_report(path):
    """Yields (name, status, output) of each test of a JUnit report; status is passed, failed or skipped."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        if case.find("failure") is not None or case.find("error") is not None:
            status = "failed"
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            status = "skipped"
        else:
            status = "passed"
        # A program that ctest could not start is "not run", but it is no skip.
        skipped = case.find("skipped")
        if skipped is not None and "SKIP_" not in (skipped.get("message") or ""):
            status = "failed"
        yield case.get("name"), status, output


def run_ctest(options, report, names=None):
    """All that the options choose, or the tests of these names, one at a time."""
    command = ["ctest", "--test-dir", options.build, "--output-on-failure", "--no-tests=error",
               "--parallel", "1" if names else str(2 * options.jobs), "--output-junit", report,
               "--test-output-size-passed", str(OUTPUT_LIMIT), "--test-output-size-failed", str(OUTPUT_LIMIT)]
    if names:
        command += ["--tests-regex", "^(" + "|".join(map(re.escape, names)) + ")$"]
    if options.label:
        command += ["--label-regex", "^(" + options.label + ")$"]
    if options.exclude_label:
        command += ["--label-exclude", "^(" + options.exclude_label + ")$"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode


def tally(passed, failed):
    print(f"{passed} passed, {failed} failed", flush=True)
    path = os.environ.get("TERN_TALLY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{passed} {failed}\n")


def keep_failure(build, name, output):
    """For the end of a long run, which may be all of it that its reader gets to see."""
    path = os.environ.get("TERN_TALLY")
    if path:
        with open(path + ".failures", "a", encoding="utf-8") as file:
            file.write(f"failed: {name} in {build}\n")
            file.writelines(f"    {line}\n" for line in output.splitlines()[-FAILURE_LINES:])


def read_results(report):
    return {name: (status, output) for name, status, output in read_report(report)}


def again(options, results):
    """Runs once more what may have failed for want of time. The names of what passes now."""
    names = [name for name, (status, _) in results.items() if status == "failed" and AGAIN.match(name)]
    if not 0 < len(names) <= AGAIN_MOST:
        return []
    print("\nonce more, by itself: " + ", ".join(names), flush=True)
    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, "report.xml")
        run_ctest(options, report, names)
        if os.path.exists(report):
            results.update(read_results(report))
    return [name for name in names if results[name][0] != "failed"]


def summarise(results, second, build):
    """(passed, failed) over results, after naming what was skipped, what failed, and what passed at its second run."""
    total_passed = total_failed = 0
    skipped, broken = [], []
    for name, (status, output) in results.items():
        if status == "skipped":
            skipped.append(name)
            continue
        passed, failed = count(output, status == "passed")
        total_passed += passed
        total_failed += failed
        if failed:
            broken.append(name)
            keep_failure(build, name, output)
    print()
    if skipped:
        print("skipped: " + ", ".join(skipped))
    if second:
        print("passed when run again: " + ", ".join(second))
    if broken:
        print("failed: " + ", ".join(broken))
    return total_passed, total_failed


def main():
    parser = argparse.ArgumentParser(description="run ctest and count every single test")
    parser.add_argument("build", help="a configured and built directory, such as build/release")
    parser.add_argument("--label", help="only tests with one of these labels: unit|sim")
    parser.add_argument("--exclude-label", help="no tests with one of these labels")
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 2,
                        help="how many at a time; of tests that mostly wait (PROCESSORS 1), twice as many")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        report = os.path.join(directory, "report.xml")
        code = run_ctest(options, report)
        passed = failed = 0
        if os.path.exists(report):
            try:
                results = read_results(report)
                second = again(options, results)
                code = 0 if second and not any(status == "failed" for status, _ in results.values()) else code
                passed, failed = summarise(results, second, options.build)
            except ElementTree.ParseError as error:
                print(f"the test report cannot be read: {error}", file=sys.stderr)
                failed = 1
        if passed + failed == 0:
            print(f"no test ran in {options.build}", file=sys.stderr)
            failed = 1
        elif code != 0 and failed == 0:
            print(f"ctest ended with code {code}", file=sys.stderr)
            failed = 1
    tally(passed, failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
