#!/usr/bin/env python3
"""Settings by name: each changes what goes over the wire; profiles differ where the stacks do; what is said of wrong ones.

tests/script/setting/ has a script for each setting, which goes as it says with its sysctl line and not without it.
"""

import glob
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from lab import tern  # noqa: E402

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "script")
SCRIPTS = sorted(glob.glob(os.path.join(FOLDER, "setting", "*.pkt")))
PROFILES = sorted(glob.glob(os.path.join(FOLDER, "profile", "*.pkt")))
# What no script can show: tests/unit/settings_test.c has these, and the lab below.
ELSEWHERE = {"net.ipv4.ip_default_ttl", "net.ipv4.ip_local_port_range", "net.ipv4.ip_no_pmtu_disc", "net.ipv4.ipfrag_time",
             "net.ipv4.tcp_mtu_probing", "net.ipv4.tcp_retries1"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def plays(text, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".pkt") as file:
        file.write(text)
        file.flush()
        return tern("script", "--quiet", *options, file.name)[0] == 0


def table(*arguments):
    code, out, error = tern("settings", "--json", *arguments)
    assert code == 0, error
    return {row["name"]: row for row in map(json.loads, out.splitlines())}


class Wire(unittest.TestCase):
    def test_each_script_needs_its_setting(self):
        for path in SCRIPTS:
            text = read(path)
            with self.subTest(os.path.basename(path)):
                self.assertTrue(plays(text))
                self.assertFalse(plays(re.sub(r"^`sysctl.*`$", "", text, flags=re.M)), "as well without it")

    def test_each_setting_has_one(self):
        shown = {name for path in SCRIPTS for name in re.findall(r"([a-z0-9_.]+)=", re.search("`(.*)`", read(path)).group(1))}
        wanted = {name for name, row in table().items() if not row["machine"]}
        self.assertEqual(wanted - shown - ELSEWHERE, set())
        self.assertEqual(ELSEWHERE - wanted, set())

    def test_profiles(self):
        """Each script goes as it says under its own profile, and not under one that has it otherwise."""
        self.assertGreaterEqual(len(PROFILES), 9)
        for path in PROFILES:
            own = re.search(r"--profile=(\w+)", read(path)).group(1)
            with self.subTest(os.path.basename(path)):
                self.assertTrue(plays(read(path)))
                good = {name for name in ("freebsd", "linux", "rfc") if plays(read(path), "--profile", name)}
                self.assertIn(own, good)
                self.assertLess(len(good), 3, "no profile has it otherwise")

    def test_mtu_probing(self):
        self.assertEqual(tern("lab", "path-mtu-black-hole")[0], 0)
        code, _, error = tern("lab", "path-mtu-black-hole", "--set", "tcp_mtu_probing=0")
        self.assertEqual(code, 1)
        self.assertIn("black-hole", error)

    def test_retries1(self):
        def advice(*options):
            out = tern("lab", "peer-vanishes", "--json", *options)[1]
            return [event["value"] for event in map(json.loads, out.splitlines()) if event.get("note") == "r1"]
        self.assertEqual((advice(), advice("--set", "tcp_retries1=1")), ([3], [1]))

    def test_one_host_of_two(self):
        def syns(*options):
            return [line for line in tern("lab", *options, "--ascii", "--width", "200")[1].decode().splitlines() if " SYN" in line]
        both, client, server = (syns(*options) for options in
                                ((), ("--set", "client:tcp_window_scaling=0"), ("--set", "server:tcp_window_scaling=0")))
        self.assertIn("wscale", both[0])
        self.assertNotIn("wscale", "".join(client))
        self.assertIn("wscale", server[0])
        self.assertNotIn("wscale", server[1])


class Command(unittest.TestCase):
    def test_table(self):
        rows = table()
        self.assertGreater(len(rows), 40)
        self.assertEqual(list(rows), sorted(rows))
        out = tern("settings")[1].decode()
        for name, row in rows.items():
            self.assertIn(f"{name} = {row['value']}", out)
            self.assertIn(row["what"], out)

    def test_some_of_it(self):
        code, out, error = tern("settings", "--profile", "linux", "--set", "tcp_sack=0", "tcp_rmem", "/proc/sys/net/ipv4/tcp_sack")
        self.assertEqual((code, error), (0, ""))
        self.assertEqual([line.split("  #")[0].rstrip() for line in out.decode().splitlines()],
                         ["net.ipv4.tcp_rmem = 4096 65536 6291456", "net.ipv4.tcp_sack = 0"])

    def test_profiles_are_the_four(self):
        names = ("tern", "linux", "freebsd", "rfc")
        self.assertEqual(len({json.dumps(table("--profile", name)) for name in names}), 4)
        self.assertEqual(table("--profile", "tern"), table())

    def test_what_is_wrong(self):
        for arguments, said in (
                (("settings", "nosuch"), "there is no setting 'nosuch'"),
                (("settings", "--profile", "windows"), "there is no profile 'windows', but freebsd, linux, rfc, tern"),
                (("settings", "--set", "tcp_sack"), "'tcp_sack' is not NAME=VALUE"),
                (("settings", "--set", "tcp_sack=7"), "net.ipv4.tcp_sack: '7' is not 0 or 1"),
                (("settings", "--set", "tcp_rto_max_ms=10"), "is to be at most net.ipv4.tcp_rto_max_ms (10)"),
                (("settings", "--set"), "--set wants a value"),
                (("settings", "--nosuch"), "there is no option '--nosuch'"),
                (("lab", "--set", "tcp_fin_timeout=0"), "net.ipv4.tcp_fin_timeout: '0' is not a whole number from 1 to 86400 (s)"),
                (("lab", "--set", "server:nosuch=0"), "there is no setting 'nosuch'"),
                (("lab", "--set", "tcp_sack"), "is not NAME=VALUE"),
                (("lab", "--profile", "client:os2"), "there is no profile 'os2'"),
                (("lab", "--set", "tcp_rto_max_ms=500"), "is to be at most"),
                (("gateway", "--profile", "os2", "--", "true"), "there is no profile 'os2'"),
                (("gateway", "--set", "tcp_sack=x", "--", "true"), "net.ipv4.tcp_sack: 'x' is not 0 or 1"),
                (("gateway", "--set", "tcp_rto_max_ms=500", "--", "true"), "is to be at most"),
                (("script", "--profile", "os2", "x.pkt"), "there is no profile 'os2'")):
            with self.subTest(arguments):
                code, out, error = tern(*arguments)
                self.assertEqual((code, out), (2, b""))
                self.assertIn(said, error)

    def test_sysctl_of_a_script(self):
        with tempfile.NamedTemporaryFile("w", suffix=".pkt") as file:
            file.write("`sysctl -q net.ipv4.tcp_sack=3 net.ipv4.tcp_nosuch=1`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n")
            file.flush()
            code, _, error = tern("script", file.name)
        self.assertEqual(code, 0)
        self.assertIn("net.ipv4.tcp_sack: '3' is not 0 or 1: left as it is", error)
        self.assertIn("there is no setting 'net.ipv4.tcp_nosuch'", error)


if __name__ == "__main__":
    unittest.main()
