"""Row 6: an object in parts, none of which is the sample."""

import re
import threading

from ... import sign
from .. import corpus
from ..trick import CLOSED_DOOR, DENIED, EITHER, REFUSED, SAME, UNCLEAR, UNSEEN, WORKS, Family, unjudged
from ..way import Upload, item, quoted, wrapped
from . import framings

KEY = "parts.jpg"
JUNK = corpus.FILLING

FICTION = (3, '"11111111111111111111111111111111"')  # a part that nobody has sent
ODD_LISTS = DENIED | UNCLEAR | {(400, "MalformedXML"), (400, "InvalidPart"), (400, "InvalidPartOrder")}

# S3's own answer to an ETag that is not the part's last.
REPLACED = {"answers": frozenset({(400, "InvalidPart")}), "record": unjudged("multipart-order"), "twin": REFUSED}
DOUBTFUL = {"answers": UNSEEN, "record": None, "twin": EITHER}

multipart = Family("multipart", 6)


def cut(data, *at):
    """Pieces of the data, cut at these places."""
    places = [0, *at, len(data)]
    return [data[a:b] for a, b in zip(places, places[1:])]


def shares(data, count):
    """As many pieces, however long the data is: twins are not as long as their samples."""
    return cut(data, *[len(data) * n // count for n in range(1, count)])


def two(data):
    """Two pieces; the first is less than what the oracle takes for a torso."""
    return cut(data, len(data) * 2 // 5)


def in_order(pieces_of):
    def act(way, data):
        up = Upload(way, KEY)
        return up.complete(up.parts(pieces_of(data)))

    return act


multipart.add("one part", in_order(lambda d: [d]))
multipart.add("two halves", in_order(two))
multipart.add("two halves of a text", in_order(two), sample="noise")
multipart.add("two halves of a large body", in_order(two), sample="large")
multipart.add("cut in the middle of the head", in_order(lambda d: cut(d, 10)))
multipart.add("a first part of one byte", in_order(lambda d: cut(d, 1)))
multipart.add("a last part of one byte", in_order(lambda d: cut(d, len(d) - 1)))
multipart.add("a last part of nothing", in_order(lambda d: [*two(d), b""]))
multipart.add("a first part of nothing", in_order(lambda d: [b"", *two(d)]))
multipart.add("thirty parts", in_order(lambda d: shares(d, 30)))
multipart.add("junk before the picture", in_order(lambda d: [JUNK[:5000], *two(d)]))
multipart.add("junk behind the picture", in_order(lambda d: [*two(d), JUNK]))


# s3s wants 5 MiB of every part but the last.
WIDE = 5 << 20
multipart.add("two wide parts", in_order(lambda d: cut(d, WIDE)), sample="wide", stores=("s3s",))


@multipart.trick("in reverse order")
def reverse(way, data):
    return reversed_parts(way, shares(data, 4))


def reversed_parts(way, pieces):
    up = Upload(way, KEY)
    tags = [(n, up.part(n, piece)) for n, piece in reversed([*enumerate(pieces, 1)])]
    return up.complete(tags[::-1])


@multipart.trick("wide parts in reverse order", sample="wide", stores=("s3s",))
def wide_reversed(way, data):
    return reversed_parts(way, cut(data, WIDE))


@multipart.trick("a wide part sent again, good first", sample="wide", stores=("s3s",))
def wide_again(way, data):
    up = Upload(way, KEY)
    one, other = cut(data, WIDE)
    up.part(2, JUNK)
    return up.complete([(1, up.part(1, one)), (2, up.part(2, other))])


@multipart.trick("a wide part sent again, and its first ETag listed", sample="wide", stores=("s3s",), **REPLACED)
def wide_old_etag(way, data):
    """s3s-fs compares no ETags when it completes: it takes the part that came last."""
    up = Upload(way, KEY)
    one, other = cut(data, WIDE)
    old = up.part(2, JUNK)
    up.part(2, other)
    return up.complete([(1, up.part(1, one)), (2, old)])


@multipart.trick("in parallel")
def parallel(way, data):
    up = Upload(way, KEY)
    pieces = shares(data, 7)
    tags = {}

    def one(number, piece):
        tags[number] = up.part(number, piece)

    together(*[lambda n=n, p=p: one(n, p) for n, p in enumerate(pieces, 1)])
    return up.complete(sorted(tags.items()))


def together(*acts):
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@multipart.trick("numbers with gaps")
def gaps(way, data):
    up = Upload(way, KEY)
    one, other = two(data)
    return up.complete([(7, up.part(7, one)), (9000, up.part(9000, other))])


@multipart.trick("part numbers with zeros before", answers=UNCLEAR | DENIED, record=None, twin=EITHER)
def zeros(way, data):
    up = Upload(way, KEY)
    one, other = two(data)
    first = way.must(way.ask("PUT", up.path, f"partNumber=01&uploadId={quoted(up.id)}", body=one))
    return up.complete([(1, up.tag(first)), (2, up.part(2, other))])


@multipart.trick("an upload id in another spelling")
def spelling(way, data):
    up = Upload(way, KEY)
    one, other = two(data)
    odd = "".join(f"%{ord(c):02x}" for c in up.id)
    first = way.must(way.ask("PUT", up.path, f"partNumber=1&%75ploadId={odd}", body=one))
    return up.complete([(1, up.tag(first)), (2, up.part(2, other))])


@multipart.trick("a part number in another spelling", answers=UNCLEAR | DENIED, record=None, twin=EITHER)
def number_spelling(way, data):
    up = Upload(way, KEY)
    one, other = two(data)
    first = way.must(way.ask("PUT", up.path, f"partNumber=%31&uploadId={quoted(up.id)}", body=one))
    return up.complete([(1, up.tag(first)), (2, up.part(2, other))])


def framed(kind):
    def act(way, data):
        up = Upload(way, KEY)
        tags = []
        for number, piece in enumerate(two(data), 1):
            said = framings.put(way, piece, kind, framings.whole(piece), path=up.path, query=up.query(number))
            tags.append((number, up.tag(said)))
        return up.complete(tags)

    return act


multipart.add("parts in signed chunks", framed(sign.SIGNED_CHUNKS))
# A store without trailers takes no such part, and the gate hasn't seen one either.
multipart.add("parts in unsigned chunks", framed(sign.UNSIGNED_TRAILER), **{**DOUBTFUL, "answers": UNSEEN | DENIED})

# ---- a part sent twice ------------------------------------------------------------------
#
# The second part goes first: rclone takes no part again once it has those before it.


def sent_twice(first, last):
    """Part 2 twice; `listed` says which of its ETags the completion names."""

    def act(way, data, listed=-1):
        up = Upload(way, KEY)
        one, other = two(data)
        bodies = {"good": JUNK[: len(other)], "bad": other}
        tags = [up.part(2, bodies[word]) for word in (first, last)]
        return up.complete([(1, up.part(1, one)), (2, tags[listed])])

    return act


multipart.add("a part sent again, good first", sent_twice("good", "bad"))
# A store that doesn't compare ETags takes what came last.
multipart.add(
    "a part sent again, and its first ETag listed", lambda w, d: sent_twice("good", "bad")(w, d, 0), **DOUBTFUL
)


@multipart.trick("a wide part sent again elsewhere, and its first ETag listed", sample="wide", stores=("s3s",), **REPLACED)
def wide_old_etag_elsewhere(way, data):
    up = Upload(way, KEY)
    one, other = cut(data, WIDE)
    old = up.part(2, JUNK)
    up.part(2, other, way.second())
    return up.complete([(1, up.part(1, one)), (2, old)])


# Whichever came last, the store takes: without a gate it is luck.
AT_ONCE = {"answers": None, "record": None, "twin": EITHER}


@multipart.trick("wide parts of one number sent at once", sample="wide", stores=("s3s",), **AT_ONCE)
def wide_at_once(way, data):
    up = Upload(way, KEY)
    one, other = cut(data, WIDE)
    tags = {}

    def send(word, piece):
        tags[word] = up.part(2, piece)

    together(lambda: send("good", JUNK), lambda: send("bad", other))
    return up.complete([(1, up.part(1, one)), (2, tags["good"])])
# What is completed is innocent, and must pass.
multipart.add("a part sent again, bad first", sent_twice("bad", "good"), answers=frozenset({(200, None)}), record=None)


@multipart.trick("a made-up ETag is listed", **DOUBTFUL)
def made_up_etag(way, data):
    up = Upload(way, KEY)
    first, _ = up.parts(two(data))
    return up.complete([first, (2, FICTION[1])])


@multipart.trick("a refused part is left out", twin=SAME)
def left_out(way, data):
    """Some clients complete without a part that was refused: the upload is spoiled as a whole."""
    up = Upload(way, KEY)
    first = up.part(1, JUNK)
    up.part(2, data)
    return up.complete([(1, first)])


@multipart.trick("completed again after a refusal", twin=WORKS)
def again(way, data):
    up = Upload(way, KEY)
    tags = up.parts(two(data))
    up.complete(tags)
    return up.complete(tags)


# Whether the completion or the part comes first is luck: both may be taken, but not together.
@multipart.trick("a part sent again while it is completed", answers=None, record=None, twin=WORKS)
def race(way, data):
    """The good part is listed; the bad one comes while the store puts the object together."""
    one, other = two(data)
    said = []
    for _ in range(6):
        up = Upload(way, KEY)
        tags = up.parts([one, JUNK[: len(other)]])
        together(lambda: said.append(up.complete(tags)), lambda: up.part(2, other))
    return next((one for one in said if one.good), said[-1])


@multipart.trick("a part under way while it is completed", answers=None, record=None, twin=WORKS)
def under_way(way, data):
    """The bad part began before the completion, and its last byte comes after it was sent."""
    one, other = two(data)
    up = Upload(way, KEY)
    tags = up.parts([one, JUNK[: len(other)]])
    head, _ = way.head("PUT", up.path, up.query(2), [("Content-Length", str(len(other)))])
    way.notes.sent("PUT")
    with way.connect() as late:
        late.send(head + other[:-1])
        said = up.complete(tags)
        late.send_what_goes(other[-1:])
        tag = up.tag(way.hear(late))
    # The part may have come first after all; then the list goes by it.
    return said if said.good else up.complete([tags[0], (2, tag)])


# ---- what the completion lists ------------------------------------------------------------


@multipart.trick("only some parts are listed")
def some(way, data):
    """AWS and Garage take it; Ceph, rclone and s3s want all parts listed."""
    up = Upload(way, KEY)
    tags = up.parts([JUNK, *two(data), JUNK])
    return up.complete(tags[1:3])


@multipart.trick("the last part is not listed")
def but_last(way, data):
    up = Upload(way, KEY)
    return up.complete(up.parts([*two(data), JUNK])[:2])


@multipart.trick("listed in another order", answers=ODD_LISTS, record=None, twin=EITHER)
def other_order(way, data):
    """By number it is no picture; a store that goes by the list makes one of it."""
    up = Upload(way, KEY)
    one, other = two(data)
    return up.complete(up.parts([other, one])[::-1])


def by_xml(name, make, **how):
    """Two halves; `make` gets their items and writes the list."""

    def act(way, data):
        up = Upload(way, KEY)
        return up.complete_by(make(*up.parts(two(data))))

    how = {"answers": ODD_LISTS, "record": None, "twin": EITHER, **how}
    multipart.add(f"listed with {name}", act, **how)


def both(a, b):
    return wrapped(item(*a) + item(*b))


def numbered(numbers, etags):
    """A part with as many of either as there are."""
    inner = "".join(f"<PartNumber>{n}</PartNumber>" for n in numbers) + "".join(f"<ETag>{t}</ETag>" for t in etags)
    return f"<Part>{inner}</Part>"


def cdata(a, b):
    return wrapped("".join(numbered([f"<![CDATA[{n}]]>"], [f"<![CDATA[{t}]]>"]) for n, t in (a, b)))


def other_prefix(a, b):
    return both(a, b).replace("<", "<s:").replace("<s:/", "</s:").replace("xmlns=", "xmlns:s=")


by_xml("no namespace", lambda a, b: re.sub(' xmlns="[^"]*"', "", both(a, b)), answers=DENIED, twin=SAME)
by_xml("a declaration", lambda a, b: '<?xml version="1.0" encoding="UTF-8"?>\n' + both(a, b), answers=DENIED, twin=SAME)
by_xml("bare quotes", lambda a, b: both(a, b).replace("&quot;", '"'), answers=DENIED, twin=SAME)
by_xml("no quotes", lambda a, b: both(a, b).replace("&quot;", ""))
by_xml("numeric references", lambda a, b: both(a, b).replace("&quot;", "&#x22;"))
by_xml("another prefix", other_prefix)
by_xml("CDATA", cdata)
by_xml("checksums", lambda a, b: both(a, b).replace("</Part>", "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>"))
by_xml("a part in a comment", lambda a, b: wrapped(item(*a) + f"<!--{item(*FICTION)}-->" + item(*b)))
by_xml("comments within", lambda a, b: both(a, b).replace("</PartNumber>", "<!--0--></PartNumber>"))
by_xml(
    "a part in an element of its own", lambda a, b: wrapped(f"<Other>{item(*FICTION)}</Other>" + item(*a) + item(*b))
)
by_xml("another list behind the end", lambda a, b: both(a, b) + wrapped(item(*FICTION)))
by_xml("two numbers in a part", lambda a, b: wrapped(numbered((b[0], a[0]), a[1:]) + numbered((a[0], b[0]), b[1:])))
by_xml("two ETags in a part", lambda a, b: wrapped(numbered(a[:1], (FICTION[1], a[1])) + item(*b)))
by_xml("no ETags", lambda a, b: wrapped(numbered(a[:1], ()) + numbered(b[:1], ())))
by_xml("a plus before numbers", lambda a, b: wrapped(item(f"+{a[0]}", a[1]) + item(f"+{b[0]}", b[1])))
by_xml("zeros before numbers", lambda a, b: wrapped(item(f"0{a[0]}", a[1]) + item(f"00{b[0]}", b[1])))
by_xml("blanks around numbers", lambda a, b: wrapped(item(f" {a[0]}\n", a[1]) + item(f"\t{b[0]} ", b[1])))
by_xml("a part twice", lambda a, b: wrapped(item(*a) + item(*a) + item(*b)))
by_xml("another root", lambda a, b: both(a, b).replace("CompleteMultipartUpload", "MultipartUpload"))
by_xml("names in lower case", lambda a, b: both(a, b).replace("PartNumber", "partNumber").replace("ETag", "Etag"))
by_xml("UTF-16", lambda a, b: ('<?xml version="1.0" encoding="UTF-16"?>' + both(a, b)).encode("utf-16"))

# ---- more than one gate, and what a gate has not seen -----------------------------------------


@multipart.trick("through two gates in turn")
def two_gates(way, data):
    up, other = Upload(way, KEY), way.second()
    pieces = shares(data, 4)
    tags = [(n, up.part(n, piece, (way, other)[n % 2])) for n, piece in enumerate(pieces, 1)]
    return up.complete(tags, other)


@multipart.trick("spoiled at one gate, completed at another", twin=SAME)
def spoiled_elsewhere(way, data):
    up = Upload(way, KEY)
    first = up.part(1, JUNK)
    up.part(2, data)
    return up.complete([(1, first)], way.second())


# s3s-fs takes no keys as long as a part's record.
POOLED = {"gate": "pooled", "stores": ("rclone", "rgw", "garage")}
multipart.add("two halves, kept in a bucket", in_order(two), **POOLED)
multipart.add("two halves of a large body, kept in a bucket", in_order(two), sample="large", **POOLED)
multipart.add("through two gates in turn, kept in a bucket", two_gates, **POOLED)


@multipart.trick("the gate is killed between the parts", gate="mortal")
def killed(way, data):
    up = Upload(way, KEY)
    one, other = two(data)
    first = up.part(1, one)
    way.kill()
    return up.complete([(1, first), (2, up.part(2, other))])


@multipart.trick("the gate's state is lost between the parts", gate="mortal", answers=UNSEEN, record=None, twin=REFUSED)
def state_lost(way, data):
    up = Upload(way, KEY)
    one, other = two(data)
    first = up.part(1, one)
    way.forget()
    return up.complete([(1, first), (2, up.part(2, other))])


unseen = {"answers": UNSEEN, "record": unjudged("part-unseen"), "twin": REFUSED}


@multipart.trick("a part that went past the gate", **unseen)
def past(way, data):
    up = Upload(way, KEY)
    one, other = two(data)
    return up.complete([(1, up.part(1, one)), (2, up.part(2, other, way.straight()))])


@multipart.trick("all parts went past the gate", **unseen)
def all_past(way, data):
    up = Upload(way.straight(), KEY)
    return up.complete(up.parts(two(data)), way)


@multipart.trick("a part was replaced past the gate", answers=UNSEEN | CLOSED_DOOR, record=None, twin=EITHER)
def replaced(way, data):
    """The gate has seen another part of that number."""
    up = Upload(way, KEY)
    one, other = two(data)
    tags = up.parts([one, JUNK])
    return up.complete([tags[0], (2, up.part(2, other, way.straight()))])


FAMILIES = [multipart]
