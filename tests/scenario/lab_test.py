#!/usr/bin/env python3
"""`tern lab` as its user meets it: every scenario, options, errors, and that a seed is a run."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(__file__))
from lab import SCENARIOS, TERN, VERSIONS, run, tern  # noqa: E402


def on_terminal(columns, *arguments, **variables):
    """What `tern lab ARGUMENTS` writes to a terminal of so many columns."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = dict(os.environ, TERM="xterm", LANG="C.UTF-8", NO_COLOR="")
    environment.update(variables)
    with subprocess.Popen([TERN, "lab", *arguments], stdout=terminal, env=environment) as process:
        os.close(terminal)
        written = b""
        try:
            while chunk := os.read(main, 65536):
                written += chunk
        except OSError:     # the other end is closed
            pass
        process.wait(timeout=30)
    os.close(main)
    return written.decode()


class Scenarios(unittest.TestCase):
    def test_every_scenario_goes_as_expected(self):
        for name in SCENARIOS:
            for version in VERSIONS:
                with self.subTest(name=name, version=version):
                    done = run(name, *version)
                    self.assertEqual(done.code, 0, done.command + ": " + done.error)
                    self.assertEqual(done.error, "")

    def test_other_seeds_too(self):
        for name in SCENARIOS:
            for seed in ("2", "3", "4000000000"):
                with self.subTest(name=name, seed=seed):
                    done = run(name, "--seed", seed)
                    self.assertEqual(done.code, 0, done.command + ": " + done.error)

    def test_list_is_complete(self):
        code, out, _ = tern("lab", "--list")
        self.assertEqual(code, 0)
        lines = out.decode().splitlines()
        self.assertEqual([line.split()[0] for line in lines], SCENARIOS)
        self.assertTrue(all(len(line.split()) > 4 for line in lines))

    def test_connection_is_the_default(self):
        self.assertEqual(run().bytes, run("connection").bytes)

    def test_retransmission_repairs_at_once(self):
        done = run("retransmission")
        lost = done.segments("client", fate="dropped")[0]
        again = [s for s in done.segments("client") if s["seq"] == lost["seq"] and s["n"] != lost["n"]]
        self.assertEqual(len(again), 1)
        self.assertEqual(done.select(ev="retransmit", host="client")[0]["why"], "rack")
        self.assertLess(again[0]["t"] - lost["t"], 200 * 10**6)     # no time-out

    def test_zero_window_probes_back_off(self):
        done = run("zero-window")
        probes = [s for s in done.segments("client") if s.get("probe")]
        self.assertGreaterEqual(len(probes), 3)
        gaps = [b["t"] - a["t"] for a, b in zip(probes, probes[1:])]
        self.assertTrue(all(b >= a for a, b in zip(gaps, gaps[1:])), gaps)

    def test_window_scale_opens_beyond_16_bits(self):
        done = run("window-scale")
        self.assertGreater(max(s["wnd"] for s in done.segments("server")), 65535)
        self.assertTrue(all("wscale" in s["opts"] for s in done.segments() if "S" in s["flags"]))

    def test_time_wait_reuse_is_two_connections(self):
        done = run("time-wait-reuse")
        self.assertEqual({e["conn"] for e in done.select(ev="state", host="client")}, {1, 2})
        syns = [s for s in done.segments("client") if s["flags"] == "S"]
        self.assertEqual(len(syns), 2)
        self.assertEqual(done.arrival(syns[1])["verdict"], "new-connection")
        reused = done.time_of("server", "TIME-WAIT", "CLOSED")
        self.assertEqual(reused, done.arrival(syns[1])["t"])
        self.assertLess(reused, 10**9)     # long before 2MSL

    def test_challenge_ack_keeps_the_connection(self):
        done = run("challenge-ack")
        forged = done.segments(forged=True)
        self.assertEqual([done.arrival(s)["verdict"] for s in forged], ["blind-reset", "blind-syn"])
        for segment in forged:
            answer = next(s for s in done.segments("server") if s["t"] >= done.arrival(segment)["t"])
            self.assertEqual((answer["flags"], answer["len"]), ("A", 0))


