"""Rows 20 to 22: what the client has encrypted, what lies beside an object, and
uploads that are meant to use up the gate."""

import base64
import hashlib
import threading

from ... import sign
from .. import corpus
from ..trick import BROKEN, CLOSED_DOOR, DENIED, SAME, UNSEEN, Family, hit, unjudged
from ..way import Stopped, Upload
from .multipart import together, two

KEY = "other.jpg"

# ---- row 20: encrypted by the client --------------------------------------------------------

encrypted = Family("encrypted", 20)
# What the S3 encryption clients write beside an object.  No claim on its content; that nobody
# could judge it must be told, at least for the marks of versions 1 and 2.
MARKS = {
    "version 1": {"key": "a2V5", "iv": "aXY="},
    "version 2": {"key-v2": "a2V5", "iv": "aXY=", "cek-alg": "AES/GCM/NoPadding", "wrap-alg": "kms"},
    "the algorithm alone": {"cek-alg": "AES/CBC/PKCS5Padding"},
    "version 3": {"3": "a2V5", "w": "12", "c": "115", "d": "ZA=="},
    "the plain length": {"unencrypted-content-length": "5"},
}
TOLD = ("version 1", "version 2", "the algorithm alone")


def masked(data):
    return bytes(byte ^ 0x5A for byte in data)


for name, marks in MARKS.items():
    headers = [(f"x-amz-meta-x-amz-{mark}", value) for mark, value in marks.items()]
    encrypted.add(
        name,
        lambda w, d, h=headers: w.put(KEY, masked(d), h),
        record=unjudged("encrypted") if name in TOLD else None,
        open="nobody can see into it; it is unjudged (encrypted) where its marks say so",
    )
    encrypted.add(f"{name}, but it isn't", lambda w, d, h=headers: w.put(KEY, d, h), record=hit("exact"))

SECRET = b"a key of 32 bytes, made up here."
customer = [
    (f"x-amz-server-side-encryption-customer-{name}", value)
    for name, value in {
        "algorithm": "AES256",
        "key": base64.b64encode(SECRET).decode(),
        "key-MD5": base64.b64encode(hashlib.md5(SECRET).digest()).decode(),
    }.items()
]
encrypted.add("by the store, with a key that comes along", lambda w, d: w.put(KEY, d, customer), record=hit("exact"))
replica = [
    ("x-amz-replication-status", "REPLICA"),
    ("X-Minio-Source-Replication-Request", "true"),
    ("X-Minio-Source-Mtime", "1"),
]
encrypted.add("a replica", lambda w, d: w.put(KEY, d, replica), record=hit("exact"))

# ---- row 21: beside an object -------------------------------------------------------------------

beside = Family("beside", 21, record=hit("exact"))


@beside.trick("an annotation")
def annotation(way, data):
    way.must(way.put("annotated", b"innocent"))
    return way.ask("PUT", way.path("annotated"), "annotation&annotationName=picture", body=data)


@beside.trick("an annotation of what isn't there")
def annotation_alone(way, data):
    return way.ask("PUT", way.path(KEY), "annotationName=picture&annotation", body=data)


# ---- row 22: time and room -----------------------------------------------------------------------

pressure = Family("pressure", 22)


@pressure.trick("a slow body", record=hit("exact"))
def slow(way, data):
    head, _ = way.head("PUT", way.path(KEY), headers=[("Content-Length", str(len(data)))])
    way.notes.sent("PUT")
    with way.connect() as connection:
        connection.send_what_goes(head)
        for piece in sign.pieces(data, 1500):
            pause(0.02)
            connection.send_what_goes(piece)
        return way.hear(connection)


def pause(seconds):
    """What a slow client is: time that passes between two writes."""
    threading.Event().wait(seconds)


@pressure.trick(
    "a body that stands still", gate="tight", answers=BROKEN | {(400, "RequestTimeout")}, record=None, twin=None
)
def still(way, data):
    head, _ = way.head("PUT", way.path(KEY), headers=[("Content-Length", str(len(data)))])
    way.notes.sent("PUT")
    with way.connect(3) as connection:
        connection.send(head + data[:-1])
        return way.hear(connection)


@pressure.trick("lengths that are never sent", twin=SAME, record=hit("exact"))
def promised(way, data):
    """Heads that promise a terabyte and more memory than there is; an upload beside them goes on."""
    held = []
    for length in (1 << 40, *[32 << 20] * 20):
        head, _ = way.head("PUT", way.path("never"), headers=[("Content-Length", str(length))])
        connection = way.connect(5)
        connection.send(head + corpus.FRAME[:5000])
        held.append(connection)
        way.notes.sent("PUT")
    said = way.put(KEY, data)
    for connection in held:
        connection.reset()
    return said


# What becomes of the twin is a matter of who comes first.
@pressure.trick("many open uploads", gate="tight", answers=UNSEEN | CLOSED_DOOR | DENIED, record=None, twin=None)
def many(way, data):
    """Parts fill what room there is for them; then the sample comes in parts."""
    filling = corpus.SAMPLES["large"].twin[: 300 << 10]

    def one(number):
        try:
            Upload(way, f"open-{number}").part(1, filling)
        except Stopped:
            pass

    together(*[lambda n=n: one(n) for n in range(12)])
    up = Upload(way, KEY)
    parts = up.parts(two(data))
    return up.complete(parts)


FAMILIES = [encrypted, beside, pressure]
