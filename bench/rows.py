"""The rows of the README's table and of bench/report.svg, in their order: which of tern-bench's rows each is, its words,
and what is known about one that stays short of its target."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    title: str
    unit: str           # as shown
    less: bool          # less is better
    rows: tuple         # of Row


@dataclass(frozen=True)
class Row:
    label: str
    workload: str
    metric: str
    bound: str = ""     # what keeps it from its target, as a profile has it; shown only where it is short


# By callgrind, 2026-11-23, of `tern-bench --count-instructions`; system calls by getrusage and strace; lines of memory by
# callgrind's cache, of 1 MiB.
MESSAGE = ("instructions, and no one place: the way in takes 35 % of 4,370, the way out 23 %, the socket calls 22 %, the "
           "link 10 %; none of its functions takes more than 8 %")
MILLION = ("what a message of one connection in a million touches is in no cache: the same instructions as of N = 100, "
           "thirteen lines of memory, and the tables of its pages")
OPENING = ("instructions, and no one place: five frames of 900 each to read, write and carry, seven keyed hashes (990), "
           "TIME-WAIT in and out (880), two records of what flies (790), the block made of a half-open entry (1,310)")
WAITING = ("beside the instructions of K = 0, two thirds of a microsecond for lines of memory that no cache holds: the buckets of "
           "the tuple that comes and of the one that goes, and their entries; as much at 10⁶ as at 6×10⁷")
SHARED = "the last cache and the memory behind it, which both share: messages, which touch less, gain more in the same run"
OWNED = ("of 1,780 instructions a segment the C library's copies take 365, the way in with its copy 630, the way out 430, the "
         "link with its copy 470, reading 180")
ACKED = ("an ACK sent and read takes 3,800 instructions with the run of segments that it parts, and each second segment has "
         "one")
STORED = "two copies and two sums a segment are more than half of its instructions, at both ends"
CALLS = "nine tenths of its CPU time are system calls, exactly one a packet: the kernel's cost of a call"
POLLED = "the stack's instructions at both ends and the lines of memory that two cores hand to and fro; no system call"
SLEPT = "the machine's going to sleep and waking, twice an exchange; Linux over its loopback sleeps as often"
RELAYED = ("nine tenths of its CPU time are the kernel's: two copies of the text take 30 % of all, waking and switching "
           "between guest, gateway and peer 10 to 25 %")
IDLE = "caches and page tables: the records of those that talk lie apart, between those that do not"

GROUPS = (
    Group("Bulk in a process, MSS 1460, checksums on, copied in and out", "Gbit/s", False, (
        Row("received through the store", "bulk", "MSS 1460, both ends", STORED),
        Row("into posted buffers", "bulk", "MSS 1460, posted buffers", STORED),
    )),
    Group("Bulk without the program's copies, checksums offloaded", "Gbit/s", False, (
        Row("an ACK every second segment", "bulk-owned", "MSS 1460, ACK every second segment", ACKED),
        Row("an ACK a batch", "bulk-owned", "MSS 1460, both ends", OWNED),
    )),
    Group("Messages of 64 bytes over N connections in turn", "ns", True, (
        Row("N = 1", "messages", "1 connection", MESSAGE),
        Row("N = 100, batches of 8", "messages", "100 connections", MESSAGE),
        Row("N = 10⁴, batches of 8", "messages", "10^4 connections", MESSAGE),
        Row("N = 10⁶, batches of 8", "messages", "10^6 connections", MILLION),
    )),
    Group("Open and close, TIME-WAIT 60 s, K entries in it", "million/s", False, (
        Row("K = 0, batches of 8", "open-close", "batches of 8", OPENING),
        Row("K = 0, one at a time", "open-close", "one at a time", OPENING),
        Row("K = 10⁶, batches of 8", "open-close", "batches of 8, K = 10^6", OPENING),
        Row("K = 10⁶, one at a time", "open-close", "one at a time, K = 10^6", OPENING),
        Row("K = 10⁷, batches of 8", "open-close", "batches of 8, K = 10^7", OPENING),
        Row("K = 10⁷, one at a time", "open-close", "one at a time, K = 10^7", OPENING),
        Row("K = 6×10⁷, batches of 8", "open-close", "batches of 8, K = 6x10^7", WAITING),
        Row("K = 6×10⁷, one at a time", "open-close", "one at a time, K = 6x10^7", WAITING),
        Row("one address pair, reused (RFC 6191)", "open-close", "batches of 8, reuse (RFC 6191)", OPENING),
    )),
    Group("Memory, everything counted", "bytes", True, (
        Row("an idle established endpoint", "memory", "idle established"),
        Row("a half-open entry", "memory", "half-open entry"),
        Row("a TIME-WAIT entry with its slot", "memory", "TIME-WAIT entry"),
    )),
    Group("TUN and TAP with offloads, Linux's TCP at the other end", "Gbit/s", False, (
        Row("from Linux, TUN, MTU 65520", "device", "from Linux, TUN, MTU 65520"),
        Row("to Linux, TUN, MTU 65520", "device", "to Linux, TUN, MTU 65520"),
        Row("from Linux, TUN, MTU 1500", "device", "from Linux, TUN, MTU 1500"),
        Row("to Linux, TUN, MTU 1500", "device", "to Linux, TUN, MTU 1500"),
        Row("from Linux, TAP, MTU 65520", "device", "from Linux, TAP, MTU 65520"),
        Row("to Linux, TAP, MTU 65520", "device", "to Linux, TAP, MTU 65520"),
        Row("from Linux, TAP, MTU 1500", "device", "from Linux, TAP, MTU 1500"),
        Row("to Linux, TAP, MTU 1500", "device", "to Linux, TAP, MTU 1500"),
    )),
    Group("TUN without offloads, MTU 1500", "Gbit/s", False, (
        Row("from Linux", "device", "from Linux, TUN, MTU 1500, no offload", CALLS),
        Row("to Linux", "device", "to Linux, TUN, MTU 1500, no offload", CALLS),
    )),
    Group("One byte asked and answered by two threads, median", "us", True, (
        Row("polling", "latency", "polling, p50", POLLED),
        Row("sleeping", "latency", "sleeping, p50", SLEPT),
    )),
    Group("tern gateway, iperf3", "Gbit/s", False, (
        Row("from the guest, MTU 65520", "gateway", "from the guest, MTU 65520", RELAYED),
        Row("to the guest, MTU 65520", "gateway", "to the guest, MTU 65520", RELAYED),
        Row("from the guest, MTU 1500", "gateway", "from the guest, MTU 1500", RELAYED),
        Row("to the guest, MTU 1500", "gateway", "to the guest, MTU 1500", RELAYED),
    )),
    Group("tern gateway, CPU", "s/GB", True, (
        Row("from the guest, MTU 65520", "gateway", "from the guest, CPU, MTU 65520", RELAYED),
        Row("to the guest, MTU 65520", "gateway", "to the guest, CPU, MTU 65520", RELAYED),
        Row("from the guest, MTU 1500", "gateway", "from the guest, CPU, MTU 1500", RELAYED),
        Row("to the guest, MTU 1500", "gateway", "to the guest, CPU, MTU 1500", RELAYED),
    )),
    Group("tern gateway, short connections", "1/s", False, (
        Row("MTU 65520", "gateway", "connections, MTU 65520"),
        Row("MTU 1500", "gateway", "connections, MTU 1500"),
    )),
    Group("Messages over 10⁴ connections, times those with nothing beside", "times", True, (
        Row("while 10⁶ are idle", "flatness", "while a hundred times as many are idle", IDLE),
        Row("while 10⁶ are in TIME-WAIT", "flatness", "while a hundred times as many are in TIME-WAIT", IDLE),
        Row("while as many SYNs flood", "flatness", "while as many SYNs flood"),
    )),
    Group("Two threads to one", "times", False, (
        Row("messages", "cores", "messages, 100 connections a thread", MESSAGE),
        Row("open and close", "cores", "open and close, batches of 8", SHARED),
    )),
)


def found(results):
    """(group, ((row, measured or None), ...)) of each group; results: the rows of bench/results.json."""
    by_name = {(r["workload"], r["metric"]): r for r in results}
    for group in GROUPS:
        yield group, tuple((row, by_name.get((row.workload, row.metric))) for row in group.rows)


def is_met(row):
    """None: it has no target."""
    if row["target"] is None:
        return None
    return row["tern"] >= row["target"] if row["better"] == "higher" else row["tern"] <= row["target"]


def figure(value):
    """Three digits that matter; thousands with commas."""
    size = abs(value)
    if size >= 1000:
        return f"{round(value, 2 - len(str(int(size))) + 1):,.0f}"
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 4}f}"
