"""Instructions of a segment, a message and an opening beside bench/baseline: none may grow by more than 3 % but on purpose.

    baseline_test.py           compares; 77: cannot be counted here
    baseline_test.py --write   writes bench/baseline anew (make baseline); the change then says why

Counts are of one compiler and its flags, and of nothing else: the C library's own are left out. TERN_BENCH is the
program; it says itself what built it, and bench/baseline has a line of that.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BASELINE = os.path.join(HERE, "baseline")
BENCH = os.environ.get("TERN_BENCH", os.path.join(HERE, "../build/release/tern-bench"))
MOST = 1.03
SKIPPED = 77


def compiler():
    return subprocess.run([BENCH, "--built-by"], capture_output=True, text=True, timeout=10, check=True).stdout.strip()


def counted():
    """{metric: instructions}, empty where nothing could count them."""
    out = subprocess.run([BENCH, "--json", "instructions"], capture_output=True, text=True, timeout=300, check=True)
    return {row["metric"]: row["tern"] for row in json.loads(out.stdout) if row["unit"] == "instr"}


def read(lines):
    """What a baseline holds: (built by, {metric: instructions})."""
    built_by, figures = "", {}
    for line in lines:
        text = line.strip()
        if text.startswith("built by "):
            built_by = text[len("built by "):]
        elif text and not text.startswith("#"):
            figure, metric = text.split(None, 1)
            figures[metric] = float(figure)
    return built_by, figures


def faults(before, now):
    """Sentences about what grew, and about what one of them does not have."""
    said = [f"{metric}: in bench/baseline, but not counted" for metric in before.keys() - now.keys()]
    said += [f"{metric}: counted, but not in bench/baseline" for metric in now.keys() - before.keys()]
    for metric in before.keys() & now.keys():
        if now[metric] > before[metric] * MOST:
            said.append(f"{metric}: {now[metric]:.0f} instructions, {now[metric] / before[metric] * 100 - 100:+.1f} % "
                        f"of the {before[metric]:.0f} in bench/baseline")
    return sorted(said)


def write(figures):
    with open(BASELINE, encoding="ascii") as file:
        head = [line for line in file if line.startswith("#")]
    with open(BASELINE, "w", encoding="ascii") as file:
        file.writelines(head)
        file.write(f"built by {compiler()}\n")
        file.writelines(f"{figure:8.0f}  {metric}\n" for metric, figure in figures.items())


def compare(figures, before):
    for metric, figure in figures.items():
        print(f"{figure:8.0f}  {figure / before.get(metric, figure) * 100 - 100:+6.1f} %  {metric}")
    said = faults(before, figures)
    if said:
        print("\n".join(said))
        print("If that is worth it: make baseline, and say why where it is committed.")
    return 1 if said else 0


def check_self():
    """The comparison finds what it is there for."""
    assert read(["# x\n", "built by a b\n", "  12  m, n\n"]) == ("a b", {"m, n": 12.0})
    assert not faults({"a": 100.0, "b": 50.0}, {"a": 102.9, "b": 10.0})
    assert len(faults({"a": 100.0}, {"a": 103.1})) == 1
    assert len(faults({"a": 100.0}, {"b": 100.0})) == 2


def main():
    check_self()
    if not os.path.exists(BENCH):
        print("skipped: tern-bench is not built")
        return SKIPPED
    with open(BASELINE, encoding="ascii") as file:
        built_by, before = read(file)
    writes = sys.argv[1:] == ["--write"]
    if built_by != compiler() and not writes:
        print(f"skipped: bench/baseline was built by '{built_by}', this by '{compiler()}'")
        return SKIPPED
    figures = counted()
    if not figures:
        print("skipped: valgrind is missing, or the build is sanitized: nothing counts instructions")
        return SKIPPED
    if writes:
        write(figures)
        return 0
    return compare(figures, before)


if __name__ == "__main__":
    sys.exit(main())
