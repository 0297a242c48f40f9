"""The AWS SDK for JavaScript, version 3, from npm."""

import json
import os
import pathlib

from .. import proc, samples
from .base import Program

SCRIPT = pathlib.Path(__file__).with_name("node_client.mjs")


def modules():
    """The folder in which `npm install` has put the SDK."""
    folder = pathlib.Path(os.environ.get("CI_NODE", proc.ROOT / "target" / "ci-node"))
    for package in ("client-s3", "lib-storage"):
        if not (folder / "node_modules" / "@aws-sdk" / package).is_dir():
            raise proc.Missing(f"@aws-sdk/{package} is not installed (npm install --prefix target/ci-node)")
    return str(folder)


class Node(Program):
    name = "node"
    odd_keys = samples.FEW_ODD_KEYS

    def environment(self):
        return {"NODE_EXTRA_CA_CERTS": str(self.target.certificate)} if self.target.secure else {}

    def call(self, operation, key=None, bucket=None, **more):
        creds = self.target.creds
        job = {"operation": operation, "key": key, "bucket": bucket or self.target.bucket, **more}
        job |= {"url": self.target.url, "region": creds.region, "modules": modules()}
        job |= {"access": creds.access, "secret": creds.secret, "virtual": self.target.virtual}
        out = self.run(proc.tool("node"), SCRIPT, json.dumps(job))
        if out["exit"] == 0:
            return json.loads(out["out"])
        return out

    def put(self, key, data, meta=None, kind=None, bucket=None):
        return self.call("put", key, bucket, file=str(self.target.file(data)), meta=meta, kind=kind)

    def put_stream(self, key, data):
        return self.call("put-stream", key, file=str(self.target.file(data)), length=len(data))

    def put_big(self, key, data):
        # One part at a time over HTTPS, where a store may refuse the first at any point of the others.
        queue = 1 if self.target.secure else 4
        return self.call("upload", key, file=str(self.target.file(data)), queue=queue)

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
