"""Row 7: objects that the store puts together from bytes that it has: copies,
copies of ranges, appends and patches in every dialect, compositions."""

from .. import corpus
from ..trick import CLOSED_DOOR, DENIED, EITHER, REFUSED, UNCLEAR, UNSEEN, Family, unjudged
from ..way import Upload
from .multipart import two

KEY = "assembled.jpg"
CARRIER = "carrier.bin"
BEFORE = corpus.FILLING * 5  # 100 kB before the sample: further than the gate looks into a body

# ---- copies ------------------------------------------------------------------------------

copies = Family("copies", 7)
PART_COPIES = ("s3s", "rgw", "garage")  # rclone makes an empty part of a copy
closed = {"answers": CLOSED_DOOR, "record": unjudged("copy"), "twin": REFUSED}


def carrying(judge, bucket, data):
    """A bucket of its own with what was stored before there was a gate."""
    judge.make_bucket(f"{bucket}-old")
    judge.put(f"{bucket}-old", CARRIER, BEFORE + data + corpus.FILLING)
    judge.put(f"{bucket}-old", KEY, data)


def source(way, key, bucket=None):
    return f"/{bucket or way.bucket}/{key}"


def old(way, key):
    return source(way, key, f"{way.bucket}-old")


def span_of(data):
    return len(BEFORE), len(BEFORE) + len(data) - 1


def copied(way, origin, headers=()):
    return way.put(KEY, b"", [("x-amz-copy-source", origin), *headers])


def carved(way, data):
    """The sample is cut out of a carrier that holds it."""
    up = Upload(way, KEY)
    return up.complete([(1, up.copied(1, old(way, CARRIER), span_of(data)))])


def carved_in_two(way, data):
    start, end = span_of(data)
    middle = start + len(data) // 3
    up = Upload(way, KEY)
    first = (1, up.copied(1, old(way, CARRIER), (start, middle - 1)))
    return up.complete([first, (2, up.copied(2, old(way, CARRIER), (middle, end)))])


copies.add("a range of a carrier", carved, prepare=carrying, **closed)
copies.add("two ranges of a carrier", carved_in_two, prepare=carrying, **closed)
read_back = {"gate": "deep", "stores": PART_COPIES}
copies.add("a range of a carrier, read back", carved, prepare=carrying, **read_back)
copies.add("two ranges of a carrier, read back", carved_in_two, prepare=carrying, **read_back)


@copies.trick("a range in a copy of an object", prepare=carrying, answers=CLOSED_DOOR, record=None, twin=EITHER)
def range_of_object(way, data):
    start, end = span_of(data)
    return copied(way, old(way, CARRIER), [("x-amz-copy-source-range", f"bytes={start}-{end}")])


@copies.trick("a range in the query", prepare=carrying, answers=CLOSED_DOOR, record=None, twin=EITHER)
def range_in_query(way, data):
    start, end = span_of(data)
    up = Upload(way, KEY)
    query = f"{up.query(1)}&x-amz-copy-source-range=bytes%3D{start}-{end}"
    said = way.ask("PUT", up.path, query, [("x-amz-copy-source", old(way, CARRIER))])
    return up.complete([(1, up.tag(said))])


def in_halves(way, data):
    """Two innocent objects, one behind the other."""
    names = ("one", "other")
    for name, piece in zip(names, two(data)):
        way.must(way.put(name, piece))
    up = Upload(way, KEY)
    return up.complete([(n, up.copied(n, source(way, name))) for n, name in enumerate(names, 1)])


def half_sent(way, data):
    """One half is sent, the other copied."""
    one, other = two(data)
    way.must(way.put("other", other))
    up = Upload(way, KEY)
    return up.complete([(1, up.part(1, one)), (2, up.copied(2, source(way, "other")))])


for name, act in {"two halves": in_halves, "one half, the other is sent": half_sent}.items():
    copies.add(name, act, answers=CLOSED_DOOR | UNSEEN, record=None, twin=EITHER, stores=PART_COPIES)
    copies.add(f"{name}, read back", act, **read_back)

whole = lambda w, d: copied(w, old(w, KEY))  # noqa: E731
copies.add(
    "a whole object that was there before",
    whole,
    prepare=carrying,
    record=unjudged("copy"),
    open="copies of whole objects pass by default (copies = whole); what the gate never saw is copied too",
)
copies.add("a whole object that was there before, read back", whole, prepare=carrying, gate="deep")


@copies.trick("a whole object as a part, read back", prepare=carrying, **read_back)
def whole_as_part(way, data):
    up = Upload(way, KEY)
    return up.complete([(1, up.copied(1, old(way, KEY)))])


@copies.trick("a copy and a body", prepare=carrying, answers=DENIED | UNCLEAR, record=None, twin=EITHER)
def with_body(way, data):
    way.must(way.put("innocent", corpus.FILLING))
    return way.put(KEY, data, [("x-amz-copy-source", source(way, "innocent"))])


# ---- appends --------------------------------------------------------------------------------

appends = Family("appends", 7, answers=CLOSED_DOOR, record=unjudged("append"), twin=REFUSED)


def append(way, method, data, query="", headers=()):
    return way.ask(method, way.path(KEY), query, headers, data)


def onto_half(how, **more):
    """The first half is stored, the second appended: `how(length so far)` is query and headers."""

    def act(way, data):
        one, other = two(data)
        way.must(way.put(KEY, one))
        query, headers = how(len(one), len(other))
        return append(way, more.get("method", "PUT"), other, query, headers)

    return act


