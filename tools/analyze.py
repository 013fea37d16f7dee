#!/usr/bin/env python3
"""What two static analyzers say of src/: gcc's -fanalyzer, and clang-tidy (its checks and why: .clang-tidy).

    analyze.py [--jobs N] [--only gcc|clang-tidy] BUILD [FILE...]
    analyze.py --check

Clean is the rule. tools/false_alarms.tsv names what an analyzer has wrong, each with its reason; one that is no longer
raised is a failure too, so that the table stays as short as it can be (with another version of the analyzer than the
table was made with it is only told). An analyzer that is missing is named and skipped. tests/, bench/ and examples/
are left out: what they do wrong ends with them, and the sanitizers run every line of them.

--check runs no analyzer: the table is well formed, and the text of each line is still in its file.

The last line is `N passed, N failed`: a check is one file by one analyzer, or one false alarm that is none any more.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TABLE = os.path.join(ROOT, "tools", "false_alarms.tsv")
VERSIONS = {"gcc": "12", "clang-tidy": "14"}    # those whose false alarms the table holds
SKIPPED = 77
LIMIT = 600  # seconds for one file

# A message may go over several lines (padding tells the better order of the fields on the second).
FINDING = re.compile(r"^([^\s:][^:\n]*\.[ch]):(\d+):(?:\d+:)? (?:warning|error|fatal error): "
                     r"((?:(?!^\S+:\d+:).)*?) \[([\w.,=*+-]+)\]$", re.M | re.S)


@dataclass(frozen=True)
class Alarm:
    """One line of the table."""
    check: str      # as the analyzer calls it
    file: str       # from the project's top
    text: str       # part of the line that the finding names
    reason: str

    @property
    def analyzer(self):
        return "gcc" if self.check.startswith("analyzer-") else "clang-tidy"

    def covers(self, finding):
        return (self.check, self.file) == (finding.check, finding.file) and self.text in finding.text

    def __str__(self):
        return f"{self.file}: '{self.text}' [{self.check}]"


@dataclass(frozen=True)
class Finding:
    check: str
    file: str
    line: int
    message: str
    text: str       # of that line

    def __str__(self):
        return f"{self.file}:{self.line}: {self.message} [{self.check}]"


def lines_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().split("\n")
    except OSError:
        return []


def findings(output, directory):
    """What an analyzer that ran in `directory` has printed."""
    for path, line, message, checks in FINDING.findall(output):
        path = os.path.normpath(os.path.join(directory, path))
        lines, at = lines_of(path), int(line)
        yield Finding(checks.split(",")[0].removeprefix("-W").removesuffix("="), os.path.relpath(path, ROOT), at,
                      " ".join(message.split()), lines[at - 1] if at <= len(lines) else "")


def read_table(path):
    """(the alarms, what is wrong with the table)"""
    alarms, wrong = [], []
    for number, line in enumerate(lines_of(path), 1):
        if not line or line.startswith("#"):
            continue
        fields = line.split("\t")
        where = f"{os.path.relpath(path, ROOT)}:{number}"
        if len(fields) != 4 or not all(field.strip() for field in fields):
            wrong.append(f"{where}: not a check, a file, a text and a reason, with tabs between")
            continue
        alarm = Alarm(*fields)
        if not any(alarm.text in text for text in lines_of(os.path.join(ROOT, alarm.file))):
            wrong.append(f"{where}: no such text in {alarm.file}: '{alarm.text}'")
        if alarm in alarms:
            wrong.append(f"{where}: it stands there twice")
        alarms.append(alarm)
    return alarms, wrong


def gcc(entry):
    words = shlex.split(entry["command"])
    while os.path.basename(words[0]) == "ccache":
        del words[0]
    words[words.index("-o") + 1] = os.devnull
    words[words.index("-c")] = "-S"
    # What the optimizer has joined and turned, the analyzer tells worse: it reads the code as it stands.
    return ["gcc", *words[1:], "-fanalyzer", "-O0", "-U_FORTIFY_SOURCE", "-Wno-error"]


def clang_tidy(entry):
    """Where to look and what is defined: the other flags are gcc's, and some of them not clang's."""
    words = [word for word in shlex.split(entry["command"]) if re.match(r"-(?:I|D|isystem|std=)", word)]
    return ["clang-tidy", "--quiet", f"--config-file={os.path.join(ROOT, '.clang-tidy')}", entry["file"], "--",
            *words]


ANALYZERS = {"gcc": gcc, "clang-tidy": clang_tidy}


def version_of(name):
    done = subprocess.run([name, "--version"], stdout=subprocess.PIPE, check=False, timeout=60)
    found = re.search(r"(\d+)\.\d+\.\d+", done.stdout.decode(errors="replace"))
    return found[1] if found else "?"


def analyze(command, entry):
    """(findings, what else went wrong)"""
    try:
        done = subprocess.run(command, cwd=entry["directory"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT, check=False,
                              env=dict(os.environ, LC_ALL="C"))
    except subprocess.TimeoutExpired:
        return [], f"{entry['file']}: no end within {LIMIT} s"
    output = done.stdout.decode(errors="replace")
    found = list(findings(output, entry["directory"]))
    return found, "" if found or done.returncode == 0 else output


class Run:
    """One analyzer over some files."""

    def __init__(self, name, alarms):
        self.name = name
        self.alarms = [alarm for alarm in alarms if alarm.analyzer == name]
        self.raised, self.told = set(), set()
        self.passed = self.failed = 0

    def take(self, found, trouble):
        """What came of one file."""
        real = set()
        for finding in found:
            covering = [alarm for alarm in self.alarms if alarm.covers(finding)]
            self.raised.update(covering)
            if not covering:
                real.add(finding)
        if trouble:
            print(trouble, flush=True)
        for finding in sorted(real - self.told, key=str):     # one in a header is raised by each file that has it
            print(finding, flush=True)
        self.told |= real
        if real or trouble:
            self.failed += 1
        else:
            self.passed += 1

    def over(self, entries, jobs):
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            todo = [pool.submit(analyze, ANALYZERS[self.name](entry), entry) for entry in entries]
            for done in concurrent.futures.as_completed(todo):
                self.take(*done.result())
        print(f"{self.name}: {len(entries)} files, {len(self.told)} findings, {len(self.raised)} false alarms",
              flush=True)

    def end(self, version):
        """After all files: the alarms that were never raised."""
        for alarm in self.alarms:
            if alarm in self.raised:
                continue
            if version == VERSIONS[self.name]:
                self.failed += 1
                print(f"no longer raised, take it out of the table: {alarm}")
            else:
                print(f"not raised by {self.name} {version} (it was by {VERSIONS[self.name]}): {alarm}")


def entries_of(build, chosen):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = {entry["file"]: entry for entry in json.load(file)
                   if os.path.relpath(entry["file"], ROOT).startswith("src" + os.sep)}   # once, for either library
    chosen = {os.path.abspath(name) for name in chosen}
    return [entry for name, entry in sorted(entries.items()) if not chosen or os.path.abspath(name) in chosen]


def run_all(options, alarms):
    """(passed, failed) of those there are; None where there is no analyzer."""
    runs = []
    entries = entries_of(options.build, options.file)
    for name in sorted(ANALYZERS):
        if options.only and name != options.only:
            continue
        if not shutil.which(name):
            print(f"skipped: there is no {name}")
            continue
        run = Run(name, alarms)
        run.over(entries, options.jobs)
        if not options.file:
            run.end(version_of(name))
        runs.append(run)
    return (sum(run.passed for run in runs), sum(run.failed for run in runs)) if runs else None


def main():
    parser = argparse.ArgumentParser(description="gcc -fanalyzer and clang-tidy over src/")
    parser.add_argument("build", nargs="?", default="build/release", help="a configured directory")
    parser.add_argument("file", nargs="*", help="these alone")
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--only", choices=sorted(ANALYZERS), help="one of the two")
    parser.add_argument("--check", action="store_true", help="the table alone")
    options = parser.parse_args()
    alarms, wrong = read_table(TABLE)
    for line in wrong:
        print(line)
    counts = (len(alarms), 0) if options.check else run_all(options, alarms)
    if counts is None:
        return SKIPPED
    passed, failed = counts[0], counts[1] + len(wrong)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
