"""Pictures within pictures, and pictures that are something else besides."""

import struct
import zlib

from .. import samples
from .corpus import png

JUNK = samples.noise(171, 200_000)
GIF = bytes.fromhex("47494638396101000100800000ff0000ffffff2c00000000010001000002024401003b")
PDF_HEAD = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
BMP_HEAD = b"BM" + struct.pack("<IHHI", 70, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 24, 0, 16, 0, 0, 0, 0)
SOI = b"\xff\xd8"
DEEP = 70_000  # bytes: further in than `inspect.magic_prefix` reaches by default


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def behind_soi(frame, *segments):
    """A JPEG with more segments right at its start."""
    return frame[:2] + b"".join(segments) + frame[2:]


def tiff(inner, tags):
    """A TIFF with one directory of LONG tags; `inner` lies behind it, and OFFSET stands for where."""
    start = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, start if v == "OFFSET" else v) for tag, v in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + inner


def thumbnail(frame, picture):
    """`picture` as the EXIF thumbnail of `frame`: it stands in the second directory."""
    at = 8 + 6 + 2 + 3 * 12 + 4
    first = struct.pack("<HI", 0, 8 + 6)  # an empty directory, and where the next one is
    tags = [(0x103, 6), (0x201, at), (0x202, len(picture))]
    second = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags) + bytes(4)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + second + picture
    return behind_soi(frame, segment(0xE1, exif))


def several(frame, picture):
    """A multi-picture file as cameras write it: an index in the first, the second behind it."""

    def index(offset):
        tags = [(0xB000, 7, 4, b"0100"), (0xB001, 4, 1, struct.pack("<I", 2)), (0xB002, 7, 32, None)]
        entries = struct.pack("<IIIHH", 0x20030000, len(frame), 0, 0, 0)
        entries += struct.pack("<IIIHH", 0, len(picture), offset, 0, 0)
        at = 8 + 2 + 36 + 4
        body = b"".join(struct.pack("<HHI", t, k, n) + (v or struct.pack("<I", at)) for t, k, n, v in tags)
        return segment(0xE2, b"MPF\0II*\0" + struct.pack("<IH", 8, 3) + body + bytes(4) + entries)

    return behind_soi(frame, index(0)) + picture


def icon(picture):
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 64, 64, 0, 0, 1, 32, len(picture), 22) + picture


def pdf(picture):
    head = PDF_HEAD + b"2 0 obj\n<< /Type /XObject /Subtype /Image /Filter /DCTDecode /Width 64 /Height 64"
    head += b" /Length %d >>\nstream\n" % len(picture)
    return head + picture + b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def png_with(picture):
    """A PNG whose private chunk holds the picture."""
    whole = png(16, (1, 2, 3))
    kind = b"juNK"
    chunk = struct.pack(">I", len(picture)) + kind + picture + struct.pack(">I", zlib.crc32(kind + picture))
    return whole[:33] + chunk + whole[33:]  # behind the header chunk


def web_picture(picture):
    """A RIFF container of WebP's kind whose unknown chunk holds the picture."""
    chunk = b"junk" + struct.pack("<I", len(picture)) + picture + b"\0" * (len(picture) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def iso_box(picture):
    """An HEIF-like file whose free box holds the picture."""
    kind = b"ftypheic" + bytes(4) + b"mif1heic"
    return struct.pack(">I", len(kind) + 4) + kind + struct.pack(">I", len(picture) + 8) + b"free" + picture
