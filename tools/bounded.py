"""Commands that end: within a bound of time, and with everything that they left running."""

import os
import signal
import subprocess


def run(command, seconds, **options):
    """(exit code or None past its bound, what it wrote to a stdout=PIPE): its process group is ended with it."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True,
                               **options)
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        return None, None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
