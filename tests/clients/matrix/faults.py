"""The two faults that real clients find in well-known proxies.

One: `Expect` answered by the proxy itself and not passed on, which breaks the
signature of clients that sign it.  Two: after a refused `Expect` the proxy
takes the next request on the connection for the missing body.
"""

from . import sign, wire
from .clients.raw import Raw

ROUNDS = 20
NEXT_PATIENCE_S = 2  # a store that keeps the connection open may wait for the missing body
MARK = "next-request-mark"


def desync(rig, bucket_exists):
    """A refused `Expect`, and at once a request exactly as long as the body announced."""
    faults = []
    for _ in range(ROUNDS):
        faults += one_desync(rig, bucket_exists)
        if faults:
            break
    return faults


def one_desync(rig, bucket_exists):
    target = rig.target(rig.beside)
    rig.judge.put(target.bucket, MARK, b"the next answer")
    rig.behind.begin()
    client = Raw(target)
    following, _ = client.head_for("GET", client.path(MARK), payload=sign.EMPTY_SHA256)
    headers = [("Content-Length", str(len(following))), ("Expect", "100-continue")]
    bucket = target.bucket if bucket_exists else target.missing_bucket
    creds = target.creds.wrong() if bucket_exists else target.creds
    first, _ = client.head_for("PUT", client.path("first", bucket), headers=headers, creds=creds, bucket=bucket)
    with wire.Wire(target.port, 10) as connection:
        # The next request goes out in the very segment of the first one.
        connection.send(first + following)
        refused, faults = answers(connection, f"PUT {'wrong secret' if bucket_exists else 'missing bucket'}")
    # A store that takes the upload has asked for those bytes; and with nothing
    # in the middle it is the store that reads the client, as it likes.
    judged = refused and rig.options.through != "nothing"
    return faults + (at_store(rig) if judged else [])


def answers(connection, what):
    """First the store's refusal; then the end, or else the true answer to the next request.

    Returns whether it was a refusal, and the faults.
    """
    try:
        first = connection.answer()
    except (wire.Closed, TimeoutError) as error:
        return True, [f"{what}: no answer at all ({error})"]
    if first.status < 400:
        return False, []  # this store makes a missing bucket
    return True, next_faults(connection, first, what)


def next_faults(connection, first, what):
    connection.sock.settimeout(NEXT_PATIENCE_S)
    try:
        second = connection.answer()
    except wire.Closed:
        return []
    except TimeoutError:
        said = (first.get("connection") or "").lower()
        return [] if said != "close" else [f"{what}: said Connection: close, but stays open"]
    if second.status == 200 and second.body == b"the next answer":
        return []
    return [f"{what}: answered {first.status}, then {second.status} {second.body[:200]!r} to the next request"]


def at_store(rig):
    """Whatever reached the store must be a request as it was sent, never two glued together."""
    seen = bytes(rig.behind.raw_sent)
    faults = []
    for item in rig.behind.take(patience_s=0.2):
        if item.method not in ("PUT", "GET"):
            faults.append(f"the store got the request {item.method} {item.target}")
        if item.method == "PUT" and item.request.body.length:
            faults.append(f"the store got {item.request.body.length} bytes of a body that was never sent")
    whole = [e for e in rig.behind.take(patience_s=0) if e.method == "GET" and MARK in e.target]
    if MARK.encode() in seen and not whole:
        faults.append("the next request's bytes went to the store as something else")
    return faults


def next_upload_is_its_own(rig):
    """After a refused `Expect`, a fresh connection's upload is stored as it was sent."""
    target = rig.target(rig.beside)
    client = Raw(target)
    for number in range(ROUNDS):
        data = f"upload number {number}".encode()
        headers = [("Content-Length", str(len(data))), ("Expect", "100-continue")]
        bucket = target.missing_bucket
        head, _ = client.head_for("PUT", client.path("k", bucket), headers=headers, bucket=bucket)
        with client.connect() as connection:
            connection.send(head)
            connection.head()
            client.put(f"k{number}", data)
        held = rig.judge.ask("GET", wire.path_of(target.bucket, f"k{number}"))
        if held.status != 200 or held.body != data:
            return [f"round {number}: the store holds {held.status} {held.body[:100]!r}"]
    return []


CASES = {
    "desync missing-bucket": lambda rig: desync(rig, bucket_exists=False),
    "desync wrong-secret": lambda rig: desync(rig, bucket_exists=True),
    "next upload": next_upload_is_its_own,
}
