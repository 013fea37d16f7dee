#!/usr/bin/env python3
"""The playground's WebAssembly module gives what the native stack gives, bit for bit: seeded sessions are played in
the module under node, and their shares by `tern replay --playground`. And what that command says of bad links."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from lab import tern  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SCRIPT = os.path.join(ROOT, "tools/playground_wasm.sh")
COMMITTED = os.path.join(ROOT, "web/wasm/tern-play.wasm")
SESSIONS = os.path.join(ROOT, "tests/web/wasm/sessions.mjs")
N = int(os.environ.get("TERN_PLAY_SESSIONS", "60"))
RUN = "tern1,seed=3,0.w.delay.20000,0.s.listen.1,0.c.open,100000.c.send.4000,110000.w.drop.5,500000.c.shutdown," \
      "600000.s.send.100,700000.s.close"


def segments(lines):
    return [e for e in map(json.loads, lines.splitlines()) if e["ev"] == "segment"]


class Replay(unittest.TestCase):
    """The command by itself."""

    def test_plays_a_link(self):
        code, out, error = tern("replay", "--playground", RUN, "--json")
        self.assertEqual((code, error), (0, "8 actions, 16 packets, not compared: the link has no sum\n"))
        sent = {e["n"]: e for e in segments(out) if e["dir"] == "tx"}
        self.assertNotIn(5, [e["n"] for e in segments(out) if e["dir"] == "rx"])
        self.assertEqual([n for n, e in sent.items() if e.get("again_of") == 5], [9])
        dropped = [e for e in map(json.loads, out.splitlines()) if e["ev"] == "fate"]
        self.assertEqual(dropped, [{"v": 1, "t": 110000000, "host": "client", "conn": 1, "ev": "fate", "n": 5,
                                    "fate": "dropped", "arrives": None}])
        for event in sent.values():
            header = bytes.fromhex(event["hdr"])
            self.assertEqual((header[0], int.from_bytes(header[24:28], "big")), (0x45, event["seq"]))

    def test_compares_with_the_sum(self):
        for link, code, said in (
                (RUN + ",to=9000000,sum=0000000000000000", 1, "not identical: another version"),
                (RUN + ",to=9000000", 0, "not compared")):
            got, out, _ = tern("replay", "--playground", link)
            self.assertEqual(got, code)
            self.assertIn(said, out.decode())

    def test_draws(self):
        code, out, _ = tern("replay", "--ladder", "--playground", RUN)
        self.assertEqual(code, 0)
        self.assertIn("✗ dropped", out.decode())
        self.assertIn("retransmission of 5", out.decode())
        self.assertTrue(out.decode().endswith("16 packets, not compared: the link has no sum\n"))

    def test_takes_an_address_and_a_file(self):
        _, plain, _ = tern("replay", "--json", "--playground", RUN)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("https://example.org/page.html?q=1#" + RUN + "\n")
            file.flush()
            code, out, error = tern("replay", "--json", "--playground", "@" + file.name)
        self.assertEqual((code, out), (0, plain), error)
        done = subprocess.run([os.environ.get("TERN", "build/release/tern"), "replay", "--json", "--playground", "@-"],
                              input=RUN.encode(), capture_output=True, timeout=200, check=False)
        self.assertEqual(done.stdout, plain)

    def test_says_what_is_wrong(self):
        for arguments, said in (
                (["--playground", "tern1,0.c.opens"], "--playground: at character 11: no such action"),
                (["--playground", "run.tern"], "it does not begin with tern1"),
                (["--playground", "@/does/not/exist"], "cannot read '/does/not/exist': No such file"),
                (["--playground"], "--playground wants a value: LINK"),
                (["--playground", RUN, "--to", "3"], "takes no FILE, --to, --trace"),
                (["--playground", RUN, "run.tern"], "takes no FILE, --to, --trace"),
                (["--playground", RUN, "--json", "--ladder"], "exclude each other"),
                (["--json", "--ladder", "run.tern"], "exclude each other")):
            code, out, error = tern("replay", *arguments)
            self.assertEqual((code, out), (2, b""), arguments)
            self.assertIn(said, error)


class Module(unittest.TestCase):
    """The module, made of this source where clang and wasm-ld are there, else the committed one."""

    @classmethod
    def setUpClass(cls):
        if not shutil.which("node"):
            raise unittest.SkipTest("node is not there (Debian: nodejs)")
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        cls.module = os.path.join(cls.directory.name, "made.wasm")
        made = subprocess.run([SCRIPT, cls.module], capture_output=True, text=True, timeout=300, check=False)
        if made.returncode == 77:
            cls.module = COMMITTED
        elif made.returncode != 0:
            raise AssertionError(f"{SCRIPT}: {made.stderr}")

    def test_gives_what_the_native_stack_gives(self):
        done = subprocess.run(["node", SESSIONS, self.module, "1", str(N), self.directory.name],
                              capture_output=True, text=True, timeout=280 + N, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        played = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(played), N)
        for session in played:
            self.assertFalse(session["garbled"], session)
        # They have to be worth comparing: much happens in them, and of every kind.
        self.assertGreater(sum(s["packets"] for s in played), 50 * N)
        kinds = set()
        for seed in range(1, N + 1):
            with self.subTest(seed=seed):
                path = os.path.join(self.directory.name, str(seed))
                code, out, error = tern("replay", "--json", "--playground", f"@{path}.share")
                self.assertEqual(code, 0, error)
                self.assertTrue(error.endswith("packets, identical\n"), error)
                with open(path + ".lines", "rb") as file:
                    self.assertEqual(out, file.read())
                kinds |= set(re.findall(r'"(?:fate|to)":"([A-Za-z0-9-]+)"', out.decode()))
        self.assertLessEqual({"delivered", "lost", "duplicated", "corrupted", "reordered", "queue-full", "dropped",
                              "held", "released", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
                              "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "TIME-WAIT", "CLOSED"}, kinds)
        print(f"{N} sessions, {sum(s['packets'] for s in played)} packets: the module, again from its share, and the command agree")


if __name__ == "__main__":
    unittest.main()
