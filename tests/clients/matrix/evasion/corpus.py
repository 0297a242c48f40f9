"""The samples: what is listed, and for each an innocent twin of the same kind.

All of it is made up or drawn from the project's own photographs.
"""

import hashlib
import pathlib
import struct
import zlib
from typing import NamedTuple

from .. import proc, samples

PHOTOS = proc.ROOT / "tests" / "data"


class Sample(NamedTuple):
    """A listed body and its twin, which no list knows."""

    listed: bytes
    twin: bytes


def photo(name):
    path = PHOTOS / name
    if not path.exists():
        raise proc.Missing(f"{path}, one of the sample photos")
    return path.read_bytes()


def png(side, colour):
    """A small picture in one colour with a line of noise, so that it is no common file."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = [b"\0" + bytes(colour) * side for _ in range(side - 1)]
    rows.append(b"\0" + samples.noise(sum(colour), side * 3))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def noise_pair(seed, size):
    return Sample(samples.noise(seed, size), samples.noise(seed + 1, size))


SAMPLES = {
    "photo": Sample(photo("notocactus-minimus.jpg"), photo("polemonium-reptans.jpg")),
    "png": Sample(png(64, (200, 40, 10)), png(64, (10, 40, 200))),
    # No pictures: only a whole-body digest knows them.
    "noise": noise_pair(101, 40_000),
    "noise-md5": noise_pair(111, 5_000),
    "noise-sha1": noise_pair(121, 5_000),
    "noise-sha256": noise_pair(131, 5_000),
    # Above `small_body_max`, so that it streams while its end is held back.
    "large": noise_pair(141, 3 << 20),
    # Two parts for stores that want 5 MiB of the first.
    "wide": noise_pair(161, (5 << 20) + 1000),
}
KINDS = ("md5", "sha1", "sha256")
ONE_KIND = {"noise-md5": ("md5",), "noise-sha1": ("sha1",), "noise-sha256": ("sha256",)}

# An innocent picture that other things are put into, and innocent filling.
FRAME = photo("riaphotographs-tmshre.jpg")
FILLING = samples.noise(151, 20_000)


def list_sources(folder):
    """Writes the lists; (name, file, format, hash) of each."""
    lines = {"pictures": [], "noise": []}
    for name, sample in SAMPLES.items():
        for kind in ONE_KIND.get(name, KINDS):
            digest = hashlib.new(kind, sample.listed).hexdigest()
            lines["pictures" if name in ("photo", "png") else "noise"].append(f"{kind} {digest}\n")
    out = []
    for name, entries in lines.items():
        path = pathlib.Path(folder, f"{name}.txt")
        path.write_text("# made from samples\n" + "".join(entries))
        out.append((name, path, "tagged", None))
    return out
