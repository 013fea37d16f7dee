#!/usr/bin/env python3
"""The house rules that a machine can check (docs/ARCHITECTURE.md, CONTRIBUTING.md).

usage: tidy.py [--shared LIBTERN.SO] [--static LIBTERN.A] [ROOT]

Prints `file:line: what` for each breach and exits 1 if there was one:

  arrow      an include that points up or across, a public header that is not the includer's to see
  system     a header of the operating system or of libc's hosted part, in a room that is freestanding
  length     a file over 800 lines, a function over 70, a line over 120 columns
  citation   an RFC citation that cannot be parsed, a section that RFC 9293 has not, a MUST-n that is none
  export     a name that libtern.so or libtern.a shows and that does not begin with tern_

It reads text and knows C only as far as these rules need.
"""

import argparse
import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass

FILE_LINES = 800
FUNCTION_LINES = 70
COLUMNS = 120      # the taste is 110
TAB = 8

# --- the arrows ----------------------------------------------------------------------------------

CORE = {"base", "wire", "tcp", "ip", "host"}
OPEN = {"base", "wire"}     # rooms without a connection in them: pure functions that the upper rooms use too

# Which rooms of src/ a room may include. Above host/ the stack is reached through include/tern/ alone.
ROOMS = {
    "base": {"base"},
    "wire": {"wire", "base"},
    "tcp": {"tcp", "wire", "base"},
    "ip": {"ip", "wire", "base"},
    "host": {"host", "tcp", "ip", "wire", "base"},
    "link": {"link"} | OPEN,
    "watch": {"watch"} | OPEN,
    "loop": {"loop", "link"} | OPEN,
    "record": {"record", "watch", "link"} | OPEN,
    "gateway": {"gateway", "loop", "link", "watch"} | OPEN,
    "option": {"option"} | OPEN,
    "lab": {"lab", "option", "record", "loop", "link", "watch"} | OPEN,
    "play": {"play", "loop", "link", "watch"} | OPEN,
    "dpdk": {"dpdk", "link"},
    "sockets": {"sockets"} | OPEN,
    "packetdrill": {"packetdrill", "sockets"} | OPEN,
    "script": {"script", "sockets", "packetdrill", "record", "loop", "link", "watch"} | OPEN,
    "trace": {"trace", "watch"} | OPEN,
    "perf": {"perf", "loop"} | OPEN,
}
ROOMS["tool"] = set(ROOMS) - CORE | {"tool"} | OPEN

# Headers of include/tern/ that hold types alone: every layer may see them. The others are the door into the
# stack, for host/ (which is behind it) and whatever stands above.
TYPE_HEADERS = {"types.h", "watch.h", "config.h", "stats.h", "status.h", "packet.h", "options.h",
                "congestion.h"}
BELOW_THE_DOOR = {"base", "wire", "tcp", "ip"}

