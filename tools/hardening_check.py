#!/usr/bin/env python3
"""What release hardening leaves to be seen in a built program or shared library, by readelf.

    hardening_check.py [--flags COMPILE_COMMANDS] [--archive LIB.A] ELF...

  PIE       a program is position independent
  RELRO     the tables of addresses are read-only once it runs, all of them: GNU_RELRO with BIND_NOW
  NX        the stack is not executable, and no segment is both writable and executable
  SSP       functions with arrays check their canary: __stack_chk_fail is asked for
  FORTIFY   libc's checking versions (__memcpy_chk and its kin) are asked for
  CET       x86-64: each object of an archive was compiled for IBT and SHSTK (a linked program says so only where
            libc's own start files do, which Debian 12's do not)
  flags     what leaves no trace in the file: -fstack-clash-protection, -ftrivial-auto-var-init=zero

The core calls memcpy and its kin as the compiler's own (base/bytes.h), which FORTIFY, a matter of libc's headers,
does not see: it is looked for in the programs alone. Names each thing that is missing, and exits with 1.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys

CHECKED = re.compile(r"\b__(?:mem(?:cpy|move|set)|str(?:n?cpy|n?cat)|v?s?n?printf|v?fprintf|read|recv|recvfrom|poll|"
                     r"fdelt|realpath|pread(?:64)?|fread)_chk\b")
FLAGS = ("-fstack-clash-protection", "-fstack-protector-strong", "-ftrivial-auto-var-init=zero")
# Of the last the core has none: cmake/TernFlags.cmake says what it would cost there.
WITHOUT_INIT = re.compile(r"/src/(?:base|wire|tcp|ip|host)/")


def readelf(path, *options):
    return subprocess.run(["readelf", "--wide", *options, path], capture_output=True, text=True, timeout=60,
                          check=True).stdout


def missing_in(path):
    """What an ELF file lacks."""
    header, segments = readelf(path, "--file-header"), readelf(path, "--program-headers")
    dynamic, symbols = readelf(path, "--dynamic"), readelf(path, "--dyn-syms")
    is_program = "INTERP" in segments
    missing = []
    if is_program and not (re.search(r"Type:\s+DYN", header) and re.search(r"FLAGS_1.*\bPIE\b", dynamic)):
        missing.append("PIE")
    if "GNU_RELRO" not in segments:
        missing.append("RELRO")
    if not re.search(r"BIND_NOW|FLAGS_1.*\bNOW\b", dynamic):
        missing.append("BIND_NOW")
    if "TEXTREL" in dynamic:
        missing.append("text without relocations")
    if not re.search(r"GNU_STACK.* RW\s+0x", segments) or re.search(r"^\s+LOAD .* RWE\s", segments, re.M):
        missing.append("NX")
    if "__stack_chk_fail" not in symbols and "__stack_chk_guard" not in symbols:
        missing.append("SSP")
    if is_program and not CHECKED.search(symbols):
        missing.append("FORTIFY")
    return missing


def members_without_cet(path):
    """The objects of an archive that were not compiled for it; none on other processors."""
    listing = readelf(path, "--file-header", "--notes")
    members = re.split(r"^File: ", listing, flags=re.M)[1:]
    return [member.splitlines()[0] for member in members
            if "X86-64" in member and not re.search(r"x86 feature:.*IBT.*SHSTK", member)]


def flags_missing(path):
    """(file, flag) for what src/ is compiled without."""
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)
    missing = []
    for entry in entries:
        if "/src/" not in entry["file"]:
            continue
        wanted = FLAGS[:-1] if WITHOUT_INIT.search(entry["file"]) else FLAGS
        words = shlex.split(entry["command"])
        missing += [(os.path.relpath(entry["file"], entry["directory"]), flag) for flag in wanted if flag not in words]
    return missing


def main():
    parser = argparse.ArgumentParser(description="release hardening of built programs")
    parser.add_argument("elf", nargs="*")
    parser.add_argument("--flags", help="compile_commands.json of the build")
    parser.add_argument("--archive", action="append", default=[], help="a static library, looked at for CET")
    options = parser.parse_args()
    wrong = 0
    for path in options.elf:
        missing = missing_in(path)
        wrong += len(missing)
        if missing:
            print(f"{path}: without {', '.join(missing)}")
    for path in options.archive:
        for member in members_without_cet(path):
            wrong += 1
            print(f"{member}: without CET")
    for name, flag in flags_missing(options.flags) if options.flags else []:
        wrong += 1
        print(f"{name}: compiled without {flag}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
