#!/usr/bin/env python3
"""Makes tests/data/images, one small file of each kind of image, and tests/vectors/images.txt.

    python3 -m venv /tmp/pdq-venv
    /tmp/pdq-venv/bin/pip install pdqhash==0.2.8 Pillow numpy pillow-heif pillow-jxl-plugin
    /tmp/pdq-venv/bin/python tests/vectors/make_images.py

All show one photo of tests/data.  Each line of images.txt: file, format, stored width and height,
frames, then quality and hash by Meta's own PDQ of what Pillow decodes: turned as its EXIF data
say, transparent pixels over white, the first frame.
"""
import io
from pathlib import Path

import numpy
import pdqhash
import pillow_heif
import pillow_jxl  # noqa: F401  registers its format
from PIL import Image, ImageOps

pillow_heif.register_heif_opener()
TESTS = Path(__file__).resolve().parent.parent
FOLDER = TESTS / "data" / "images"
SIZE = (160, 120)


def photo():
    return Image.open(TESTS / "data" / "polemonium-reptans.jpg").convert("RGB").resize(SIZE)


def with_alpha(image):
    """A transparent ellipse, with soft edges."""
    y, x = numpy.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    away = ((x - 50) / 40.0) ** 2 + ((y - 55) / 32.0) ** 2
    alpha = numpy.clip((away - 0.8) * 400, 0, 255).astype(numpy.uint8)
    image = image.convert("RGBA")
    image.putalpha(Image.fromarray(alpha))
    return image


def ycck(image):
    """Pillow writes CMYK only: give it luma and chroma as ink, and say so in the Adobe segment."""
    black = numpy.asarray(image.convert("L").point(lambda v: (255 - v) // 4)).astype(float)
    rgb = numpy.asarray(image).astype(float)
    # What is stored is inverted: red = cyan * black / 255.
    stored = numpy.clip(rgb * 255 / numpy.maximum(255 - black, 1)[..., None], 0, 255)
    red, green, blue = (255 - stored[..., i] for i in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = [luma, 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402, 255 - black]
    planes = numpy.clip(numpy.stack(planes, axis=-1), 0, 255).round().astype(numpy.uint8)
    out = io.BytesIO()
    # Pillow inverts when it writes, so invert before.
    Image.fromarray(255 - planes, "CMYK").save(out, "JPEG", quality=95, subsampling=0)
    data = bytearray(out.getvalue())
    data[data.index(b"Adobe") + 11] = 2
    return bytes(data)


def frames(image):
    """Three frames that show the photo from three sides."""
    return [image, image.transpose(Image.Transpose.ROTATE_180), ImageOps.mirror(image)]


def save(name, image, **options):
    image.save(FOLDER / name, **options)


def make():
    image, alpha = photo(), with_alpha(photo())
    first, *others = frames(image)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = image.transpose(Image.Transpose.ROTATE_90)
    save("baseline.jpg", image, quality=90)
    save("progressive.jpg", image, quality=90, progressive=True)
    save("restart.jpg", image, quality=90, restart_marker_rows=1)
    save("444.jpg", image, quality=90, subsampling=0)
    save("gray.jpg", image.convert("L"), quality=90)
    save("cmyk.jpg", image.convert("CMYK"), quality=90)
    save("rgb.jpg", image, quality=90, keep_rgb=True)
    (FOLDER / "ycck.jpg").write_bytes(ycck(image))
    save("turned.jpg", turned, quality=90, exif=exif)
    save("rgb.png", image, optimize=True)
    save("palette.png", image.quantize(64), optimize=True)
    save("gray.png", image.convert("L"), optimize=True)
    save("bilevel.png", image.convert("1"))
    save("alpha.png", alpha, optimize=True)
    sixteen = numpy.asarray(image.convert("L")).astype(numpy.uint16) * 257
    save("16-bit.png", Image.fromarray(sixteen), optimize=True)
    save("turned.png", turned, optimize=True, exif=exif)
    save("animated.png", first, save_all=True, append_images=others)
    save("still.gif", image)
    save("animated.gif", first, save_all=True, append_images=others, loop=0)
    save("lossy.webp", image, quality=80)
    save("lossless.webp", image, lossless=True)
    save("alpha.webp", alpha, quality=80)
    save("turned.webp", turned, quality=80, exif=exif)
    save("animated.webp", first, save_all=True, append_images=others, quality=60)
    save("rgb.bmp", image)
    save("palette.bmp", image.quantize(64))
    save("pages.tiff", first, save_all=True, append_images=others, compression="jpeg")
    save("jpeg.tiff", image, compression="jpeg")
    save("big.tiff", image, compression="tiff_adobe_deflate", big_tiff=True)
    save("cmyk.tiff", image.convert("CMYK"), compression="tiff_lzw")
    save("palette.tiff", image.quantize(64))
    save("fax.tiff", image.convert("1"), compression="group4")
    save("turned.tiff", turned, exif=exif, compression="packbits")
    save("icon.ico", image, sizes=[(16, 12), (128, 96)])
    save("bitmap.ico", image, sizes=[(64, 48)], bitmap_format="bmp")
    save("still.avif", image, quality=60)
    save("alpha.avif", alpha, quality=60)
    save("422.avif", image, quality=60, subsampling="4:2:2")
    save("turned.avif", turned, quality=60, exif=exif)
    save("animated.avif", first, save_all=True, append_images=others, quality=50)
    save("still.heic", image, quality=60)
    save("alpha.heic", alpha, quality=60)
    save("lossy.jxl", image, quality=80)
    save("lossless.jxl", image, lossless=True)
    save("alpha.jxl", alpha, lossless=True)


def interlaced_png():
    """Pillow does not write Adam7: seven passes, each filtered with nothing."""
    import struct
    import zlib

    rgb = numpy.asarray(photo())
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2)]
    raw = b"".join(
        b"\0" + row.tobytes() for x, y, dx, dy in passes for row in rgb[y::dy, x::dx])
    chunk = lambda kind, data: (struct.pack(">I", len(data)) + kind + data
                                + struct.pack(">I", zlib.crc32(kind + data)))
    header = struct.pack(">IIBBBBB", *SIZE, 8, 2, 0, 0, 1)
    (FOLDER / "interlaced.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b""))


def shown(path):
    image = Image.open(path)
    width, height, count = *image.size, getattr(image, "n_frames", 1)
    if path.suffix == ".ico":
        count = len(image.info["sizes"])
    if image.mode.startswith("I;16"):
        image = Image.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return width, height, count, numpy.asarray(image.convert("RGB"))


def main():
    FOLDER.mkdir(exist_ok=True)
    make()
    interlaced_png()
    formats = {"jpg": "jpeg"}
    lines = ["# Made by tests/vectors/make_images.py; do not edit."]
    for path in sorted(FOLDER.iterdir()):
        width, height, count, rgb = shown(path)
        if path.name == "turned.tiff":
            width, height = height, width  # Pillow has turned it already
        bits, quality = pdqhash.compute(rgb)
        word = formats.get(path.suffix[1:], path.suffix[1:])
        hash_ = numpy.packbits(bits).tobytes().hex()
        lines.append(f"{path.name} {word} {width} {height} {count} {quality} {hash_}")
    (TESTS / "vectors" / "images.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
