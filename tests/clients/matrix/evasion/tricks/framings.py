"""Row 3: aws-chunked bodies that two readers take for different payloads."""

from ... import sign, wire
from .. import signing
from ..trick import BROKEN, DENIED, EITHER, MISFRAMED, REFUSED, SAME, UNCLEAR, Family, hit
from ..way import Said

KEY = "framed.jpg"
SIGNED, UNSIGNED = sign.SIGNED_CHUNKS, sign.UNSIGNED_TRAILER
# Which of the two a store reads differs; each trick of the framing is tried in both.
KINDS = {"signed": SIGNED, "unsigned": UNSIGNED}

# Framing that breaks its grammar is refused whoever sends it, and convicts nobody.
framings = Family("framings", 3, answers=MISFRAMED, record=None, twin=REFUSED)


class Chunks:
    """Writes an aws-chunked body piece by piece, each chunk's line as a trick wants it."""

    def __init__(self, kind, signer):
        self.kind = kind
        self.signer = signer

    def chunk(self, data, size="{}", more="", end="\r\n", after="\r\n"):
        """`size` is a format of the length's digits, `more` what follows in the line."""
        line = size.format(f"{len(data):x}") + self.seal(data) + more + end
        return line.encode() + data + after.encode()

    def seal(self, data):
        if self.kind == UNSIGNED:
            return ""
        self.signer.chunk(data)
        return f";chunk-signature={self.signer.previous}"

    def last(self, payload):
        if self.kind == UNSIGNED:
            return f"0\r\nx-amz-checksum-crc32:{sign.crc32(payload)}\r\n\r\n".encode()
        return f"0{self.seal(b'')}\r\n\r\n".encode()


def put(way, data, kind, write, declared=None, extra=(), method="PUT", coding="aws-chunked", path=None, query=""):
    """An upload whose body `write(Chunks)` makes; `declared` is its payload's length, "" none."""
    length = len(data) if declared is None else declared
    headers = [("Content-Encoding", coding)]
    headers += [("x-amz-decoded-content-length", str(length))] if length != "" else []
    headers += [("x-amz-trailer", "x-amz-checksum-crc32")] if kind == UNSIGNED else []
    # Written once to know how long it is, and again with the signatures that belong to that head.
    blank = sign.Signer(way.creds.access, way.creds.secret, way.creds.region)
    headers.append(("Content-Length", str(len(write(Chunks(kind, blank))))))
    head, signer = way.head(method, path or way.path(KEY), query, headers, kind, extra)
    return way.send(head + write(Chunks(kind, signer)), method)


def whole(data, **how):
    """One chunk with everything, and the end."""
    return lambda c: c.chunk(data, **how) + c.last(data)


def both(name, act, **how):
    for word, kind in KINDS.items():
        framings.add(f"{name}, {word}", lambda w, d, k=kind: act(w, d, k), **how)


# ---- sizes, lines and ends ------------------------------------------------------------

SIZES = {"a plus": "+{}", "0x": "0x{}", "a blank before": " {}", "a blank behind": "{} ", "a tab": "\t{}"}
SIZES |= {"an underscore": "0_{}", "seventeen digits": "1{:>016}", "a decimal point": "{}.0", "a minus": "-{}"}
for word, size in SIZES.items():
    both(f"sizes with {word}", lambda w, d, k, s=size: put(w, d, k, whole(d, size=s)))
both(
    "leading zeros",
    lambda w, d, k: put(w, d, k, whole(d, size="0000{}")),
    answers=DENIED,
    record=hit("exact"),
    twin=EITHER,
)
SEAL = ";chunk-signature=" + "0" * 64
both("another extension", lambda w, d, k: put(w, d, k, whole(d, more=";x=y")))
both("an extension twice", lambda w, d, k: put(w, d, k, whole(d, more=SEAL * 2)))
both("LF for CRLF", lambda w, d, k: put(w, d, k, whole(d, end="\n")))
both("no CRLF behind the data", lambda w, d, k: put(w, d, k, whole(d, after="")))
both("no last chunk", lambda w, d, k: put(w, d, k, lambda c: c.chunk(d)))
both(
    "no last CRLF",
    lambda w, d, k: put(w, d, k, lambda c: c.chunk(d) + c.last(d)[:-2]),
    answers=MISFRAMED | DENIED,
    twin=EITHER,
)


