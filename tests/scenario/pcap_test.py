#!/usr/bin/env python3
"""`tern lab --pcap`: what came to a host and what left it, as pcapng that other tools read, each packet with what tern made
of it; held against the events of the same run, packet by packet, and read again by `tern trace`."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "support"))
from lab import SCENARIOS, Run, tern  # noqa: E402
from pcapng import INBOUND, OUTBOUND, packets  # noqa: E402

def tcp_of(packet):
    """The TCP header of a packet, whose sum is checked."""
    if packet[0] >> 4 == 4:
        header = (packet[0] & 15) * 4
        pseudo = packet[12:20] + struct.pack("!HH", packet[9], len(packet) - header)
    else:
        header = 40
        pseudo = packet[8:40] + struct.pack("!II", len(packet) - header, packet[6])
    segment = packet[header:]
    data = pseudo + segment + b"\0" * (len(segment) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    offset = (segment[12] >> 4) * 4
    return {"seq": struct.unpack_from("!I", segment, 4)[0], "ack": struct.unpack_from("!I", segment, 8)[0],
            "syn": bool(segment[13] & 2), "ok": total == 0xffff, "len": len(segment) - offset}


class Pcap(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.file = {side: os.path.join(self.directory.name, f"{side}.pcapng") for side in ("client", "server")}

    def capture(self, *arguments):
        run = Run((*arguments, "--pcap", self.file["client"], "--pcap", f"server:{self.file['server']}"))
        self.assertEqual(run.code, 0, run.error)
        return run

    def compare(self, run, side):
        """Every segment that the host sent and every one that came to it, in order."""
        seen = [(at, direction, tcp_of(packet), comment) for at, direction, packet, comment in packets(self.file[side])
                if packet[9 if packet[0] >> 4 == 4 else 6] == 6]
        for direction, name in ((OUTBOUND, "tx"), (INBOUND, "rx")):
            events = [event for event in run.select(ev="segment", dir=name, host=side) if "forged" not in event]
            ours = [one for one in seen if one[1] == direction]
            if name == "rx":    # what is wrong, or somebody else's, is dropped before it is a segment
                dropped = [one for one in ours if "; " not in one[3]]
                ours = [one for one in ours if "; " in one[3]]
                self.assertEqual([(one[0], one[3][6:].split(":")[0]) for one in dropped],
                                 [(event["t"], event["verdict"]) for event in run.select(ev="drop", host=side)])
            self.assertEqual(len(ours), len(events), f"{side} {name}")
            for event, (at, _, tcp, comment) in zip(events, ours):
                self.assertEqual((at, tcp["seq"], tcp["len"]), (event["t"], event["seq"], event["len"]))
                self.assertTrue(tcp["ok"])
                self.assertTrue(comment.startswith("tern: "), comment)
                if name == "rx":
                    self.assertIn(event["verdict"], comment)
                elif event.get("again_of"):
                    self.assertRegex(comment, "retransmission|probe")
        return seen

    def test_every_scenario_at_both_ends(self):
        for name in SCENARIOS:
            with self.subTest(name):
                run = self.capture(name)
                for side in self.file:
                    self.assertGreater(len(self.compare(run, side)), 0)

    def test_a_bad_line(self):
        for version in ((), ("--ipv6",)):
            run = self.capture("retransmission", "--bytes", "150000", "--loss", "4%", "--reorder", "4%", "--duplicate", "2%",
                               "--corrupt", "5%", "--seed", "11", *version)
            seen = self.compare(run, "server")
            self.assertTrue(any("duplicate" in one[3] for one in seen))
            self.assertTrue(any(not one[2]["ok"] and "checksum" in one[3] for one in seen if one[1] == INBOUND))
            self.assertTrue(any("retransmission: " in one[3] for one in self.compare(run, "client") if one[1] == OUTBOUND))

    def test_the_states_are_in_the_comments(self):
        self.capture("lost-last-ack")
        said = "\n".join(one[3] for one in packets(self.file["client"]))
        for words in ("CLOSED to SYN-SENT (open-active, RFC 9293 3.10.1)", "SYN-SENT to ESTABLISHED", "to FIN-WAIT-1",
                      "FIN-WAIT-1 to FIN-WAIT-2", "FIN-WAIT-2 to TIME-WAIT"):
            self.assertIn(words, said)
        self.assertIn("retransmission", "\n".join(one[3] for one in packets(self.file["server"])))

    def test_the_same_run_the_same_bytes_and_nothing_else_changes(self):
        plain = Run(("retransmission", "--loss", "3%"))
        run = self.capture("retransmission", "--loss", "3%")
        self.assertEqual(run.bytes, plain.bytes)
        with open(self.file["client"], "rb") as file:
            first = file.read()
        self.capture("retransmission", "--loss", "3%")
        with open(self.file["client"], "rb") as file:
            self.assertEqual(file.read(), first)

    def test_trace_reads_both_and_finds_what_was_lost(self):
        run = self.capture("retransmission", "--bytes", "200000", "--loss", "3%", "--seed", "5")
        lost = {side: sum(event["fate"] != "delivered" for event in run.segments(side)) for side in self.file}
        code, out, error = tern("trace", self.file["client"], self.file["server"], "--json")
        self.assertEqual((code, error), (0, ""))
        lines = [json.loads(line) for line in out.decode().splitlines()]
        pair, = [line for line in lines if line["ev"] == "pair"]
        self.assertEqual(pair["lost"], [lost["client"], lost["server"]])
        self.assertGreater(sum(pair["lost"]), 3)
        self.assertLess(abs(pair["offset"]), 1000000)

    def test_other_tools_read_it(self):
        tshark = shutil.which("tshark")
        if not tshark:
            self.skipTest("tshark is missing")
        self.capture("lost-fin")
        done = subprocess.run([tshark, "-r", self.file["client"], "-T", "fields", "-e", "frame.comment", "-e",
                               "tcp.flags.str"], capture_output=True, text=True, timeout=60, check=True)
        rows = done.stdout.splitlines()
        self.assertEqual(len(rows), len(list(packets(self.file["client"]))))
        self.assertTrue(all(row.startswith("tern: ") for row in rows))

    def test_what_cannot_be(self):
        for words, why in ((("--pcap", "no/such"), "cannot write 'no/such'"), (("--pcap", "/dev/full"), "No space"),
                           (("--pcap", "x", "--pcap", "client:y"), "captured into 'x' already"),
                           (("--pcap", "x", "--pcap", "server:x"), "cannot hold both"),
                           (("--pcap", "x", "--why", "three"), "--pcap"),
                           (("--pcap", "x", "--compare", "reno,cubic"), "--pcap"), (("--pcap", "server:"), "--pcap")):
            with self.subTest(words):
                code, out, error = tern("lab", *words)
                self.assertIn(code, (1, 2))
                self.assertIn(why, error)
        self.assertFalse(os.path.exists("x"))


if __name__ == "__main__":
    unittest.main()
