"""One store with all that stands around it: taps, the thing in the middle, and
a fresh bucket for each side of each case."""

import itertools
import os
import pathlib
import ssl
import tempfile

from . import middle, names, outcome, proc, stores, wire
from .clients.base import Target
from .tap import Loop, Tap


class Side:
    """`direct` or `beside`: names of equal length, so that lengths stay equal."""

    def __init__(self, rig, name, plain, tls, own_tls_port=None):
        self.rig = rig
        self.name = name
        self.plain = plain
        self.tls = tls
        self.own_tls_port = own_tls_port

    def taps(self):
        return [t for t in (self.plain, self.tls) if t]


class Rig:
    def __init__(self, options, store_name):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"s3m-{os.getpid()}-"))
        self.parts = []  # what is to be stopped, in order of its start
        self.numbers = itertools.count(1)
        try:
            self._start(store_name)
        except BaseException:
            self.stop()
            raise

    def _start(self, store_name):
        self.loop = Loop()
        self.certificate, key = middle.make_certificate(self.folder)
        self._make_contexts(key)
        self.store = stores.start(store_name, self._sub("store"), self.options)
        self.parts.append(self.store.stop)
        virtual = self.options.style == "virtual"
        self.judge = wire.Judge(self.store.port, self.store.creds, names.DOMAIN if virtual else "127.0.0.1")
        store = ("127.0.0.1", self.store.port)
        self.behind = self._tap(store)  # between the middle and the store
        starter = middle.STARTERS[self.options.through]
        self.middle = starter(self.options, self._sub("middle"), self.behind.port, (self.certificate, key))
        self.parts += [self.middle.stop, *[g.stop for g in self.middle.gates]]
        front = ("127.0.0.1", self.middle.port)
        self.direct = Side(self, "direct", self._tap(store), self._tap(store, self.tls_in))
        self.beside = Side(self, "beside", self._tap(front), self._tls_tap(front), self.middle.tls_port)
        shadow = self.middle.shadow_port
        self.shadow = Side(self, "shadow", self._tap(("127.0.0.1", shadow)), None) if shadow else None
        if self.middle.gates:  # the TLS gate is left out, as clients also reach it past its tap
            self.middle.gates[0].taps.append(self.beside.plain)
            self.middle.gates[2].taps.append(self.shadow.plain)

    def _make_contexts(self, key):
        self.tls_in = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls_in.load_cert_chain(self.certificate, key)
        self.tls_out = ssl.create_default_context(cafile=str(self.certificate))

    def _sub(self, name):
        path = self.folder / name
        path.mkdir()
        return path

    def _tap(self, upstream, tls_in=None, tls_out=None):
        tap = Tap(self.loop, upstream, tls_in, tls_out)
        self.parts.append(tap.close)
        return tap

    def _tls_tap(self, front):
        if self.middle.tls_port is None:
            return self._tap(front, self.tls_in)
        return self._tap(("127.0.0.1", self.middle.tls_port), self.tls_in, self.tls_out)

    def stop(self):
        parts, self.parts = self.parts, []
        try:
            for stop in reversed(parts):
                stop()
        finally:
            proc.stop_all()  # whatever a failed stop has left
            stores.remove(self.folder)

    def target(self, side, secure=False, own_tls=False):
        """A fresh bucket and folder for one case on one side."""
        number = next(self.numbers)
        bucket = f"{side.name}-{number:05}"
        self.judge.make_bucket(bucket)
        tap = side.tls if secure else side.plain
        port = side.own_tls_port if own_tls and side.own_tls_port else tap.port
        work = self._sub(bucket)
        missing = f"{bucket}-missing"
        creds = self.store.creds if side is self.direct else self.middle.creds
        virtual = self.options.style == "virtual"
        return Target(port, secure, creds, self.certificate, bucket, missing, work, self.judge, virtual)

    def scrub(self, target, more):
        # A store whose requests are signed anew tells clients the host that it was asked by.
        asked = {f"127.0.0.1:{self.behind.port}": "HOST"} if self.options.signing == "resign" else {}
        return outcome.Scrub(
            {
                target.missing_bucket: "MISSING",
                target.bucket: "BUCKET",
                target.host: "HOST",
                **asked,
                target.creds.access: "ACCESS",
                str(target.work): "WORK",
                **more,
            }
        )