def in_two(data):
    cut = len(data) // 3
    return data[:cut], data[cut:]


@framings.trick("seven bytes a chunk, unsigned", answers=DENIED, record=hit("exact"), twin=SAME)
def many(way, data):
    return put(way, data, UNSIGNED, lambda c: b"".join(c.chunk(p) for p in sign.pieces(data, 7)) + c.last(data))


def empty_between(way, data, kind):
    one, two = in_two(data)
    empty = lambda c: b"0" + c.seal(b"").encode() + b"\r\n\r\n"  # noqa: E731
    return put(way, data, kind, lambda c: c.chunk(one) + empty(c) + c.chunk(two) + c.last(data))


both("an empty chunk between", empty_between)

# ---- lengths ----------------------------------------------------------------------------

JUNK = b"this is behind the picture" * 20


def behind_declared(way, data, kind):
    """Ceph cuts what the chunks hold off at the declared length."""
    longer = data + JUNK
    return put(way, data, kind, lambda c: c.chunk(longer) + c.last(longer), declared=len(data))


def behind_declared_apart(way, data, kind):
    return put(way, data, kind, lambda c: c.chunk(data) + c.chunk(JUNK) + c.last(data + JUNK), declared=len(data))


both("more than declared", behind_declared)
both("another chunk than declared", behind_declared_apart)
both("less than declared", lambda w, d, k: put(w, d, k, whole(d), declared=len(d) + 7))
both("one less declared", lambda w, d, k: put(w, d, k, whole(d), declared=len(d) - 1))
both("declared as 0", lambda w, d, k: put(w, d, k, whole(d), declared=0))
both("declared with a plus", lambda w, d, k: put(w, d, k, whole(d), declared=f"+{len(d)}"))
both("declared in hex", lambda w, d, k: put(w, d, k, whole(d), declared=f"{len(d):#x}"))
# Nothing is unclear about it, though AWS wants the length.
both(
    "nothing declared",
    lambda w, d, k: put(w, d, k, whole(d), declared=""),
    answers=DENIED,
    record=hit("exact"),
    twin=SAME,
)


def declared_twice(way, data, kind):
    more = [("x-amz-decoded-content-length", str(len(JUNK)))]
    return put(way, data, kind, whole(data), extra=more)


both("declared twice", declared_twice)

# ---- bytes after the end -------------------------------------------------------------------

both("bytes after the end", lambda w, d, k: put(w, d, k, lambda c: whole(d)(c) + JUNK))
both("a body after an empty one", lambda w, d, k: put(w, d, k, lambda c: c.last(b"") + whole(d)(c)))
both("a body after another", lambda w, d, k: put(w, d, k, lambda c: whole(JUNK)(c) + whole(d)(c), declared=len(JUNK)))

# ---- which framing is it ---------------------------------------------------------------------


def raw_body(token, headers=(), length=True):
    """The bytes as they are, under a head that says that they are framed."""

    def act(way, data):
        more = [("x-amz-decoded-content-length", str(len(data)))] if length else []
        more += [("Content-Length", str(len(data))), *headers]
        head, _ = way.head("PUT", way.path(KEY), headers=more, payload=token)
        return way.send(head + data)

    return act


for word, token in {**KINDS, "signed trailer": sign.SIGNED_TRAILER}.items():
    framings.add(f"not framed at all, {word}", raw_body(token))
    framings.add(f"not framed at all, nor its length, {word}", raw_body(token, length=False))
framings.add("an unknown framing", raw_body("STREAMING-MADE-UP"), answers=UNCLEAR)
framings.add("a framing in lower case", raw_body(UNSIGNED.lower()), answers=UNCLEAR)
framings.add("a length and no framing", raw_body(sign.UNSIGNED), answers=UNCLEAR)


@framings.trick("aws-chunked and no framing", answers=UNCLEAR)
def coding_alone(way, data):
    return way.put(KEY, data, [("Content-Encoding", "aws-chunked")])


