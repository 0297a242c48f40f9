"""Tries one trick on one store, and says what is wrong about it."""

from typing import NamedTuple

from . import corpus, oracle
from .trick import EITHER, REFUSED, SAME, WORKS, matches
from .way import Said, Stopped


class Run(NamedTuple):
    """What one upload came to."""

    decided: Said
    notes: object
    found: list  # objects that hold what was uploaded, by the oracle
    stored: dict  # digests of all objects, by key
    records: list

    @property
    def form(self):
        return oracle.summed_up(self.found)

    @property
    def answers(self):
        """In no order: a trick may send from several threads."""
        return sorted(map(repr, self.notes.said))


def run(arena, trick, way, data, front=None):
    if trick.prepare:
        trick.prepare(arena.judge, way.bucket, data)
    try:
        decided = trick.act(way, data)
    except Stopped as stop:
        decided = stop.said
    records = front.records(way.notes.writes) if front else []
    found = oracle.look(arena.judge, way.bucket, data)
    return Run(decided, way.notes, found, stored(arena.judge, way.bucket), records)


def stored(judge, bucket):
    """By key; without the chunk signatures that some stores keep, since they differ by nature."""
    return {key: found["sha256"] for key, found in judge.state(bucket).items()}


def directly(arena, trick, data):
    return run(arena, trick, arena.direct(), data)


def through(arena, trick, data):
    way, front = arena.through(trick.gate)
    return run(arena, trick, way, data, front)


def control(arena, trick):
    """Only what the store itself does; the form in which the sample arrives."""
    return directly(arena, trick, corpus.SAMPLES[trick.sample].listed).form


def attempt(arena, trick):
    """(form in which the sample arrives without a gate, faults of the gate)."""
    sample = corpus.SAMPLES[trick.sample]
    alone = directly(arena, trick, sample.listed)
    faced = through(arena, trick, sample.listed)
    if trick.open:
        faults = like_directly(alone, faced)
    else:
        faults = [f"readable: {finding}" for finding in faced.found]
        faults += answer_faults(trick, alone, faced)
    faults += record_faults(trick, alone, faced)
    if trick.twin:
        faults += [f"twin: {fault}" for fault in twin_faults(arena, trick, sample.twin)]
    return alone.form, faults


def answer_faults(trick, alone, faced):
    """The gate's own answer, or the store's, where the store takes nothing of the kind."""
    said = faced.decided.pair
    if matches(said, trick.answers) or (not alone.decided.good and said == alone.decided.pair):
        return []
    wanted = ", ".join(f"{status} {code or 'of any kind'}" for status, code in sorted(trick.answers, key=str))
    return [f"answered {faced.decided}, expected {wanted}; without a gate {alone.decided}"]


def record_faults(trick, alone, faced):
    least, most = faced.notes.writes, faced.notes.writes + faced.notes.loose
    count = len(faced.records)
    if not least <= count <= most:
        return [f"{count} records for {least} uploads" + (f" and {most - least} odd requests" if most > least else "")]
    told = {(r.get("verdict"), r.get("reason")) for r in faced.records}
    verdict, reason = trick.record or (None, None)
    as_told = any(v == verdict and reason in (None, r) for v, r in told)
    # Where the store's own refusal was relayed, nobody may have judged the body.
    relayed = not alone.decided.good and faced.decided.pair == alone.decided.pair
    if trick.record is None or as_told or relayed:
        return []
    return [f"the records say {sorted(map(str, told))}, none says {verdict} {reason or ''}".rstrip()]


def twin_faults(arena, trick, data):
    alone = directly(arena, trick, data)
    faced = through(arena, trick, data)
    count = len(faced.records)
    faults = []
    if not faced.notes.writes <= count <= faced.notes.writes + faced.notes.loose:
        faults.append(f"{count} records for {faced.notes.writes} uploads")
    same, refused = like_directly(alone, faced), refusal_faults(trick, alone, faced)
    if trick.twin == SAME:
        return faults + same
    if trick.twin == REFUSED:
        return faults + refused
    if trick.twin == EITHER:
        return faults + (same and refused)
    assert trick.twin == WORKS
    works = faced.decided.good or not alone.decided.good
    return faults + ([] if works else [f"answered {faced.decided}, without a gate {alone.decided}"])


def like_directly(alone, faced):
    if alone.answers != faced.answers:
        return [f"answered {faced.answers}, without a gate {alone.answers}"]
    if alone.stored != faced.stored:
        return [f"the store holds {sorted(faced.stored)}, without a gate {sorted(alone.stored)}, or other bytes"]
    return []


def refusal_faults(trick, alone, faced):
    return answer_faults(trick, alone, faced) + [f"stored all the same: {finding}" for finding in faced.found]
