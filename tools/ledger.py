#!/usr/bin/env python3
"""The ledger, docs/RFC.md: each requirement of the RFCs -> where it is met -> what shows it.

What is asked stands in tests/ledger/*.tsv, one file for each RFC: id, level, section, what it asks, and a note where
it is not simply met:

    departs: WHY    met in another way; has its function and its test like any other
    omitted: WHY    left out on purpose
    not ours: WHY   asked of somebody else: an application, an operator, a document

Where it is met is said by tags: the id in a comment in the function or above it (src/), and in a test's name, head or
body (tests/). RFC 9293 numbers its requirements itself (MUST-14); those of other RFCs are tagged with their section
and a number of our own (RFC7323-2.2-1).

`tools/ledger.py` writes docs/RFC.md; `--check` fails where that would change it, where a tag names no requirement,
and where a requirement that is neither omitted nor somebody else's lacks its function or its test.
"""

import argparse
import glob
import os
import re
import sys
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = "docs/RFC.md"
TABLES = "tests/ledger"
GENERATED = "tests/script/segments/"

TAG = re.compile(r"\b(?:(?:MUST|SHLD|MAY|REC)-\d+(?!\d)|RFC\d{4}-\d[\d.]*-\d+)\b")
NOTES = ("departs", "omitted", "not ours")
# Sentences for people, samples that are wrong on purpose, and this tool and its test.
NO_TAGS = {"src/watch/catalogue_en.c", "src/watch/catalogue_zh.c"}

C_WORDS = {"if", "for", "while", "switch", "return", "sizeof", "else", "case", "do"}
HEAD = re.compile(r"^[A-Za-z_][\w \t*]*?\b(\w+)\(", re.M)


@dataclass
class Requirement:
    id: str
    level: str
    section: str
    asks: str
    note: str
    functions: list = field(default_factory=list)
    tests: list = field(default_factory=list)

    @property
    def kind(self):
        return self.note.split(":")[0] if self.note else "met"

    @property
    def needs_proof(self):
        return self.kind in ("met", "departs")


def read_requirements(root):
    """{rfc: [Requirement]} in the order of the files; ValueError names the line that cannot be read."""
    rfcs = {}
    for path in sorted(glob.glob(os.path.join(root, TABLES, "rfc*.tsv")), key=lambda p: ("9293" not in p, p)):
        rfc = re.search(r"rfc(\d+)", os.path.basename(path)).group(1)
        rows = rfcs.setdefault(rfc, [])
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                cells = line.rstrip("\n").split("\t")
                if line.startswith("#") or not line.strip():
                    continue
                where = f"{os.path.relpath(path, root)}:{number}"
                if len(cells) not in (4, 5) or not TAG.fullmatch(cells[0]):
                    raise ValueError(f"{where}: id, level, section, what it asks and perhaps a note, by tabs")
                row = Requirement(*cells[:4], cells[4] if len(cells) == 5 else "")
                if row.note and row.note.split(":")[0] not in NOTES:
                    raise ValueError(f"{where}: a note begins with {', '.join(NOTES)}")
                rows.append(row)
    return rfcs


# --- where a tag stands ---------------------------------------------------------------------------

def name_in_c(text, at):
    """The function that holds text[at], or whose head the comment there stands above; else what is declared there."""
    heads = [(m.start(), m.group(1)) for m in HEAD.finditer(text) if m.group(1) not in C_WORDS]
    close = text.rfind("\n}", 0, at)
    inside = [name for start, name in heads if close < start < at and "{" in text[start:at] and
              ";" not in text[start:text.find("{", start)]]
    if inside:
        return inside[-1] + "()"
    line_start = text.rfind("\n", 0, at) + 1
    before = text[line_start:at]
    if "/*" in before and before.split("/*")[0].strip():
        code = before.split("/*")[0]        # a comment beside code
    else:
        end = text.find("*/", at)
        code = text[end + 2:].lstrip("\n") if end >= 0 else text[at:]
        head = HEAD.match(code)
        if head:
            return head.group(1) + "()"
        code = code.split("\n")[0]
    call = HEAD.match(code)
    if call:
        return call.group(1) + "()"
    words = re.findall(r"[A-Za-z_]\w*", re.sub(r"\[.*?\]|:\s*\d+|\".*?\"|=.*", "", code))
    return words[-1] if words else ""


def name_in_python(text, at):
    """The test method that holds text[at], or the next one below a comment."""
    inside = re.findall(r"^ *def (\w+)", text[:at], re.M)
    return inside[-1] + "()" if inside else ""


