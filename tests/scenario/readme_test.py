#!/usr/bin/env python3
"""README shows what the command prints: its first drawing is the run of today, line for line."""

import os
import re
import subprocess
import sys
import unittest

TERN = os.path.abspath(os.environ.get("TERN", "build/release/tern"))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"^```\n\$ tern ([^\n]*)\n(.*?)^```$", re.M | re.S)


class Readme(unittest.TestCase):
    maxDiff = None

    def test_its_drawings_are_what_the_command_prints(self):
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
        seen = 0
        for name in ("README.md", "README.zh-CN.md", "docs/life-of-a-connection.md", "docs/zh/life-of-a-connection.md"):
            if not os.path.exists(f"{ROOT}/{name}"):
                continue
            with open(f"{ROOT}/{name}", encoding="utf-8") as file:
                text = file.read()
            for arguments, shown in BLOCK.findall(text):
                with self.subTest(file=name, command=f"tern {arguments}"):
                    done = subprocess.run([TERN, *arguments.split()], capture_output=True, text=True, timeout=120,
                                          check=False, stdin=subprocess.DEVNULL, env=environment)
                    self.assertEqual(shown, done.stdout)
                    seen += 1
        self.assertGreater(seen, 0)


if __name__ == "__main__":
    if not os.path.exists(TERN):
        print(f"{TERN} is not built")
        sys.exit(77)
    unittest.main()
