"""The AWS SDK for Rust, as a program of a few lines (tests/clients/rust)."""

import os
import pathlib

from .. import proc, samples
from .base import Job


def program():
    """Where cargo has built it."""
    default = proc.ROOT / "target" / "ci-rust" / "debug" / "s3-client"
    found = pathlib.Path(os.environ.get("CI_RUST_CLIENT", default))
    if not os.access(found, os.X_OK):
        build = "cargo build --manifest-path tests/clients/rust/Cargo.toml --target-dir target/ci-rust"
        raise proc.Missing(f"{found} is not built ({build})")
    return found


class Rust(Job):
    name = "rust"

    def command(self):
        return [program()]

    def settings(self):
        return {"certificate": str(self.target.certificate), "virtual": self.target.virtual}


Rust.EXTRA = {
    "signed-trailer-stream": lambda c: c.put_stream("stream", samples.MIDDLE),
    "tls:stream": lambda c: c.put_stream("stream", samples.MIDDLE),
}
Rust.LISTED = {
    "stream": lambda c, key, data: c.put_stream(key, data),
    "tls:stream": lambda c, key, data: c.put_stream(key, data),
}
