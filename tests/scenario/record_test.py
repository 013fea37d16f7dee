#!/usr/bin/env python3
"""`tern record` and `tern replay`: a run comes again byte for byte, and damage is told for what it is."""

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
                self.record(name)
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
        for broken, words in ((b"", "not a tern recording"), (b"hello, world, this is text", "not a tern recording"),
                              (data[:8] + b"\x63" + data[9:], "version 99"), (data[:-1], "cut short"),
                              (data[:len(data) // 2], "cut short"), (data[:-18], "end is missing"),
                              (data + b"\0", "damaged"), (data[:-30] + b"\xff" + data[-29:], "damaged")):
            code, out, error = self.replay(broken)
            self.assertEqual((code, out), (2, ""), words)
            self.assertIn(words, error)
            self.assertIn("run.tern", error)

    def test_any_flipped_byte_is_noticed(self):
        data, _ = self.record("open")
        for at in range(0, len(data), max(1, len(data) // 150)):
            flipped = bytearray(data)
            flipped[at] ^= 1
            command = 16 <= at < 16 + struct.unpack_from("<I", data, 12)[0]
            code, out, _ = self.replay(bytes(flipped))
            self.assertEqual(code, 0 if command else 2, f"byte {at}: {out}")

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

    def test_usage(self):
        for arguments, words in ((("record",), "-o FILE is missing"), (("record", "-o"), "-o wants"),
                                 (("record", "-o", "x"), "command to be recorded is missing"),
                                 (("record", "-o", "x", "nosuch"), "'nosuch'"), (("record", "--nosuch"), "'--nosuch'"),
                                 (("record", "-o", "/nosuch/x", "lab"), "/nosuch/x"),
                                 (("record", "-o", "x", "lab", "nosuch"), "'nosuch'"),
                                 (("record", "-o", "x", "lab", "--record", "y"), "--record"),
                                 (("replay",), "FILE to replay is missing"), (("replay", "/nosuch/x"), "/nosuch/x"),
                                 (("replay", "a", "b"), "'b'"), (("replay", "--nosuch"), "'--nosuch'"),
                                 (("replay", "x", "--to", "0"), "'0'"), (("replay", "x", "--to"), "--to")):
            code, out, error = tern(*arguments)
            self.assertEqual((code, out), (2, b""), arguments)
            self.assertIn(words, error)


if __name__ == "__main__":
    unittest.main()
