"""What the tests of `tern script` share: where our scripts are, the beginning of a connection, and a run of either."""

import glob
import os
import tempfile

from lab import tern

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "script")
SCRIPTS = sorted(glob.glob(os.path.join(FOLDER, "**", "*.pkt"), recursive=True))

OPEN = """
 0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0.000 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0.000 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0.000 > S 0:0(0) <...>
+0.050 < S. 0:0(0) ack 1 win 65535 <mss 1460>
+0.000 > . 1:1(0) ack 1
"""


def play(text, *options):
    """(exit code, what it said) of a script given as text."""
    with tempfile.NamedTemporaryFile("w", suffix=".pkt") as file:
        file.write(text)
        file.flush()
        code, out, error = tern("script", *options, file.name)
        return code, out.decode(), error.replace(file.name, "FILE")


def check_all(test, scripts, *options):
    """All in one go; what each that fails says is a failure of its own."""
    code, out, error = tern("script", "--verbose", *options, *scripts)
    at, said = None, {}
    for line in error.splitlines():
        at = next((script for script in [line.split(":")[0]] if script in scripts), at)
        said.setdefault(at, []).append(line)
    for script, lines in said.items():
        with test.subTest(script=script and os.path.relpath(script, FOLDER)):
            test.fail("\n".join(lines))
    good = [line.removesuffix(": as it says") for line in out.decode().splitlines()]
    test.assertEqual((code, good), (0, scripts))
