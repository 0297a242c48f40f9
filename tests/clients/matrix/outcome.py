"""What a case leads to, made comparable, and the comparison.

An outcome has three parts: what the client said, what went over the wire
(every attempt counts) and what the store holds afterwards.  Only what cannot
be equal in two runs is blanked: dates, request ids, the bucket's name, ports.
"""

import re

from .names import DOMAIN

IDS = {"date", "last-modified", "x-amz-request-id", "x-amz-id-2", "x-amz-date", "x-amz-version-id"}
IDS |= {"x-amz-copy-source-version-id"}
ID_FIELDS = {"VersionId", "DeleteMarkerVersionId", "CopySourceVersionId", "UploadId", "LastModified"}
HOP = {"connection", "keep-alive"}

TEXT_MAX = 65536  # bytes of a body that may still be compared as text

SCRUB = [
    (r"<(RequestId|HostId|UploadId|LastModified|CreationDate|Date|VersionId|DeleteMarkerVersionId)>[^<]*</", r"<\1>_</"),
    (r'("\w*VersionId"): "[^"]*"', r'\1: "_"'),
    (r"RequestID: \S*, HostID: \S*,", "IDS,"),
    (r"\btx[0-9a-f]{16,}-[0-9a-f]+-[0-9a-f]+-default", "TXID"),
    (r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "TIME"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?", "TIME"),
    (r"\d{8}T\d{6}Z", "TIME"),
    (r"\b1\d{9}(\.\d+)\b", "TIME"),
    (r"(?i)([?&]uploadid=)[^&\s\"]+", r"\1_"),
    (r"(X-Amz-Signature|X-Amz-Credential|X-Amz-Date|Signature|Expires)=[^&\s\"]+", r"\1=_"),
]


class Scrub:
    """Blanks what differs between the two sides by nature."""

    def __init__(self, words):
        ordered = sorted(words.items(), key=lambda item: -len(item[0]))
        self.rules = [(re.compile(re.escape(word)), name) for word, name in ordered]
        self.rules += [(re.compile(pattern), name) for pattern, name in SCRUB]

    def text(self, value):
        for pattern, name in self.rules:
            value = pattern.sub(name, value)
        return value

    def value(self, value):
        """Scrubs every text in a structure of dictionaries and lists."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(k)): "_" if k in ID_FIELDS else self.value(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(v) for v in value]
        return value


def headers(pairs, skip=frozenset()):
    """Values by name.  Names keep their case; the order between names is nobody's promise."""
    out = {}
    for name, value in pairs:
        if name.lower() not in IDS | HOP | skip:
            out.setdefault(name, []).append(value)
    return out


def body(message):
    """Short text as text, so that ids can be blanked in it, the rest by digest."""
    try:
        if message.body.length <= TEXT_MAX:
            return message.body.head.decode("utf-8")
    except UnicodeDecodeError:
        pass
    return {"bytes": message.body.length, "sha256": message.body.sha256}


def exchange(item, scrub):
    answer = item.response
    out = {"request": f"{item.method} {scrub.text(item.target)}"}
    # A store may keep silent until it has the body; then the client, or a gate
    # before it, stops waiting.  Who opened a body that was sent is all one, but
    # one that the store refused must not have been asked for.
    unsent = item.request.body.length == 0 and (item.status or 0) >= 300
    if unsent or not item.request.get("expect"):
        out["interim"] = item.interim
    if answer is None:
        return {**out, "answer": None}
    if item.status < 300:  # how far a refused upload gets is a matter of luck
        out["sent"] = item.request.body.length
    out["answer"] = " ".join(answer.start[1:])
    out["complete"] = answer.complete
    text = body(answer)
    out["body"] = scrub.value(text)
    # Blanked ids and times are of changing length in some stores.
    blanked = {"content-length"} if out["body"] != text else set()
    out["headers"] = scrub.value(headers(answer.headers, blanked))
    return out


def volatile_etags(state):
    """ETags of objects in which a store has kept chunk signatures, which differ by nature."""
    return {found["volatile_etag"]: "ETAG" for found in (state or {}).values() if found.get("volatile_etag")}


def wire(exchanges, scrub):
    """Clients upload parts side by side, so the order between requests is not compared."""
    items = [exchange(e, scrub) for e in exchanges]
    return {"attempts": len(items), "exchanges": sorted(items, key=lambda i: (i["request"], str(i["answer"])))}


def mismatch_faults(result):
    """Of a request with a wrong signature: what S3 says to that, each time, and nothing stored."""
    exchanges = result["wire"]["exchanges"]
    said = [(e["answer"], re.findall(r"<Code>(\w+)</Code>", str(e.get("body")))) for e in exchanges]
    silent = [e["request"].startswith("HEAD ") for e in exchanges]  # its answer has no body to say so
    right = [
        answer.startswith("403 ") and code == ([] if head else ["SignatureDoesNotMatch"])
        for (answer, code), head in zip(said, silent)
    ]
    good = right and all(right)
    out = [] if good else [f"answered {said}"]
    return out + ([f"stored {brief(result['stored'])}"] if result["stored"] else [])


def without_order(result):
    """For a deletion of many keys, which stores report in any order: words without their places."""
    bodies = [e.get("body") for e in result["wire"]["exchanges"]]
    words = [sorted(re.split(r"[\s<>,{}\[\]]+", repr(part))) for part in (result["client"], bodies)]
    return {"words": words, "attempts": result["wire"]["attempts"], "stored": result["stored"]}


def without_luck(result):
    """For cases in which the store closes a connection that the client may still be using, or
    already again: whether that costs another attempt is a matter of luck, the answers are not."""
    met = {repr(e): e for e in result["wire"]["exchanges"] if e["answer"]}
    return {**result, "client": without_retries(result["client"]), "wire": [met[k] for k in sorted(met)]}


def without_retries(said):
    if isinstance(said, list):
        return [without_retries(step) for step in said]
    return {k: v for k, v in said.items() if k != "retries"}


def stored(state, scrub):
    if state is None:
        return None
    out = {}
    for key, found in state.items():
        kept = {name: value for name, value in found.items() if name != "volatile_etag"}
        out[key] = {**kept, "headers": scrub.value(headers(found["headers"]))}
    return out


def differences(left, right, where=""):
    """Paths at which two outcomes differ, with both values."""
    if isinstance(left, dict) and isinstance(right, dict):
        out = []
        for key in sorted(left.keys() | right.keys()):
            out += differences(left.get(key, "(none)"), right.get(key, "(none)"), f"{where}.{key}")
        return out
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        out = []
        for number, (a, b) in enumerate(zip(left, right)):
            out += differences(a, b, f"{where}[{number}]")
        return out
    return [] if left == right else [f"{where.lstrip('.')}: direct {brief(left)}, through {brief(right)}"]


def brief(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + "..."


def as_sent(item):
    """A request as a store must receive it: everything but the hop-by-hop headers."""
    skip = HOP | {"transfer-encoding"}
    kept = {}
    for name, value in sorted(item.request.headers):
        if name.lower() not in skip:
            kept.setdefault(name, []).append(value)
    body = item.request.body
    sent = f"{body.length} bytes {body.sha256}" if item.request.complete else "unfinished"
    return {"request": f"{item.method} {item.target}", "headers": kept, "body": sent}


# What a signature consists of, beside what it covers.
SIGNATURE_HEADERS = {"authorization", "host", "date", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}
SIGNATURE_KEYS = {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders"}
SIGNATURE_KEYS |= {"x-amz-signature", "x-amz-security-token", "awsaccesskeyid", "signature", "expires"}


def as_meant(item):
    """A request but for its signature, with the bucket in the path wherever it was."""
    sent = as_sent(item)
    kept = {name: values for name, values in sent["headers"].items() if name.lower() not in SIGNATURE_HEADERS}
    path, _, query = item.target.partition("?")
    pairs = [pair for pair in query.split("&") if pair and pair.partition("=")[0].lower() not in SIGNATURE_KEYS]
    bucket = (item.request.get("host") or "").partition("." + DOMAIN)
    path = f"/{bucket[0]}{path}" if bucket[1] else path
    target = "?".join([path.rstrip("/"), "&".join(pairs)])
    signed_chunks = (item.request.get("x-amz-content-sha256") or "").startswith("STREAMING-AWS4")
    body = f"{item.request.body.length} bytes" if signed_chunks and item.request.complete else sent["body"]
    if (item.request.get("content-type") or "").startswith("multipart/form-data"):
        kept = {name: values for name, values in kept.items() if name.lower() != "content-length"}
        body = "whole form" if item.request.complete else "unfinished"
    return {"request": f"{item.method} {target}", "headers": kept, "body": body}


def forwarding_faults(received, forwarded, seen_as=as_sent):
    """Compares what the thing in the middle received with what it sent on."""
    left = [seen_as(e) for e in received]
    right = [seen_as(e) for e in forwarded]
    out = []
    for key in list(left):
        if key in right:
            left.remove(key)
            right.remove(key)
    for one in list(left):  # the same request, changed on its way
        other = next((r for r in right if r["request"] == one["request"]), None)
        if other:
            left.remove(one)
            right.remove(other)
            out += [f"forwarded {one['request']} {d}" for d in differences(one, other)]
    out += [f"not forwarded as received: {brief(k, 900)}" for k in left]
    out += [f"sent to the store unasked: {brief(k, 900)}" for k in right]
    return out
