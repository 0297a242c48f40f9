"""AWS Signature Version 4 for requests that no SDK would send.

Written after the public description of SigV4 for S3: the path is signed as it
stands on the wire, and streamed bodies are signed chunk by chunk.
"""

import base64
import datetime
import hashlib
import hmac
import zlib
from urllib.parse import quote, unquote

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical_query(query):
    pairs = []
    for item in filter(None, query.split("&")):
        name, _, value = item.partition("=")
        pairs.append((quote(unquote(name), safe="~"), quote(unquote(value), safe="~")))
    return "&".join(f"{n}={v}" for n, v in sorted(pairs))


class Signer:
    """Signs for one key pair and region at the moment of its making."""

    def __init__(self, access, secret, region):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.stamp = now.strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.stamp[:8]}/{region}/s3/aws4_request"
        self.access = access
        key = mac(("AWS4" + secret).encode(), self.stamp[:8])
        for part in (region, "s3", "aws4_request"):
            key = mac(key, part)
        self.key = key
        self.previous = ""

    def sign(self, method, path, query, headers, payload):
        """`headers` (name, value) with the signature added; each of them is signed."""
        headers = list(headers) + [("x-amz-date", self.stamp), ("x-amz-content-sha256", payload)]
        lowered = sorted((n.lower(), " ".join(v.split())) for n, v in headers)
        names = ";".join(n for n, _ in lowered)
        block = "".join(f"{n}:{v}\n" for n, v in lowered)
        canonical = "\n".join([method, path, canonical_query(query), block, names, payload])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        self.previous = self._seal(f"AWS4-HMAC-SHA256\n{self.stamp}\n{self.scope}\n{digest}")
        value = (
            f"AWS4-HMAC-SHA256 Credential={self.access}/{self.scope}, "
            f"SignedHeaders={names}, Signature={self.previous}"
        )
        return headers + [("Authorization", value)]

    def _seal(self, text):
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def chunk(self, data):
        """One signed chunk; an empty one ends the data."""
        digest = hashlib.sha256(data).hexdigest()
        self.previous = self._seal(
            f"AWS4-HMAC-SHA256-PAYLOAD\n{self.stamp}\n{self.scope}\n{self.previous}\n{EMPTY_SHA256}\n{digest}"
        )
        line = f"{len(data):x};chunk-signature={self.previous}\r\n".encode()
        return line + data + b"\r\n" if data else line

    def trailer(self, name, value):
        digest = hashlib.sha256(f"{name}:{value}\n".encode()).hexdigest()
        self.previous = self._seal(
            f"AWS4-HMAC-SHA256-TRAILER\n{self.stamp}\n{self.scope}\n{self.previous}\n{digest}"
        )
        return f"{name}:{value}\r\nx-amz-trailer-signature:{self.previous}\r\n\r\n".encode()


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def pieces(data, size=65536):
    return [data[i : i + size] for i in range(0, len(data), size)]


def signed_body(signer, data, trailer=False):
    """aws-chunked, signed; `signer.sign` must have been called for the head before."""
    out = b"".join(signer.chunk(p) for p in pieces(data)) + signer.chunk(b"")
    return out + (signer.trailer("x-amz-checksum-crc32", crc32(data)) if trailer else b"\r\n")


def unsigned_body(data):
    """aws-chunked with a CRC-32 in its unsigned trailer."""
    out = b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in pieces(data))
    return out + f"0\r\nx-amz-checksum-crc32:{crc32(data)}\r\n\r\n".encode()


def encoded_length(data, kind):
    """Length of the framed body, needed before it can be signed."""
    signer = Signer("a", "b", "c")
    if kind == UNSIGNED_TRAILER:
        return len(unsigned_body(data))
    return len(signed_body(signer, data, trailer=kind == SIGNED_TRAILER))
