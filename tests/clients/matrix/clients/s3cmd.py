"""s3cmd, from Debian."""

import pathlib

from .. import proc, samples
from .base import Program, file_digest


class S3cmd(Program):
    name = "s3cmd"
    odd_keys = samples.FEW_ODD_KEYS
    lacks = frozenset({"get-range"})
    expect = False  # s3cmd signs the header when it is told to use it

    def s3cmd(self, *words):
        creds, where = self.target.creds, self.target.host
        below = f"%(bucket)s.{where}" if self.target.virtual else where
        config = pathlib.Path(self.target.work, "s3cfg")
        lines = ["[default]", f"access_key = {creds.access}", f"secret_key = {creds.secret}"]
        lines += [f"host_base = {where}", f"host_bucket = {below}", f"bucket_location = {creds.region}"]
        lines += [f"use_https = {self.target.secure}", "progress_meter = False", "multipart_chunk_size_mb = 8"]
        lines += [f"use_http_expect = {self.expect}"]
        lines += [f"ca_certs_file = {self.target.certificate}"] if self.target.secure else []
        config.write_text("\n".join(lines) + "\n")
        return self.run(proc.tool("s3cmd", "(apt-get install s3cmd)"), "-c", config, "--no-preserve", *words)

    def at(self, key, bucket=None):
        return f"s3://{bucket or self.target.bucket}/{key}"

    def put(self, key, data, meta=None, kind=None, bucket=None, more=()):
        more = list(more)
        for name, value in (meta or {}).items():
            more += [f"--add-header=x-amz-meta-{name}:{value}"]
        # Without a type s3cmd guesses one by a library that may be there or not.
        more += ["--no-guess-mime-type", f"--mime-type={kind or 'application/x-matrix'}"]
        out = self.s3cmd("put", *more, self.target.file(data), self.at(key, bucket))
        return {**out, "out": steady(out["out"])}

    def put_big(self, key, data):
        return self.put(key, data)

    def get(self, key):
        path = self.target.work / "got"
        out = self.s3cmd("get", "--force", self.at(key), path)
        return {**out, "out": steady(out["out"]), "file": file_digest(path)}

    def head(self, key):
        return self.s3cmd("info", self.at(key))

    def list(self, prefix):
        return self.s3cmd("ls", "-r", self.at(prefix))

    def delete(self, key):
        return self.s3cmd("del", self.at(key))

    def delete_many(self, keys):
        return self.s3cmd("del", *[self.at(key) for key in keys])


def steady(text):
    """s3cmd's output without its times and speeds."""
    return "\n".join(line.split(" in ")[0] for line in text.splitlines())


def expect_put(client, key, data):
    client.expect = True
    return client.put(key, data)


S3cmd.EXTRA = {"expect-signed": lambda c: expect_put(c, "expect", samples.MIDDLE)}
S3cmd.LISTED = {
    "expect-signed": lambda c, key, data: expect_put(c, key, data),
    "tls:put": lambda c, key, data: c.put(key, data),
}
