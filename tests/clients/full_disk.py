#!/usr/bin/env python3
"""Multipart uploads through a gate whose disk for parts is really full: a tmpfs
of some MiB.  Nothing that is listed may become readable, no innocent upload may
be lost without an error to its client, in shadow there may be no error at all,
and once there is room again all works as before, without a restart.

    python3 tests/clients/full_disk.py --gate target/release/s3bouncer

Mounts the tmpfs, as root or by sudo, and fails where it can't.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from matrix import proc, stores, wire

try:
    from matrix import closing, compare, samples
    from matrix.evasion import corpus, gates, oracle
    from matrix.evasion.way import Notes, Stopped, Upload, Way
    from run import Score
except ModuleNotFoundError as error:
    proc.lacking(error)

ROOM = 12 << 20  # bytes of the disk
FILES = 500  # that it can have
PART = 5 << 20  # s3s-fs wants so much of every part but the last
PATIENCE_S = 10

WIDE = corpus.SAMPLES["wide"]


def arguments():
    release = proc.ROOT / "target" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gate", default=os.environ.get("S3BOUNCER_BIN", release / "s3bouncer"))
    parser.add_argument("--s3s", default=os.environ.get("S3BOUNCER_STORE", release / "examples" / "store"))
    return parser.parse_args()


def as_root(*command):
    command = list(map(str, command)) if os.geteuid() == 0 else ["sudo", "-n", *map(str, command)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise proc.Missing(f"root, for `{' '.join(command)}`: {done.stderr.strip()}")


@contextlib.contextmanager
def small_disk(folder):
    folder.mkdir()
    options = f"size={ROOM},nr_inodes={FILES},mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
    try:
        yield folder
    finally:
        as_root("umount", "--lazy", folder)


class Site:
    """A store, and a gate before it whose parts are on the small disk."""

    def __init__(self, options, folder, disk, mode):
        self.disk = disk
        (folder / "store").mkdir()
        (folder / "lists").mkdir()
        self.store = stores.start("s3s", folder / "store", options)
        self.judge = wire.Judge(self.store.port, self.store.creds)
        self.judge.make_bucket("full")
        tables = gates.merged(gates.COMMON, {"state": {"parts_directory": disk / "parts"}})
        lists = corpus.list_sources(folder / "lists")
        self.gate = gates.Gate(options.gate, folder, mode, self.store.port, lists, tables, mode)
        self.way = Way(self.gate.port, self.store.creds, "full", Notes(), self.store.port)

    def stop(self):
        self.gate.stop()
        self.store.stop()

    def free(self):
        found = os.statvfs(self.disk)
        return found.f_bavail * found.f_frsize

    def readable(self, sample):
        return oracle.look(self.judge, "full", sample).found

    def holds(self, key, body):
        answer = self.judge.ask("GET", self.way.path(key))
        return answer.status == 200 and answer.body == body

    def in_two(self, key, body):
        """A multipart upload; the answer that decided."""
        try:
            up = Upload(self.way, key)
            return up.complete(up.parts([body[:PART], body[PART:]]))
        except Stopped as stop:
            return stop.said


def fill(site):
    """Leaves no room at all, whatever the gate keeps: the rest goes to a file of somebody else's."""
    with open(site.disk / "somebody-else", "wb") as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
                file.flush()
    # Names take room too.
    with contextlib.suppress(OSError):
        for number in range(FILES):
            (site.disk / f"more-{number:0200}").touch()


def empty(site):
    for path in site.disk.iterdir():
        if path.is_file():
            path.unlink()


def expect(condition, fault):
    return [] if condition else [fault]


def unheard(site, said, key, body):
    """An upload that is not there although its client was told so, or the other way round."""
    if said.good != site.holds(key, body):
        return [f"answered {said}, and the store {'lacks' if said.good else 'holds'} the object"]
    return []


