"""Row 5: bodies under content codings, which every browser takes off again."""

import gzip

from ... import wire
from .. import signing
from ..coding import packed
from ..trick import CLOSED_DOOR, DENIED, EITHER, HIT, REFUSED, UNCLEAR, Family, hit, unjudged
from ..way import Upload
from . import framings

KEY = "coded.jpg"

codings = Family("codings", 5, record=hit("exact-decoded"))


def coded(name, *layers, **how):
    """An upload packed in these layers and labelled `name`."""

    def act(way, data):
        for layer in layers:
            data = packed(layer, data)
        return way.put(KEY, data, [("Content-Encoding", name)])

    codings.add(name + how.pop("more", ""), act, **how)


for layer in ("gzip", "x-gzip", "deflate", "br", "zstd"):
    coded(layer, layer)
for layer in ("gzip", "br"):
    coded(layer, layer, sample="noise", more=", a text")
coded("deflate", "raw-deflate", more=", without its frame")
coded("GZip", "gzip")
coded("gzip, br", "gzip", "br")
coded("br,gzip", "br", "gzip")
coded("gzip, gzip", "gzip", "gzip")
coded("zstd,deflate", "zstd", "deflate")
coded("identity, gzip", "gzip")
coded("gzip,", "gzip")
# What isn't packed stays what it is, whatever its label says.
coded("gzip", more=", but it isn't", record=hit("exact"))
coded("made-up", record=hit("exact"))
# Three layers are more than the gate takes off: not judged, which passes by default.
coded(
    "gzip, gzip, gzip",
    *("gzip", "gzip", "gzip"),
    record=unjudged("encoding"),
    open="no more than two codings are undone; three are unjudged (encoding), which passes by default",
)


def zipped(data):
    return packed("gzip", data)


def raw(name, make, **how):
    codings.add(name, lambda w, d: w.put(KEY, make(d), [("Content-Encoding", "gzip")]), **how)


raw("gzip in two members", lambda d: zipped(d[:999]) + zipped(d[999:]))
raw("gzip behind an innocent member", lambda d: zipped(b"innocent\n") + zipped(d), record=HIT)
# Browsers don't look at the checksum, and show what came before the end.
raw("gzip with a wrong checksum", lambda d: zipped(d)[:-8] + bytes(4) + zipped(d)[-4:], record=HIT)
raw("gzip that isn't ended", lambda d: zipped(d)[:-8], record=HIT)
raw("gzip with bytes behind", lambda d: zipped(d) + b"behind it", record=HIT)
raw("gzip, stored", lambda d: gzip.compress(d, 0, mtime=0), record=HIT)
raw("gzip with a name and a comment", lambda d: b"\x1f\x8b\x08\x18" + bytes(6) + b"name\0note\0" + zipped(d)[10:])
raw("gzip of a picture behind junk", lambda d: zipped(b"junk" * 100 + d), record=HIT)
raw("gzip with much behind the picture", lambda d: zipped(d + bytes(1 << 20)), record=HIT)


@codings.trick("zstd in two frames")
def two_frames(way, data):
    body = packed("zstd", data[:777]) + packed("zstd", data[777:])
    return way.put(KEY, body, [("Content-Encoding", "zstd")])


@codings.trick("two headers", answers=DENIED | UNCLEAR, record=None, twin=EITHER)
def two_headers(way, data):
    """Presigned, so that no signature covers them."""
    body, path = zipped(data), way.path(KEY)
    headers = [("Host", way.host), ("Content-Length", str(len(body)))]
    headers += [("Content-Encoding", "identity"), ("Content-Encoding", "gzip")]
    return way.send(wire.render("PUT", f"{path}?{signing.presigned(way, 'PUT', path)}", headers) + body)


def framed(name, layer, word, kind):
    """Packed, and in the store's own framing."""

    def act(way, data):
        body = packed(layer, data)
        return framings.put(way, body, kind, framings.whole(body), coding=name)

    codings.add(f"{name}, {word}", act)


for word, kind in framings.KINDS.items():
    framed("aws-chunked,gzip", "gzip", word, kind)
    framed("gzip, aws-chunked", "gzip", word, kind)


@codings.trick("a large body", sample="large")
def large(way, data):
    return way.put(KEY, gzip.compress(data, 1, mtime=0), [("Content-Encoding", "gzip")])


def in_parts(coding, *layers):
    """Only the upload's start says how it is packed; of gzip and zstd the bytes tell as well."""

    def act(way, data):
        for layer in layers:
            data = packed(layer, data)
        up = Upload(way, KEY, [("Content-Encoding", coding)])
        return up.complete(up.parts([data[:1000], data[1000:]]))

    return act


codings.add("a multipart upload that is packed", in_parts("gzip", "gzip"))
codings.add("a multipart upload under br", in_parts("br", "br"))
codings.add("a multipart upload under br, a text", in_parts("br", "br"), sample="noise")
codings.add("a multipart upload under deflate", in_parts("deflate", "deflate"))
codings.add("a multipart upload under deflate without its frame", in_parts("deflate", "raw-deflate"))
codings.add("a multipart upload under gzip, br", in_parts("gzip, br", "gzip", "br"))


@codings.trick("a multipart upload under br, through two gates")
def through_two(way, data):
    data = packed("br", data)
    up = Upload(way, KEY, [("Content-Encoding", "br")])
    first = up.part(1, data[:1000])
    return up.complete([(1, first), (2, up.part(2, data[1000:], way.second()))], way.second())


@codings.trick("a multipart upload under br, the gate killed after its start", gate="mortal")
def killed_after_start(way, data):
    data = packed("br", data)
    up = Upload(way, KEY, [("Content-Encoding", "br")])
    way.kill()
    return up.complete(up.parts([data[:1000], data[1000:]]))


# What comes without a label is an archive that nobody unpacks, which row 9 is about.
@codings.trick("put on by a copy", answers=CLOSED_DOOR, record=unjudged("copy"), twin=REFUSED, spares=("member",))
def by_copy(way, data):
    """The bytes come without a label, which a copy onto itself then puts on."""
    way.must(way.put(KEY, zipped(data)))
    headers = [("x-amz-copy-source", f"/{way.bucket}/{KEY}"), ("x-amz-metadata-directive", "REPLACE")]
    return way.put(KEY, b"", [*headers, ("Content-Encoding", "gzip")])


FAMILIES = [codings]