AT_OFFSET = {
    "S3 Express": lambda at, n: ("", [("x-amz-write-offset-bytes", str(at))]),
    "S3 Express, in the query": lambda at, n: (f"x-amz-write-offset-bytes={at}", []),
    "Ceph": lambda at, n: (f"append&position={at}", []),
    "Huawei's modification": lambda at, n: (f"modify&position={at}", []),
    "ECS, at the end": lambda at, n: ("", [("Range", "bytes=-1-")]),
    "ECS, from an offset": lambda at, n: ("", [("Range", f"bytes={at}-")]),
    "ECS, a stretch": lambda at, n: ("", [("Range", f"bytes={at}-{at + n - 1}")]),
    "a Content-Range": lambda at, n: ("", [("Content-Range", f"bytes {at}-{at + n - 1}/{at + n}")]),
}
for name, how in AT_OFFSET.items():
    appends.add(name, onto_half(how))
appends.add("Alibaba and others, by POST", onto_half(lambda at, n: (f"append&position={at}", []), method="POST"))
patched = onto_half(lambda at, n: ("", [("Content-Range", f"bytes {at}-{at + n - 1}/*")]), method="PATCH")
appends.add("a PATCH", patched, record=None)


@appends.trick("Ceph, both halves")
def ceph(way, data):
    """Ceph appends only to what was begun by an append."""
    one, other = two(data)
    way.must(append(way, "PUT", one, "append&position=0"))
    return append(way, "PUT", other, f"append&position={len(one)}")


@appends.trick("Ceph, all at once", answers=CLOSED_DOOR, record=None)
def all_at_once(way, data):
    return append(way, "PUT", data, "append&position=0")


@appends.trick("Ceph, in other spellings", answers=CLOSED_DOOR, record=None)
def ceph_spelled(way, data):
    one, other = two(data)
    way.must(append(way, "PUT", one, "%61ppend=&position=0"))
    return append(way, "PUT", other, f"%61ppend=&position={len(one)}")


@appends.trick("S3 Express, from the start", answers=CLOSED_DOOR, record=None)
def from_start(way, data):
    return append(way, "PUT", data, headers=[("x-amz-write-offset-bytes", "0")])


# ---- Google's dialect --------------------------------------------------------------------------

google = Family("google", 7, answers=CLOSED_DOOR, record=None, twin=REFUSED)


@google.trick("a composition")
def composed(way, data):
    names = ("one", "other")
    for name, piece in zip(names, two(data)):
        way.must(way.put(name, piece))
    parts = "".join(f"<Component><Name>{name}</Name></Component>" for name in names)
    return way.put(KEY, f"<ComposeRequest>{parts}</ComposeRequest>".encode(), query="compose")


@google.trick("a resumable upload")
def resumable(way, data):
    start = way.ask("POST", way.path(KEY), headers=[("x-goog-resumable", "start")])
    if start.status >= 400:
        return start
    return resume(way, data, "made-up")


def resume(way, data, upload):
    one, other = two(data)
    total = len(data)
    first = ("Content-Range", f"bytes 0-{len(one) - 1}/{total}")
    way.ask("PUT", way.path(KEY), f"upload_id={upload}", [first], one)
    last = ("Content-Range", f"bytes {len(one)}-{total - 1}/{total}")
    return way.ask("PUT", way.path(KEY), f"upload_id={upload}", [last], other)


google.add("a resumable upload, gone on with", lambda w, d: resume(w, d, "made-up"))
google.add("a resumable upload in one", lambda w, d: w.put(KEY, d, query="upload_id=made-up"), twin=EITHER)


@google.trick("a copy")
def google_copy(way, data):
    way.must(way.put("innocent", corpus.FILLING))
    return way.put(KEY, data, [("x-goog-copy-source", source(way, "innocent"))])


JSON_API = {"media": f"uploadType=media&name={KEY}", "resumable": f"uploadType=resumable&name={KEY}"}
for name, query in JSON_API.items():
    google.add(
        f"the JSON API, {name}",
        lambda w, d, q=query: w.ask("POST", f"/upload/storage/v1/b/{w.bucket}/o", q, body=d),
    )


@google.trick("the JSON API, two parts")
def related(way, data):
    sep = b"--sep\r\nContent-Type: "
    text = sep + b'application/json\r\n\r\n{"name": "x"}\r\n' + sep + b"image/jpeg\r\n\r\n" + data + b"\r\n--sep--\r\n"
    kind = [("Content-Type", "multipart/related; boundary=sep")]
    return way.ask("POST", f"/upload/storage/v1/b/{way.bucket}/o", "uploadType=multipart", kind, text)


# ---- methods of others ----------------------------------------------------------------------------

methods = Family("methods", 2, answers=CLOSED_DOOR, record=None, twin=REFUSED)
for method in ("PATCH", "MOVE", "COPY", "MKCOL", "LINK", "PROPPATCH", "LOCK", "REPORT", "MERGE", "SEARCH", "QUERY"):
    headers = [("Destination", "/made-up/elsewhere")]
    methods.add(method, lambda w, d, m=method, h=headers: w.ask(m, w.path(KEY), headers=h, body=d))


@methods.trick("COPY of what was there before", prepare=carrying)
def moved(way, data):
    headers = [("Destination", f"/{way.bucket}/{KEY}")]
    return way.ask("COPY", f"/{way.bucket}-old/{KEY}", headers=headers)


FAMILIES = [copies, appends, google, methods]
