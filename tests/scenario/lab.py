"""What the scenario tests share: runs the command that TERN names, and reads its events."""

import functools
import json
import os
import subprocess

TERN = os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern"))

SCENARIOS = (
    "connection open close half-close three-segment-close server-closes-first simultaneous-open "
    "simultaneous-close refused abort lost-syn lost-syn-ack lost-ack-of-syn lost-fin lost-last-ack "
    "old-duplicate-syn time-wait-reuse syn-flood zero-window retransmission reordering fast-retransmit sack-recovery "
    "tail-loss-probe spurious-rto-undone path-mtu-black-hole ecn slow-start cubic bbr peer-vanishes keep-alive "
    "user-timeout fin-wait-2-orphan challenge-ack urgent window-scale").split()

VERSIONS = ((), ("--ipv6",))


def tern(*arguments, env=None):
    """Runs the command; returns (exit code, standard output, standard error) as bytes and text."""
    environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    environment.update(env or {})
    done = subprocess.run([TERN, *arguments], capture_output=True, env=environment, timeout=600, check=False)
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


@functools.lru_cache(maxsize=None)
def run(*arguments):
    """`tern lab ARGUMENTS --json` as a Run; each command line is run once."""
    return Run(arguments)


class Run:
    """One run of the lab and its events, in order."""

    def __init__(self, arguments):
        self.command = "tern lab " + " ".join(arguments)
        self.code, self.bytes, self.error = tern("lab", *arguments, "--json")
        self.events = [json.loads(line) for line in self.bytes.decode().splitlines()]

    def select(self, **fields):
        """The events whose fields are as given."""
        return [e for e in self.events if all(e.get(name) == value for name, value in fields.items())]

    def segments(self, host=None, **fields):
        """What was sent, in order; of one host, or of both."""
        if host:
            fields["host"] = host
        return self.select(ev="segment", dir="tx", **fields)

    def edges(self, host, conn=None):
        """The state changes of a host as (from, to), in order."""
        return [(e["from"], e["to"]) for e in self.select(ev="state", host=host)
                if conn is None or e["conn"] == conn]

    def states(self, host, conn=None):
        """The states that a host's connection went through, the first one included. Listeners' own left out."""
        edges = [e for e in self.edges(host, conn) if e != ("CLOSED", "LISTEN")]
        return [edges[0][0]] + [to for _, to in edges] if edges else []

    def time_of(self, host, before, after):
        """When the host went from one state to another, the first time."""
        return next(e["t"] for e in self.select(ev="state", host=host) if (e["from"], e["to"]) == (before, after))

    def arrival(self, sent):
        """The event of a sent segment's (first) arrival."""
        return next(e for e in self.select(ev="segment", dir="rx", n=sent["n"]) if e["host"] != sent["host"])
