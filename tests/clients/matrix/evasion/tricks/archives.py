"""Row 8: archives that a store unpacks into objects, whatever the header is
called and whatever the archive is packed in.

None of the stores here unpacks them: they keep the archive as it is, and the
oracle unpacks it as MinIO and RustFS would.
"""

import io
import tarfile
import zipfile

from ... import wire
from .. import corpus, signing
from ..coding import packed
from ..trick import CLOSED_DOOR, REFUSED, SAME, Family, hit, unjudged

KEY = "archive.tar"
HEADERS = [
    ("X-Amz-Meta-Snowball-Auto-Extract", "true"),
    ("x-amz-meta-snowball-auto-extract", "TRUE"),
    ("X-AMZ-META-SNOWBALL-AUTO-EXTRACT", "xtruex"),
    ("X-Amz-Snowball-Auto-Extract", "true"),
    ("X-Amz-Meta-Minio-Snowball-Auto-Extract", "true"),
    ("X-Rustfs-Meta-Snowball-Auto-Extract", "true"),
]
PREFIXES = ["X-Amz-Meta-Minio-Snowball-Prefix", "X-Amz-Meta-Snowball-Prefix", "X-Amz-Meta-Rustfs-Snowball-Prefix"]


def tar(data, form=tarfile.PAX_FORMAT, folder=""):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in (("readme.txt", b"innocent\n"), ("pictures/one.jpg", data), ("more.bin", corpus.FILLING)):
            member = tarfile.TarInfo(folder + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zipped(data, how=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in (("readme.txt", b"innocent\n"), ("pictures/one.jpg", data)):
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return out.getvalue()


TARS = {
    "tar": tar,
    "ustar": lambda d: tar(d, tarfile.USTAR_FORMAT),
    "GNU tar": lambda d: tar(d, tarfile.GNU_FORMAT),
    "tar.gz": lambda d: packed("gzip", tar(d)),
    "tar.zst": lambda d: packed("zstd", tar(d)),
}
EVERY = {**TARS, "zip": zipped, "zip, stored": lambda d: zipped(d, zipfile.ZIP_STORED)}

snowball = Family("snowball", 8)
closed = {"answers": CLOSED_DOOR, "record": unjudged("archive"), "twin": REFUSED}

for number, header in enumerate(HEADERS, 1):
    act = lambda w, d, h=header: w.put(KEY, tar(d), [h])  # noqa: E731
    snowball.add(f"header {number}, {header[0]}: {header[1]}", act, **closed)
for name, make in TARS.items():
    act = lambda w, d, m=make: w.put(KEY, m(d), HEADERS[:1])  # noqa: E731
    snowball.add(name, act, **closed)
    snowball.add(f"{name}, looked into", act, gate="deep", record=hit("exact-member"), twin=SAME)
for name in PREFIXES:
    act = lambda w, d, n=name: w.put(KEY, tar(d), [*HEADERS[:1], (n, "elsewhere")])  # noqa: E731
    snowball.add(name, act, **closed)


@snowball.trick("a bare picture", answers=CLOSED_DOOR, record=None, twin=REFUSED)
def bare(way, data):
    """No archive at all; a store that doesn't know the header stores it as it is."""
    return way.put(KEY, data, HEADERS[:1])


@snowball.trick("by a presigned URL", **closed)
def presigned(way, data):
    body, path = tar(data), way.path(KEY)
    headers = [("Host", way.host), ("Content-Length", str(len(body))), *HEADERS[:1]]
    return way.send(wire.render("PUT", f"{path}?{signing.presigned(way, 'PUT', path)}", headers) + body)


# Row 9 is out of reach by default; where it is switched on it must hold.
archives = Family("archives", 9, gate="deep", record=hit("exact-member"))
for name, make in EVERY.items():
    archives.add(name, lambda w, d, m=make: w.put("archive", m(d)))
archives.add("tar in zip", lambda w, d: w.put("archive", zipped(tar(d))))
archives.add("zip in tar.gz", lambda w, d: w.put("archive", packed("gzip", tar(zipped(d)))))
archives.add(
    "zip, not looked into",
    lambda w, d: w.put("archive.zip", zipped(d)),
    gate="plain",
    record=None,
    open="members of archives that nobody unpacks are not looked at by default (inspect.archives)",
)

FAMILIES = [snowball, archives]
