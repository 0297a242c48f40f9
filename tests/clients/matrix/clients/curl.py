"""curl with its own SigV4, which signs every header that it is given."""

import urllib.parse

from .. import proc, samples
from .base import Program


class Curl(Program):
    name = "curl"
    odd_keys = samples.ODD_KEYS
    lacks = frozenset({"multipart", "delete-many"})

    def curl(self, method, key, *words, bucket=None, query="", text=True):
        creds = self.target.creds
        path = urllib.parse.quote(key, safe="/~")
        trust = ["--cacert", self.target.certificate] if self.target.secure else []
        # Stores want this header; this curl does not make it by itself.
        sign = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
        sign += ["--aws-sigv4", f"aws:amz:{creds.region}:s3", "--user", f"{creds.access}:{creds.secret}"]
        show = ["--silent", "--show-error", "--max-time", "60", "--path-as-is", "--globoff"]
        show += ["--write-out", "\n%{http_code}"] if text else []
        show += ["--resolve", f"*:{self.target.port}:127.0.0.1"]
        host, path = self.target.place(bucket, path)
        url = f"{'https' if self.target.secure else 'http'}://{host}{path}{query}"
        method = ["--head"] if method == "HEAD" else ["-X", method]
        return self.run(proc.tool("curl"), *show, *trust, *sign, *method, *words, url, text=text)

    def put(self, key, data, meta=None, kind=None, bucket=None, more=()):
        more = list(more)
        for name, value in (meta or {}).items():
            more += ["-H", f"x-amz-meta-{name}: {value}"]
        more += ["-H", f"Content-Type: {kind}"] if kind else []
        more += ["-T", self.target.file(data)]
        return self.curl("PUT", key, *more, bucket=bucket)

    def get(self, key, span=None):
        more = ["-H", f"Range: bytes={span[0]}-{span[1]}"] if span else []
        return self.curl("GET", key, *more, text=False)

    def head(self, key):
        return {"exit": self.curl("HEAD", key)["exit"]}

    def list(self, prefix):
        return self.curl("GET", "", query=f"?list-type=2&prefix={urllib.parse.quote(prefix, safe='')}")

    def delete(self, key):
        return self.curl("DELETE", key)


EXPECT = ["-H", "Expect: 100-continue"]
Curl.EXTRA = {
    "expect-signed": lambda c: c.put("expect", samples.MIDDLE, more=EXPECT),
    "expect-refused": lambda c: c.put("k", samples.MIDDLE, bucket=c.target.missing_bucket, more=EXPECT),
    "chunked": lambda c: c.put("chunked", samples.MIDDLE, more=["-H", "Transfer-Encoding: chunked"]),
}
Curl.LISTED = {
    "expect-signed": lambda c, key, data: c.put(key, data, more=EXPECT),
    "tls:put": lambda c, key, data: c.put(key, data),
}
