"""Processes, ports and tools: started here, stopped here, by process id."""

import atexit
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHILDREN = []


class Missing(Exception):
    """A component that the matrix needs is not there."""


def lacking(error):
    """Starts the program again in the venv where .ci/run has put the packages, or ends it."""
    venv = ROOT / "target" / "ci-venv"
    if venv.is_dir() and pathlib.Path(sys.prefix) != venv:
        os.execv(venv / "bin" / "python", [str(venv / "bin" / "python"), *sys.argv])
    print(f"missing: Python package {error.name} (pip install -r tests/clients/requirements.txt)")
    print("0 passed, 1 failed")
    sys.exit(1)


def tool(name, hint=""):
    """Path of a program: beside this Python first (a venv's own), then on PATH."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if not found:
        raise Missing(f"{name} is not installed {hint}".strip())
    return found


def free_ports(count):
    """Ports that were free a moment ago; all are held until the last is known."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in held]
    for sock in held:
        sock.close()
    return ports


class Child:
    """A background process with its output in a file."""

    def __init__(self, name, command, log, env=None, cwd=None):
        self.name = name
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [str(c) for c in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        CHILDREN.append(self)

    def alive(self):
        return self.process.poll() is None

    def tail(self, count=800):
        return self.log.read_bytes()[-count:].decode("utf-8", "replace").strip()

    def stop(self, patience_s=15):
        """SIGTERM, then SIGKILL.  Returns the exit status, or None if it had to be killed."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            if self in CHILDREN:
                CHILDREN.remove(self)


@atexit.register
def stop_all():
    for child in list(reversed(CHILDREN)):
        child.stop(5)


def on_signal(number, _frame):
    # At once, so that no case goes on waiting for what is going away.
    stop_all()
    sys.exit(128 + number)


def guard_signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)


def wait_port(port, child, patience_s=30):
    """Waits until `child` accepts connections on `port`."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if not child.alive():
            raise RuntimeError(f"{child.name} ended: {child.tail()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{child.name} does not listen: {child.tail()}")
