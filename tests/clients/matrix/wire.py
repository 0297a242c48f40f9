"""Raw sockets: a client that sends exactly what a case wants, and the judge
that looks into a store directly, never through the gate."""

import hashlib
import re
import socket
import struct
import urllib.parse
import xml.etree.ElementTree as ElementTree

from . import sign

PATIENCE_S = 30
# Some stores keep the framing of a signed upload as the object's content.
SIGNATURES = re.compile(rb"signature[=:][0-9a-f]{64}")


class Closed(Exception):
    """The peer ended the connection where an answer was due."""


class Answer:
    def __init__(self, status, headers, body, interim):
        self.status = status
        self.headers = headers
        self.body = body
        self.interim = interim

    def get(self, name):
        return next((v for n, v in self.headers if n.lower() == name), None)

    def code(self):
        """The S3 error code of the body, or None."""
        head, _, rest = self.body.partition(b"<Code>")
        return rest.partition(b"</Code>")[0].decode() if rest else None


class Wire:
    """One client connection."""

    def __init__(self, port, patience_s=PATIENCE_S):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=patience_s)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def send_what_goes(self, data):
        """Sends a body whose receiver may have answered and closed already."""
        try:
            self.sock.sendall(data)
        except OSError:
            pass

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def finish_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def _more(self):
        self.buffer += self._received()

    def _received(self):
        try:
            data = self.sock.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        return data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        part, _, self.buffer = self.buffer.partition(mark)
        return part

    def _exactly(self, count):
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            parts.append(self._received())
            have += len(parts[-1])
        whole = b"".join(parts)
        self.buffer = whole[count:]
        return whole[:count]

    def head(self):
        """The next head, interim or final."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        return int(lines[0].split(" ")[1]), pairs

    def answer(self, method="GET"):
        interim = []
        status, headers = self.head()
        while 100 <= status < 200:
            interim.append(status)
            status, headers = self.head()
        answer = Answer(status, headers, b"", interim)
        if method != "HEAD" and status not in (204, 304):
            answer.body = self._body(answer)
        return answer

    def _body(self, answer):
        if (answer.get("transfer-encoding") or "").lower() == "chunked":
            return self._chunked()
        if answer.get("content-length") is not None:
            return self._exactly(int(answer.get("content-length")))
        return self._rest()

    def _chunked(self):
        out = b""
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            out += self._exactly(size)
            self._exactly(2)
        while self._until(b"\r\n"):
            pass
        return out

    def _rest(self):
        try:
            while True:
                self._more()
        except Closed:
            out, self.buffer = self.buffer, b""
            return out

    def ended(self, patience_s=5):
        """True if the peer has closed and nothing more came."""
        self.sock.settimeout(patience_s)
        try:
            self._more()
            return False
        except Closed:
            return True
        except TimeoutError:
            return False


def render(method, target, headers):
    lines = [f"{method} {target} HTTP/1.1"] + [f"{n}: {v}" for n, v in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def signed_head(creds, method, path, query="", headers=(), payload=sign.UNSIGNED, host="127.0.0.1", extra=()):
    """A signed head; `extra` headers go along unsigned.  Returns (bytes, signer)."""
    signer = sign.Signer(creds.access, creds.secret, creds.region)
    signed = signer.sign(method, path, query, [("Host", host), *headers], payload)
    target = path + ("?" + query if query else "")
    return render(method, target, [*signed, *extra]), signer


class Judge:
    """Asks the store itself."""

    def __init__(self, port, creds, host="127.0.0.1"):
        self.port = port
        self.creds = creds
        self.host = f"{host}:{port}"

    def ask(self, method, path, query="", headers=(), body=b""):
        payload = hashlib.sha256(body).hexdigest()
        headers = list(headers)
        if body or method in ("PUT", "POST"):
            headers.append(("Content-Length", str(len(body))))
        head, _ = signed_head(
            self.creds, method, path, query, headers, payload, host=self.host
        )
        with Wire(self.port) as wire:
            wire.send(head + body)
            return wire.answer(method)

    def make_bucket(self, bucket):
        answer = self.ask("PUT", f"/{bucket}")
        if answer.status not in (200, 201):
            raise RuntimeError(f"the store makes no bucket: {answer.status} {answer.body[:200]!r}")

    def put(self, bucket, key, data, headers=()):
        answer = self.ask("PUT", path_of(bucket, key), headers=headers, body=data)
        if answer.status != 200:
            raise RuntimeError(f"the store takes no object: {answer.status} {answer.body[:200]!r}")

    def exists(self, bucket, key):
        return self.ask("HEAD", path_of(bucket, key)).status == 200

    def keys(self, bucket):
        answer = self.ask("GET", f"/{bucket}", "encoding-type=url&list-type=2")
        if answer.status != 200:
            return None
        tree = ElementTree.fromstring(answer.body)
        encoded = tree.findtext("{*}EncodingType") == "url"
        keys = [e.findtext("{*}Key") for e in tree.findall("{*}Contents")]
        return sorted(urllib.parse.unquote_plus(k) if encoded else k for k in keys)

    def object(self, bucket, key):
        """What the store holds: status, digest, length and headers."""
        answer = self.ask("GET", path_of(bucket, key))
        body = answer.body if answer.status == 200 else b""
        steady = SIGNATURES.sub(b"signature", body)
        found = {"status": answer.status, "bytes": len(body), "headers": answer.headers}
        found["sha256"] = hashlib.sha256(steady).hexdigest()
        if steady != body:
            found["volatile_etag"] = hashlib.md5(body).hexdigest()
        return found

    def state(self, bucket):
        """All that a bucket holds, by key; None if there is no such bucket."""
        keys = self.keys(bucket)
        return None if keys is None else {key: self.object(bucket, key) for key in keys}


def quoted(key):
    """A key as it stands in a path."""
    return urllib.parse.quote(key, safe="/~")


def path_of(bucket, key):
    return f"/{bucket}/{quoted(key)}"
