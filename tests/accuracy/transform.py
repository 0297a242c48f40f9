#!/usr/bin/env python3
"""Does to photographs what is done to photographs before they are uploaded again.

    python3 tests/accuracy/transform.py OUT PHOTOS [PHOTOS...]

Each photograph in the folders is turned upright, made 512 pixels long at most (smaller
ones stay as they are) and written to OUT/base as PNG: that is the original.  Every
transformation of it goes into a folder of its own under OUT, in the format that it names,
else as JPEG of quality 95.  OUT/manifest.tsv lists original, transformation and file, one
a line.  The same photographs make the same files: noise has a fixed seed.
"""

import argparse
import concurrent.futures
import pathlib
import zlib

import numpy
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

BASE_SIDE = 512
#: Written where the transformation names no format.
JPEG = {"format": "JPEG", "quality": 95}
SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
Image.MAX_IMAGE_PIXELS = None


def saved(**options):
    return lambda image: (image, options)


def pixels(act):
    return lambda image: (act(image), JPEG)


def scaled(across, down=None):
    down = down or across
    return pixels(
        lambda image: image.resize(
            (max(1, round(image.width * across)), max(1, round(image.height * down))), Image.Resampling.LANCZOS
        )
    )


def thumbnail(side):
    def act(image):
        image = image.copy()
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return image

    return pixels(act)


def curve(function):
    table = [min(255, max(0, round(function(value / 255) * 255))) for value in range(256)]
    return pixels(lambda image: image.point(table * 3))


def noise(deviation):
    def act(image):
        values = numpy.asarray(image, dtype=numpy.float32)
        random = numpy.random.default_rng(zlib.crc32(image.tobytes()))
        noisy = values + random.normal(0, deviation, values.shape)
        return Image.fromarray(numpy.clip(noisy, 0, 255).astype(numpy.uint8))

    return pixels(act)


