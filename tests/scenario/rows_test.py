#!/usr/bin/env python3
"""DESIGN section 2, row by row: what must hold in the life of a connection, asserted from the events of the
scenario that shows it. Over both IP versions."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from lab import VERSIONS, run  # noqa: E402


def flags(segments):
    return [s["flags"] for s in segments]


CLIENT_FIRST = ["CLOSED", "SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"]
SERVER_SECOND = ["LISTEN", "SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "LAST-ACK", "CLOSED"]


class Rows(unittest.TestCase):
    def each_version(self, scenario, *options):
        """The scenario's run over each IP version; both went as expected."""
        runs = [run(scenario, *options, *version) for version in VERSIONS]
        for done in runs:
            self.assertEqual(done.code, 0, done.command + ": " + done.error)
        return runs

    def test_row_01_syn_where_a_server_listens(self):
        for done in self.each_version("open"):
            syn = done.segments("client")[0]
            self.assertEqual(syn["flags"], "S")
            self.assertEqual(done.states("client"), ["CLOSED", "SYN-SENT", "ESTABLISHED"])
            self.assertEqual(done.arrival(syn)["verdict"], "new-connection")

    def test_row_01_elsewhere_it_is_refused(self):
        for done in self.each_version("refused"):
            syn, reset = done.segments()
            self.assertEqual((syn["host"], syn["flags"]), ("client", "S"))
            self.assertEqual((reset["host"], reset["flags"]), ("server", "RA"))
            self.assertEqual(reset["seq"], 0)
            self.assertEqual(reset["ack"], (syn["seq"] + 1) % 2**32)
            self.assertEqual(done.states("client"), ["CLOSED", "SYN-SENT", "CLOSED"])
            self.assertEqual(done.states("server"), [])

    def test_row_02_one_segment_carries_syn_and_ack(self):
        for done in self.each_version("open"):
            syn, syn_ack, _ = done.segments()
            self.assertEqual((syn_ack["host"], syn_ack["flags"]), ("server", "SA"))
            self.assertEqual(syn_ack["ack"], (syn["seq"] + 1) % 2**32)
            self.assertNotEqual(syn_ack["seq"], syn["seq"])
            self.assertGreaterEqual(syn_ack["t"], done.arrival(syn)["t"])

    def test_row_03_each_side_has_proved_itself(self):
        for done in self.each_version("open"):
            syn, syn_ack, ack = done.segments()
            self.assertEqual((ack["host"], ack["flags"], ack["len"]), ("client", "A", 0))
            self.assertEqual(ack["seq"], (syn["seq"] + 1) % 2**32)
            self.assertEqual(ack["ack"], (syn_ack["seq"] + 1) % 2**32)
            # Segments 1-2 prove the client's direction, 2-3 the server's, and not before they arrive.
            self.assertEqual(done.time_of("client", "SYN-SENT", "ESTABLISHED"), done.arrival(syn_ack)["t"])
            self.assertEqual(done.time_of("server", "SYN-RECEIVED", "ESTABLISHED"), done.arrival(ack)["t"])

    def test_row_03_two_segments_would_not_do(self):
        for done in self.each_version("old-duplicate-syn"):
            old, syn_ack, reset = done.segments()[:3]
            self.assertEqual((old["flags"], old["forged"]), ("S", True))
            self.assertEqual((syn_ack["host"], syn_ack["flags"]), ("server", "SA"))
            self.assertEqual((reset["host"], reset["flags"]), ("client", "R"))
            self.assertEqual(reset["seq"], syn_ack["ack"])
            server = done.edges("server")
            dead = server.index(("SYN-RECEIVED", "LISTEN"))
            self.assertNotIn(("SYN-RECEIVED", "ESTABLISHED"), server[:dead])
            self.assertIn(("SYN-RECEIVED", "ESTABLISHED"), server[dead:])

    def test_row_04_full_resources_only_to_the_proved(self):
        for done in self.each_version("syn-flood"):
            verdicts = [e["verdict"] for e in done.select(ev="segment", dir="rx", host="server")]
            self.assertEqual(verdicts.count("new-connection"), 4)      # half-open entries: the backlog
            self.assertGreaterEqual(verdicts.count("cookie-sent"), 3)  # nothing kept
            self.assertEqual(done.edges("server").count(("SYN-RECEIVED", "ESTABLISHED")), 1)
            end = done.select(ev="end", host="server")[0]
            self.assertEqual(end["counters"]["SyncookiesRecv"], 1)
            self.assertEqual(end["counters"]["PassiveOpens"], 1)

    def test_row_05_fin_ends_one_direction_only(self):
        for done in self.each_version("half-close"):
            fin = next(s for s in done.segments("client") if "F" in s["flags"])
            after = [s for s in done.segments("server", flags="PA") if s["t"] > done.arrival(fin)["t"]]
            self.assertEqual(sum(s["len"] for s in after), 1800)
            during = [s for s in after if done.time_of("client", "FIN-WAIT-1", "FIN-WAIT-2") <= s["t"]]
            self.assertGreaterEqual(len(during), 3)
            self.assertEqual(sum(s["len"] for s in done.segments("client") if s["seq"] > fin["seq"]), 0)

    def test_row_05_either_side_may_close_first(self):
        for done in self.each_version("connection"):
            self.assertEqual(done.states("client"), CLIENT_FIRST)
            self.assertEqual(done.states("server"), SERVER_SECOND)
        for done in self.each_version("server-closes-first"):
            self.assertEqual(done.states("server"), ["LISTEN", "SYN-RECEIVED"] + CLIENT_FIRST[2:])
            self.assertEqual(done.states("client"), ["CLOSED", "SYN-SENT"] + SERVER_SECOND[2:])

    def closing(self, done):
        """The four last segments of `connection`."""
        segments = done.segments()
        first = next(i for i, s in enumerate(segments) if "F" in s["flags"])
        self.assertEqual(len(segments) - first, 4)
        return segments[first:]

    def test_row_06_the_fin_is_acknowledged_with_its_number_plus_one(self):
        for done in self.each_version("connection"):
            fin, ack, _, _ = self.closing(done)
            self.assertEqual((fin["host"], fin["flags"]), ("client", "FA"))
            self.assertEqual((ack["host"], ack["flags"]), ("server", "A"))
            self.assertEqual(ack["ack"], (fin["seq"] + fin["len"] + 1) % 2**32)

    def test_row_07_the_passive_closer_sends_its_fin(self):
        for done in self.each_version("connection"):
            _, ack, fin, _ = self.closing(done)
            self.assertEqual((fin["host"], fin["flags"]), ("server", "FA"))
            self.assertGreater(fin["t"], ack["t"])
            self.assertEqual(done.time_of("server", "CLOSE-WAIT", "LAST-ACK"), fin["t"])

    def test_row_08_the_last_ack_and_time_wait(self):
        for done in self.each_version("connection"):
            _, _, fin, ack = self.closing(done)
            self.assertEqual((ack["host"], ack["flags"]), ("client", "A"))
            self.assertEqual(ack["ack"], (fin["seq"] + 1) % 2**32)
            entered = done.time_of("client", "FIN-WAIT-2", "TIME-WAIT")
            self.assertEqual(entered, done.arrival(fin)["t"])
            self.assertEqual(done.time_of("client", "TIME-WAIT", "CLOSED") - entered, 60 * 10**9)

    def test_row_09_four_because_the_program_may_go_on(self):
        for done in self.each_version("connection"):
            fin, ack, second, _ = self.closing(done)
            self.assertEqual(ack["t"], done.arrival(fin)["t"])      # at once
            self.assertEqual(second["t"] - ack["t"], 30 * 10**6)    # when the program has finished

    def test_row_09_three_where_it_has_finished(self):
        for done in self.each_version("three-segment-close"):
            closing = done.segments()[3:]
            self.assertEqual([(s["host"], s["flags"]) for s in closing],
                             [("client", "FA"), ("server", "FA"), ("client", "A")])
            self.assertIn(("FIN-WAIT-1", "TIME-WAIT"), done.edges("client"))

    def test_row_10_time_wait_answers_the_fin_again(self):
        for done in self.each_version("lost-last-ack"):
            lost = next(s for s in done.segments("client") if s["fate"] == "dropped")
            fins = [s for s in done.segments("server") if "F" in s["flags"]]
            self.assertEqual(lost["ack"], (fins[0]["seq"] + 1) % 2**32)
            self.assertEqual(len(fins), 2)
            again = done.arrival(fins[1])
            self.assertEqual(again["verdict"], "time-wait")
            answer = next(s for s in done.segments("client") if s["t"] >= again["t"])
            self.assertEqual((answer["flags"], answer["ack"]), ("A", lost["ack"]))
            self.assertEqual(done.time_of("server", "LAST-ACK", "CLOSED"), done.arrival(answer)["t"])
            # It starts over: 2MSL from the second FIN, not from the first.
            self.assertEqual(done.time_of("client", "TIME-WAIT", "CLOSED") - again["t"], 60 * 10**9)

    def test_row_11_any_segment_lost(self):
        # The seven, and the data between: client 1 SYN, 2 ACK, 3 data, 4 ACK, 5 FIN, 6 ACK; server 1 SYN-ACK,
        # 2 data, 3 ACK of the FIN, 4 FIN.
        for drop in [f"client:{n}" for n in range(1, 7)] + [f"server:{n}" for n in range(1, 5)]:
            for done in self.each_version("connection", "--drop", drop):
                host, n = drop.split(":")
                lost = done.segments(host, nth=int(n))[0]
                self.assertEqual(lost["fate"], "dropped")
                self.assertEqual(done.states("client")[-1], "CLOSED")
                self.assertEqual(done.states("server")[-1], "CLOSED")

    def test_row_11_lost_in_its_own_scenario(self):
        for name, host, flag in (("lost-syn", "client", "S"), ("lost-syn-ack", "server", "SA"),
                                 ("lost-ack-of-syn", "client", "A"), ("lost-fin", "client", "FA")):
            for done in self.each_version(name):
                lost = done.segments(fate="dropped")
                self.assertEqual([(s["host"], s["flags"]) for s in lost], [(host, flag)])
                self.assertEqual(done.states("client")[-1], "CLOSED")
                self.assertEqual(done.states("server")[-1], "CLOSED")

    def test_row_11_duplicated_delayed_reordered(self):
        for options in (("--duplicate", "100%"), ("--jitter", "8ms"), ("--reorder", "40%"),
                        ("--duplicate", "30%", "--reorder", "30%", "--loss", "20%")):
            for seed in range(1, 9):
                for done in self.each_version("connection", *options, "--seed", str(seed)):
                    self.assertEqual(done.states("client")[-1], "CLOSED")
                    self.assertEqual(done.states("server")[-1], "CLOSED")

    def test_row_12_simultaneous_open(self):
        for done in self.each_version("simultaneous-open"):
            states = ["CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"]
            self.assertEqual(done.states("client"), states)
            self.assertEqual(done.states("server"), states)
            self.assertEqual(flags(done.segments())[:4], ["S", "S", "SA", "SA"])
            self.assertEqual({e["conn"] for e in done.select(ev="state")}, {1})

    def test_row_12_simultaneous_close(self):
        for done in self.each_version("simultaneous-close"):
            states = ["ESTABLISHED", "FIN-WAIT-1", "CLOSING", "TIME-WAIT", "CLOSED"]
            self.assertEqual(done.states("client")[2:], states)
            self.assertEqual(done.states("server")[2:], states)

    def test_row_12_abort(self):
        for done in self.each_version("abort"):
            reset = done.segments("client")[-1]
            self.assertIn("R", reset["flags"])
            self.assertEqual(done.states("client")[-2:], ["ESTABLISHED", "CLOSED"])
            self.assertEqual(done.states("server")[-2:], ["ESTABLISHED", "CLOSED"])
            self.assertEqual(done.arrival(reset)["verdict"], "reset")
            self.assertEqual(done.segments()[-1], reset)

    def test_row_12_one_side_vanishes(self):
        for done in self.each_version("peer-vanishes"):
            self.assertEqual(done.select(ev="state", host="client")[-1]["to"], "CLOSED")
            again = done.select(ev="retransmit", host="client")
            gaps = [b["t"] - a["t"] for a, b in zip(again, again[1:])]
            self.assertTrue(all(b >= 1.9 * a or b >= 60 * 10**9 for a, b in zip(gaps, gaps[1:-1])), gaps)
            given_up = done.time_of("client", "ESTABLISHED", "CLOSED")
            self.assertGreaterEqual(given_up, 100 * 10**9)      # R2
        for done in self.each_version("keep-alive"):
            probes = [s for s in done.segments("client") if s.get("probe")]
            answered = [s for s in done.segments("server") if s["t"] > probes[0]["t"]]
            self.assertEqual(len(probes) - len(answered), 3)
        for done in self.each_version("user-timeout"):
            sent = next(s for s in done.segments("client") if s["len"] > 0)
            waited = done.time_of("client", "ESTABLISHED", "CLOSED") - sent["t"]
            self.assertTrue(5 * 10**9 <= waited < 5.1 * 10**9, waited)

    def test_row_13_behind_sockets(self):
        # The programs call and know nothing of the above: these are all the calls of `connection`.
        for done in self.each_version("connection"):
            calls = {host: [e["call"] for e in done.select(ev="call", host=host)] for host in ("client", "server")}
            self.assertEqual(calls["client"], ["connect()", "send(600)", "shutdown()", "close()"])
            self.assertEqual(calls["server"], ["listen()", "accept()", "send(600)", "close()"])


if __name__ == "__main__":
    unittest.main()
