#!/usr/bin/env python3
"""The pages: that web/dist is what web/src gives with the pinned tools, that its types hold, and what the pages do in a
browser (NAME.mjs here for web/dist/NAME.html). The tools come from the npm registry by web/package-lock.json, into the build.

usage: web_test.py BUILD    with TERN=the command. Exits 77 where node, npm, the registry or Chromium is missing."""

import filecmp
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
WEB = os.path.join(os.path.dirname(os.path.dirname(HERE)), "web")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(77)


def run(*command, cwd, limit, env=None):
    try:
        return subprocess.run(command, cwd=cwd, timeout=limit, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, env=env)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"took longer than {limit} s")


def copy(room):
    """web/ and these tests, in the build: nothing is written into the source."""
    for name in os.listdir(WEB):
        if name in ("node_modules", "dist", "wasm"):
            continue
        at, to = os.path.join(WEB, name), os.path.join(room, name)
        if os.path.isdir(at):
            shutil.rmtree(to, ignore_errors=True)
            shutil.copytree(at, to)
        else:
            shutil.copy(at, to)
    for name in os.listdir(HERE):
        if name.endswith(".mjs"):
            shutil.copy(os.path.join(HERE, name), room)


def install(room):
    with open(os.path.join(WEB, "package-lock.json"), "rb") as file:
        lock = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(room, "node_modules", f".installed-{lock}")
    if os.path.exists(stamp):
        return
    done = run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=room, limit=240)
    if done.returncode != 0:
        skip(f"npm could not install web/package-lock.json (no registry?): {done.stderr.strip()[-300:]}")
    with open(stamp, "w", encoding="ascii"):
        pass


def counted(done, what):
    """(passed, failed) of what printed `N passed, N failed`."""
    sys.stdout.write(done.stdout)
    sys.stdout.write(done.stderr)
    found = re.findall(r"^(\d+) passed, (\d+) failed$", done.stdout, re.M)
    if not found:
        print(f"FAILED {what}: ended with {done.returncode}, and no result")
        return 0, 1
    passed, failed = map(int, found[-1])
    return passed, max(failed, int(done.returncode != 0))


def bundle(room):
    """The committed pages are what the source gives."""
    done = run("node", "build.mjs", os.path.join(room, "made"), cwd=room, limit=400)
    if done.returncode != 0:
        print(f"FAILED build.mjs: {done.stderr}")
        return 0, 1
    passed = failed = 0
    for name in sorted(os.listdir(os.path.join(room, "made"))):
        committed = os.path.join(WEB, "dist", name)
        if os.path.exists(committed) and filecmp.cmp(committed, os.path.join(room, "made", name), shallow=False):
            passed += 1
        else:
            print(f"FAILED web/dist/{name} is not what web/ gives: (cd web && npm ci && npm run build)")
            failed += 1
    done = run("node_modules/.bin/tsc", "--noEmit", "-p", ".", cwd=room, limit=400)
    if done.returncode != 0:
        print(f"FAILED tsc: {done.stdout}{done.stderr}")
    return passed + (done.returncode == 0), failed + (done.returncode != 0)


def main():
    tern, room = os.path.abspath(os.environ["TERN"]), os.path.join(os.path.abspath(sys.argv[1]), "web")
    if not shutil.which("node") or not shutil.which("npm"):
        skip("no node or no npm")
    os.makedirs(room, exist_ok=True)
    copy(room)
    install(room)
    passed, failed = bundle(room)
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    with tempfile.TemporaryDirectory(prefix="tern-web-") as directory:
        env = {**os.environ, "CHROMIUM": browser or "", "HOME": directory, "XDG_CONFIG_HOME": directory}
        if browser:
            for page in sorted(os.listdir(os.path.join(WEB, "dist"))):
                name = page.replace(".html", ".mjs")
                if not os.path.exists(os.path.join(HERE, name)):
                    continue
                arguments = [tern, directory] + ([os.environ["TERN_SHOTS"]] if "TERN_SHOTS" in os.environ else [])
                some = counted(run("node", name, *arguments, cwd=room, limit=900, env=env), name)
                passed, failed = passed + some[0], failed + some[1]
    print(f"{passed} passed, {failed} failed")
    if failed:
        sys.exit(1)
    if not browser:
        skip("no Chromium: the pages were built and compared, not looked at")


main()
