"""Signatures that `sign` does not make: in the query, of version 2, of forms."""

import base64
import hashlib
import hmac
import json
import time
from email.utils import formatdate
from urllib.parse import quote

from .. import sign


def presigned(way, method, path, more=(), payload=sign.UNSIGNED, headers=()):
    """The query of a presigned URL of version 4; `more` are further (name, value) in it."""
    signer = sign.Signer(way.creds.access, way.creds.secret, way.creds.region)
    signed = sorted([("host", way.host), *[(n.lower(), v) for n, v in headers]])
    names = ";".join(n for n, _ in signed)
    pairs = [
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", f"{signer.access}/{signer.scope}"),
        ("X-Amz-Date", signer.stamp),
        ("X-Amz-Expires", "900"),
        ("X-Amz-SignedHeaders", names),
        *more,
    ]
    query = "&".join(f"{quote(n, safe='~')}={quote(v, safe='~')}" for n, v in pairs)
    block = "".join(f"{n}:{v}\n" for n, v in signed)
    canonical = "\n".join([method, path, sign.canonical_query(query), block, names, payload])
    return f"{query}&X-Amz-Signature={signature(signer, canonical)}"


def signature(signer, canonical):
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{signer.stamp}\n{signer.scope}\n{digest}"
    return hmac.new(signer.key, text.encode(), hashlib.sha256).hexdigest()


def by_version_2(creds, text):
    return base64.b64encode(hmac.new(creds.secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def presigned_2(way, method, path):
    """The query of a presigned URL of version 2."""
    expires = str(int(time.time()) + 900)
    seal = by_version_2(way.creds, f"{method}\n\n\n{expires}\n{path}")
    return f"AWSAccessKeyId={way.creds.access}&Signature={quote(seal, safe='')}&Expires={expires}"


def header_2(way, method, path, amz=()):
    """Date and Authorization of version 2; `amz` are the x-amz-* headers that go along."""
    date = formatdate(usegmt=True)
    extras = "".join(f"{n.lower()}:{v}\n" for n, v in sorted(amz))
    seal = by_version_2(way.creds, f"{method}\n\n\n{date}\n{extras}{path}")
    return [("Date", date), ("Authorization", f"AWS {way.creds.access}:{seal}")]


def form_fields(way, key, more=()):
    """The fields of a browser form that may upload under any key; `more` are (name, value)."""
    signer = sign.Signer(way.creds.access, way.creds.secret, way.creds.region)
    fixed = [
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", f"{signer.access}/{signer.scope}"),
        ("x-amz-date", signer.stamp),
    ]
    free = [("key", key), *more]
    conditions = [{"bucket": way.bucket}, *[{name: value} for name, value in fixed]]
    conditions += [["starts-with", f"${name}", ""] for name, _ in free]
    ends = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 900))
    policy = base64.b64encode(json.dumps({"expiration": ends, "conditions": conditions}).encode()).decode()
    seal = hmac.new(signer.key, policy.encode(), hashlib.sha256).hexdigest()
    return [*free, *fixed, ("policy", policy), ("x-amz-signature", seal)]
