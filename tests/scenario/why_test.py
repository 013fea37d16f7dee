#!/usr/bin/env python3
"""tern lab --why: each question is answered by real runs, and by runs with a peer that lacks what is asked for."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # pylint: disable=wrong-import-position

QUESTIONS = {"three": 2, "four": 3, "time-wait": 4}     # pictures
WRONG = {"three": "WRONG: reads 40 octets", "four": "WRONG: 1200 octets are cut off",
         "time-wait": "WRONG: old text"}


def show(question, *arguments):
    code, out, error = lab.tern("lab", "--why", question, *arguments)
    assert (code, error) == (0, ""), (question, arguments, code, error)
    return out.decode()


class Why(unittest.TestCase):
    def pictures(self, question, *arguments):
        """name -> its events"""
        found, now = {}, None
        for line in show(question, "--json", *arguments).splitlines():
            event = json.loads(line)
            if event["ev"] == "picture":
                now = found.setdefault(event["name"], [])
            else:
                now.append(event)
        self.assertEqual(len(found), QUESTIONS[question])
        return found

    @staticmethod
    def edges(events, host):
        return [(event["from"], event["to"]) for event in events if event["ev"] == "state" and event["host"] == host]

    def test_three(self):
        for version in ([], ["--ipv6"]):
            seen = self.pictures("three", *version)
            real, other = seen["three-segments"], seen["two-segments"]
            self.assertEqual(self.edges(real, "server"), [("CLOSED", "LISTEN"), ("LISTEN", "SYN-RECEIVED"),
                                                          ("SYN-RECEIVED", "LISTEN")])
            self.assertNotIn("accept()", [event.get("call") for event in real])
            # Its program accepts, and reads, before the RST is there.
            told = [event.get("call") or event["to"] for event in other
                    if event["host"] == "server" and event["ev"] in ("call", "state")]
            self.assertEqual(told, ["listen()", "LISTEN", "ESTABLISHED", "accept()", "WRONG: reads 40 octets", "CLOSED",
                                    "connection reset: too late"])

    def test_four(self):
        seen = self.pictures("four")
        text = {name: sum(event["len"] for event in events if event["ev"] == "segment" and event["dir"] == "rx" and
                          event["host"] == "client") for name, events in seen.items()}
        self.assertEqual(text, {"four-segments": 1800, "one-close": 600, "three-segment-close": 0})
        fins = {name: [event["role"] for event in events if event["ev"] == "segment" and event["dir"] == "tx" and
                       "F" in event["flags"] and event["host"] == "server"] for name, events in seen.items()}
        self.assertEqual(fins, {"four-segments": ["second-fin"], "one-close": ["fin-and-ack"],
                                "three-segment-close": ["fin-and-ack"]})

    def test_time_wait(self):
        seen = self.pictures("time-wait")
        ends = {name: [event["reason"] for event in events if event["ev"] == "state" and event["from"] == "LAST-ACK" and
                       event["host"] == "server"] for name, events in seen.items()}
        self.assertEqual(ends, {"last-ack-lost": ["our-fin-acked"], "last-ack-lost-and-forgotten": ["rst-arrived"],
                                "old-text": ["our-fin-acked"], "old-text-taken": ["our-fin-acked"]})
        taken = {name: [event["verdict"] for event in events if event["ev"] == "segment" and event["dir"] == "rx" and
                        event["host"] == "server" and event["len"] == 40] for name, events in seen.items()}
        self.assertEqual(taken, {"last-ack-lost": [], "last-ack-lost-and-forgotten": [], "old-text": ["accepted", "bad-ack"],
                                 "old-text-taken": ["accepted", "accepted"]})
        self.assertIn("the address and port are in use", [event.get("call") for event in seen["old-text"]])

    def test_what_went_wrong_is_marked_and_said(self):
        for question, mark in WRONG.items():
            for language, heading, said in (("en", "As it would be: ", "What went wrong:"), ("zh", "若非如此：", "出了什么错：")):
                with self.subTest(question=question, language=language):
                    out = show(question, "--lang", language)
                    self.assertEqual(out.count(mark), 1)
                    self.assertEqual(out.count(heading), out.count(said))
                    self.assertGreater(out.count(said), 0)

    def test_wide_terminals_have_them_side_by_side(self):
        narrow, wide = show("three", "--width", "146"), show("three", "--width", "147")
        self.assertEqual(max(line.count("10.0.0.2:80") for line in narrow.splitlines()), 1)
        self.assertEqual(max(line.count("10.0.0.2:80") for line in wide.splitlines()), 2)
        self.assertLessEqual(max(map(len, wide.splitlines())), 147)
        self.assertTrue(show("time-wait", "--ascii", "--lang", "en", "--width", "160").isascii())

    def test_what_sets_another_scene_is_refused(self):
        for more in (["close"], ["--loss", "3%"], ["--explain"], ["--cc", "reno"], ["--bytes", "7"], ["--mtu", "600"],
                     ["--drop", "client:1"], ["--record", "f"], ["--plot", "f"], ["--compare", "reno"]):
            with self.subTest(more):
                code, _, error = lab.tern("lab", "--why", "three", *more)
                self.assertEqual(code, 2)
                self.assertIn("--why", error)
        code, _, error = lab.tern("lab", "--why", "five")
        self.assertEqual(code, 2)
        self.assertIn("'five' is not three, four or time-wait", error)


if __name__ == "__main__":
    if not os.path.exists(lab.TERN):
        print(f"{lab.TERN} is not built")
        sys.exit(77)
    unittest.main()
