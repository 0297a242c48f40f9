"""Row 4: requests that two servers on one path would end at different places."""

from ... import sign, wire
from ..trick import BROKEN, DENIED, EITHER, REFUSED, SAME, Family, hit
from ..way import Said

KEY = "smuggled.jpg"
PATIENCE_S = 1.5  # the store may wait for bytes that never come
ANSWERS_MAX = 4

# Which layer refuses, and whether one that never was a request has a record, is all one: what
# counts is that nothing gets through, and that innocent bytes are not mistaken for a request.
REJECTED = BROKEN | {(404, None), (411, None)}
smuggling = Family("smuggling", 4, answers=REJECTED, record=None, twin=EITHER)
CLOSE = ("Connection", "close")  # so that the end of the answers shows at once


def request(way, data, key=KEY, more=()):
    """A good, signed upload as bytes."""
    head, _ = way.head("PUT", way.path(key), headers=[("Content-Length", str(len(data)))], extra=more)
    return head + data


def marker(way):
    """A last request on the connection, after whose answer the server closes it."""
    return way.head("GET", way.path("marker"), extra=[CLOSE], payload=sign.EMPTY_SHA256)[0]


def talk(way, data, writes, loose=0, odd=False):
    """Sends bytes at once and hears all answers; the first bad one decides, else the last.

    `odd`: nobody can say how many requests these bytes are.
    """
    for _ in range(writes):
        way.notes.sent("PUT")
    for _ in range(loose):
        way.notes.sent("ODD")
    heard = []
    with way.connect(PATIENCE_S) as connection:
        connection.send_what_goes(data)
        while len(heard) < ANSWERS_MAX and (not heard or heard[-1].status):
            heard.append(way.hear(connection))
    said = [one for one in heard if one.status] or [Said()]
    if odd:
        way.notes.said = said[:1]
    return next((one for one in said if not one.good and one.status != 404), said[0])


def framed_by(lines, body_of):
    """A signed upload whose length headers are `lines`, exactly as they stand."""

    def act(way, data):
        closes = [] if any("Connection" in line for line in lines(data)) else [CLOSE]
        head, _ = way.head("PUT", way.path(KEY), extra=closes)
        text = "".join(f"{line}\r\n" for line in lines(data)).encode("latin-1")
        return talk(way, head[:-2] + text + b"\r\n" + body_of(data), 0, 3, odd=True)

    return act


