#!/usr/bin/env python3
"""What `make bench` does with the figures: keeps them in bench/results.json, draws bench/report.svg and makes the
README's table of them.

Each row carries its own date. A run replaces the rows that it measured and leaves the others, so that what takes
hours (--full) stays beside what takes minutes, each with its date.

usage: report.py [--run TERN-BENCH [ARGUMENT...]] | [--check]

  without either   draws and writes from bench/results.json as it is
  --run            measures first: runs this tern-bench with these arguments
  --check          writes nothing; fails where the README or the chart are not what the results give
  --into FOLDER    bench/results.json, bench/report.svg and README.md under another folder (tests)
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import chart  # noqa: E402
import table  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Files:
    def __init__(self, folder):
        self.results = os.path.join(folder, "bench", "results.json")
        self.picture = os.path.join(folder, "bench", "report.svg")
        self.page = os.path.join(folder, "README.md")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def as_text(data):
    """One row a line, so that a difference of two runs can be read."""
    head = {key: value for key, value in data.items() if key != "rows"}
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in data["rows"])
    return json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": [\n' + lines + "\n]}\n"


def merged(old, new):
    """The new rows in the place of their old ones; those that are only in one stay."""
    def name(row):
        return row["workload"], row["metric"]
    fresh = {name(row): row for row in new["rows"]}
    kept = [fresh.pop(name(row), row) for row in old["rows"]]
    return {**new, "rows": kept + list(fresh.values())}


# What stands in memory is found through page tables, which cost more than the records of a million connections where
# its pages are of 4 KiB: whoever has so many sets this too (tern/loop.h). The peers run with it as tern does.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def measure(files, command):
    """Runs it; its table goes to standard output as it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "results.json")
        if subprocess.run(command + ["--results", path], check=False, env={**HUGE_PAGES, **os.environ}).returncode != 0:
            sys.exit(f"bench/report.py: {command[0]} failed; nothing was written")
        new = json.loads(read(path))
    old = json.loads(read(files.results)) if os.path.exists(files.results) else {"rows": []}
    write(files.results, as_text(merged(old, new)))


def stale(files, data):
    """The files that are not what the results give."""
    if read(files.page) != table.put_into(read(files.page), data):
        yield files.page
    if not os.path.exists(files.picture) or read(files.picture) != chart.made(data):
        yield files.picture


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1], add_help=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--into", default=ROOT)
    parser.add_argument("--run", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    files = Files(options.into)
    if options.run:
        measure(files, options.run)
    if not os.path.exists(files.results):
        sys.exit(f"bench/report.py: there is no {files.results} (make bench makes it)")
    data = json.loads(read(files.results))
    if options.check:
        for path in (wrong := list(stale(files, data))):
            print(f"{path}: not what bench/results.json gives (python3 bench/report.py makes it)", file=sys.stderr)
        sys.exit(1 if wrong else 0)
    write(files.page, table.put_into(read(files.page), data))
    write(files.picture, chart.made(data))


if __name__ == "__main__":
    main()