@framings.trick("framed, and the head is silent", answers=DENIED, record=hit("exact-embedded"), twin=SAME)
def silent(way, data):
    return way.put(KEY, b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n")


@framings.trick("framed, and declared as unframed", answers=UNCLEAR)
def declared_unframed(way, data):
    body = sign.unsigned_body(data)
    return way.put(KEY, body, [("Content-Encoding", "aws-chunked"), ("x-amz-trailer", "x-amz-checksum-crc32")])


def two_tokens(first):
    """Two x-amz-content-sha256, of which the signed one comes first or last."""

    def act(way, data):
        head, _ = way.head("PUT", way.path(KEY), headers=[("Content-Length", str(len(data)))])
        other = f"x-amz-content-sha256: {UNSIGNED}\r\n".encode()
        at = head.index(b"\r\n") + 2 if first else len(head) - 2
        return way.send(head[:at] + other + head[at:] + data)

    return act


framings.add("two tokens, the framed one first", two_tokens(True), answers=UNCLEAR)
framings.add("two tokens, the framed one last", two_tokens(False), answers=UNCLEAR)


@framings.trick("version 2 and a framing", answers=UNCLEAR)
def version_2(way, data):
    """MinIO stores the body as it is; other stores undo the framing."""
    body = sign.unsigned_body(data)
    return signed_2(way, body, len(data))


@framings.trick("version 2, a framing and a raw body", answers=UNCLEAR)
def version_2_raw(way, data):
    return signed_2(way, data, len(data))


def signed_2(way, body, declared):
    path = way.path(KEY)
    amz = [("x-amz-content-sha256", UNSIGNED), ("x-amz-decoded-content-length", str(declared))]
    headers = [("Host", way.host), ("Content-Length", str(len(body))), *amz, *signing.header_2(way, "PUT", path, amz)]
    return way.send(wire.render("PUT", path, headers) + body)


def in_query(body_of):
    """The framing is told in a presigned query alone."""

    def act(way, data):
        body = body_of(data)
        more = [("X-Amz-Content-Sha256", UNSIGNED), ("X-Amz-Decoded-Content-Length", str(len(data)))]
        query = signing.presigned(way, "PUT", way.path(KEY), more, payload=UNSIGNED)
        head = wire.render("PUT", f"{way.path(KEY)}?{query}", [("Host", way.host), ("Content-Length", str(len(body)))])
        return way.send(head + body)

    return act


framings.add("told in the query, framed", in_query(sign.unsigned_body), answers=UNCLEAR)
framings.add("told in the query, raw", in_query(lambda d: d), answers=UNCLEAR)


@framings.trick("POST and a framing", answers=UNCLEAR)
def posted(way, data):
    return put(way, data, UNSIGNED, whole(data), method="POST")


@framings.trick("SigV4A chunks", answers={(501, "NotImplemented")})
def sigv4a(way, data):
    return raw_body("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")(way, data)


# ---- cut short ---------------------------------------------------------------------------------


def cut(kind, drop, reset):
    """The head promises a whole body, the last `drop` bytes of which never come."""

    def act(way, data):
        size = sign.encoded_length(data, kind)
        more = [("x-amz-decoded-content-length", str(len(data))), ("Content-Length", str(size))]
        more += [("x-amz-trailer", "x-amz-checksum-crc32")] if kind == UNSIGNED else []
        head, signer = way.head("PUT", way.path(KEY), headers=more, payload=kind)
        body = sign.unsigned_body(data) if kind == UNSIGNED else sign.signed_body(signer, data)
        return sent_short(way, head + body[:-drop], reset)

    return act


def sent_short(way, data, reset):
    way.notes.sent("PUT")
    with way.connect(5) as connection:
        connection.send(data)
        if reset:
            connection.reset()
            return way.notes.heard(Said())
        connection.finish_sending()
        return way.hear(connection)


# Stores that have all of the payload store it; what they say to a client that has gone is no matter.
for word, kind in KINDS.items():
    last = len(Chunks(kind, sign.Signer("a", "b", "c")).last(b""))
    for what, drop in {"the last byte": 1, "the last chunk": last, "the last data": last + 9}.items():
        framings.add(f"cut before {what}, {word}", cut(kind, drop, reset=False), answers=BROKEN)
    framings.add(f"reset before the last byte, {word}", cut(kind, 1, reset=True), answers=BROKEN, lingers=True)


@framings.trick("a plain body cut short", answers=BROKEN, sample="large")
def plain(way, data):
    head, _ = way.head("PUT", way.path(KEY), headers=[("Content-Length", str(len(data)))])
    return sent_short(way, head + data[:-1], reset=False)


FAMILIES = [framings]