# What a freestanding implementation has (C17 4p6), and the compilers' own vector headers.
FREESTANDING_HEADERS = {
    "float.h", "iso646.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdnoreturn.h", "stdatomic.h", "immintrin.h", "emmintrin.h", "smmintrin.h", "tmmintrin.h", "arm_neon.h",
    "arm_acle.h",
}
FREESTANDING_FILES = re.compile(r"^src/link/(pair|impair|flat)\w*\.[ch]$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')

# --- citations -----------------------------------------------------------------------------------

IDS = {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}
REQUIREMENT = re.compile(r"\b(MUST|SHLD|MAY|REC|SHOULD|SHALL)-(\d+)(?:-\d+)?\b")

# How deep RFC 9293 goes: a section with sub-sections and the number of the last of them.
RFC_9293 = {
    "": 7, "1": 1, "2": 2, "3": 10, "3.3": 2, "3.4": 3, "3.5": 3, "3.6": 1, "3.7": 5, "3.8": 6, "3.8.6": 3,
    "3.8.6.2": 2, "3.9": 2, "3.9.1": 9, "3.9.2": 3, "3.10": 8, "3.10.7": 4,
}

# In small letters it is a word of its own (a profile's name) unless a number follows.
RFC_WORD = re.compile(r"\b(?:RFCs?\b|rfc(?= ?\d))")
# The word alone: "the RFC's order", "RFC variables", "the RFCs want"; a digit or sign after it is a citation.
RFC_AS_WORD = re.compile(r"\bRFC(?:'s?\b|s'?)?(?=[\s,.;:)!?\"'\]`*/]|$)(?!\s*[\d§#-])")
RFC_CITATION = re.compile(r"\bRFCs? (\d+)\b(?!\d)")
SECTION = re.compile(r"(?:,? ?(?:and |or |to )?|-)(\d+(?:\.\d+)+|[A-Z](?:\.\d+)+)(?![\d.]*\d)")
# A further number with no section to it: "RFC 5681, 6582".
FURTHER = re.compile(r"(?:,? and |,? or |, |/)(\d{3,4})(?![\d.]*\d)(?!\s*(?:ms|s|ns|bytes|octets|lines|%))")
FIRST_SECTION = re.compile(r" ([1-9]\d?|[A-Z])(?=[\s,.;:)]|$)(?!\s?(?:=|/))")
BAD_AFTER = re.compile(r"\s*(?:§|#|,?\s*(?:[Ss]ect?(?:ion)?s?\.?|[Ss]ec\.|[Aa]ppendix) ?\d)")

SOURCE_SUFFIXES = (".c", ".h")
TEXT_SUFFIXES = (".c", ".h", ".md", ".scd", ".py")
# Where the project's own text is: build trees may lie anywhere else.
DIRECTORIES = ("include", "src", "tests", "bench", "examples", "tools", "docs", "man")
# These hold bad samples on purpose.
SAMPLE_FILES = {"tools/tidy.py", "tools/tidy_test.py", "tools/ledger.py", "tools/ledger_test.py"}


@dataclass(frozen=True)
class Breach:
    path: str
    line: int
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


# --- reading C -----------------------------------------------------------------------------------

C_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(match):
    """Spaces for everything but the line ends, so that offsets and line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group())


def without_comments_and_strings(text):
    return C_TOKEN.sub(blank, text)


def without_directives(text):
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", blank, text, flags=re.M)


def function_name(head):
    """The name, where the text before a `{` at file level is a function's head; else None."""
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", head, flags=re.S).strip()
    if not head.endswith(")") or "=" in head:
        return None
    name = re.search(r"(\w+)\s*\(", head)
    return name.group(1) if name else None


def functions(text):
    """Yields (name, first line, line count) for each function that a C text defines."""
    code = without_directives(without_comments_and_strings(text))
    depth, head_start, opened_at, name = 0, 0, 0, None
    for match in re.finditer(r"[{};]", code):
        mark, at = match.group(), match.start()
        if mark == "{":
            if depth == 0:
                head = code[head_start:at]
                if re.fullmatch(r"\s*extern\s*", head):     # extern "C" { opens no block
                    head_start = at + 1
                    continue
                name = function_name(head)
                opened_at = head_start + len(head) - len(head.lstrip())
            depth += 1
        elif mark == "}":
            if depth == 0:                                  # the end of extern "C"
                head_start = at + 1
                continue
            depth -= 1
            if depth == 0:
                if name:
                    first = code.count("\n", 0, opened_at) + 1
                    yield name, first, code.count("\n", 0, at) + 1 - first + 1
                    head_start = at + 1
                name = None
        elif depth == 0:
            head_start = at + 1


# --- the rules -----------------------------------------------------------------------------------

def room_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def check_public_include(path, room, header):
    if header in TYPE_HEADERS:
        return None
    if room in BELOW_THE_DOOR:
        return f"{room}/ may see only the type headers of include/tern/, and <tern/{header}> is not one"
    if path.startswith("include/tern/") and os.path.basename(path) in TYPE_HEADERS:
        return f"a type header may include only type headers, and <tern/{header}> is not one"
    return None


def check_inner_include(path, room, target):
    if path.startswith("include/"):
        return f'a public header includes "{target}", which is not installed'
    if "/" not in target:
        return f'include "{target}" by its room: "{room}/{target}"'
    to = target.split("/")[0]
    if to not in ROOMS:
        return f'include of "{target}": there is no room src/{to}/ (public headers are <tern/...>)'
    if to not in ROOMS[room]:
        return f"wrong arrow: {room}/ includes {to}/ (it may include {', '.join(sorted(ROOMS[room]))})"
    return None


def check_includes(path, text):
    room = room_of(path)
    if not path.startswith(("src/", "include/")):
        return
    if path.startswith("src/") and room is not None and room not in ROOMS:
        yield Breach(path, 1, f"src/{room}/ has no row in the arrow table of tools/tidy.py")
        return
    freestanding = room in CORE or path.startswith("include/") or FREESTANDING_FILES.match(path)
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        bracket, target = match.groups()
        what = None
        if target.startswith("tern/"):
            what = check_public_include(path, room, target[len("tern/"):])
            if bracket == '"':
                what = f"a public header is included as <{target}>"
        elif bracket == '"':
            what = check_inner_include(path, room, target)
        elif freestanding and target not in FREESTANDING_HEADERS:
            what = f"<{target}> in a freestanding room: no I/O, no clock, no libc but base/bytes.h"
        if what:
            yield Breach(path, number, what)


def check_lengths(path, text):
    lines = text.splitlines()
    if len(lines) > FILE_LINES:
        yield Breach(path, FILE_LINES + 1, f"file of {len(lines)} lines; {FILE_LINES} are the limit")
    if path.endswith(SOURCE_SUFFIXES):
        for number, line in enumerate(lines, 1):
            width = len(line.expandtabs(TAB))
            if width > COLUMNS:
                yield Breach(path, number, f"line of {width} columns; {COLUMNS} are the limit")
        for name, first, length in functions(text):
            if length > FUNCTION_LINES:
                yield Breach(path, first, f"{name}() has {length} lines; {FUNCTION_LINES} are the limit")
    elif path.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield Breach(path, node.lineno,
                                 f"{node.name}() has {length} lines; {FUNCTION_LINES} are the limit")


def section_exists(section):
    """Whether RFC 9293 has it. Appendices are A.1 to A.4 and B."""
    if not section[0].isdigit():
        return re.fullmatch(r"A(\.[1-4])?|B", section) is not None
    parent = ""
    for part in section.split("."):
        last = RFC_9293.get(parent, 0)
        if not 1 <= int(part) <= last:
            return False
        parent = f"{parent}.{part}" if parent else part
    return True


def follow_citation(text, at):
    """Reads the rest of a citation: yields each section, and None at each further RFC number."""
    first = FIRST_SECTION.match(text, at)
    match = SECTION.match(text, at)
    if first and not (match and match.end() > first.end()):
        yield first.group(1)
        at = first.end()
    while True:
        match = SECTION.match(text, at)
        if match:
            yield match.group(1)
        else:
            match = FURTHER.match(text, at)
            if not match:
                return
            yield None
        at = match.end()


def check_citation(text, at):
    """What is wrong with the citation at text[at:], or None."""
    match = RFC_CITATION.match(text, at)
    if not match:
        if RFC_AS_WORD.match(text, at):
            return None
        return f"cannot parse the citation \"{text[at:at + 24].strip()}\"; write RFC 9293 3.10.7.4"
    number = int(match.group(1))
    if not 1 <= number <= 9999:
        return f"there is no RFC {number}"
    if BAD_AFTER.match(text, match.end()):
        return f"cannot parse the section in \"{text[at:at + 28].strip()}\"; write RFC 9293 3.10.7.4"
    for section in follow_citation(text, match.end()):
        if section is None:
            break
        if number == 9293 and not section_exists(section):
            return f"RFC 9293 has no section {section}"
    return None


def unwrapped(text):
    """The text with line ends (and a comment's leading star) as blanks, offsets kept up to a final collapse."""
    return re.sub(r"\n[ \t]*(?:\*(?!/)|//|#)?[ \t]*", lambda m: " " + "\0" * (len(m.group()) - 1), text)


def check_citations(path, text):
    if path in SAMPLE_FILES:
        return
    flat = unwrapped(text)
    # Collapse the padding, and remember where each character came from.
    origin = [i for i, c in enumerate(flat) if c != "\0"]
    flat = flat.replace("\0", "")

    def breach(at, what):
        return Breach(path, text.count("\n", 0, origin[at]) + 1, what)

    for match in RFC_WORD.finditer(flat):
        around = flat[max(match.start() - 1, 0):match.end() + 1]
        if re.search(r"[/_.-]", around.strip()[:1]) or "://" in flat[max(match.start() - 40, 0):match.start()]:
            continue        # part of a file name or an address
        what = check_citation(flat, match.start())
        if what:
            yield breach(match.start(), what)
    for match in re.finditer(r"\bRFC\d+\b(?!-\d)", flat):     # RFC7323-2.2-1 is a tag of the ledger
        yield breach(match.start(), f"cannot parse the citation \"{match.group()}\"; a blank is missing")
    for match in REQUIREMENT.finditer(flat):
        kind, number = match.group(1), int(match.group(2))
        if kind not in IDS:
            yield breach(match.start(), f"{match.group()}: RFC 9293 has MUST-, SHLD-, MAY- and REC- alone")
        elif not 1 <= number <= IDS[kind]:
            yield breach(match.start(), f"{match.group()}: RFC 9293 has {kind}-1 to {kind}-{IDS[kind]}")


def check_exports(library, *, dynamic):
    command = ["nm", "-D" if dynamic else "-g", "--defined-only", library]
    listing = subprocess.run(command, check=True, capture_output=True, text=True)
    names = [line.split() for line in listing.stdout.splitlines()]
    shown = [name[-1].split("@")[0] for name in names if len(name) == 3 and name[1] != "A"]
    for name in shown:
        if not name.startswith("tern_"):
            yield Breach(library, 0, f"exports {name}, which does not begin with tern_")


def check_text(path, text):
    yield from check_includes(path, text)
    yield from check_lengths(path, text)
    yield from check_citations(path, text)


def source_files(root):
    yield from (name for name in sorted(os.listdir(root)) if name.endswith(".md"))
    for top in DIRECTORIES:
        for directory, _, names in sorted(os.walk(os.path.join(root, top))):
            for name in sorted(names):
                if name.endswith(TEXT_SUFFIXES):
                    yield os.path.relpath(os.path.join(directory, name), root).replace(os.sep, "/")


def check_tree(root):
    count = 0
    breaches = []
    for path in source_files(root):
        count += 1
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                breaches += check_text(path, file.read())
        except (UnicodeDecodeError, SyntaxError) as error:
            breaches.append(Breach(path, 1, f"cannot be read: {error}"))
    return count, breaches


def main():
    parser = argparse.ArgumentParser(description="check the house rules")
    parser.add_argument("--shared", help="the built shared library")
    parser.add_argument("--static", help="the built static library")
    parser.add_argument("root", nargs="?", default=os.path.join(os.path.dirname(__file__), ".."))
    options = parser.parse_args()
    if not os.path.isdir(os.path.join(options.root, "src")):
        parser.error(f"{options.root} has no src/")
    count, breaches = check_tree(options.root)
    if options.shared:
        breaches += check_exports(options.shared, dynamic=True)
    if options.static:
        breaches += check_exports(options.static, dynamic=False)
    for breach in breaches:
        print(breach)
    print(f"tidy: {count} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
