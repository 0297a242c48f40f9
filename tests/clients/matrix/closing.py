"""Checks that close a run through the gate: one record for each upload, no
panics, and a clean end."""


def no_panics(gate):
    count = gate.panics()
    return [] if count == 0 else [f"s3bouncer_panics_total is {count}"]


def stops_cleanly(gate):
    status = gate.stop()
    return [] if status == 0 else [f"exit status {status} after SIGTERM: {gate.child.tail(300)}"]


def one_record_each(gate):
    """To be asked once the gate has stopped, and so has written all it had to write."""
    uploads = sum(tap.uploads for tap in gate.taps)
    found = len(gate.records(gate.audit))
    return [] if found == uploads else [f"{found} audit records for {uploads} PUT and POST requests"]


def cases(gate):
    """(name, check) in the order in which they must be asked."""
    counted = [("one record each", one_record_each)] if gate.taps else []
    return [("no panics", no_panics), ("stops cleanly", stops_cleanly), *counted]
