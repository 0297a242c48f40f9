"""What every client can be asked for, in its own way of doing it."""

import hashlib
import json
import os
import pathlib
import subprocess
from typing import NamedTuple

from .. import names, samples, stores

PATIENCE_S = 90


class Target(NamedTuple):
    """Where a case runs: one side of one comparison."""

    port: int
    secure: bool
    creds: stores.Creds
    certificate: str
    bucket: str
    missing_bucket: str
    work: pathlib.Path
    judge: object
    virtual: bool = False

    @property
    def host(self):
        """The store's name and port without a bucket."""
        return f"{names.DOMAIN if self.virtual else '127.0.0.1'}:{self.port}"

    @property
    def url(self):
        return f"{'https' if self.secure else 'http'}://{self.host}"

    def place(self, bucket=None, path=""):
        """Host and path of what lies in a bucket."""
        bucket = bucket or self.bucket
        return (f"{bucket}.{self.host}", "/" + path) if self.virtual else (self.host, f"/{bucket}/{path}")

    def seed(self, key, data, headers=()):
        """Puts an object into the store directly, before a case reads it."""
        self.judge.put(self.bucket, key, data, headers)

    def file(self, data, name="upload.bin"):
        path = self.work / name
        path.write_bytes(data)
        return path


def digest(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def shown(data):
    """XML as text, so that ids in it can be blanked; anything else by digest."""
    return data.decode("utf-8", "replace") if data.startswith(b"<?xml") else digest(data)


def file_digest(path):
    """Digest of a downloaded file, which is removed; None if there is none."""
    found = digest(path.read_bytes()) if path.exists() else None
    path.unlink(missing_ok=True)
    return found


class Client:
    """A client bound to a target.

    Subclasses have `name`, the operations below, `lacks` (common cases that
    the client has no way to do), `EXTRA` (cases of its own) and `LISTED`
    (further ways to upload, by which a listed body is tried).
    """

    name = ""
    lacks = frozenset()
    odd_keys = ()
    EXTRA = {}
    LISTED = {}
    #: Whether it can be told to put the bucket into the host.
    virtual = True

    def __init__(self, target):
        self.target = target

    def close(self):
        """Ends what is kept open between operations."""


class Program(Client):
    """A client that is a program: its exit status and both outputs count."""

    def environment(self):
        return {}

    def whole_environment(self):
        keep = {k: os.environ[k] for k in ("PATH", "LANG") if k in os.environ}
        return {
            **keep,
            "HOME": str(self.target.work),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": names.folder(self.target.work),
            **self.environment(),
        }

    def run(self, *command, text=True):
        done = subprocess.run(
            [str(c) for c in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            cwd=self.target.work,
            env=self.whole_environment(),
        )
        return self.ended(done.returncode, done.stdout, done.stderr, text)

    @staticmethod
    def ended(status, out, err, text=True):
        said = out.decode("utf-8", "replace") if text else shown(out)
        return {"exit": status, "out": said, "err": err.decode("utf-8", "replace")}


class Job(Program):
    """An SDK behind a program of ours, which takes one operation as JSON and prints what came of it."""

    odd_keys = samples.FEW_ODD_KEYS

    def command(self):
        """The program, without the job."""
        raise NotImplementedError

    def settings(self):
        """What the program has to be told besides the operation."""
        return {}

    def call(self, operation, key=None, bucket=None, **more):
        creds = self.target.creds
        job = {"operation": operation, "key": key, "bucket": bucket or self.target.bucket, **more}
        job |= {"url": self.target.url, "region": creds.region, "access": creds.access, "secret": creds.secret}
        out = self.run(*self.command(), json.dumps(job | self.settings()))
        return json.loads(out["out"]) if out["exit"] == 0 else out

    def put(self, key, data, meta=None, kind=None, bucket=None):
        return self.call("put", key, bucket, file=str(self.target.file(data)), meta=meta, kind=kind)

    def put_stream(self, key, data):
        return self.call("put-stream", key, file=str(self.target.file(data)), length=len(data))

    def put_big(self, key, data):
        return self.call("upload", key, file=str(self.target.file(data)))

    def get(self, key, span=None):
        return self.call("get", key, range=f"bytes={span[0]}-{span[1]}" if span else None)

    def head(self, key):
        return self.call("head", key)

    def list(self, prefix):
        return self.call("list", prefix)

    def delete(self, key):
        return self.call("delete", key)

    def delete_many(self, keys):
        return self.call("delete-many", keys=keys)
