#!/usr/bin/env python3
"""Makes tests/vectors/pdq.txt with Meta's own PDQ implementation.

    python3 -m venv /tmp/pdq-venv
    /tmp/pdq-venv/bin/pip install pdqhash==0.2.8 Pillow numpy
    /tmp/pdq-venv/bin/python tests/vectors/make_pdq.py > tests/vectors/pdq.txt

Each line: what is hashed, the convention, the quality, and the hashes of all eight orientations
(as it stands, turned anticlockwise by 90, 180 and 270 degrees, mirrored top to bottom, mirrored
left to right, mirrored across both diagonals).  Photos are those of tests/data.
"""
import sys
from pathlib import Path

import numpy
import pdqhash
from PIL import Image

PHOTOS = Path(__file__).resolve().parent.parent / "data"
PATTERNS = [
    (64, 64, 0), (128, 128, 2), (129, 127, 3), (200, 300, 1), (513, 90, 3), (640, 427, 2),
    (640, 427, 4), (1000, 700, 5), (1023, 769, 2), (33, 640, 1),
]


def pattern(width, height, shift):
    """The picture of `pattern` in src/image/pdq/tests.rs."""
    y, x = numpy.mgrid[0:height, 0:width]
    red = 3 * x + x * y // 64
    green = 5 * y + x * x // 97
    blue = 7 * (x + y) + y * y // 51
    return (numpy.stack([red, green, blue], axis=-1) % 256 >> shift).astype(numpy.uint8)


def resized(rgb):
    """What Meta's command line hashes: CImg's default resize takes the nearest pixel."""
    height, width = rgb.shape[:2]
    if max(width, height) <= 512:
        return rgb
    rows = numpy.arange(512) * height // 512
    columns = numpy.arange(512) * width // 512
    return numpy.ascontiguousarray(rgb[rows][:, columns])


def vector(name, convention, rgb):
    hashes, quality = pdqhash.compute_dihedral(rgb)
    bits = [numpy.packbits(bits).tobytes().hex() for bits in hashes]
    print(name, convention, quality, *bits)


def main():
    print("# Made by tests/vectors/make_pdq.py; do not edit.")
    pictures = [(f"pattern-{w}x{h}-{shift}", pattern(w, h, shift)) for w, h, shift in PATTERNS]
    for path in sorted(PHOTOS.glob("*.jpg")):
        pictures.append((path.name, numpy.asarray(Image.open(path).convert("RGB"))))
    for name, rgb in pictures:
        vector(name, "full", rgb)
        vector(name, "512", resized(rgb))


if __name__ == "__main__":
    sys.exit(main())
