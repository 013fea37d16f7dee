#!/usr/bin/env python3
"""`tern doctor`: what it says of this machine is so, and where things are taken away it says that."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "tools"))
from namespaces import CLONE_NEWNS, CLONE_NEWUSER, MS_BIND, mount, unshare  # noqa: E402

TERN = os.environ.get("TERN", os.path.join(os.path.dirname(__file__), "../../build/release/tern"))
NAMES = ["user namespaces", "mount namespaces", "/dev/net/tun", "offloads", "tern nc", "ping sockets", "IPv6", "seccomp",
         "AF_PACKET", "AF_XDP", "io_uring", "DPDK"]
NEEDED = {"user namespaces", "/dev/net/tun"}


def doctor(*arguments, before=None):
    """(exit code, standard output, standard error); before: called in the child first."""
    done = subprocess.run([TERN, "doctor", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          preexec_fn=before)
    return done.returncode, done.stdout, done.stderr


def findings(before=None):
    """State and text by name, and the exit code."""
    code, out, _ = doctor("--json", before=before)
    lines = [json.loads(line) for line in out.splitlines()]
    return {line["check"]: (line["state"], line["text"]) for line in lines}, code


def can_unshare():
    child = os.fork()
    if child == 0:
        try:
            unshare(CLONE_NEWUSER | CLONE_NEWNS)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def without_tun():
    """In a mount namespace whose /dev/net is empty."""
    unshare(CLONE_NEWUSER | CLONE_NEWNS)
    with tempfile.TemporaryDirectory() as directory:
        mount(directory, "/dev/net", None, MS_BIND)


def without_namespaces():
    """As in a container whose owner has used up, or forbidden, user namespaces."""
    unshare(CLONE_NEWUSER)
    with open("/proc/sys/user/max_user_namespaces", "w", encoding="ascii") as file:
        file.write("0")


class Doctor(unittest.TestCase):
    def test_one_line_each(self):
        code, out, error = doctor()
        lines = out.splitlines()
        self.assertEqual(error, "")
        self.assertEqual([line[6:22].strip() for line in lines[:len(NAMES)]], NAMES)
        for line in lines[:len(NAMES)]:
            self.assertRegex(line, r"^(ok|less|no) +\S.{14,}  \S.*\S$")
        self.assertEqual(lines[len(NAMES)], "")
        self.assertEqual("works here." in lines[-1], code == 0)

    def test_json_says_the_same(self):
        known, code = findings()
        marks = {"ok": "ok", "less": "less", "missing": "no"}
        text = doctor()[1]
        self.assertEqual(list(known), NAMES)
        for name, (state, said) in known.items():
            self.assertIn(f"{marks[state]:4}  {name:16}  {said}\n", text)
        self.assertEqual(code, int(any(state == "missing" for state, _ in known.values())))
        self.assertLessEqual({name for name, (state, _) in known.items() if state == "missing"}, NEEDED)

    def test_it_leaves_nothing_behind(self):
        with open("/proc/self/net/dev", encoding="ascii") as file:
            before = re.findall(r"^ *(\S+):", file.read(), re.M)
        mounts = os.stat("/etc/resolv.conf")
        doctor()
        with open("/proc/self/net/dev", encoding="ascii") as file:
            self.assertEqual(re.findall(r"^ *(\S+):", file.read(), re.M), before)
        after = os.stat("/etc/resolv.conf")
        self.assertEqual((after.st_dev, after.st_ino), (mounts.st_dev, mounts.st_ino))

    @unittest.skipUnless(can_unshare(), "user namespaces are not permitted here")
    def test_device_that_is_missing_is_told(self):
        known, code = findings(without_tun)
        self.assertEqual(code, 1)
        self.assertEqual(known["/dev/net/tun"][0], "missing")
        self.assertIn("modprobe tun", known["/dev/net/tun"][1])
        self.assertEqual(known["offloads"], ("less", "not tried: no device"))
        self.assertIn("does not work here", doctor(before=without_tun)[1])

    @unittest.skipUnless(can_unshare(), "user namespaces are not permitted here")
    def test_namespaces_that_are_off_are_told(self):
        known, code = findings(without_namespaces)
        self.assertEqual(code, 1)
        self.assertEqual(known["user namespaces"][0], "missing")
        self.assertIn("user.max_user_namespaces", known["user namespaces"][1])

    def test_wrong_command_lines(self):
        for argument in ("--bogus", "more"):
            code, out, error = doctor(argument)
            self.assertEqual((code, out), (2, ""))
            self.assertRegex(error, r"\Atern: doctor: [^\n]+\n\Z")

    def test_help(self):
        code, out, error = doctor("--help")
        self.assertEqual((code, error), (0, ""))
        self.assertIn("usage: tern doctor", out)


if __name__ == "__main__":
    if not sys.platform.startswith("linux"):
        print("skipped: not Linux", file=sys.stderr)
        sys.exit(77)
    unittest.main()
