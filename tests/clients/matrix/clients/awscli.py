"""The aws command line, version 1 from PyPI.

A command runs in a process of its own, as `aws` does it; only that the process is the copy of one
that has read the program's modules, which takes longer than most commands.
"""

import importlib.util
import json
import multiprocessing
import os
import sys

from .. import names, proc, samples
from .base import PATIENCE_S, Program, file_digest

READ = multiprocessing.get_context("forkserver")
READ.set_forkserver_preload(["__main__", "awscli.clidriver", "awscli.handlers"])


def become_aws(words, folder, environment, out, err):
    """Goes on as the program `aws`, begun with these words."""
    import awscli.clidriver

    names.lead_home()
    os.chdir(folder)
    mine = {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]}  # the program sets it when it is read
    os.environ.clear()
    os.environ.update(environment | mine)
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["aws", *words]
    sys.exit(awscli.clidriver.main())


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
        if not importlib.util.find_spec("awscli"):
            raise proc.Missing("aws is not installed (pip install awscli)")
        words = [str(word) for word in ("--endpoint-url", self.target.url, *words)]
        out, err = self.target.work / "aws.out", self.target.work / "aws.err"
        begun = (words, self.target.work, self.whole_environment(), out, err)
        process = READ.Process(target=become_aws, args=begun)
        process.start()
        process.join(PATIENCE_S)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"aws {words} takes more than {PATIENCE_S} s")
        return self.ended(process.exitcode, out.read_bytes(), err.read_bytes())

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