def write(image, text, place, height, fill="white", edge="black"):
    """Text of so many pixels, its centre at a place given in parts of each side."""
    font = ImageFont.load_default(max(8, height))
    at = (image.width * place[0], image.height * place[1])
    ImageDraw.Draw(image).text(
        at, text, fill=fill, font=font, anchor="mm", stroke_width=max(1, height // 12), stroke_fill=edge
    )


def text_line(image):
    image = image.copy()
    write(image, "photo 2026", (0.7, 0.93), round(image.height * 0.06))
    return image


def meme(image):
    image = image.copy()
    write(image, "WHEN THE GATE", (0.5, 0.1), round(min(image.height * 0.15, image.width * 0.1)))
    write(image, "SAYS NO", (0.5, 0.9), round(min(image.height * 0.15, image.width * 0.1)))
    return image


def caption(image):
    height = round(image.height * 0.15)
    framed = Image.new("RGB", (image.width, image.height + height), "white")
    framed.paste(image, (0, height))
    line = framed.crop((0, 0, image.width, height))
    write(line, "what a photograph", (0.5, 0.5), height // 3, "black", "white")
    framed.paste(line, (0, 0))
    return framed


def logo(part):
    def act(image):
        image = image.copy()
        side = round(image.width * part)
        left, top = image.width - side - 8, 8
        draw = ImageDraw.Draw(image)
        disc = (left, top, left + side, top + side)
        draw.ellipse(disc, fill=(220, 30, 40), outline="white", width=max(2, side // 16))
        draw.rectangle((left + side // 3, top + side // 3, left + 2 * side // 3, top + 2 * side // 3), fill="white")
        return image

    return pixels(act)


def watermark(image):
    layer = Image.new("L", image.size, 0)
    draw, font = ImageDraw.Draw(layer), ImageFont.load_default(20)
    for y in range(0, image.height, 60):
        for x in range(-(y % 120), image.width, 140):
            draw.text((x, y), "SAMPLE", fill=90, font=font)
    return Image.composite(Image.new("RGB", image.size, "white"), image, layer)


def border(part, colour):
    return pixels(
        lambda image: ImageOps.expand(
            image, (round(image.width * part), round(image.height * part)) * 2, colour
        )
    )


def letterbox(image):
    side = max(image.size)
    return ImageOps.pad(image, (side, side), color="black")


def screenshot(image):
    """The photograph as a telephone shows it: a bar above, buttons below, much of one colour."""
    width = 540
    shown = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    screen = Image.new("RGB", (width, max(1080, shown.height + 240)), (18, 18, 20))
    draw = ImageDraw.Draw(screen)
    draw.text((20, 14), "12:34", fill="white", font=ImageFont.load_default(24))
    draw.rectangle((width - 70, 18, width - 20, 38), outline="white", width=3)
    screen.paste(shown, (0, (screen.height - shown.height) // 2))
    for place in range(5):
        left = 40 + place * 100
        draw.ellipse((left, screen.height - 90, left + 50, screen.height - 40), outline="white", width=4)
    return screen


def crop(left, top, right, bottom):
    """Without so much of each edge, in parts of the side."""
    return pixels(
        lambda image: image.crop(
            (
                round(image.width * left),
                round(image.height * top),
                image.width - round(image.width * right),
                image.height - round(image.height * bottom),
            )
        )
    )


def centred(part):
    return crop(part / 2, part / 2, part / 2, part / 2)


def turned(degrees, filled):
    def act(image):
        rotated = image.rotate(degrees, Image.Resampling.BICUBIC)
        if filled:
            return rotated
        angle = numpy.radians(abs(degrees))
        width, height = image.size
        scale = 1 / (numpy.cos(angle) + max(width / height, height / width) * numpy.sin(angle))
        across, down = width * (1 - scale) / 2, height * (1 - scale) / 2
        return rotated.crop((round(across), round(down), round(width - across), round(height - down)))

    return pixels(act)


def in_turn(*acts):
    def act(image):
        options = JPEG
        for one in acts:
            image, options = one(image)
        return image, options

    return act


def transposed(method):
    return pixels(lambda image: image.transpose(method))


MIRROR = transposed(Image.Transpose.FLIP_LEFT_RIGHT)

#: In the order of the report.
TRANSFORMATIONS = {
    "png": saved(format="PNG", compress_level=1),
    **{f"jpeg {quality}": saved(format="JPEG", quality=quality) for quality in (90, 70, 50, 30, 10)},
    **{f"webp {quality}": saved(format="WEBP", quality=quality, method=2) for quality in (80, 30)},
    "gif": saved(format="GIF"),
    "scaled 2": scaled(2),
    "scaled 0.5": scaled(0.5),
    "scaled 0.25": scaled(0.25),
    "scaled 0.1": scaled(0.1),
    "thumbnail 150": thumbnail(150),
    "stretched 1.25": scaled(1.25, 1),
    "stretched 1.5": scaled(1.5, 1),
    "squeezed to 512x512": pixels(lambda image: image.resize((512, 512), Image.Resampling.LANCZOS)),
    "grayscale": pixels(lambda image: ImageOps.grayscale(image).convert("RGB")),
    "saturation 0.5": pixels(lambda image: ImageEnhance.Color(image).enhance(0.5)),
    "saturation 2": pixels(lambda image: ImageEnhance.Color(image).enhance(2)),
    "red and blue swapped": pixels(lambda image: Image.merge("RGB", image.split()[::-1])),
    "brightness +30 %": curve(lambda value: value * 1.3),
    "brightness -30 %": curve(lambda value: value * 0.7),
    "brightness +60 %": curve(lambda value: value * 1.6),
    "contrast +50 %": curve(lambda value: 0.5 + (value - 0.5) * 1.5),
    "contrast -50 %": curve(lambda value: 0.5 + (value - 0.5) * 0.5),
    "gamma 0.5": curve(lambda value: value**0.5),
    "gamma 2": curve(lambda value: value**2),
    "equalized": pixels(ImageOps.equalize),
    "negative": pixels(ImageOps.invert),
    "blur 2": pixels(lambda image: image.filter(ImageFilter.GaussianBlur(2))),
    "blur 5": pixels(lambda image: image.filter(ImageFilter.GaussianBlur(5))),
    "sharpened": pixels(lambda image: image.filter(ImageFilter.UnsharpMask(2, 150, 3))),
    "noise 10": noise(10),
    "noise 30": noise(30),
    "mirrored": MIRROR,
    "upside down": transposed(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned 90": transposed(Image.Transpose.ROTATE_90),
    "turned 180": transposed(Image.Transpose.ROTATE_180),
    "turned 270": transposed(Image.Transpose.ROTATE_270),
    "border 2 %": border(0.02, "black"),
    "border 5 %": border(0.05, "black"),
    "border 10 %": border(0.1, "black"),
    "border 10 %, white": border(0.1, "white"),
    "letterbox": pixels(letterbox),
    "caption 15 %": pixels(caption),
    "screenshot": pixels(screenshot),
    "crop 1 %": centred(0.01),
    "crop 2 %": centred(0.02),
    "crop 5 %": centred(0.05),
    "crop 10 %": centred(0.1),
    "crop 20 %": centred(0.2),
    "crop 30 %": centred(0.3),
    "crop 2 %, one corner": crop(0, 0, 0.02, 0.02),
    "crop 5 %, one corner": crop(0, 0, 0.05, 0.05),
    "crop 10 %, one corner": crop(0, 0, 0.1, 0.1),
    "rotated 1°, filled": turned(1, True),
    "rotated 2°, filled": turned(2, True),
    "rotated 5°, filled": turned(5, True),
    "rotated 1°, cropped": turned(1, False),
    "rotated 2°, cropped": turned(2, False),
    "rotated 5°, cropped": turned(5, False),
    "a line of text": pixels(text_line),
    "text as in a meme": pixels(meme),
    "logo 12 %": logo(0.12),
    "logo 25 %": logo(0.25),
    "watermark, tiled": pixels(watermark),
    "half the size, mirrored, jpeg 50": in_turn(scaled(0.5), MIRROR, saved(format="JPEG", quality=50)),
    "half the size, crop 5 %, jpeg 50": in_turn(scaled(0.5), centred(0.05), saved(format="JPEG", quality=50)),
}


def folder_name(transformation):
    return transformation.replace(" ", "-").replace("%", "percent").replace("°", "deg").replace(",", "")


def base(path):
    with Image.open(path) as image:
        image.draft("RGB", (2 * BASE_SIDE, 2 * BASE_SIDE))
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):
            upright = Image.fromarray((numpy.asarray(upright) >> 8).astype(numpy.uint8))
        if "A" in upright.getbands() or "transparency" in upright.info:
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright.convert("RGBA"))
        upright = upright.convert("RGB")
    upright.thumbnail((BASE_SIDE, BASE_SIDE), Image.Resampling.LANCZOS)
    return upright


def transform(path, out):
    """Lines of the manifest for one photograph; none where it is not one."""
    try:
        image = base(path)
    except (OSError, SyntaxError) as error:
        return [], f"{path.name}: {error}"
    original = f"base/{path.name}.png"
    image.save(out / original, format="PNG", compress_level=1)
    lines = []
    for name, act in TRANSFORMATIONS.items():
        changed, options = act(image)
        file = f"{folder_name(name)}/{path.name}.{SUFFIX[options['format']]}"
        changed.save(out / file, **options)
        lines.append(f"{original}\t{name}\t{file}\n")
    return lines, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("photos", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    for name in ["base", *map(folder_name, TRANSFORMATIONS)]:
        (options.out / name).mkdir(parents=True, exist_ok=True)
    paths = sorted(path for folder in options.photos for path in folder.rglob("*") if path.is_file())
    with (
        concurrent.futures.ProcessPoolExecutor(2) as pool,
        open(options.out / "manifest.tsv", "w", encoding="utf-8") as manifest,
    ):
        count = 0
        for lines, fault in pool.map(transform, paths, [options.out] * len(paths)):
            count += bool(lines)
            manifest.writelines(lines)
            if fault:
                print(f"left out: {fault}")
    print(f"{count} photographs, {len(TRANSFORMATIONS)} transformations each")


if __name__ == "__main__":
    main()