def is_comment(text, at):
    """Whether text[at] stands in a C comment."""
    opened, closed = text.rfind("/*", 0, at), text.rfind("*/", 0, at)
    line = text[text.rfind("\n", 0, at) + 1:at]
    return opened > closed or "//" in line


def tags_of(path, text):
    """Yields (tag, where) of one file; what stands in a string of src/ is no tag."""
    for match in TAG.finditer(text):
        at, where = match.start(), path
        if path.endswith((".c", ".h")):
            if path.startswith(("src/", "include/")) and not is_comment(text, at):
                continue
            name = name_in_c(text, at)
            where = f"{path} {name}" if name else path
        elif path.endswith(".py"):
            name = name_in_python(text, at)
            where = f"{path} {name}" if name else path
        yield match.group(), where


def files(root):
    for top in ("include", "src", "tests"):
        for directory, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(directory, name), root).replace(os.sep, "/")
                if name.endswith((".c", ".h", ".py", ".pkt")) and path not in NO_TAGS:
                    yield path


def collect(root, rfcs):
    """Fills in the functions and tests; returns what is wrong with the tags."""
    by_id = {row.id: row for rows in rfcs.values() for row in rows}
    wrong = []
    for path in files(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
        for tag, where in tags_of(path, text):
            row = by_id.get(tag)
            if row is None:
                wrong.append(f"{where}: {tag} is no requirement of {TABLES}/")
                continue
            places = row.tests if path.startswith("tests/") else row.functions
            if path.startswith(GENERATED):
                where = GENERATED
            if where not in places:
                places.append(where)
    return wrong


# --- the verdict and the page ---------------------------------------------------------------------

def missing(rfcs):
    """What a requirement lacks, in sentences."""
    found, seen = [], set()
    for row in (row for rows in rfcs.values() for row in rows):
        if row.id in seen:
            found.append(f"{row.id} stands twice in {TABLES}/")
        seen.add(row.id)
        if not row.needs_proof:
            continue
        if not any(where.startswith("src/") for where in row.functions):
            found.append(f"{row.id} ({row.asks}): no function of src/ bears its tag")
        if not row.tests:
            found.append(f"{row.id} ({row.asks}): no test bears its tag")
    return found


def shorten(places, most):
    """A table's cell: file and function, the file once; `and N more` past so many."""
    cells = []
    for where in places:
        path, _, name = where.partition(" ")
        short = re.sub(r"^(src|tests)/", "", path)
        cells.append(f"`{short}` {name}".strip())
    if len(cells) > most:
        cells = cells[:most] + [f"and {len(cells) - most} more"]
    return "; ".join(cells)


def status(row):
    return "met" if not row.note else row.note.replace("|", "\\|")


def page(rfcs):
    rows = [row for rows in rfcs.values() for row in rows]
    count = {kind: sum(row.kind == kind for row in rows) for kind in ("met",) + NOTES}
    out = ["# The ledger", "",
           "What the RFCs ask, where tern does it, and what shows that it does. Made by `tools/ledger.py` from the tags in the",
           "code and the tests and from `tests/ledger/`: do not edit. The test run fails where this page is out of date, where",
           "a tag names no requirement, and where a requirement has neither a function with a test nor a reason.", "",
           f"{len(rows)} requirements: {count['met']} met, {count['departs']} met in another way, {count['omitted']} "
           f"omitted with their reason, {count['not ours']} asked of others."]
    for rfc, rows in rfcs.items():
        out += ["", f"## RFC {rfc}", "", "| id | level | section | what it asks | function | test | status |",
                "|---|---|---|---|---|---|---|"]
        for row in rows:
            functions = [w for w in row.functions if w.startswith("src/")] or row.functions
            out.append(f"| {row.id} | {row.level} | {row.section} | {row.asks.replace('|', chr(92) + '|')} | "
                       f"{shorten(functions, 3)} | {shorten(row.tests, 3)} | {status(row)} |")
    return "\n".join(out) + "\n"


def check(root):
    """(sentences about what is wrong, the page as it should be)"""
    rfcs = read_requirements(root)
    wrong = collect(root, rfcs) + missing(rfcs)
    return wrong, page(rfcs)


def main():
    parser = argparse.ArgumentParser(description="make docs/RFC.md from the tags in code and tests")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something is missing or stale")
    parser.add_argument("root", nargs="?", default=ROOT)
    options = parser.parse_args()
    wrong, made = check(options.root)
    path = os.path.join(options.root, PAGE)
    if options.check:
        with open(path, encoding="utf-8") as file:
            if file.read() != made:
                wrong.append(f"{PAGE} is out of date: run tools/ledger.py")
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(made)
    for line in wrong:
        print(line)
    print(f"ledger: {len(wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
