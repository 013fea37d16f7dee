#!/usr/bin/env python3
"""Every line of every scenario, read by a real JSON parser and held against docs/json-lines.md: fields, their
types, the names that may stand in them; and that the lines fit together (an arrival has its sending, each change
of state begins where the one before it ended)."""

import json
import os
import re
import subprocess
import sys
import unittest

TERN = os.environ.get("TERN", "build/release/tern")
DOC = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "json-lines.md")

NUMBER, STRING, BOOL, NULL = int, str, bool, type(None)

# Field: types. What may be missing has None among them.
EVERY = {"v": (NUMBER,), "t": (NUMBER,), "host": (STRING,), "conn": (NUMBER,), "ev": (STRING,)}
FIELDS = {
    "segment tx": {
        "dir": (STRING,), "n": (NUMBER,), "nth": (NUMBER,), "flags": (STRING,), "seq": (NUMBER,), "ack": (NUMBER,),
        "rseq": (NUMBER, NULL), "rack": (NUMBER, NULL), "wnd": (NUMBER,), "len": (NUMBER,), "up": (NUMBER, None),
        "opts": (dict,), "role": (STRING,), "fate": (STRING, NULL), "arrives": (NUMBER, NULL),
        "again_of": (NUMBER, NULL, None), "probe": (BOOL, None), "forged": (BOOL, None), "gso_size": (NUMBER, None),
    },
    "segment rx": {
        "dir": (STRING,), "n": (NUMBER, NULL), "nth": (NUMBER,), "flags": (STRING,), "seq": (NUMBER,),
        "ack": (NUMBER,), "rseq": (NUMBER, NULL), "rack": (NUMBER, NULL), "wnd": (NUMBER,), "len": (NUMBER,),
        "up": (NUMBER, None), "opts": (dict,), "verdict": (STRING,), "copy": (NUMBER,), "late": (BOOL,),
    },
    "state": {"from": (STRING,), "to": (STRING,), "why": (STRING,), "reason": (STRING,)},
    "timer": {"timer": (STRING,), "action": (STRING,), "deadline": (NUMBER, NULL), "count": (NUMBER,)},
    "retransmit": {"why": (STRING,), "seq": (NUMBER,), "rseq": (NUMBER, NULL), "len": (NUMBER,), "count": (NUMBER,),
                   "rto": (NUMBER, NULL)},
    "congestion": {"event": (STRING,), "cwnd": (NUMBER,), "ssthresh": (NUMBER,), "in_flight": (NUMBER,),
                   "controller": (STRING,)},
    "note": {"note": (STRING,), "value": (NUMBER,)},
    "drop": {"n": (NUMBER, NULL), "nth": (NUMBER,), "len": (NUMBER,), "verdict": (STRING,)},
    "icmp": {"type": (NUMBER,), "code": (NUMBER,), "version": (NUMBER,), "acted": (BOOL,), "mtu": (NUMBER,)},
    "call": {"call": (STRING,)},
    "end": {"as_expected": (BOOL,), "sent": (NUMBER,), "arrived": (NUMBER,), "lost": (NUMBER,),
            "retransmitted": (NUMBER,), "not_taken": (NUMBER,), "text_sent": (NUMBER,),
            "text_retransmitted": (NUMBER,), "counters": (dict,), "connection": (dict, NULL)},
}
# What tern_status() tells of a connection, at the end.
CONNECTION = {"state", "congestion_control", "cwnd", "ssthresh", "srtt", "rttvar", "rto", "min_rtt", "delivery_rate",
              "delivery_rate_app_limited", "pacing_rate", "busy_time", "rwnd_limited", "sndbuf_limited", "bytes_acked",
              "bytes_received", "bytes_retransmitted", "retransmits", "spurious"}
# Which fields hold a name that the document must list.
NAMES = {"role", "fate", "verdict", "reason", "timer", "action", "event", "note"}


def kind_of(line):
    return "segment " + line["dir"] if line["ev"] == "segment" else line["ev"]


