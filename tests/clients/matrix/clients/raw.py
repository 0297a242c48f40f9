"""Raw sockets: framings and requests that no SDK at hand sends by itself."""

from .. import samples, sign, wire
from .base import Client, shown

CHUNKED = ("Transfer-Encoding", "chunked")


class Raw(Client):
    name = "raw"
    odd_keys = samples.ODD_KEYS
    lacks = frozenset({"multipart", "delete-many"})

    def head_for(
        self, method, path, query="", headers=(), payload=sign.UNSIGNED, extra=(), creds=None, bucket=None
    ):
        creds = creds or self.target.creds
        host, _ = self.target.place(bucket)
        return wire.signed_head(creds, method, path, query, headers, payload, host, extra)

    def ask(self, method, path, query="", headers=(), body=b"", **more):
        """One request on a connection of its own."""
        head, _ = self.head_for(method, path, query, headers, **more)
        with self.connect() as connection:
            connection.send_what_goes(head + body)
            return told(connection, method)

    def connect(self):
        return wire.Wire(self.target.port)

    def path(self, key, bucket=None):
        return self.target.place(bucket, wire.quoted(key))[1]

    def put(self, key, data, meta=None, kind=None, bucket=None, more=()):
        headers = [("Content-Length", str(len(data))), *more]
        headers += [("x-amz-meta-" + n, v) for n, v in (meta or {}).items()]
        headers += [("Content-Type", kind)] if kind else []
        return self.ask("PUT", self.path(key, bucket), headers=headers, body=data, bucket=bucket)

    def get(self, key, span=None):
        headers = [("Range", f"bytes={span[0]}-{span[1]}")] if span else []
        return self.ask("GET", self.path(key), headers=headers)

    def head(self, key):
        return self.ask("HEAD", self.path(key))

    def list(self, prefix):
        query = f"list-type=2&prefix={prefix.replace('/', '%2F')}"
        return self.ask("GET", self.path("").removesuffix("/") or "/", query)

    def delete(self, key):
        return self.ask("DELETE", self.path(key))


def told(connection, method):
    """The answer as a case reports it; headers and body are in the recording."""
    try:
        answer = connection.answer(method)
    except wire.Closed:
        return {"closed": "before an answer"}
    except TimeoutError:
        return {"closed": "no answer in time"}
    out = {"status": answer.status, "code": answer.code()}
    if method != "GET" or answer.status >= 300:
        return out
    return {**out, "body": shown(answer.body)}


def framed(client, key, data, kind, http_chunked=False, spoil=None):
    """An aws-chunked upload of `kind`, with Content-Length or inside HTTP chunks."""
    trailer = [("x-amz-trailer", "x-amz-checksum-crc32")] if kind.endswith("TRAILER") else []
    headers = [("x-amz-decoded-content-length", str(len(data))), ("Content-Encoding", "aws-chunked"), *trailer]
    extra = [CHUNKED] if http_chunked else []
    if not http_chunked:
        headers.append(("Content-Length", str(sign.encoded_length(data, kind))))
    head, signer = client.head_for("PUT", client.path(key), headers=headers, payload=kind, extra=extra)
    if kind == sign.UNSIGNED_TRAILER:
        body = sign.unsigned_body(data)
    else:
        body = sign.signed_body(signer, data, trailer=bool(trailer))
    body = spoil(body) if spoil else body
    with client.connect() as connection:
        connection.send_what_goes(head + (in_chunks(body) if http_chunked else body))
        return told(connection, "PUT")


def in_chunks(body):
    """HTTP chunks whose cuts fall nowhere near those of the aws chunks."""
    parts = sign.pieces(body, 10_007)
    return b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in parts) + b"0\r\n\r\n"


def identity_chunked(client, key, data):
    return client.ask("PUT", client.path(key), body=in_chunks(data), extra=[CHUNKED])


