"""Listed bodies: refused in one attempt, absent afterwards; in shadow they pass."""

import hashlib

from . import samples, stores
from .clients.raw import Raw

GENERIC_WORDS = ("photos", "made-up", "sha256", "md5", "list")


def ways(client_class):
    """Every way in which a client uploads a body, by name."""
    return {"put": lambda c, key, data: c.put(key, data), **client_class.LISTED}


def puts(exchanges, key):
    return [e for e in exchanges if e.method in ("PUT", "POST") and e.target.split("?")[0].endswith("/" + key)]


def refused(rig, client_class, name, act, data):
    """Faults of a refusal that must be complete, final and silent about its reason."""
    secure = name.startswith("tls:")
    gate = rig.middle.gates[1 if secure else 0]
    target = rig.target(rig.beside, secure)
    tap = rig.beside.tls if secure else rig.beside.plain
    before = len(gate.records(gate.denials))
    tap.begin()
    rig.behind.begin()
    client = client_class(target)
    try:
        act(client, "listed.jpg", data)
    finally:
        client.close()
    tries = puts(tap.take(), "listed.jpg")
    faults = answer_faults(tries)
    if rig.judge.exists(target.bucket, "listed.jpg"):
        faults.append("the listed body is in the store")
    faults += [f"the store holds {k}" for k in rig.judge.keys(target.bucket) or []]
    faults += complete_at_store(rig.behind.take(patience_s=0.5))
    return faults + record_faults(gate, before, target, "deny", data)


def answer_faults(tries):
    if len(tries) != 1:
        return [f"{len(tries)} attempts instead of one: {[e.status for e in tries]}"]
    answer = tries[0].response
    if answer is None:
        return ["no answer, so a client would try again"]
    faults = []
    if tries[0].status != 403 or b"<Code>AccessDenied</Code>" not in answer.body.head:
        faults.append(f"answered {tries[0].status} {answer.body.head[:200]!r}, expected 403 AccessDenied")
    if not answer.complete:
        faults.append("the refusal ends in the middle")
    text = answer.body.head.decode("utf-8", "replace").lower()
    faults += [f"the refusal says {word!r}" for word in GENERIC_WORDS if word in text]
    return faults


def complete_at_store(exchanges):
    """No complete request with a body may have reached the store."""
    uploads = [e for e in exchanges if e.method in ("PUT", "POST") and e.request.complete]
    return [f"the store got a complete {e.method} {e.target}" for e in uploads if e.request.body.length]


def record_faults(gate, before, target, verdict, data):
    records = gate.records_after(gate.denials, before)
    mine = [r for r in records if r.get("bucket") == target.bucket]
    if len(records) != 1 or len(mine) != 1:
        return [f"{len(records)} records in the denials file, {len(mine)} of them for this upload"]
    expected = {"verdict": verdict, "key": "listed.jpg", "bytes": len(data), "access_key": target.creds.access}
    if verdict == "deny":
        expected |= {"auth": "accepted", "status": 403}
    found = mine[0]
    return [f"record says {k}={found.get(k)!r}, expected {v!r}" for k, v in expected.items() if found.get(k) != v]


def passes_in_shadow(rig, client_class, _name, act, data):
    """The same upload in shadow: as if there were no gate, but for its record."""
    gate = rig.middle.gates[2]
    target = rig.target(rig.shadow)
    before = len(gate.records(gate.denials))
    client = client_class(target)
    rig.shadow.plain.begin()
    try:
        act(client, "listed.jpg", data)
    finally:
        client.close()
    tries = puts(rig.shadow.plain.take(), "listed.jpg")
    direct = direct_status(rig, client_class, act, data)
    if [e.status for e in tries] != direct:
        return [f"answers {[e.status for e in tries]} in shadow, {direct} directly"]
    if direct != [200]:  # the store itself refuses this way of uploading
        return []
    held = rig.judge.object(target.bucket, "listed.jpg")
    faults = [] if held["sha256"] == hashlib.sha256(data).hexdigest() else ["the store holds other bytes"]
    return faults + record_faults(gate, before, target, "would-deny", data)


def direct_status(rig, client_class, act, data):
    target = rig.target(rig.direct)
    rig.direct.plain.begin()
    client = client_class(target)
    try:
        act(client, "listed.jpg", data)
    finally:
        client.close()
    return [e.status for e in puts(rig.direct.plain.take(), "listed.jpg")]


def wrong_secret(rig):
    """A listed body with a wrong signature: the store's own refusal, and a record that accuses nobody."""
    faults = []
    gate = rig.middle.gates[0]
    answers = []
    for side in (rig.direct, rig.beside):
        target = rig.target(side)
        before = len(gate.records(gate.denials))
        client = Raw(target._replace(creds=stores.WRONG))
        answers.append(client.put("listed.jpg", rig.options.photo_bytes))
    if answers[0] != answers[1]:
        faults.append(f"direct {answers[0]}, through {answers[1]}")
    records = gate.records_after(gate.denials, before)
    if [r.get("auth") for r in records] != ["rejected"]:
        faults.append(f"records say auth={[r.get('auth') for r in records]}, expected one 'rejected'")
    return faults


def cases(rig, client_class):
    """(name, function without arguments) of all listed cases of one client."""
    photo = rig.options.photo_bytes
    out = []
    for way, act in ways(client_class).items():
        # Each function is bound to its own way by its default arguments.
        out.append((f"listed {way}", lambda w=way, a=act: refused(rig, client_class, w, a, photo)))
        if not way.startswith("tls:"):
            out.append((f"shadow {way}", lambda w=way, a=act: passes_in_shadow(rig, client_class, w, a, photo)))
    put = ways(client_class)["put"]
    for name, data in (("large", samples.LISTED_LARGE), ("text", samples.LISTED_TEXT)):
        out.append((f"listed {name}", lambda d=data: refused(rig, client_class, "put", put, d)))
    if client_class is Raw:
        out.append(("listed wrong-secret", lambda: wrong_secret(rig)))
    return out
