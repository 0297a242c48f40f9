"""A trick, and what is expected of the gate about it."""

from typing import Callable, NamedTuple

# ---- answers: (status, S3 code); None stands for any code, or none ------------------

DENIED = frozenset({(403, "AccessDenied")})
UNCLEAR = frozenset({(400, "InvalidRequest")})
# A body that breaks its own framing is malformed, or of another length than declared.
MISFRAMED = UNCLEAR | {(400, "IncompleteBody")}
METHOD = frozenset({(405, "MethodNotAllowed")})
# Ways in that stand closed by default.  The design says "an error of S3's".
CLOSED_DOOR = DENIED | METHOD | UNCLEAR | {(501, "NotImplemented")}
FORM = DENIED | UNCLEAR | {(400, "MalformedPOSTRequest")}
# What nobody has judged may be tried again, or is refused for good.
UNSEEN = DENIED | UNCLEAR | {(503, "SlowDown"), (400, "InvalidPart")}
# HTTP that is no HTTP: refused by whichever layer meets it first, or not answered at all.
BROKEN = CLOSED_DOOR | {(400, None), (405, None), (417, None), (431, None), (501, None), (505, None), (0, None)}

# ---- twins ----------------------------------------------------------------------------

SAME = "same"  # the same answers, and the same objects, as directly
WORKS = "works"  # accepted in the end where the store accepts it; the rest is a matter of timing
REFUSED = "refused"  # this way in is closed to all: the answer is one of the expected, nothing is stored
EITHER = "either"  # the gate may take the cautious reading: one of the two above

# ---- records ----------------------------------------------------------------------------

HIT = ("deny", None)


def unjudged(reason):
    return ("unjudged", reason)


def hit(reason):
    """A denial for bytes that lie in the body in this way."""
    return ("deny", reason)


class Trick(NamedTuple):
    """One way to get a sample past the gate.

    `act(way, data)` uploads `data` and returns the answer that decides.
    """

    name: str
    row: int  # of the evasion list that this corpus follows
    act: Callable
    sample: str = "photo"
    answers: frozenset = DENIED  # None: no claim
    record: tuple = HIT  # (verdict, reason or None for any) of one of the records, or None: no claim
    twin: str = SAME
    gate: str = "plain"  # which gate it goes through: see arena.KINDS
    prepare: Callable = None  # (judge, bucket, data): what stood in the store before there was a gate
    spares: tuple = ()  # forms in which the sample may lie there; the trick says why
    lingers: bool = False  # the store may still be at work when the trick is over
    # Why the sample may arrive all the same; it then fares as its twin does.
    open: str = None
    stores: tuple = None  # the only stores that it makes sense with

    def concerns(self, store):
        return self.stores is None or store in self.stores


class Family:
    """Collects the tricks of one module under a common first word."""

    def __init__(self, name, row, **common):
        self.name = name
        self.row = row
        self.common = common
        self.tricks = []

    def add(self, name, act, **how):
        how = {"row": self.row, **self.common, **how}
        self.tricks.append(Trick(name=f"{self.name}: {name}", act=act, **how))

    def trick(self, name, **how):
        """As a decorator."""

        def keep(act):
            self.add(name, act, **how)
            return act

        return keep


def matches(pair, answers):
    return answers is None or pair in answers or (pair[0], None) in answers
