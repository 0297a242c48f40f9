"""The aws command line, version 1 from PyPI."""

import json

from .. import proc, samples
from .base import Program, file_digest


class AwsCli(Program):
    name = "awscli"
    odd_keys = samples.FEW_ODD_KEYS

    def environment(self):
        creds = self.target.creds
        trust = {"AWS_CA_BUNDLE": str(self.target.certificate)} if self.target.secure else {}
        return {
            "AWS_ACCESS_KEY_ID": creds.access,
            "AWS_SECRET_ACCESS_KEY": creds.secret,
            "AWS_DEFAULT_REGION": creds.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "AWS_CONFIG_FILE": str(self.config()),
            **trust,
        }

    def config(self):
        path = self.target.work / "aws.ini"
        # One part at a time over HTTPS, as a refused one ends the others at any point.
        lines = ["[default]", "s3 =", f"  addressing_style = {'virtual' if self.target.virtual else 'path'}"]
        lines += ["  max_concurrent_requests = 1"] if self.target.secure else []
        path.write_text("\n".join(lines) + "\n")
        return path

    def aws(self, *words):
        return self.run(proc.tool("aws", "(pip install awscli)"), "--endpoint-url", self.target.url, *words)

    def api(self, operation, *words, bucket=None):
        return self.aws("s3api", operation, "--bucket", bucket or self.target.bucket, *words)

    def put(self, key, data, meta=None, kind=None, bucket=None):
        more = ["--metadata", json.dumps(meta)] if meta else []
        more += ["--content-type", kind] if kind else []
        return self.api("put-object", "--key", key, "--body", self.target.file(data), *more, bucket=bucket)

    def put_big(self, key, data):
        return self.aws(
            "s3", "cp", "--no-progress", self.target.file(data), f"s3://{self.target.bucket}/{key}"
        )

    def get(self, key, span=None):
        more = ["--range", f"bytes={span[0]}-{span[1]}"] if span else []
        path = self.target.work / "got"
        out = self.api("get-object", "--key", key, *more, path)
        return {**out, "file": file_digest(path)}

    def head(self, key):
        return self.api("head-object", "--key", key)

    def list(self, prefix):
        return self.aws("s3", "ls", "--recursive", f"s3://{self.target.bucket}/{prefix}")

    def delete(self, key):
        return self.api("delete-object", "--key", key)

    def delete_many(self, keys):
        return self.api("delete-objects", "--delete", json.dumps({"Objects": [{"Key": k} for k in keys]}))


AwsCli.EXTRA = {"tls:multipart": lambda c: c.put_big("big", samples.BIG)}
AwsCli.LISTED = {
    "s3-cp": lambda c, key, data: c.put_big(key, data),
    "tls:s3-cp": lambda c, key, data: c.put_big(key, data),
}
