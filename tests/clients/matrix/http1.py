"""Reads recorded HTTP/1.1 conversations.

A tap feeds both directions of one connection, in the order in which it saw
them.  That order matters: after a refused `Expect` the client may leave the
body out, and only the place of the final answer between the client's bytes
tells a missing body from a next request.
"""

import hashlib

KEEP_MAX = 1 << 20  # bytes of a body that are kept beside its digest


class Body:
    """Digest, length and the first bytes of a body."""

    def __init__(self):
        self.length = 0
        self.head = b""
        self._sha = hashlib.sha256()

    def add(self, data):
        self.length += len(data)
        self._sha.update(data)
        if len(self.head) < KEEP_MAX:
            self.head += data[: KEEP_MAX - len(self.head)]

    @property
    def sha256(self):
        return self._sha.hexdigest()


class Message:
    """One request or response head with its body."""

    def __init__(self, raw_head):
        lines = raw_head.decode("latin-1").split("\r\n")
        self.start = lines[0].split(" ", 2)
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.append((name, value.strip()))
        self.body = Body()
        self.complete = False

    def get(self, name):
        for have, value in self.headers:
            if have.lower() == name:
                return value
        return None


class Exchange:
    """A request with the answers that came for it."""

    def __init__(self, request):
        self.request = request
        self.interim = []
        self.response = None

    @property
    def method(self):
        return self.request.start[0]

    @property
    def target(self):
        return self.request.start[1] if len(self.request.start) > 1 else ""

    @property
    def status(self):
        return int(self.response.start[1]) if self.response else None


class Chunked:
    """Incremental decoder of HTTP chunked bodies; trailers are dropped."""

    def __init__(self):
        self.left = 0
        self.state = "size"

    def take(self, buffer, body):
        """Consumes what it can of `buffer`; returns True at the end of the body."""
        while buffer:
            if self.state == "data":
                part = bytes(buffer[: self.left])
                body.add(part)
                del buffer[: len(part)]
                self.left -= len(part)
                if self.left == 0:
                    self.state = "after-data"
                continue
            line = take_line(buffer)
            if line is None:
                return False
            if self._line(line):
                return True
        return False

    def _line(self, line):
        if self.state == "after-data":
            self.state = "size"
        elif self.state == "trailer":
            return line == b""
        else:
            self.left = int(line.split(b";")[0].strip() or b"0", 16)
            self.state = "data" if self.left else "trailer"
        return False


def take_line(buffer):
    end = buffer.find(b"\r\n")
    if end < 0:
        return None
    line = bytes(buffer[:end])
    del buffer[: end + 2]
    return line


class Reader:
    """One direction: cuts a byte stream into messages."""

    def __init__(self, on_head, on_end):
        self.buffer = bytearray()
        self.message = None
        self.left = 0  # body bytes still due; None means until the connection ends
        self.chunked = None
        self.on_head = on_head
        self.on_end = on_end

    def feed(self, data):
        self.buffer += data
        while self._step():
            pass

    def _step(self):
        if self.message is None:
            return self._head()
        if self.chunked:
            done = self.chunked.take(self.buffer, self.message.body)
        else:
            done = self._plain()
        if done:
            self.finish()
        return done

    def _plain(self):
        part = bytes(self.buffer if self.left is None else self.buffer[: self.left])
        self.message.body.add(part)
        del self.buffer[: len(part)]
        if self.left is None:
            return False
        self.left -= len(part)
        return self.left == 0

    def _head(self):
        while self.buffer[:2] == b"\r\n":
            del self.buffer[:2]
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self.message = Message(bytes(self.buffer[:end]))
        del self.buffer[: end + 4]
        self.chunked, self.left = None, 0
        self.on_head(self.message)
        return True

    def expect_body(self, chunked, length):
        self.chunked = Chunked() if chunked else None
        self.left = length

    def finish(self, complete=True):
        message, self.message, self.chunked = self.message, None, None
        if message is not None:
            message.complete = complete
            self.on_end(message)


class Conversation:
    """Both directions of one connection."""

    def __init__(self, note):
        self.note = note  # called with each exchange as it begins
        self.waiting = []
        self.requests = Reader(self._request_head, lambda _: None)
        self.responses = Reader(self._response_head, self._response_end)

    def client_sent(self, data):
        self.requests.feed(data)

    def server_sent(self, data):
        self.responses.feed(data)

    def ended(self):
        """The connection is gone: what is unfinished stays marked as incomplete."""
        until_close = self.responses.message is not None and self.responses.left is None
        self.responses.finish(complete=until_close)
        self.requests.finish(complete=False)

    def _request_head(self, message):
        exchange = Exchange(message)
        self.note(exchange)
        self.waiting.append(exchange)
        chunked = (message.get("transfer-encoding") or "").lower() == "chunked"
        self.requests.expect_body(chunked, int(message.get("content-length") or 0))

    def _response_head(self, message):
        status = int(message.start[1])
        if not self.waiting:
            self.waiting.append(Exchange(Message(b"UNASKED")))
            self.note(self.waiting[0])
        exchange = self.waiting[0]
        if 100 <= status < 200:
            exchange.interim.append(status)
            return
        exchange.response = message
        self._void_unsent_body(exchange)
        bodyless = exchange.method == "HEAD" or status in (204, 304)
        chunked = (message.get("transfer-encoding") or "").lower() == "chunked"
        length = message.get("content-length")
        length = 0 if bodyless else (int(length) if length is not None else None)
        self.responses.expect_body(chunked and not bodyless, length)

    def _void_unsent_body(self, exchange):
        expects = exchange.request.get("expect") and not exchange.interim
        unsent = exchange.request.body.length == 0 and self.requests.message is exchange.request
        if expects and unsent and not self.requests.buffer:
            self.requests.finish(complete=False)

    def _response_end(self, message):
        if self.waiting and self.waiting[0].response is message:
            self.waiting.pop(0)
