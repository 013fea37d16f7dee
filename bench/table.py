"""The README's table of bench/results.json: between two markers, and nothing there is written by hand."""

import rows

BEGIN, END = "<!-- made by bench/report.py of bench/results.json: begin -->", "<!-- made by bench/report.py: end -->"
HEAD = "| | tern | range | target | frames | peers, and how many times as good tern is |\n|---|---:|---:|---:|---:|---|\n"


def _target(row):
    if row["target"] is None:
        return ""
    bound = "≥ " if row["better"] == "higher" else "≤ "
    return bound + rows.figure(row["target"]) + ("" if rows.is_met(row) else " **short**")


def _peer(name, peer):
    frames = f", {peer['frames']:.2f} frames" if peer.get("frames") else ""
    return f"{name} {rows.figure(peer['median'])} ({rows.figure(peer['ratio'])}×{frames})"


def _line(row, measured):
    if measured is None:
        return f"| {row.label} | not measured | | | | |\n"
    peers = ", ".join(_peer(name, peer) for name, peer in measured["peers"].items())
    frames = f"{measured['frames']:.2f}" if measured.get("frames") else ""
    span = f"{rows.figure(measured['low'])}–{rows.figure(measured['high'])}"
    share = ""
    if measured.get("passes"):
        share = f", {100 * measured['tern'] / measured['passes']:.0f} % of its passes"
    return (f"| {row.label} | **{rows.figure(measured['tern'])}**{share} | {span} | {_target(measured)} | {frames} | "
            f"{peers} |\n")


def _short(results):
    """What bounds those that are short of their targets, as far as it is known; a reason that several share, once."""
    for group, pairs in rows.found(results):
        labels = {}
        for row, measured in pairs:
            if measured and rows.is_met(measured) is False and row.bound:
                labels.setdefault(row.bound, []).append(row.label)
        for bound, rows_of_it in labels.items():
            yield f"- {group.title} ({'; '.join(rows_of_it)}): {bound}.\n"


def _versions(results):
    """Each peer by what stands before its settings, with its version."""
    named = {}
    for row in results:
        for name, peer in row["peers"].items():
            named.setdefault(name.split(",")[0], peer["version"])
    return ", ".join(f"{name} {version}" for name, version in sorted(named.items()))


def _method(data):
    """How, when and where: of the rows that are in the table."""
    shown = [m for _, pairs in rows.found(data["rows"]) for _, m in pairs if m]
    dates = sorted({row["date"][:10] for row in shown})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    copy, add = (sorted(row[what] for row in shown) for what in ("memcpy", "sum"))
    load = max(row["load"] for row in shown)
    beside = _versions(shown)
    return (
        f"Medians of {data['rounds']} rounds and their range, {when}, {data['machine']}; tern {data['tern']}"
        f"{', beside ' + beside if beside else ''}. Each round runs tern and then its peers; in-process rows are on the "
        "CPU clock, the device, latency and the gateway's rates by the wall clock; all with huge pages where "
        "the C library takes them (glibc.malloc.hugetlb=1). While it was measured the machine "
        f"copied {rows.figure(copy[0])}–{rows.figure(copy[-1])} GB/s and summed {rows.figure(add[0])}–"
        f"{rows.figure(add[-1])} GB/s of 64 KiB in the cache, and its load average was at most {load:.1f} (the "
        "benchmark itself counted). Frames: packets of both ways a segment, a message or an opening; *passes*: what the "
        "copies and sums of the row alone would allow. lwIP is tuned: tern's own AVX2 sums, made while it copies; one "
        "lwIP holds both ends.\n")


def made(data):
    """The text between the markers, the markers included."""
    picture = "\n![tern beside its peers and its targets, row by row](bench/report.svg)\n"
    text = [BEGIN + "\n", _method(data), picture]
    for group, pairs in rows.found(data["rows"]):
        if not any(measured for _, measured in pairs):
            continue
        less = ", less is better" if group.less else ""
        text.append(f"\n**{group.title}** ({group.unit}{less})\n\n{HEAD}")
        text.extend(_line(row, measured) for row, measured in pairs)
    short = list(_short(data["rows"]))
    if short:
        text.append("\nWhat keeps those short of their targets, as a profile has it:\n\n" + "".join(short))
    return "".join(text) + END + "\n"


def put_into(page, data):
    """The page with its table made anew; ValueError: it has no markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END + "\n")
    if not begin or not end:
        raise ValueError("the page has no place for the table")
    return before + made(data) + after
