"""One store with the gates before it: one for most tricks, others on demand."""

import itertools
import os
import pathlib
import subprocess
import tempfile

from .. import proc, stores, wire
from . import corpus
from .gates import COMMON, KINDS, Front, Gate, SigningGate, merged
from .way import Notes, Way

# Of Ceph's other API; plainly made up.
SWIFT_USER = "matrix:swift"
SWIFT_KEY = "made-up-swift-key"


class Arena:
    """`direct` and `through` are ways in, each with a fresh bucket; `stop` ends all that was started."""

    def __init__(self, options, store_name):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"s3e-{os.getpid()}-"))
        self.numbers = itertools.count(1)
        self.gates = {}
        self.broken = {}  # why a gate did not start
        self.pools = set()  # buckets for parts that were made
        self.store = None
        try:
            self.store = stores.start(store_name, self._sub("store"), options)
            self._fit_store()
            self.judge = wire.Judge(self.store.port, self.store.creds)
            self.lists = corpus.list_sources(self._sub("lists"))
        except BaseException:
            self.stop()
            raise

    def _sub(self, name):
        path = self.folder / name
        path.mkdir()
        return path

    def _fit_store(self):
        """Ceph: parts may be small, as they may in other stores, and there is a Swift user."""
        if self.store.name != "rgw":
            return
        folder = self.folder / "store"
        run(["ceph", "--admin-daemon", folder / "client.rgw.asok", "config", "set", "rgw_multipart_min_part_size", "1"])
        admin = ["radosgw-admin", "-c", folder / "ceph.conf", "-n", "client.rgw"]
        run([*admin, "subuser", "create", "--uid", "matrix", "--subuser", SWIFT_USER, "--access", "full"])
        run([*admin, "key", "create", "--subuser", SWIFT_USER, "--key-type", "swift", "--secret", SWIFT_KEY])

    def bucket(self, side):
        name = f"{side}-{next(self.numbers):05}"
        self.judge.make_bucket(name)
        return name

    def direct(self):
        return Way(self.store.port, self.store.creds, self.bucket("direct"), Notes(), self.store.port)

    def through(self, kind):
        """A way through the gate of this kind, and that gate's front."""
        front = Front(self, self.gate(kind))
        bucket = self.bucket("beside")
        creds = stores.CLIENT if front.gate.signs_anew else self.store.creds
        return Way(front.gate.port, creds, bucket, Notes(), self.store.port, front), front

    def gate(self, kind):
        """The gate of this kind, started when it is first asked for."""
        return self._started(kind, KINDS[kind])

    def second(self, first):
        """A gate that shares the first one's state."""
        tables = KINDS[first.name]
        if not pool_of(tables):
            tables = merged(tables, {"state": {"directory": first.dir / "state"}})
        return self._started(f"{first.name}-second", tables)

    def _started(self, name, tables):
        """One that did not start is not tried again: every trick that needs it fails."""
        if name in self.broken:
            raise RuntimeError(self.broken[name])
        if name not in self.gates:
            try:
                self.gates[name] = self._start(name, tables)
            except Exception as error:
                self.broken[name] = str(error)
                raise
        return self.gates[name]

    def _start(self, name, tables):
        tables = merged(COMMON, tables)
        if tables.get("bucket", {}).get("copies") == "read-back":
            tables = merged(tables, {"upstream": self._own_access()})
        if pool := pool_of(tables):
            if pool not in self.pools:
                self.judge.make_bucket(pool)
                self.pools.add(pool)
            tables = merged(tables, {"state": self._own_access()})
        kind = SigningGate if self.options.signing == "resign" else Gate
        return kind(self.options.gate, self.folder, name, self.store.port, self.lists, tables)

    def _own_access(self):
        secret = self.folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(self.store.creds.secret)
        return {"access_key": self.store.creds.access, "secret_key_file": secret}

    def stop(self):
        for gate in self.gates.values():
            gate.stop()
        if self.store:
            self.store.stop()
        proc.stop_all()
        stores.remove(self.folder)


def pool_of(tables):
    """The bucket that parts are kept in, or None."""
    return tables.get("state", {}).get("bucket")


def run(command):
    done = subprocess.run(
        [str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command[:4]))}: {done.stderr.strip()[-300:]}")
