"""Rows 7 and 8: Ceph's other door, the Swift API on the same port."""

import hashlib
import hmac
import json
import time

from ... import wire
from ..arena import SWIFT_KEY, SWIFT_USER
from ..trick import CLOSED_DOOR, EITHER, REFUSED, Family
from ..coding import packed
from .archives import tar
from .assembly import KEY as OLD_KEY
from .assembly import carrying
from .multipart import two

KEY = "swift.jpg"

swift = Family("swift", 7, answers=CLOSED_DOOR, record=None, twin=REFUSED)


def token(way):
    """From the store itself: the gate has nothing to do with it.  Made up where there are none."""
    store = way.straight()
    headers = [("Host", store.host), ("X-Auth-User", SWIFT_USER), ("X-Auth-Key", SWIFT_KEY)]
    with store.connect() as connection:
        connection.send(wire.render("GET", "/auth/v1.0", headers))
        return connection.answer().get("x-auth-token") or "made-up"


def ask(way, method, path, body=b"", headers=(), prefix="/swift/v1"):
    always = [("Host", way.host), ("X-Auth-Token", token(way)), ("Content-Length", str(len(body)))]
    return way.send(wire.render(method, prefix + path, [*always, *headers]) + body, method)


swift.add("an upload", lambda w, d: ask(w, "PUT", f"/{w.bucket}/{KEY}", d))
swift.add("an upload, with the account", lambda w, d: ask(w, "PUT", f"/AUTH_matrix/{w.bucket}/{KEY}", d))
swift.add("an upload, two slashes", lambda w, d: ask(w, "PUT", f"/{w.bucket}/{KEY}", d, prefix="//swift/v1"))
swift.add("an upload, an escaped letter", lambda w, d: ask(w, "PUT", f"/{w.bucket}/{KEY}", d, prefix="/%73wift/v1"))
swift.add("an upload, dots", lambda w, d: ask(w, "PUT", f"/{w.bucket}/{KEY}", d, prefix="/x/../swift/v1"))


@swift.trick("an upload in chunks")
def chunked(way, data):
    body = b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n"
    headers = [("Host", way.host), ("X-Auth-Token", token(way)), ("Transfer-Encoding", "chunked")]
    return way.send(wire.render("PUT", f"/swift/v1/{way.bucket}/{KEY}", headers) + body)


def manifest(way, data, by_swift):
    """Two segments, and an object that stands for both."""
    for number, piece in enumerate(two(data)):
        name = f"segments/{number}"
        way.must(ask(way, "PUT", f"/{way.bucket}/{name}", piece) if by_swift else way.put(name, piece))
    return ask(way, "PUT", f"/{way.bucket}/{KEY}", headers=[("X-Object-Manifest", f"{way.bucket}/segments/")])


swift.add("a manifest by prefix", lambda w, d: manifest(w, d, by_swift=True))
swift.add("a manifest by prefix, over S3 objects", lambda w, d: manifest(w, d, by_swift=False))


@swift.trick("a manifest by list, over S3 objects")
def listed(way, data):
    segments = []
    for number, piece in enumerate(two(data)):
        way.must(way.put(f"segments/{number}", piece))
        etag = hashlib.md5(piece).hexdigest()
        segments.append({"path": f"/{way.bucket}/segments/{number}", "etag": etag, "size_bytes": len(piece)})
    return ask(way, "PUT", f"/{way.bucket}/{KEY}?multipart-manifest=put", json.dumps(segments).encode())


# No store reads that header there.
@swift.trick("a manifest put by S3", answers=CLOSED_DOOR | {(200, None)}, twin=EITHER)
def by_s3(way, data):
    for number, piece in enumerate(two(data)):
        way.must(way.put(f"segments/{number}", piece))
    return way.put(KEY, b"", [("X-Object-Manifest", f"{way.bucket}/segments/")])


swift.add("an archive unpacked", lambda w, d: ask(w, "PUT", f"/{w.bucket}?extract-archive=tar", tar(d)))
swift.add(
    "a packed archive unpacked",
    lambda w, d: ask(w, "PUT", f"/{w.bucket}?extract-archive=tar.gz", packed("gzip", tar(d))),
)
swift.add(
    "an archive unpacked over buckets",
    lambda w, d: ask(w, "PUT", "/?extract-archive=tar", tar(d, folder=f"{w.bucket}/")),
)
swift.add(
    "COPY of what was there before",
    lambda w, d: ask(w, "COPY", f"/{w.bucket}-old/{OLD_KEY}", headers=[("Destination", f"/{w.bucket}/{KEY}")]),
    prepare=carrying,
)
swift.add(
    "PUT that copies what was there before",
    lambda w, d: ask(w, "PUT", f"/{w.bucket}/{KEY}", headers=[("X-Copy-From", f"/{w.bucket}-old/{OLD_KEY}")]),
    prepare=carrying,
)


@swift.trick("a temporary URL")
def temporary(way, data):
    """Signed with a key that the account was given before."""
    ask(way.straight(), "POST", "", headers=[("X-Account-Meta-Temp-URL-Key", SWIFT_KEY)])
    path, expires = f"/v1/{way.bucket}/{KEY}", int(time.time()) + 600
    seal = hmac.new(SWIFT_KEY.encode(), f"PUT\n{expires}\n{path}".encode(), hashlib.sha1).hexdigest()
    target = f"/swift{path}?temp_url_sig={seal}&temp_url_expires={expires}"
    headers = [("Host", way.host), ("Content-Length", str(len(data)))]
    return way.send(wire.render("PUT", target, headers) + data)


FAMILIES = [swift]
