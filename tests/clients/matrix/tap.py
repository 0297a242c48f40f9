"""A relay that records: what goes in comes out, and is read along the way.

It speaks no HTTP of its own.  An end of stream is passed on as an end of
stream and a reset as a reset, because stores and gates answer them
differently.  TLS can be ended on the client's side and begun again towards
the server, so that HTTPS conversations can be read as well.
"""

import asyncio
import socket
import struct
import threading
import time

from .http1 import Conversation

RAW_MAX = 1 << 20  # client bytes that a recording keeps as they came
RESET = struct.pack("ii", 1, 0)


class Loop:
    """One thread that runs the event loop of every tap."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)


class Tap:
    """Relays `127.0.0.1:port` to `upstream` and keeps the exchanges."""

    def __init__(self, loop, upstream, tls_in=None, tls_out=None):
        self.loop = loop
        self.upstream = upstream
        self.tls_in = tls_in
        self.tls_out = tls_out
        self.exchanges = []
        self.raw_sent = bytearray()  # client bytes of the present recording, bounded
        self.uploads = 0  # PUT and POST requests since the tap was opened
        self.open = set()
        self.server = loop.run(self._listen())
        self.port = self.server.sockets[0].getsockname()[1]

    async def _listen(self):
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls_in)

    def begin(self):
        """Starts a new recording."""
        self.exchanges = []
        self.raw_sent = bytearray()

    def _note(self, exchange):
        self.exchanges.append(exchange)
        self.uploads += exchange.method in ("PUT", "POST")

    def take(self, patience_s=3.0):
        """The exchanges since `begin`, once each of them has come to its end."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and any(unfinished(e) for e in list(self.exchanges)):
            time.sleep(0.01)
        return list(self.exchanges)

    def close(self):
        self.loop.run(self._close())

    async def _close(self):
        self.server.close()
        for task in list(self.open):
            task.cancel()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.open.add(task)
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.CancelledError):
            abort(writer)
        finally:
            self.open.discard(task)

    async def _relay(self, reader, writer):
        host, port = self.upstream
        name = "localhost" if self.tls_out else None
        up_reader, up_writer = await asyncio.open_connection(
            host, port, ssl=self.tls_out, server_hostname=name
        )
        # A connection outlives a recording, so each exchange goes into the one of its moment.
        talk = Conversation(self._note)

        def sent(data):
            if len(self.raw_sent) < RAW_MAX:
                self.raw_sent.extend(data)
            talk.client_sent(data)

        try:
            await asyncio.gather(
                pump(reader, up_writer, sent, writer), pump(up_reader, writer, talk.server_sent, up_writer)
            )
        finally:
            talk.ended()
            up_writer.close()
            writer.close()


async def pump(reader, writer, note, other):
    """Moves one direction until its end."""
    try:
        while data := await reader.read(65536):
            note(data)
            writer.write(data)
            await writer.drain()
        finish(writer)
    except OSError:
        abort(writer)
        abort(other)


def finish(writer):
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


def abort(writer):
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


def unfinished(exchange):
    return exchange.response is None or not exchange.response.complete
