#!/usr/bin/env python3
"""`tern record` and `tern replay`: a run comes again byte for byte, and damage is told for what it is."""

import json
import os
import re
import struct
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, os.path.dirname(__file__))
from lab import SCENARIOS, tern  # noqa: E402

OUTPUT_MADE = 8


def records(data):
    """Yields (offset of the body, body) of each record of a recording."""
    command = struct.unpack_from("<I", data, 12)[0]
    at = 16 + command
    while at < len(data):
        n = struct.unpack_from("<I", data, at)[0]
        yield at + 8, data[at + 8:at + 8 + n]
        at += 8 + n


def with_byte_flipped(data, at, body_at, body_len):
    """A copy with data[at] changed and the record's checksum put right."""
    changed = bytearray(data)
    changed[at] ^= 0x40
    struct.pack_into("<I", changed, body_at - 4, zlib.crc32(changed[body_at:body_at + body_len]))
    return bytes(changed)


class Recordings(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = os.path.join(self.directory.name, "run.tern")

    def record(self, *arguments):
        code, out, error = tern("record", "-o", self.path, "lab", *arguments)
        self.assertEqual(code, 0, error)
        with open(self.path, "rb") as file:
            return file.read(), out

    def replay(self, data=None, *options):
        if data is not None:
            with open(self.path, "wb") as file:
                file.write(data)
        code, out, error = tern("replay", self.path, *options)
        return code, out.decode(), error

    def test_every_scenario_replays(self):
        for name in SCENARIOS:
            with self.subTest(name=name):
                # Whole, their recordings take 400 MB.
                self.record(name, *(("--bytes", "500000") if name in ("cubic", "bbr") else ()))
                code, out, error = self.replay()
                self.assertEqual((code, error), (0, ""), out)
                self.assertRegex(out, r"^\d+ inputs, \d+ packets, identical\n$")

    def test_a_bad_line_replays(self):
        for version in ((), ("--ipv6",)):
            self.record("retransmission", "--bytes", "150000", "--loss", "4%", "--reorder", "4%", "--duplicate", "2%",
                        "--corrupt", "1%", "--seed", "11", *version)
            code, out, _ = self.replay()
            self.assertEqual(code, 0, out)
            self.assertGreater(int(re.search(r"(\d+) packets", out).group(1)), 100)

    def test_recording_does_not_change_the_run(self):
        _, out = self.record("lost-fin", "--json")
        self.assertEqual(out, tern("lab", "lost-fin", "--json")[1])
        code, other, _ = tern("lab", "lost-fin", "--json", "--record", self.path)
        self.assertEqual((code, other), (0, out))

    def test_same_run_same_recording(self):
        first, _ = self.record("connection")
        second, _ = self.record("connection")
        self.assertEqual(first, second)

    def test_another_output_is_a_difference(self):
        data, _ = self.record("connection")
        made = [(at, body) for at, body in records(data) if body[0] == OUTPUT_MADE and len(body) > 40]
        self.assertGreater(len(made), 8)
        for at, body in (made[0], made[len(made) // 2], made[-1]):
            flipped = at + len(body) - 3
            code, out, error = self.replay(with_byte_flipped(data, flipped, at, len(body)))
            self.assertEqual(code, 1, error)
            self.assertIn("not identical", out)
            self.assertRegex(out, r"first difference: input \d+ \(tern_host_output of (client|server) .*byte \d+ is "
                                  r"0x[0-9a-f]{2}, was 0x[0-9a-f]{2}")

    def test_another_secret_is_a_difference(self):
        data, _ = self.record("open")
        at, body = next((at, body) for at, body in records(data) if body[0] == 200)
        secret = at + 2 + 8 + 1 + len("client") + 1 + body[2 + 8 + 1 + len("client")]
        code, out, _ = self.replay(with_byte_flipped(data, secret + 5, at, len(body)))
        self.assertEqual(code, 1)
        self.assertIn("not identical", out)

    def test_damage_is_told(self):
        data, _ = self.record("open")
        middle = [at for at, _ in records(data)][-9]
        for broken, words in ((b"", "not a tern recording"), (b"hello, world, this is text", "not a tern recording"),
                              (data[:8] + b"\x63" + data[9:], "version 99"), (data[:14], "cut short in its head"),
                              (data + b"\0", "follows the end"),
                              (data[:middle] + b"\xff" + data[middle + 1:], "damaged: the checksum")):
            code, out, error = self.replay(broken)
            self.assertEqual((code, out), (2, ""), words)
            self.assertIn(words, error)
            self.assertIn("run.tern", error)

    def test_what_a_killed_program_left_replays(self):
        """Wherever it ends: the whole records that are there come again, and that it ends there is said."""
        data, _ = self.record("lost-fin")
        starts = [at - 8 for at, _ in records(data)]
        _, whole, _ = self.replay(None, "--json")
        inputs = 0
        for end in (starts[0], starts[1], *range(starts[1] + 1, len(data), len(data) // 60), starts[-1], len(data) - 1):
            code, out, error = self.replay(data[:end])
            self.assertEqual(code, 1, error)
            n = int(re.fullmatch(r"(\d+) inputs, \d+ packets, identical\n", out).group(1))
            self.assertGreaterEqual(n, inputs)
            inputs = n
            there = sum(start + 8 + struct.unpack_from("<I", data, start)[0] <= end for start in starts)
            self.assertEqual(error, f"tern: replay: {self.path}: cut short after record {there}: how it went on is not known\n")
        self.assertGreater(inputs, 40)
        _, half, error = self.replay(data[:starts[len(starts) // 2]], "--json")
        self.assertIn("cut short", error)
        self.assertGreater(len(half), 1000)
        # What the link did of what was under way is not there: the rest is as it was.
        told = [[event for event in map(json.loads, text.splitlines()) if event["ev"] == "state"] for text in (half, whole)]
        self.assertGreater(len(told[0]), 4)
        self.assertEqual(told[0], told[1][:len(told[0])])

    def test_pcap_is_that_of_the_run(self):
        """Byte for byte what `tern lab --pcap` wrote while it ran, at either end."""
        names = {(run, side): os.path.join(self.directory.name, f"{run}.{side}") for run in ("lab", "again")
                 for side in ("client", "server")}
        options = {run: ("--pcap", names[run, "client"], "--pcap", f"server:{names[run, 'server']}") for run in ("lab", "again")}
        for scenario in (("connection",), ("lost-fin",), ("retransmission", "--loss", "5%", "--duplicate", "5%", "--ipv6")):
            self.record(*scenario, *options["lab"])
            code, out, error = self.replay(None, *options["again"])
            self.assertEqual((code, error), (0, ""), out)
            for side in ("client", "server"):
                read = []
                for run in ("lab", "again"):
                    with open(names[run, side], "rb") as file:
                        read.append(file.read())
                self.assertGreater(len(read[0]), 1000)
                self.assertEqual(*read)
        for words, options in (("captured into 'a' already", ("--pcap", "a", "--pcap", "client:b")),
                               ("cannot write '/no/such'", ("--pcap", "/no/such")),
                               ("--playground takes no FILE", ("--playground", "tern1", "--pcap", "a"))):
            code, _, error = self.replay(None, *options)
            self.assertNotEqual(code, 0)
            self.assertIn(words, error)

    def test_one_connection(self):
        self.record("time-wait-reuse")
        _, whole, _ = self.replay(None, "--json")
        events = [json.loads(line) for line in whole.splitlines()]
        numbers = {event["conn"] for event in events if event.get("conn")}
        self.assertGreater(len(numbers), 1)
        for number in numbers:
            code, out, error = self.replay(None, "--json", "--conn", str(number))
            self.assertEqual(code, 0, error)
            told = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([event for event in told if event["ev"] != "end"],
                             [event for event in events if event.get("conn") == number])
        for words, options in (("has no connection 99", ("--json", "--conn", "99")), ("--conn names", ("--conn", "1"))):
            code, _, error = self.replay(None, *options)
            self.assertEqual(code, 2)
            self.assertIn(words, error)

    def test_any_flipped_byte_is_noticed(self):
        data, _ = self.record("open")
        starts = [at - 8 for at, _ in records(data)]
        for at in range(0, len(data), max(1, len(data) // 150)):
            flipped = bytearray(data)
            flipped[at] ^= 1
            command = 16 <= at < 16 + struct.unpack_from("<I", data, 12)[0]
            code, out, _ = self.replay(bytes(flipped))
            length = any(start <= at < start + 4 for start in starts)    # it may say that the record goes on beyond the end
            self.assertIn(code, (0,) if command else (1, 2) if length else (2,), f"byte {at}: {out}")

    def test_to_stops_and_shows_both_ends(self):
        self.record("connection")
        total = int(re.match(r"(\d+) inputs", self.replay()[1]).group(1))
        seen = set()
        for n in range(1, total + 1, max(1, total // 40)):
            code, out, error = self.replay(None, "--to", str(n))
            self.assertEqual(code, 0, error)
            self.assertIn(f"{n} inputs", out)
            seen.update(re.findall(r"connection ([A-Z0-9-]+),", out) + re.findall(r"entry ([A-Z0-9-]+),", out))
        self.assertLessEqual({"LISTEN", "SYN-SENT", "ESTABLISHED"}, seen)
        _, out, _ = self.replay(None, "--to", str(total // 2))
        self.assertRegex(out, r"(?m)^client at ")
        self.assertRegex(out, r"(?m)^server at ")
        self.assertIn("SND.UNA", out)

    def test_to_beyond_the_end(self):
        self.record("open")
        code, _, error = self.replay(None, "--to", "99999999")
        self.assertEqual(code, 2)
        self.assertIn("99999999", error)

    def test_trace_names_each_input(self):
        self.record("open")
        _, out, _ = self.replay(None, "--trace")
        for call in ("tern_connect", "tern_listen", "tern_accept", "tern_host_input", "tern_packet_done"):
            self.assertIn(call, out)

    # What a recording does not hold: what a program's call was of, how much it sent, and how the link lost what it lost.
    @staticmethod
    def told(lines, calls):
        events = [json.loads(line) for line in lines.splitlines()]
        events = [event for event in events if event["ev"] != "end" and
                  (event["ev"] != "call" or event["call"] in calls)]
        came = {}   # when, for the first time; what the link foretells of one that it holds back is not kept to
        for event in events:
            if event.get("dir") == "rx" or event["ev"] == "drop":
                came.setdefault(event["n"], event["t"])
        for event in events:
            if event["ev"] == "call":
                event["conn"] = 0
            if "fate" in event:
                event["fate"] = "lost" if event["n"] not in came else \
                    "duplicated" if event["fate"] == "duplicated" else "delivered"
                event["arrives"] = came.get(event["n"])     # who is gone hears nothing
        return events

    def test_a_replay_tells_the_run(self):
        """Every event, in order, at its time, as the run itself told it."""
        calls = ("connect()", "listen()", "shutdown()", "close()", "abort()")
        heavy = ("cubic", "bbr", "slow-start", "peer-vanishes")
        for words in (*((name,) for name in SCENARIOS if name not in heavy), ("retransmission", "--bytes", "90000", "--loss", "3%", "--seed", "3")):
            with self.subTest(words):
                _, out = self.record(*words, "--json")
                code, told, error = self.replay(None, "--json")
                self.assertEqual(code, 0, error)
                self.assertRegex(error, "identical\n$")
                got, wanted = self.told(told, calls), self.told(out, calls)
                if any("forged" in event for event in wanted):  # no host sent it, so no recording has its sending
                    self.assertGreater(len(got), 10)
                    continue
                self.assertEqual(got, wanted)

    def test_a_replay_draws(self):
        self.record("lost-last-ack")
        code, out, _ = self.replay(None, "--ladder", "--width", "90")
        self.assertEqual(code, 0)
        drawn = tern("lab", "lost-last-ack", "--width", "90")[1].decode()
        for words in ("✗ lost", "TIME-WAIT ┠", "retransmission of 6 (tail probe)", "2MSL timer ends"):
            self.assertIn(words, out)
        self.assertEqual([line for line in out.splitlines() if "SYN" in line],
                         [line for line in drawn.splitlines() if "SYN" in line])
        self.assertRegex(out, r"\n\d+ inputs, \d+ packets, identical\n$")
        self.assertIn("RFC 9293 3.10.8", self.replay(None, "--explain")[1])
        self.assertIn("客户端", self.replay(None, "--explain", "--lang", "zh")[1])
        picture = os.path.join(self.directory.name, "run.svg")
        code, out, error = self.replay(None, "--svg", picture, "--mermaid")
        self.assertEqual(code, 0, error)
        self.assertTrue(out.startswith("sequenceDiagram\n"))
        with open(picture, encoding="utf-8") as file:
            self.assertIn("tern lab lost-last-ack", file.read())
        code, out, _ = self.replay(None, "--ladder", "--to", "30")
        self.assertEqual(code, 0)
        self.assertNotIn("FIN", out)

    def test_usage(self):
        for arguments, words in ((("record",), "-o FILE is missing"), (("record", "-o"), "-o wants"),
                                 (("record", "-o", "x"), "command to be recorded is missing"),
                                 (("record", "-o", "x", "nosuch"), "'nosuch'"), (("record", "--nosuch"), "'--nosuch'"),
                                 (("record", "-o", "/nosuch/x", "lab"), "/nosuch/x"),
                                 (("record", "-o", "x", "lab", "nosuch"), "'nosuch'"),
                                 (("record", "-o", "x", "lab", "--record", "y"), "--record"),
                                 (("replay",), "FILE to replay is missing"), (("replay", "/nosuch/x"), "/nosuch/x"),
                                 (("replay", "a", "b"), "'b'"), (("replay", "--nosuch"), "'--nosuch'"),
                                 (("replay", "x", "--to", "0"), "'0'"), (("replay", "x", "--ladder", "--json"), "exclude"),
                                 (("replay", "x", "--trace", "--ladder"), "--trace"), (("replay", "x", "--to"), "--to")):
            code, out, error = tern(*arguments)
            self.assertEqual((code, out), (2, b""), arguments)
            self.assertIn(words, error)


if __name__ == "__main__":
    unittest.main()
