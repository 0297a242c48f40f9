"""The bytes that cases send, made up or drawn from the project's own photos."""

import hashlib
import pathlib
import random

from . import proc


def noise(seed, size):
    return random.Random(seed).randbytes(size)


SMALL = b"a small text, nothing more\n" * 40
OLD = b"the older content of an object\n" * 10
MIDDLE = noise(1, 300_000)
BIG = noise(2, 20 << 20)

# Listed, but no photo: one above `small_body_max`, so that it takes the tail
# guard, and a short text; both made up.
LISTED_LARGE = noise(3, 3 << 20)
LISTED_TEXT = b"made-up text that is on the sample list\n"

ODD_KEYS = [
    "a//b",
    "a/./c",
    "pct%2Fkey",
    "sp ace",
    "pl+us",
    "\u00fcn\u00ef/\u65e5\u672c",
    "../up",
    "dir/../x",
    "trail/",
    "q?m&e=1#f",
    "tilde~(par)*'!$,;:@=",
]
# For clients that are programs: each key costs a process or two.
FEW_ODD_KEYS = ["sp ace+pl us/\u00fcn\u00ef\u65e5\u672c%2Fkey", "a//b"]


def photo(path):
    """The sample photo: the one named, else the first that the project carries."""
    if path:
        return pathlib.Path(path).read_bytes()
    for folder in ("tests", "examples", "src", "benches"):
        for found in sorted((proc.ROOT / folder).rglob("*.jpg")):
            if "node_modules" not in found.parts:
                return found.read_bytes()
    raise proc.Missing("no sample photo in the project (--photo FILE)")


def list_sources(folder, listed_photo):
    """Writes the list sources; returns (name, file, format, hash) of each."""
    plain = pathlib.Path(folder, "photos.txt")
    plain.write_text("# made from a sample photo\n" + hashlib.sha256(listed_photo).hexdigest() + "\n")
    tagged = pathlib.Path(folder, "made-up.txt")
    lines = ["md5 " + hashlib.md5(LISTED_LARGE).hexdigest(), "sha1 " + hashlib.sha1(LISTED_TEXT).hexdigest()]
    tagged.write_text("\n".join(lines) + "\n")
    return [("photos", plain, "plain", "sha256"), ("made-up", tagged, "tagged", None)]
