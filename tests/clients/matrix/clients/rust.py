"""The AWS SDK for Rust, as a program of a few lines (tests/clients/rust)."""

import json
import os
import pathlib

from .. import proc, samples
from .base import Program


def program():
    """Where cargo has built it."""
    default = proc.ROOT / "target" / "ci-rust" / "debug" / "s3-client"
    found = pathlib.Path(os.environ.get("CI_RUST_CLIENT", default))
    if not os.access(found, os.X_OK):
        build = "cargo build --manifest-path tests/clients/rust/Cargo.toml --target-dir target/ci-rust"
        raise proc.Missing(f"{found} is not built ({build})")
    return found


class Rust(Program):
    name = "rust"
    odd_keys = samples.FEW_ODD_KEYS
    virtual = False  # it would have to be told where the names are

    def call(self, operation, key=None, bucket=None, **more):
        creds = self.target.creds
        job = {"operation": operation, "key": key, "bucket": bucket or self.target.bucket, **more}
        job |= {"url": self.target.url, "region": creds.region}
        job |= {"access": creds.access, "secret": creds.secret}
        job |= {"certificate": str(self.target.certificate)} if self.target.secure else {}
        out = self.run(program(), json.dumps(job))
        if out["exit"] == 0:
            return json.loads(out["out"])
        return out

    def put(self, key, data, meta=None, kind=None, bucket=None):
        return self.call("put", key, bucket, file=str(self.target.file(data)), meta=meta, kind=kind)

    def put_stream(self, key, data):
        return self.call("put-stream", key, file=str(self.target.file(data)))

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


Rust.EXTRA = {
    "signed-trailer-stream": lambda c: c.put_stream("stream", samples.MIDDLE),
    "tls:stream": lambda c: c.put_stream("stream", samples.MIDDLE),
}
Rust.LISTED = {
    "stream": lambda c, key, data: c.put_stream(key, data),
    "tls:stream": lambda c, key, data: c.put_stream(key, data),
}
