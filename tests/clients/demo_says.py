#!/usr/bin/env python3
"""Checks a running demo by what it prints.

    demo_says.py OUTPUT PID PATIENCE_S

Waits until it has told of its own two uploads, then pastes the two curl
commands that it prints into a shell: the first must pass, the second must be
refused.  Exits 0 if all of that is so.
"""

import pathlib
import re
import subprocess
import sys
import time

PASSED = re.compile(r"-> 200\b.*the store has it$", re.MULTILINE)
REFUSED = re.compile(r"-> 403\b.*the store has no such object$", re.MULTILINE)
COMMAND = re.compile(r"^ +(curl .*)$", re.MULTILINE)


def alive(pid):
    """A process that has ended but was not waited for is a zombie: not alive."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(out, pid, patience_s):
    """The output, as soon as both uploads are told; None if that does not happen."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and alive(pid):
        text = out.read_text(errors="replace")
        if PASSED.search(text) and REFUSED.search(text):
            return text
        time.sleep(0.1)
    return None


def pasted(command):
    """The last status line of what a printed command gets."""
    done = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    heads = re.findall(r"^HTTP/1\.1 (\d{3})", done.stdout, re.MULTILINE)
    return heads[-1] if heads else f"no answer, exit status {done.returncode}: {done.stderr.strip()}"


def main():
    text = wait_for(pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    if text is None:
        print("the demo did not tell of an upload that passed and of one that was refused")
        return 1
    got = [pasted(command) for command in COMMAND.findall(text)]
    if got != ["200", "403"]:
        print(f"the demo's own curl commands got {got}, expected 200 and 403")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
