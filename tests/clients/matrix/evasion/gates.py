"""Gates for the corpus: with a configuration each, to be killed and started
again, and with records that are read as they are written."""

import json
import time

from .. import middle, proc, stores

# What the gates of a run differ in, by table of the configuration.  All enforce, with the
# defaults of everything that is not named.  Nothing is older than the gate, so that parts which
# it has not seen are unseen from the start.
COMMON = {"state": {"multipart_grace": "0s"}, "audit": {"passes": "full"}}
KINDS = {
    "plain": {},
    # Looks into everything that can be looked into, and reads copies back.
    "deep": {
        "bucket": {"copies": "read-back", "archives": "inspect"},
        "inspect": {"archives": "on", "documents": "on"},
    },
    # Keeps its parts in a bucket of the store.
    "pooled": {"state": {"bucket": "gates-parts"}},
    # Is killed and started again.
    "mortal": {},
    # Holds little of a body.
    "narrow": {"limits": {"capture_max": "1MiB", "small_body_max": "64KiB"}},
    # Has little room for parts, and little patience.
    "tight": {"state": {"spool_max": "1MiB"}, "listener": {"body_idle_timeout": "1s"}},
}

QUIET_S = 0.1  # longer than records are gathered before they are written


def merged(*layers):
    """Tables of options, one layer over the other."""
    out = {}
    for tables in layers:
        for table, options in tables.items():
            out.setdefault(table, {}).update(options)
    return out


class Gate(middle.Gate):
    """One gate process after the other, always on the same port and configuration."""

    def __init__(self, binary, folder, name, upstream_port, lists, tables, mode="enforce"):
        self.binary = binary
        self.tables = tables
        self.read_to = 0
        self.seen = []  # its records, in the order in which they were written
        super().__init__(binary, folder, name, mode, upstream_port, lists)

    def _config(self, mode, upstream_port, lists, tls):
        text = super()._config(mode, upstream_port, lists, tls)
        if "directory" in self.tables.get("state", {}):  # another gate's instead of its own
            text = text.replace(f"directory = {middle.toml(self.dir / 'state')}\n", "")
        for table, options in self.tables.items():
            lines = "".join(f"{k} = {middle.toml(v)}\n" for k, v in options.items())
            head = f"[[{table}]]\n" if table == "bucket" else f"[{table}]\n"
            # Behind the head of a table that is there already, or in a new one.
            text = text.replace(head, head + lines) if head in text else text + head + lines
        return text

    def kill(self):
        self.child.process.kill()
        self.child.process.wait()
        proc.CHILDREN.remove(self.child)

    def start_again(self):
        command = [self.binary, "run", "--config", self.dir / "gate.toml"]
        self.child = proc.Child(self.name, command, self.dir / "gate.out")
        self._wait_ready()

    def read_on(self):
        """All records so far."""
        if self.audit.exists():
            if self.audit.stat().st_size < self.read_to:  # a new file has been begun
                self.read_to = 0
            with open(self.audit, "rb") as file:
                file.seek(self.read_to)
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self.read_to += len(whole)
            self.seen += [json.loads(line) for line in whole.splitlines()]
        return self.seen


class SigningGate(Gate):
    """One that knows its clients' secrets and signs anew."""

    signs_anew = True


class Front:
    """The gate that a trick goes through, with what a trick may have done to it."""

    def __init__(self, arena, gate):
        self.arena = arena
        self.gate = gate
        self.marks = {gate: len(gate.read_on())}

    def second(self):
        """Another gate on the same state."""
        other = self.arena.second(self.gate)
        self.marks.setdefault(other, len(other.read_on()))
        return other

    def records(self, notes, patience_s=3):
        """This trick's records, once there are as many as it must have; of odd requests, of which
        nobody can say how many they are, until no more come for a while."""
        deadline = time.monotonic() + patience_s
        found, since = self._found(), time.monotonic()
        while time.monotonic() < deadline:
            quiet = time.monotonic() - since > QUIET_S or not notes.loose
            if len(found) >= notes.writes and quiet:
                break
            time.sleep(0.01)
            before, found = len(found), self._found()
            since = since if len(found) == before else time.monotonic()
        return found

    def _found(self):
        return [record for gate, mark in self.marks.items() for record in gate.read_on()[mark:]]

    def crash(self, notes, state_too=False):
        """Not before the records are there: a crash may lose the last milliseconds of them."""
        self.records(notes)
        self.gate.kill()
        if state_too:
            stores.remove(self.gate.dir / "state")
        self.gate.start_again()
