"""The AWS SDK for JavaScript, version 3, from npm."""

import os
import pathlib

from .. import proc, samples
from .base import Job

SCRIPT = pathlib.Path(__file__).with_name("node_client.mjs")


def modules():
    """The folder in which `npm install` has put the SDK."""
    folder = pathlib.Path(os.environ.get("CI_NODE", proc.ROOT / "target" / "ci-node"))
    for package in ("client-s3", "lib-storage"):
        if not (folder / "node_modules" / "@aws-sdk" / package).is_dir():
            raise proc.Missing(f"@aws-sdk/{package} is not installed (npm install --prefix target/ci-node)")
    return str(folder)


class Node(Job):
    name = "node"

    def environment(self):
        return {"NODE_EXTRA_CA_CERTS": str(self.target.certificate)} if self.target.secure else {}

    def command(self):
        return [proc.tool("node"), SCRIPT]

    def settings(self):
        # Parts one at a time over HTTPS, where a store may refuse the first at any point of the others.
        return {"modules": modules(), "virtual": self.target.virtual, "queue": 1 if self.target.secure else 4}


Node.EXTRA = {
    "stream-in-chunks": lambda c: c.put_stream("stream", samples.MIDDLE),
    "put-over-2mb": lambda c: c.put("large", samples.LISTED_LARGE[::-1]),
    "tls:stream-in-chunks": lambda c: c.put_stream("stream", samples.MIDDLE),
    "tls:multipart": lambda c: c.put_big("big", samples.BIG),
}
Node.LISTED = {
    "stream": lambda c, key, data: c.put_stream(key, data),
    "tls:stream": lambda c, key, data: c.put_stream(key, data),
}
