#!/usr/bin/env python3
"""What a command is to write never costs what is there: the capture or the recording that it reads, and any file where the
command line is wrong."""

import os
import subprocess
import tempfile
import unittest

TERN = os.environ["TERN"]


def run(*arguments, stdin=subprocess.DEVNULL):
    done = subprocess.run([TERN, *arguments], stdin=stdin, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


class Outputs(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory(prefix="tern-output-")
        self.addCleanup(self.room.cleanup)
        self.capture, self.recording = (os.path.join(self.room.name, name) for name in ("a.pcapng", "run.tern"))
        self.assertEqual(run("lab", "connection", "--pcap", self.capture)[0], 0)
        self.assertEqual(run("record", "-o", self.recording, "lab", "connection")[0], 0)
        self.link = os.path.join(self.room.name, "link")

    def check(self, kept, arguments, words, code=2, **more):
        with open(kept, "rb") as file:
            before = file.read()
        self.assertEqual((run(*arguments, **more)[0], words in run(*arguments, **more)[1]), (code, True), arguments)
        with open(kept, "rb") as file:
            self.assertEqual(file.read(), before, arguments)

    def test_what_is_read_is_not_written(self):
        os.symlink(self.capture, self.link)
        for arguments in (("--annotate", self.capture), ("--conn", "1", "--svg", self.capture),
                          ("--conn", "1", "--plot", self.capture), ("--annotate", self.link)):
            self.check(self.capture, ("trace", self.capture, *arguments), "would be lost")
        self.check(self.capture, ("trace", self.recording, self.capture, "--conn", "1", "--svg", self.capture),
                   "--svg: '" + self.capture)
        self.check(self.capture, ("report", self.capture, "-o", self.link), "would be lost")
        self.check(self.recording, ("report", self.recording, "-o", self.recording), "-o: '" + self.recording)
        for option in ("--pcap", "--svg"):
            self.check(self.recording, ("replay", self.recording, "--ladder", option, self.recording), "would be lost")
        with open(self.capture, "rb") as file:
            self.check(self.capture, ("report", "-", "-o", self.capture), "would be lost", stdin=file)

    def test_a_wrong_line_writes_nothing(self):
        with open(self.link, "w", encoding="ascii") as file:
            file.write("mine")
        for arguments, words in ((("record", "-o", self.link, "lab", "nosuch"), "'nosuch'"),
                                 (("lab", "connection", "--pcap", self.link, "--delay", "1x"), "'1x'"),
                                 (("lab", "connection", "--svg", self.link, "--nosuch"), "'--nosuch'"),
                                 (("trace", self.recording, "--annotate", self.link), "neither pcap nor pcapng"),
                                 (("report", "/nonexistent", "-o", self.link), "No such file"),
                                 (("replay", self.capture, "--pcap", self.link), "not a tern recording"),
                                 (("replay", self.capture, "--svg", self.link), "not a tern recording"),
                                 (("gateway", "--pcap", self.link, "--nosuch", "--", "true"), "'--nosuch'")):
            self.check(self.link, arguments, words)


if __name__ == "__main__":
    unittest.main()