def expect(client, key, data, bucket=None, creds=None):
    """Waits for the store's word before the body goes out, as curl and SDKs do."""
    headers = [("Content-Length", str(len(data))), ("Expect", "100-continue")]
    head, _ = client.head_for("PUT", client.path(key, bucket), headers=headers, creds=creds, bucket=bucket)
    with client.connect() as connection:
        connection.send(head)
        try:
            status, _ = connection.head()
        except wire.Closed:
            return {"closed": "before an answer"}
        except TimeoutError:
            return {"closed": "no answer in time"}
        if status != 100:
            return {"refused": status}
        connection.send_what_goes(data)
        return told(connection, "PUT")


def keep_alive(client):
    """Uploads, reads and errors in turn on one connection."""
    out = []
    with client.connect() as connection:
        for number in range(8):
            for method, key, body in [("PUT", f"k{number}", samples.SMALL), ("GET", f"k{number}", b""), ("GET", "no", b"")]:
                headers = [("Content-Length", str(len(body)))] if body else []
                head, _ = client.head_for(method, client.path(key), headers=headers)
                connection.send(head + body)
                out.append(told(connection, method))
    return out


def flip_signature(body):
    """Another first digit in the first chunk's signature; the length stays."""
    at = body.index(b"chunk-signature=") + len(b"chunk-signature=")
    return body[:at] + (b"1" if body[at : at + 1] == b"0" else b"0") + body[at + 1 :]


def flip_checksum(body):
    """Another first character in the trailer's checksum."""
    at = body.rindex(b"crc32:") + len(b"crc32:")
    return body[:at] + (b"B" if body[at : at + 1] == b"A" else b"A") + body[at + 1 :]


def cut(client, how):
    """An upload that ends one byte early: nothing may be there afterwards."""
    head, _ = client.head_for("PUT", client.path("cut"), headers=[("Content-Length", str(len(samples.MIDDLE)))])
    with client.connect() as connection:
        connection.send(head + samples.MIDDLE[:-1])
        if how == "reset":
            connection.reset()
            return {"sent": "all but one byte"}
        connection.finish_sending()
        told(connection, "PUT")  # stores differ in what they say to a half-closed connection
        return {"sent": "all but one byte"}


KINDS = {
    "signed-chunks": sign.SIGNED_CHUNKS,
    "signed-trailer": sign.SIGNED_TRAILER,
    "unsigned-trailer": sign.UNSIGNED_TRAILER,
}


def framed_case(kind, data=samples.MIDDLE, **how):
    return lambda client: framed(client, "framed", data, kind, **how)


def framed_way(kind, **how):
    return lambda client, key, data: framed(client, key, data, kind, **how)


Raw.EXTRA = {
    **{name: framed_case(kind) for name, kind in KINDS.items()},
    **{f"{name}-in-chunks": framed_case(kind, http_chunked=True) for name, kind in KINDS.items()},
    "zero-unsigned-trailer": lambda c: framed(c, "zero", b"", sign.UNSIGNED_TRAILER),
    "zero-signed-chunks": lambda c: framed(c, "zero", b"", sign.SIGNED_CHUNKS),
    # Small, as a store may refuse and close while a longer body is still coming.
    "wrong-chunk-signature": framed_case(sign.SIGNED_CHUNKS, samples.SMALL, spoil=flip_signature),
    "wrong-trailer": framed_case(sign.UNSIGNED_TRAILER, samples.SMALL, spoil=flip_checksum),
    "identity-in-chunks": lambda c: identity_chunked(c, "chunked", samples.SMALL),
    "expect": lambda c: expect(c, "expect", samples.MIDDLE),
    "expect-missing-bucket": lambda c: expect(c, "k", samples.MIDDLE, bucket=c.target.missing_bucket),
    "expect-wrong-secret": lambda c: expect(c, "k", samples.MIDDLE, creds=c.target.creds.wrong()),
    "keep-alive": keep_alive,
    "cut-reset": lambda c: cut(c, "reset"),
    "cut-end": lambda c: cut(c, "end"),
    "options": lambda c: c.ask("OPTIONS", c.path("k"), headers=[("Origin", "http://example.org")]),
}

Raw.LISTED = {
    **{name: framed_way(kind) for name, kind in KINDS.items()},
    **{f"{name}-in-chunks": framed_way(kind, http_chunked=True) for name, kind in KINDS.items()},
    "identity-in-chunks": identity_chunked,
    "expect": expect,
}