def lines_of(*arguments):
    run = subprocess.run([TERN, "lab", *arguments, "--json"], capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        raise AssertionError(f"tern lab {' '.join(arguments)}: exit code {run.returncode}: {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def scenarios():
    listing = subprocess.run([TERN, "lab", "--list"], check=True, capture_output=True, text=True).stdout
    return [match.group(1) for match in re.finditer(r"^\s*([a-z][a-z0-9-]+)\s", listing, re.M)]


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runs = {name: lines_of(name) for name in scenarios()}
        cls.runs["a bad line"] = lines_of("connection", "--bytes", "100000", "--loss", "3%", "--duplicate", "2%",
                                          "--reorder", "3%", "--corrupt", "1%", "--delay", "40ms", "--seed", "7")
        cls.runs["IPv6"] = lines_of("connection", "--ipv6")
        with open(DOC, encoding="utf-8") as file:
            cls.documented = set(re.findall(r"`\"?([A-Za-z0-9_-]+)\"?`", file.read()))

    def each(self):
        for name, lines in self.runs.items():
            for number, line in enumerate(lines, 1):
                yield f"{name}, line {number}: {line}", line

    def test_there_are_runs(self):
        self.assertGreaterEqual(len(self.runs), 23)
        for name, lines in self.runs.items():
            self.assertGreater(len(lines), 4, name)

    def test_fields_and_their_types(self):
        for where, line in self.each():
            fields = {**EVERY, **FIELDS[kind_of(line)]}
            for field, types in fields.items():
                if field not in line:
                    self.assertIn(None, types, f"{field} is missing: {where}")
                    continue
                self.assertIn(type(line[field]), types, f"{field}: {where}")
            self.assertEqual(set(line) - set(fields), set(), where)
            self.assertEqual(line["v"], 1, where)
            self.assertIn(line["host"], ("client", "server"), where)

    def test_names_are_documented(self):
        for where, line in self.each():
            for field in (set(line) & NAMES) | {"ev"}:
                if line[field] is not None:
                    self.assertIn(line[field], self.documented, f"{field}: {where}")
            for field in line:
                self.assertIn(field, self.documented, where)

    def test_flags_stand_in_their_order(self):
        for where, line in self.each():
            if "flags" in line:
                self.assertRegex(line["flags"], r"^S?F?R?P?A?U?E?C?e?$", where)

    def test_time_does_not_go_back(self):
        for name, lines in self.runs.items():
            times = [line["t"] for line in lines]
            self.assertEqual(times, sorted(times), name)

    def test_an_arrival_has_its_sending(self):
        for name, lines in self.runs.items():
            sent = {}
            for line in lines:
                if line["ev"] != "segment":
                    continue
                if line["dir"] == "tx":
                    self.assertEqual(line["n"], len(sent) + 1, name)
                    self.assertIsNotNone(line["fate"], f"{name}: {line}")
                    sent[line["n"]] = line
                    continue
                self.assertIn(line["n"], sent, f"{name}: {line}")
                before = sent[line["n"]]
                self.assertNotEqual(before["host"], line["host"], name)
                self.assertNotIn(before["fate"], ("lost", "dropped", "queue-full"), f"{name}: {line}")
                if before["fate"] != "corrupted":
                    for field in ("seq", "ack", "flags", "len", "conn"):
                        self.assertEqual(before[field], line[field], f"{name}: {field} of {line}")

    def test_states_follow_one_another(self):
        for name, lines in self.runs.items():
            state = {}
            for line in lines:
                if line["ev"] != "state" or line["conn"] == 0:
                    continue
                key = line["host"], line["conn"]
                self.assertEqual(line["from"], state.get(key, line["from"]), f"{name}: {line}")
                self.assertRegex(line["why"], r"^RFC \d+ \d", f"{name}: {line}")
                state[key] = line["to"]

    def test_the_end_counts_what_was_told(self):
        for name, lines in self.runs.items():
            ends = [line for line in lines if line["ev"] == "end"]
            self.assertEqual([end["host"] for end in ends], ["client", "server"], name)
            self.assertEqual(lines[-2:], ends, name)
            for end in ends:
                mine = [line for line in lines if line["ev"] == "segment" and line["host"] == end["host"]]
                drops = [line for line in lines if line["ev"] == "drop" and line["host"] == end["host"]]
                self.assertTrue(end["as_expected"], name)
                if end["connection"]:
                    self.assertEqual(set(end["connection"]), CONNECTION, name)
                    self.assertLessEqual(end["connection"]["rwnd_limited"] + end["connection"]["sndbuf_limited"],
                                         end["connection"]["busy_time"], name)
                self.assertEqual(end["sent"], sum(line["dir"] == "tx" for line in mine), name)
                self.assertEqual(end["arrived"], sum(line["dir"] == "rx" for line in mine) + len(drops), name)

    def test_the_seven_segments(self):
        roles = [line["role"] for line in self.runs["connection"] if line.get("dir") == "tx"]
        seven = ["syn", "syn-ack", "third", "fin", "fin-acked", "second-fin", "second-fin-acked"]
        self.assertEqual([role for role in roles if role in seven], seven)


if __name__ == "__main__":
    if not os.path.exists(TERN):
        print(f"{TERN} is not built")
        sys.exit(77)
    unittest.main()