class Options(unittest.TestCase):
    def test_bytes(self):
        for n in (0, 1, 1460, 100000):
            done = run("connection", "--bytes", str(n))
            self.assertEqual(done.code, 0, done.error)
            for host in ("client", "server"):
                self.assertEqual(sum(s["len"] for s in done.segments(host)), n)

    def test_impairments(self):
        done = run("retransmission", "--bytes", "200000", "--loss", "5%", "--duplicate", "2%", "--corrupt", "2%",
                   "--jitter", "2ms", "--reorder", "3%", "--rate", "10mbit", "--limit", "50", "--seed", "9")
        self.assertEqual(done.code, 0, done.error)
        fates = {s["fate"] for s in done.segments()}
        self.assertLessEqual({"delivered", "lost", "corrupted"}, fates)

    def test_delay_is_one_way(self):
        syn = run("open", "--delay", "40ms").segments("client")[0]
        self.assertEqual(syn["arrives"] - syn["t"], 40 * 10**6)
        syn = run("open", "--delay=1.5s").segments("client")[0]
        self.assertEqual(syn["arrives"] - syn["t"], 1500 * 10**6)

    def test_mtu(self):
        for version, header in (((), 40), (("--ipv6",), 60)):
            done = run("connection", "--bytes", "5000", "--mtu", "1300", *version)
            self.assertEqual(done.code, 0, done.error)
            syn = done.segments("client")[0]
            self.assertEqual(syn["opts"]["mss"], 1300 - header)
            self.assertLessEqual(max(s["len"] for s in done.segments()), 1300 - header)

    def test_drop_may_be_repeated(self):
        done = run("lost-syn", "--drop", "client:2", "--drop", "server:1")
        self.assertEqual(done.code, 0, done.error)
        self.assertEqual(len(done.segments(fate="dropped")), 3)

    def test_everything_lost_is_not_as_expected(self):
        done = run("connection", "--loss", "100%")
        self.assertEqual(done.code, 1)
        self.assertIn("connection: client did not go from SYN-SENT to ESTABLISHED", done.error)
        self.assertTrue(all(e["as_expected"] is False for e in done.select(ev="end")))

    def test_ladder(self):
        code, out, _ = tern("lab")
        text = out.decode()
        self.assertEqual(code, 0)
        for word in ("client", "server", "SYN", "FIN", "ESTABLISHED", "TIME-WAIT", "As expected."):
            self.assertIn(word, text)
        self.assertNotIn("\x1b", text)      # colour only on a terminal

    def test_ascii_is_ascii(self):
        _, out, _ = tern("lab", "lost-last-ack", "--ascii", "--explain")
        out.decode("ascii")

    def test_colour_when_asked(self):
        self.assertIn(b"\x1b[", tern("lab", "--color", "always")[1])
        self.assertNotIn(b"\x1b[", tern("lab", "--color=never")[1])

    def test_terminal_gives_width_and_colour(self):
        for columns in (80, 130):
            written = on_terminal(columns)
            self.assertIn("\x1b[", written)
            plain = re.sub(r"\x1b\[[0-9;]*m", "", written)
            ladder = plain.replace("\r", "").split("\n\n", 1)[1]
            widest = max(len(line) for line in ladder.splitlines())
            self.assertLessEqual(widest, columns)
            self.assertGreater(widest, columns - 25)
            self.assertEqual(plain, on_terminal(columns, NO_COLOR="1"))

    def test_columns_where_there_is_no_terminal(self):
        wide = tern("lab", env={"COLUMNS": "140"})[1]
        self.assertEqual(wide, tern("lab", "--width", "140")[1])
        self.assertNotEqual(wide, tern("lab")[1])

    def test_width(self):
        for width in (72, 100, 160):
            _, out, _ = tern("lab", "--width", str(width), "--ascii")
            ladder = out.decode().split("\n\n", 1)[1]
            self.assertLessEqual(max(len(line) for line in ladder.splitlines()), width)

    def test_plot_shows_what_was_sent_again(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "run.svg")
            code, _, error = tern("lab", "retransmission", "--plot", file)
            self.assertEqual((code, error), (0, ""))
            picture = ElementTree.parse(file).getroot()
        classes = {e.get("class") for e in picture.iter() if e.get("class")}
        self.assertLessEqual({"m sent", "m again", "m lost", "m sack", "l ack", "l cwnd", "l srtt"}, classes)

    def test_compare_lays_controllers_side_by_side(self):
        names = ["reno", "reno"]
        code, out, error = tern("lab", "retransmission", "--bytes", "200000", "--loss", "2%", "--json",
                            "--compare", ",".join(names))
        self.assertEqual((code, error), (0, ""))
        rows = [json.loads(line) for line in out.decode().splitlines()]
        self.assertEqual([row["controller"] for row in rows], names)
        for row in rows:
            self.assertEqual(row["octets"], 200000)
            self.assertGreater(row["retransmitted"], 0)
            self.assertGreater(row["seconds"], 0.1)
        self.assertEqual({**rows[0], "controller": 0}, {**rows[1], "controller": 0})
        code, out, _ = tern("lab", "retransmission", "--compare", ",".join(names))
        self.assertEqual(code, 0)
        self.assertEqual(sum(line.startswith("reno ") for line in out.decode().splitlines()), 2)

    def test_explain_and_language(self):
        english = tern("lab", "lost-last-ack", "--explain")[1].decode()
        self.assertRegex(english, r"RFC 9293 3\.")
        chinese = tern("lab", "lost-last-ack", "--explain", "--lang", "zh")[1].decode()
        self.assertGreater(len(re.findall("[\u4e00-\u9fff]", chinese)), 200)
        self.assertRegex(chinese, r"RFC 9293 3\.")
        by_locale = tern("lab", "lost-last-ack", "--explain", env={"LANG": "zh_CN.UTF-8"})[1].decode()
        self.assertEqual(by_locale, chinese)
        self.assertEqual(re.findall("[\u4e00-\u9fff]", english), [])

    def test_list_in_chinese(self):
        out = tern("lab", "--list", "--lang=zh")[1].decode()
        for line in out.splitlines():
            self.assertRegex(line, "[\u4e00-\u9fff]")

    def test_help_ends_with_examples(self):
        for arguments in (("lab", "--help"), ("help", "lab"), ("lab", "-h"), ("record", "--help"), ("replay", "-h")):
            code, out, _ = tern(*arguments)
            self.assertEqual(code, 0)
            examples = out.decode().split("Examples:\n")[1].splitlines()
            self.assertGreaterEqual(len(examples), 3)
            self.assertTrue(all(line.startswith("  tern ") for line in examples))


    def test_the_examples_of_the_help_go_as_expected(self):
        out = tern("lab", "--help")[1].decode()
        for line in out.split("Examples:\n")[1].splitlines():
            arguments = line.split("  ")[1].split()
            self.assertEqual(arguments[0], "tern")
            code, _, error = tern(*arguments[1:])
            self.assertEqual((code, error), (0, ""), line)


