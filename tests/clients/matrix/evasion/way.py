"""A way into a store: its own port, or a gate's.  What is sent and answered on it
is noted, so that a trial can compare two ways and count their requests."""

import html
import re
import threading

from .. import sign, stores, wire

PATIENCE_S = 15
CLOSED = "closed"  # in place of a code: the connection ended, or nothing came in time
READS = ("GET", "HEAD", "DELETE", "OPTIONS")


class Said:
    """One answer, or the lack of one (status 0)."""

    def __init__(self, answer=None):
        self.answer = answer
        self.status = answer.status if answer else 0
        self.code = answer.code() if answer else CLOSED

    @property
    def pair(self):
        return self.status, self.code

    @property
    def good(self):
        """Whether the store did as it was asked: 200 may still carry an error."""
        return 200 <= self.status < 300 and self.code is None

    def get(self, name):
        return self.answer.get(name) if self.answer else None

    def field(self, name):
        """The text of an XML element in the body, or None."""
        text = self.answer.body.decode("utf-8", "replace") if self.answer else ""
        found = re.search(f"<{name}>([^<]+)</{name}>", text)
        return html.unescape(found.group(1)) if found else None

    def __repr__(self):
        return f"{self.status} {self.code}" if self.code else str(self.status)


class Notes:
    """What was sent and heard on all ways of one run of one trick."""

    def __init__(self):
        self.said = []
        self.writes = 0  # PUT and POST requests, each of which must have one record
        self.loose = 0  # requests that may have a record or none: torn heads, other methods
        self._lock = threading.Lock()

    def sent(self, method):
        with self._lock:
            self.writes += method in ("PUT", "POST")
            self.loose += method not in ("PUT", "POST", *READS)

    def heard(self, said):
        with self._lock:
            self.said.append(said)
        return said


class Stopped(Exception):
    """A trick cannot go on, because a request that it builds on was not taken."""

    def __init__(self, said):
        super().__init__(f"stopped by {said}")
        self.said = said


class Way:
    """Sends what a trick wants sent to one port.

    `second`, `straight`, `kill` and `forget` are what a trick may do besides:
    go to another gate on the same state, to the store itself, have the gate
    killed and started again, with its state or without.  On the way directly to
    the store all of these are the store.
    """

    def __init__(self, port, creds, bucket, notes, straight, front=None):
        self.port = port
        self.creds = creds
        self.bucket = bucket
        self.notes = notes
        self.host = f"127.0.0.1:{port}"
        self._straight = straight
        self._front = front

    def path(self, key):
        return wire.path_of(self.bucket, key)

    def ask(self, method, path, query="", headers=(), body=b"", **more):
        """One signed request on a connection of its own."""
        headers = list(headers)
        if body or method in ("PUT", "POST"):
            headers.append(("Content-Length", str(len(body))))
        head, _ = self.head(method, path, query, headers, **more)
        return self.send(head + body, method)

    def put(self, key, data, headers=(), query="", **more):
        return self.ask("PUT", self.path(key), query, headers, data, **more)

    def head(self, method, path, query="", headers=(), payload=sign.UNSIGNED, extra=()):
        """A signed head, and the signer that goes on with its chunks."""
        return wire.signed_head(self.creds, method, path, query, headers, payload, self.host, extra)

    def send(self, data, method="PUT", patience_s=PATIENCE_S):
        """One request as bytes, and its answer."""
        self.notes.sent(method)
        with self.connect(patience_s) as connection:
            connection.send_what_goes(data)
            return self.hear(connection, method)

    def connect(self, patience_s=PATIENCE_S):
        return wire.Wire(self.port, patience_s)

    def hear(self, connection, method="PUT"):
        """The next answer on a connection, or the lack of one."""
        try:
            return self.notes.heard(Said(connection.answer(method)))
        except (wire.Closed, TimeoutError, ValueError, IndexError):
            return self.notes.heard(Said())

    def must(self, said):
        """`said`, if it is good; else the trick stops here."""
        if not said.good:
            raise Stopped(said)
        return said

    def second(self):
        if self._front is None:
            return self
        port = self._front.second().port
        return Way(port, self.creds, self.bucket, self.notes, self._straight, self._front)

    def straight(self):
        """Its requests are no gate's, and so are not counted."""
        if self._front is None:
            return self
        return Way(self._straight, stores.CREDS, self.bucket, Notes(), self._straight)

    def kill(self):
        if self._front:
            self._front.crash(self.notes)

    def forget(self):
        if self._front:
            self._front.crash(self.notes, state_too=True)


class Upload:
    """A multipart upload under way."""

    def __init__(self, way, key, headers=()):
        self.way = way
        self.path = way.path(key)
        self.refused = None  # what the last part that was not taken was told
        created = way.must(way.ask("POST", self.path, "uploads", headers))
        self.id = created.field("UploadId")
        if self.id is None:
            raise Stopped(created)

    def query(self, number):
        return f"partNumber={number}&uploadId={quoted(self.id)}"

    def part(self, number, data, way=None, headers=(), **more):
        """Its ETag, or NO_ETAG where it was refused."""
        return self.tag((way or self.way).ask("PUT", self.path, self.query(number), headers, data, **more))

    def tag(self, said):
        """The ETag in an answer to a part, or to a copy into one."""
        found = (said.get("etag") or said.field("ETag")) if said.good else None
        if not found:
            self.refused = said
        return found or NO_ETAG

    def parts(self, pieces):
        """Parts from number 1 on, as a completion lists them."""
        return [(n, self.part(n, piece)) for n, piece in enumerate(pieces, 1)]

    def copied(self, number, source, span=None):
        """The same for a part that the store takes from another object."""
        headers = [("x-amz-copy-source", source)]
        headers += [("x-amz-copy-source-range", f"bytes={span[0]}-{span[1]}")] if span else []
        return self.tag(self.way.ask("PUT", self.path, self.query(number), headers))

    def complete(self, parts, way=None):
        """`parts` are (number, ETag), in the order in which they are listed; all must have been taken."""
        if NO_ETAG in [tag for _, tag in parts]:
            raise Stopped(self.refused)
        return self.complete_by(wrapped("".join(item(n, tag) for n, tag in parts)), way)

    def complete_by(self, xml, way=None):
        xml = xml if isinstance(xml, bytes) else xml.encode()
        kind = [("Content-Type", "application/xml")]
        return (way or self.way).ask("POST", self.path, f"uploadId={quoted(self.id)}", kind, xml)


NO_ETAG = ""


def quoted(upload_id):
    """As SDKs spell it in a query."""
    return "".join(c if c.isalnum() or c in "-._~" else f"%{ord(c):02X}" for c in upload_id)


def item(number, etag):
    """One part of a completion."""
    return f"<Part><PartNumber>{number}</PartNumber><ETag>{html.escape(etag)}</ETag></Part>"


def wrapped(items):
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<CompleteMultipartUpload xmlns="{space}">{items}</CompleteMultipartUpload>'
