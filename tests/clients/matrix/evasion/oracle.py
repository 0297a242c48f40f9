"""Is the sample readable in a store?  Lists a bucket directly, reads every
object, and looks for the sample in each disguise that a reader would take off."""

import io
import tarfile
import zipfile
import zlib
from typing import NamedTuple

from .. import wire
from .coding import undo

DEPTH_MAX = 2  # archives within archives


class Finding(NamedTuple):
    """An object that gives the sample away."""

    key: str
    form: str

    def __str__(self):
        return f"{self.key!r} ({self.form})"


# From the plainest to the most hidden, by which a case's findings are summed up.
FORMS = ("whole", "inside", "coded", "member", "torso")


class View(NamedTuple):
    """All that a direct reader finds in a bucket."""

    found: list  # the objects that hold the sample
    keys: list  # of all objects

    @property
    def form(self):
        """The plainest form in which the sample is there, or `-`."""
        forms = {finding.form for finding in self.found}
        return next((form for form in FORMS if form in forms), "-")


def look(judge, bucket, sample, spared=()):
    """Raises if the bucket can't be read whole; `spared` are forms that don't count."""
    keys = judge.keys(bucket)
    if keys is None:
        raise RuntimeError(f"the store does not list {bucket}")
    view = View([], keys)
    for key in keys:
        answer = read(judge, wire.path_of(bucket, key))
        if answer.status != 200:
            continue  # what cannot be read gives nothing away
        form = form_in(answer.body, answer.get("content-encoding") or "", sample)
        view.found.extend([Finding(key, form)] if form and form not in spared else [])
    return view


def read(judge, path, tries=3):
    """Some stores break off in the middle of what is just being written."""
    for left in reversed(range(tries)):
        try:
            return judge.ask("GET", path)
        except wire.Closed:
            if not left:
                raise


def form_in(body, coding, sample):
    """How the sample lies in a body, or None."""
    if body == sample:
        return "whole"
    if sample in body:
        return "inside"
    if any(sample in plain for plain in decoded(body, coding)):
        return "coded"
    if any(sample in member for member in members(body)):
        return "member"
    # Of a picture that was cut off a viewer still shows what is there.
    return "torso" if sample[: len(sample) // 2] in body else None


def decoded(body, coding):
    """The body with its content codings undone, after each of them."""
    names = [name.strip().lower() for name in coding.split(",")]
    for name in reversed([n for n in names if n not in ("", "identity", "aws-chunked")]):
        body = undo(name, body)
        if body is None:
            return
        yield body


def members(body, depth=DEPTH_MAX):
    """What unpacks from tar, tar.gz, tar.zst, zip, gzip and zstd, in each other too."""
    if depth == 0:
        return
    for inner in [*unpacked_zip(body), *unpacked_tar(body), *unpacked_stream(body)]:
        yield inner
        yield from members(inner, depth - 1)


def unpacked_zip(body):
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return [archive.read(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, zlib.error):
        return []


def unpacked_tar(body):
    try:
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            files = [archive.extractfile(m) for m in archive if m.isfile()]
            return [f.read() for f in files if f]
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return []


def unpacked_stream(body):
    name = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(body[:2])
    plain = undo(name, body) if name else None
    return [plain] if plain else []
