"""Tries one trick on one store, and says what is wrong about it."""

import concurrent.futures
import time
from typing import NamedTuple

from . import corpus, oracle
from .trick import EITHER, REFUSED, SAME, WORKS, matches
from .way import Said, Stopped

LINGER_S = 0.6  # how long a store may take over an upload whose sender is gone


class Run(NamedTuple):
    """What one upload came to."""

    decided: Said
    notes: object
    view: oracle.View
    records: list
    bucket: str

    @property
    def answers(self):
        """In no order: a trick may send from several threads."""
        return sorted(map(repr, self.notes.said))

    @property
    def stored(self):
        """How much of the upload is in which object; in what form may differ between twins."""
        out = dict.fromkeys(self.view.keys, "none of it")
        out |= {f.key: "some of it" if f.form == "torso" else "all of it" for f in self.view.found}
        # A key may have the bucket's name in it, and each way has a bucket of its own.
        return {key.replace(self.bucket, "BUCKET"): what for key, what in out.items()}


def run(arena, trick, way, data, front=None):
    if trick.prepare:
        trick.prepare(arena.judge, way.bucket, data)
    try:
        decided = trick.act(way, data)
    except Stopped as stop:
        decided = stop.said
    records = front.records(way.notes) if front else []
    view = oracle.look(arena.judge, way.bucket, data, trick.spares)
    deadline = time.monotonic() + (LINGER_S if trick.lingers else 0)
    while not view.found and time.monotonic() < deadline:
        view = oracle.look(arena.judge, way.bucket, data, trick.spares)
    return Run(decided, way.notes, view, records, way.bucket)


def directly(arena, trick, data):
    return run(arena, trick, arena.direct(), data)


def through(arena, trick, data):
    way, front = arena.through(trick.gate)
    return run(arena, trick, way, data, front)


def control(arena, trick):
    """Only what the store itself does: the form in which the sample arrives."""
    return directly(arena, trick, corpus.SAMPLES[trick.sample].listed).view.form


def attempt(arena, trick):
    """(form in which the sample arrives without a gate, faults of the gate)."""
    sample = corpus.SAMPLES[trick.sample]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        directly_done = pool.submit(directly, arena, trick, sample.listed)
        faced = through(arena, trick, sample.listed)
        twin = through(arena, trick, sample.twin) if trick.twin else None
        alone = directly_done.result()
    faults = like(alone, faced) if trick.open else sample_faults(trick, alone, faced)
    faults += count_faults(faced) + record_faults(trick, alone, faced)
    if twin:
        faults += [f"twin: {fault}" for fault in count_faults(twin) + twin_faults(trick, alone, twin)]
    return alone.view.form, faults


def sample_faults(trick, alone, faced):
    return [f"readable: {finding}" for finding in faced.view.found] + answer_faults(trick, alone, faced)


def is_moot(alone):
    """A store that says yes and holds nothing of the sample doesn't know the trick."""
    return alone.decided.good and not alone.view.found


def answer_faults(trick, alone, faced):
    """The gate's own answer, or the store's, where the store takes nothing of the kind."""
    if is_moot(alone):
        return []
    said = faced.decided.pair
    if matches(said, trick.answers) or (not alone.decided.good and said == alone.decided.pair):
        return []
    wanted = ", ".join(f"{status} {code or 'of any kind'}" for status, code in sorted(trick.answers, key=str))
    return [f"answered {faced.decided}, expected {wanted}; without a gate {alone.decided}"]


def count_faults(faced):
    least, most = faced.notes.writes, faced.notes.writes + faced.notes.loose
    if least <= len(faced.records) <= most:
        return []
    return [f"{len(faced.records)} records for {least} uploads" + (f" to {most}" if most > least else "")]


def record_faults(trick, alone, faced):
    if trick.record is None or is_moot(alone):
        return []
    verdict, reason = trick.record
    told = {(record.get("verdict"), record.get("reason")) for record in faced.records}
    as_told = any(v == verdict and reason in (None, r) for v, r in told)
    # Where the store's own refusal was relayed, nobody may have judged the body.
    relayed = not alone.decided.good and faced.decided.pair == alone.decided.pair
    if as_told or relayed:
        return []
    return [f"no record says {verdict} {reason or ''}; they say {sorted(map(str, told))}"]


def twin_faults(trick, alone, twin):
    """The twin through the gate, against the sample without one: what stores do, they do to both."""
    if is_moot(alone):
        return []
    same, refused = like(alone, twin), sample_faults(trick, alone, twin)
    if trick.twin == SAME:
        return same
    if trick.twin == REFUSED:
        return refused
    if trick.twin == EITHER:
        return same and refused
    assert trick.twin == WORKS
    works = twin.decided.good or not alone.decided.good
    return [] if works else [f"answered {twin.decided}, without a gate {alone.decided}"]


def like(alone, faced):
    if alone.answers != faced.answers:
        return [f"answered {faced.answers}, without a gate {alone.answers}"]
    if alone.stored != faced.stored:
        return [f"the store holds {faced.stored}, without a gate {alone.stored}"]
    return []