class Errors(unittest.TestCase):
    def wrong(self, *arguments):
        code, out, error = tern(*arguments)
        self.assertEqual(code, 2, arguments)
        self.assertEqual(out, b"")
        self.assertEqual(len(error.splitlines()), 1)
        self.assertTrue(error.startswith("tern: "))
        return error

    def test_bad_values_are_named(self):
        for option, value in (("delay", "40x"), ("delay", "-1ms"), ("delay", ""), ("jitter", "2h"), ("loss", "101%"),
                              ("loss", "abc"), ("duplicate", "1e3"), ("corrupt", "%"), ("reorder", "3%%"),
                              ("rate", "10mb"), ("rate", "0"), ("limit", "0"), ("limit", "16777217"),
                              ("drop", "client"), ("drop", "client:0"), ("drop", "nobody:1"), ("drop", "server:x"),
                              ("mtu", "67"), ("mtu", "65536"), ("bytes", "-1"), ("bytes", "1k"),
                              ("seed", "18446744073709551616"), ("color", "red"), ("lang", "fr"), ("width", "10"),
                              ("cc", "nosuch")):
            error = self.wrong("lab", "--" + option, value)
            self.assertIn("--" + option, error)
            self.assertIn(f"'{value}'", error)
            self.assertEqual(error, self.wrong("lab", f"--{option}={value}"))

    def test_what_there_is_not(self):
        self.assertIn("'nosuch'", self.wrong("lab", "nosuch"))
        self.assertIn("'close'", self.wrong("lab", "open", "close"))
        self.assertIn("'--nosuch'", self.wrong("lab", "--nosuch"))
        self.assertIn("'-x'", self.wrong("lab", "-x"))
        self.assertIn("--bytes", self.wrong("lab", "--bytes"))
        self.assertIn("--json", self.wrong("lab", "--json=yes"))
        self.assertIn("1279", self.wrong("lab", "--ipv6", "--mtu", "1279"))
        self.assertIn("'frobnicate'", self.wrong("frobnicate"))
        self.assertIn("'--frobnicate'", self.wrong("--frobnicate"))
        self.assertIn("'nosuch'", self.wrong("help", "nosuch"))
        self.assertIn("--explain", self.wrong("lab", "--json", "--explain"))
        self.assertIn("--cc", self.wrong("lab", "--compare", "reno", "--cc", "reno"))
        self.assertIn("--compare: 'nosuch' is not a congestion control", self.wrong("lab", "--compare", "reno,nosuch"))
        self.assertIn("'reno,'", self.wrong("lab", "--compare", "reno,"))
        self.assertIn("/nosuch/file", self.wrong("lab", "--compare", "reno", "--plot", "/nosuch/file"))
        self.assertIn("/nosuch/file", self.wrong("lab", "--record", "/nosuch/file"))

    def test_no_command_is_usage(self):
        code, out, error = tern()
        self.assertEqual((code, out), (2, b""))
        self.assertIn("usage: tern", error)

    def test_version_and_help(self):
        for argument in ("version", "--version", "-V"):
            code, out, _ = tern(argument)
            self.assertEqual(code, 0)
            self.assertRegex(out.decode(), r"^tern \d")
        for argument in ("help", "--help", "-h"):
            code, out, _ = tern(argument)
            self.assertEqual(code, 0)
            self.assertIn("usage: tern", out.decode())

    def test_output_that_cannot_be_written(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TERN, "lab"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write", done.stderr)


class Seeds(unittest.TestCase):
    OPTIONS = ("retransmission", "--bytes", "60000", "--loss", "5%", "--jitter", "3ms", "--reorder", "5%")

    def test_same_seed_same_bytes(self):
        for arguments in (self.OPTIONS + ("--seed", "5", "--json"), ("lab-default",), ("connection", "--explain")):
            arguments = () if arguments == ("lab-default",) else arguments
            first = tern("lab", *arguments)
            self.assertEqual(first, tern("lab", *arguments))

    def test_other_seed_other_numbers(self):
        syns = {run("open", "--seed", str(seed)).segments("client")[0]["seq"] for seed in range(1, 21)}
        self.assertEqual(len(syns), 20)


class Json(unittest.TestCase):
    def test_every_line_says_what_it_must(self):
        for name in SCENARIOS:
            done = run(name)
            for event in done.events:
                self.assertEqual(event["v"], 1)
                self.assertIsInstance(event["t"], int)
                self.assertIn(event["host"], ("client", "server"))
                self.assertIsInstance(event["conn"], int)
                self.assertIn("ev", event)
                if event["ev"] == "segment":
                    self.assertLessEqual({"dir", "n", "flags", "seq", "ack", "rseq", "rack", "wnd", "len", "opts"},
                                         event.keys())
                    self.assertRegex(event["flags"], "^S?F?R?P?A?U?E?C?e?$")
                    self.assertIn("fate" if event["dir"] == "tx" else "verdict", event)
                elif event["ev"] == "state":
                    self.assertRegex(event["why"], r"^RFC \d+|^our|departure|DESIGN")
            self.assertEqual([(e["ev"], e["host"]) for e in done.events[-2:]],
                             [("end", "client"), ("end", "server")])

    def test_time_never_goes_back(self):
        for name in SCENARIOS:
            times = [e["t"] for e in run(name).events]
            self.assertEqual(times, sorted(times), name)

    def test_lines_are_compact_json(self):
        for line in run("connection").bytes.decode().splitlines():
            self.assertEqual(json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False), line)


if __name__ == "__main__":
    unittest.main()
