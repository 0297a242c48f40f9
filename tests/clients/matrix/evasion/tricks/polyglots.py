"""Rows 10, 13 and 18: pictures behind, before and within other bytes."""

from .. import corpus, pictures
from ..pictures import DEEP, GIF, JUNK, PDF_HEAD, SOI
from ..trick import HIT, Family, hit

KEY = "polyglot.jpg"
FRAME = corpus.FRAME


def put(make):
    return lambda way, data: way.put(KEY, make(data))


# ---- row 10: before it -----------------------------------------------------------------

before = Family("before", 10, record=hit("exact-embedded"))
PREFIXES = {
    "one byte": b"x",
    "a byte order mark": b"\xef\xbb\xbf",
    "16 bytes": JUNK[:16],
    "1 KiB": JUNK[:1024],
    "4 KiB": JUNK[:4096],
    "60 KiB": JUNK[:61_000],
    "zeros": bytes(5000),
    "a PDF": PDF_HEAD,
    "a page": b"<!DOCTYPE html><html><body><!-- ",
    "a script": b"#!/bin/sh\nexit 0\n",
    "the head of a zip": b"PK\x03\x04" + bytes(26),
    "the head of a GIF": b"GIF89a\x01\0\x01\0\0\0\0",
    "a whole GIF": GIF,
    "the head of a PNG": b"\x89PNG\r\n\x1a\n",
    "a whole PNG": pictures.png(8, (9, 9, 9)),
    "the head of a BMP": pictures.BMP_HEAD,
    "the head of a WebP": b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0",
    "the head of an HEIF": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "the head of a film": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01",
    "a second start": SOI,
    "many starts": SOI * 2000,
    "fill bytes": SOI + b"\xff" * 100,
    "a chunk line": b"8000\r\n",
    "a form": b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n',
}
for name, prefix in PREFIXES.items():
    before.add(name, put(lambda d, p=prefix: p + d))
before.add(
    "starts that lead nowhere",
    put(lambda d: (SOI + b"\xff\xe0\xff\xff" + bytes(20)) * 100 + d),
    record=None,
    open="of many false beginnings no more than the first sixteen are followed up",
)
before.add("16 bytes, another kind", put(lambda d: JUNK[:16] + d), sample="png")
before.add("a JPEG, another kind", put(lambda d: FRAME + d), sample="png")
before.add("1 KiB, and much behind it", put(lambda d: JUNK[:1024] + d + bytes(3 << 20)))
before.add(
    "68 KiB",
    put(lambda d: JUNK[:DEEP] + d),
    record=None,
    open="pictures are searched for in the first inspect.magic_prefix (64 KiB) only",
)
before.add(
    "16 bytes before a text",
    put(lambda d: JUNK[:16] + d),
    sample="noise",
    record=None,
    open="where something begins that is no picture, nobody can see: an exact list knows whole bodies",
)

# ---- row 11, as far as it is done: behind it ----------------------------------------------

behind = Family("behind", 11, record=hit("exact-trimmed"))
SUFFIXES = {
    "one byte": b"x",
    "a line end": b"\n",
    "zeros": bytes(5000),
    "junk": JUNK[:5000],
    "much junk": JUNK,
    "a second end": b"\xff\xd9",
    "a zip": b"PK\x03\x04" + JUNK[:500],
    "a page": b"<html></html>",
    "another picture": FRAME,
    "3 MiB of zeros": bytes(3 << 20),
}
for name, suffix in SUFFIXES.items():
    behind.add(name, put(lambda d, s=suffix: d + s))
behind.add("junk, another kind", put(lambda d: d + JUNK[:5000]), sample="png")
behind.add("more than is held", put(lambda d: d + bytes(2 << 20)), gate="narrow")
behind.add(
    "one byte behind a text",
    put(lambda d: d + b"x"),
    sample="noise",
    record=None,
    open="where something ends that is no picture, nobody can see: an exact list knows whole bodies",
)

# ---- row 13: within it ----------------------------------------------------------------------

within = Family("within", 13, record=hit("exact-embedded"))
within.add("a thumbnail", put(lambda d: pictures.thumbnail(FRAME, d)))
within.add("a comment", put(lambda d: pictures.behind_soi(FRAME, pictures.segment(0xFE, d))))
within.add(
    "an application's segment",
    put(lambda d: pictures.behind_soi(FRAME, pictures.segment(0xED, b"Photoshop 3.0\0" + d))),
)
within.add("the second of a camera's file", put(lambda d: pictures.several(FRAME, d)))
within.add("behind another picture", put(lambda d: FRAME + d))
within.add("behind another picture and junk", put(lambda d: FRAME + JUNK[:3000] + d))
within.add("the third of three", put(lambda d: FRAME + FRAME + d))
within.add("an icon", put(pictures.icon), sample="png")
within.add("a chunk of a PNG", put(pictures.png_with))
within.add("a chunk of a WebP", put(pictures.web_picture))
within.add("a box of an HEIF", put(pictures.iso_box))
within.add("a TIFF's page", put(lambda d: pictures.tiff(d, [(0x103, 6), (0x201, "OFFSET"), (0x202, len(d))])))
within.add("a PDF", put(pictures.pdf), record=HIT)
within.add("a PDF, looked into", put(lambda d: JUNK[:0] + pictures.pdf(d)), record=HIT, gate="deep")

# ---- row 18: less than it ----------------------------------------------------------------------

less = Family("less", 18, record=None, open="an exact list knows the whole file only")
less.add("without its last byte", put(lambda d: d[:-1]))
less.add("without its end", put(lambda d: d[:-2000]))
less.add("two thirds of it", put(lambda d: d[: len(d) * 2 // 3]))
less.add("with one byte changed", put(lambda d: d[:-100] + bytes([d[-100] ^ 1]) + d[-99:]))

FAMILIES = [before, behind, within, less]