def parts_until_full(site, enforces):
    """Parts of an upload that is never completed; the disk has room for two."""
    up = Upload(site.way, "unfinished")
    tags = [up.part(number, samples.noise(number, PART)) for number in (1, 2, 3)]
    found = expect(tags[0] and tags[1], f"a part was not taken while there was room: {up.refused}")
    if enforces:
        told = up.refused.pair if up.refused else None
        found += expect(told == (503, "SlowDown"), f"without room a part was answered {up.refused or 200}")
    else:
        found += expect(tags[2], f"a part was answered {up.refused}")
    site.unfinished = up
    return found


def listed(site, enforces):
    said = site.in_two("listed", WIDE.listed)
    if enforces:
        found = expect(said.pair == (503, "SlowDown"), f"answered {said}")
        return found + expect(not site.readable(WIDE.listed), "the listed sample is readable")
    return expect(said.good, f"answered {said}") + unheard(site, said, "listed", WIDE.listed)


def innocent(site, enforces):
    said = site.in_two("innocent", WIDE.twin)
    wanted = said.pair == (503, "SlowDown") if enforces else said.good
    return expect(wanted, f"answered {said}") + unheard(site, said, "innocent", WIDE.twin)


def begun_before(site, enforces):
    """Its parts were taken while there was room; its Complete comes while there is none."""
    up, parts = site.early
    said = up.complete(parts)
    wanted = said.good or (enforces and said.pair == (503, "SlowDown"))
    return expect(wanted, f"answered {said}") + unheard(site, said, "early", corpus.FILLING)


def whole_bodies(site, enforces):
    """They need no room."""
    photo = corpus.SAMPLES["photo"]
    found = expect(site.way.put("whole", photo.twin).good, "an innocent body was not taken")
    said = site.way.put("whole-listed", photo.listed)
    wanted = said.pair == (403, "AccessDenied") if enforces else said.good
    return found + expect(wanted, f"a listed body was answered {said}")


def freed(site, enforces):
    """Room again: the gate needs to be told nothing."""
    path, query = site.unfinished.path, f"uploadId={site.unfinished.id}"
    said = site.way.ask("DELETE", path, query)
    found = expect(said.good, f"an abort was answered {said}")
    empty(site)
    deadline = time.monotonic() + PATIENCE_S
    while site.free() < 2 * PART and time.monotonic() < deadline:
        time.sleep(0.05)
    found += expect(site.free() >= 2 * PART, f"the gate keeps {ROOM - site.free()} bytes of aborted parts")
    said = site.in_two("again", WIDE.twin)
    found += expect(said.good, f"an innocent upload was answered {said}") + unheard(site, said, "again", WIDE.twin)
    said = site.in_two("listed-again", WIDE.listed)
    if enforces:
        found += expect(said.pair == (403, "AccessDenied"), f"a listed upload was answered {said}")
        return found + expect(not site.readable(WIDE.listed), "the listed sample is readable")
    return found + expect(said.good, f"in shadow a listed upload was answered {said}")


STEPS = [parts_until_full, listed, innocent, begun_before, whole_bodies, freed]


def run_mode(options, folder, mode, score):
    since = time.monotonic()
    with small_disk(folder / "disk") as disk:
        site = Site(options, folder, disk, mode)
        try:
            early = Upload(site.way, "early")
            site.early = early, early.parts([corpus.FILLING])
            for step in STEPS:
                since = time.monotonic()
                found = compare.attempt(step, site, mode == "enforce")
                score.note("s3s", mode, step.__name__.replace("_", " "), found, since)
                if step is parts_until_full:
                    fill(site)
            for name, check in closing.cases(site.gate):
                score.note("s3s", mode, name, compare.attempt(check, site.gate), since)
        finally:
            site.stop()


def main():
    proc.guard_signals()
    options = arguments()
    score = Score()
    for mode in ("enforce", "shadow"):
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"s3d-{os.getpid()}-"))
        since = time.monotonic()
        try:
            run_mode(options, folder, mode, score)
        except Exception as error:  # noqa: BLE001 - what does not start fails the run
            score.note("s3s", mode, "start", [f"{type(error).__name__}: {error}"], since)
        finally:
            stores.remove(folder)
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