def chunks(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n"


def length(data):
    return f"Content-Length: {len(data)}"


TE = "Transfer-Encoding: chunked"
PLAIN = {
    "two equal lengths": lambda d: [length(d), length(d)],
    "two lengths, the right one first": lambda d: [length(d), "Content-Length: 5"],
    "two lengths, the right one last": lambda d: ["Content-Length: 5", length(d)],
    "a list of lengths": lambda d: [f"Content-Length: {len(d)}, {len(d)}"],
    "a length with a plus": lambda d: [f"Content-Length: +{len(d)}"],
    "a length in hex": lambda d: [f"Content-Length: {len(d):#x}"],
    "a length with a blank before the colon": lambda d: [f"Content-Length : {len(d)}"],
    "a length on a folded line": lambda d: ["Content-Length:", f" {len(d)}"],
    "a length by underscore": lambda d: [f"Content_Length: {len(d)}", "Content-Length: 0"],
    "a length and chunks that are none": lambda d: [length(d), TE],
    "a length that is nominated away": lambda d: [length(d), "Connection: content-length, close"],
}
CHUNKED = {
    "chunks and a length": lambda d: [TE, length(chunks(d))],
    "chunks and a length of 0": lambda d: ["Content-Length: 0", TE],
    "chunks twice": lambda d: [TE, TE],
    "chunks and identity": lambda d: [TE + ", identity"],
    "identity and chunks": lambda d: ["Transfer-Encoding: identity", TE],
    "chunks with a tab": lambda d: ["Transfer-Encoding:\tchunked"],
    "chunks with a vertical tab": lambda d: ["Transfer-Encoding:\x0bchunked"],
    "chunks in quotes": lambda d: ['Transfer-Encoding: "chunked"'],
    "chunks with a blank before the colon": lambda d: ["Transfer-Encoding : chunked"],
    "chunks by another name": lambda d: ["Transfer-Encoding: xchunked"],
    "chunks of gzip": lambda d: ["Transfer-Encoding: gzip, chunked"],
    "chunks by underscore": lambda d: ["Transfer_Encoding: chunked", "Content-Length: 0"],
    "chunks that are nominated away": lambda d: [TE, "Connection: transfer-encoding, close"],
}
for name, lines in PLAIN.items():
    smuggling.add(name, framed_by(lines, lambda d: d))
for name, lines in CHUNKED.items():
    smuggling.add(name, framed_by(lines, chunks))

CHUNK_SIZES = {
    "0x": b"0x%x",
    "a plus": b"+%x",
    "a blank": b" %x",
    "an extension": b"%x;a=b",
    "an open quote": b'%x;a="',
}
for name, size in CHUNK_SIZES.items():
    body = lambda d, s=size: s % len(d) + b"\r\n" + d + b"\r\n0\r\n\r\n"  # noqa: E731
    smuggling.add(f"HTTP chunks, sizes with {name}", framed_by(lambda d: [TE], body))
smuggling.add(
    "HTTP chunks that end in LF",
    framed_by(lambda d: [TE], lambda d: b"%x\n" % len(d) + d + b"\n0\n\n"),
)
smuggling.add(
    "HTTP chunks, the last one missing",
    framed_by(lambda d: [TE], lambda d: chunks(d)[:-5]),
)


# ---- a request inside, or behind, another ---------------------------------------------------


@smuggling.trick("pipelined behind a read", answers=DENIED, record=hit("exact"), twin=SAME)
def behind_read(way, data):
    first = way.head("GET", way.path("absent"), payload=sign.EMPTY_SHA256)[0]
    return talk(way, first + request(way, data) + marker(way), writes=1)


@smuggling.trick("pipelined behind an upload", answers=DENIED, record=hit("exact"), twin=SAME)
def behind_upload(way, data):
    return talk(way, request(way, b"innocent", "first") + request(way, data) + marker(way), writes=2)


def inside(lines):
    """A harmless upload whose body, as one reader sees it, is a whole request with the sample."""

    def act(way, data):
        hidden = request(way, data, more=[CLOSE])
        head, _ = way.head("PUT", way.path("first"))
        text = "".join(f"{line}\r\n" for line in lines(hidden)).encode()
        return talk(way, head[:-2] + text + b"\r\n" + b"0\r\n\r\n" + hidden, 0, 3, odd=True)

    return act


HIDING = {
    "in chunks that end at once": lambda h: [f"Content-Length: {len(h) + 5}", TE],
    "in chunks that end at once, in other words": lambda h: [
        f"Content-Length: {len(h) + 5}",
        "Transfer-Encoding: Chunked, x",
    ],
    "behind a length of 5": lambda h: [f"Content-Length: {len(h) + 5}", "Content-Length: 5"],
    "behind a length of 5 by underscore": lambda h: [f"Content-Length: {len(h) + 5}", "Content_Length: 5"],
}
# The innocent body holds the sample with a head before it: a picture within other bytes.
for name, lines in HIDING.items():
    smuggling.add(f"a request {name}", inside(lines))


@smuggling.trick("a request in the body of a read")
def in_read(way, data):
    hidden = request(way, data, more=[CLOSE])
    head, _ = way.head("GET", way.path("absent"), headers=[("Content-Length", str(len(hidden)))])
    return talk(way, head + hidden, 0, 2, odd=True)


@smuggling.trick("a request behind a read with a length of 0 and chunks")
def behind_chunked_read(way, data):
    head, _ = way.head("GET", way.path("absent"), extra=[("Transfer-Encoding", "chunked"), ("Content-Length", "0")])
    return talk(way, head + b"0\r\n\r\n" + request(way, data, more=[CLOSE]), 0, 2, odd=True)


@smuggling.trick("a request in a tunnel", twin=REFUSED)
def tunnelled(way, data):
    head = f"CONNECT {way.host} HTTP/1.1\r\nHost: {way.host}\r\n\r\n".encode()
    return talk(way, head + request(way, data, more=[CLOSE]), 0, 2, odd=True)


@smuggling.trick("a request behind an upgrade", answers=REJECTED | DENIED)
def upgraded(way, data):
    more = [("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")]
    head, _ = way.head("GET", way.path("absent"), extra=more, payload=sign.EMPTY_SHA256)
    return talk(way, head + request(way, data, more=[CLOSE]), 0, 2, odd=True)


# Read as meant and sent on with proper line ends: innocent bytes get in where the store would refuse.
@smuggling.trick("bare line feeds in the head", answers=REJECTED | DENIED, twin=None)
def bare_feeds(way, data):
    head = request(way, data, more=[CLOSE])
    at = head.index(b"\r\n\r\n")
    text = head[:at].replace(b"\r\n", b"\n") + b"\n\n" + head[at + 4 :]
    return talk(way, text, 0, 2, odd=True)


@smuggling.trick("a header with a NUL")
def nul(way, data):
    head, _ = way.head("PUT", way.path(KEY), headers=[("Content-Length", str(len(data)))])
    return talk(way, head[:-2] + b"x-odd: a\0b\r\n\r\n" + data, 0, 2, odd=True)


@smuggling.trick("behind an upload whose Expect is refused", answers=REJECTED | DENIED)
def behind_refused(way, data):
    """The first body never comes: a server that waits for it takes the next request for it."""
    hidden = request(way, data, more=[CLOSE])
    wrong = way.creds._replace(secret="f" * 64)
    headers = [("Content-Length", str(len(hidden))), ("Expect", "100-continue")]
    head, _ = wire.signed_head(wrong, "PUT", way.path("first"), "", headers, sign.UNSIGNED, way.host)
    return talk(way, head + hidden, 1, 1, odd=True)


FAMILIES = [smuggling]
