"""Listed bodies: refused in one attempt, absent afterwards; in shadow they pass."""

from . import cases, samples
from .clients.raw import Raw

KEY = "listed.jpg"
TELLING = ("photos", "made-up", "sha256", "sha1", "md5")  # words that would tell what matched


def ways(client_class):
    """Every way in which a client uploads a body, by name."""
    return {"put": lambda c, key, data: c.put(key, data), **client_class.LISTED}


def puts(exchanges, key):
    return [e for e in exchanges if e.method in ("PUT", "POST") and e.target.split("?")[0].endswith("/" + key)]


def refused(rig, client_class, name, act, data):
    """Faults of a refusal that must be complete, final and silent about its reason."""
    secure = name.startswith("tls:")
    gate = rig.middle.gates[1 if secure else 0]
    direct, _ = upload(rig, rig.direct, client_class, act, data, secure)
    before = len(gate.records(gate.denials))
    rig.behind.begin()
    tries, target = upload(rig, rig.beside, client_class, act, data, secure)
    faults = answer_faults(tries, direct)
    faults += [f"the store holds {key}" for key in rig.judge.keys(target.bucket) or []]
    faults += complete_at_store(rig.behind.take(patience_s=0.5))
    if rig.judge.exists(target.bucket, KEY):
        faults.append("the listed body is in the store")
    if direct[-1].status == 200:
        return faults + record_faults(gate, before, target, data, verdict="deny", auth="accepted", status=403)
    if rig.options.signing == "resign" and name in cases.SIGNED_AS_V2:  # the gate knows its clients
        return faults + record_faults(gate, before, target, data, verdict="deny", auth="accepted", status=403)
    # The store takes no such upload.  If it says so to the head alone, its word
    # is passed on; if only to the body, the gate is the first to refuse.
    if direct[-1].request.complete:
        status = tries[-1].status
        auth = "accepted" if status == 403 and direct[-1].status != 403 else "rejected"
        return faults + record_faults(gate, before, target, data, verdict="deny", auth=auth, status=status)
    return faults  # nobody has seen the body


def upload(rig, side, client_class, act, data, secure=False):
    """Uploads to a fresh bucket; returns the attempts on the wire and the target."""
    target = rig.target(side, secure)
    tap = side.tls if secure else side.plain
    tap.begin()
    client = client_class(target)
    try:
        act(client, KEY, data)
    finally:
        client.close()
    return puts(tap.take(), KEY), target


def answer_faults(tries, direct):
    if len(tries) != 1:
        return [f"{len(tries)} attempts instead of one: {[e.status for e in tries]}"]
    answer = tries[0].response
    if answer is None:
        return ["no answer, so a client would try again"]
    faults = [] if answer.complete else ["the refusal ends in the middle"]
    text = answer.body.head.decode("utf-8", "replace")
    denied = tries[0].status == 403 and "<Code>AccessDenied</Code>" in text
    if direct[-1].status != 200 and not denied:
        if tries[0].status != direct[-1].status:
            faults.append(f"the store says {direct[-1].status} to this way of uploading, the gate {tries[0].status}")
    elif not denied:
        faults.append(f"answered {tries[0].status} {text[:200]!r}, expected 403 AccessDenied")
    return faults + [f"the refusal says {word!r}" for word in TELLING if word in text.lower()]


def complete_at_store(exchanges):
    """No complete request with a body may have reached the store."""
    uploads = [e for e in exchanges if e.method in ("PUT", "POST") and e.request.complete]
    return [f"the store got a complete {e.method} {e.target}" for e in uploads if e.request.body.length]


def record_faults(gate, before, target, data, **expected):
    records = gate.records_after(gate.denials, before)
    mine = [r for r in records if r.get("bucket") == target.bucket]
    if len(records) != 1 or len(mine) != 1:
        return [f"{len(records)} records in the denials file, {len(mine)} of them for this upload"]
    expected |= {"key": KEY, "bytes": len(data), "access_key": target.creds.access}
    found = mine[0]
    return [f"record says {k}={found.get(k)!r}, expected {v!r}" for k, v in expected.items() if found.get(k) != v]


def passes_in_shadow(rig, client_class, name, act, data):
    """The same upload in shadow: as if there were no gate, but for its record."""
    gate = rig.middle.gates[2]
    direct, plain_target = upload(rig, rig.direct, client_class, act, data)
    before = len(gate.records(gate.denials))
    tries, target = upload(rig, rig.shadow, client_class, act, data)
    statuses = [[e.status for e in side] for side in (direct, tries)]
    if rig.options.signing == "resign" and name in cases.SIGNED_AS_V2 and statuses[0] != [200]:
        return [] if statuses[1] == [200] else [f"answers {statuses[1]} in shadow"]
    if statuses[0] != statuses[1]:
        return [f"answers {statuses[1]} in shadow, {statuses[0]} directly"]
    if statuses[0] != [200]:  # the store itself refuses this way of uploading
        return []
    held, expected = (rig.judge.object(t.bucket, KEY)["sha256"] for t in (target, plain_target))
    faults = [] if held == expected else ["the store holds other bytes than directly"]
    return faults + record_faults(gate, before, target, data, verdict="would-deny")


def wrong_secret(rig):
    """A listed body with a wrong signature: the store's own refusal, and a record that accuses nobody."""
    faults = []
    gate = rig.middle.gates[0]
    answers = []
    for side in (rig.direct, rig.beside):
        target = rig.target(side)
        before = len(gate.records(gate.denials))
        client = Raw(target._replace(creds=target.creds.wrong()))
        answers.append(client.put(KEY, rig.options.photo_bytes))
    if rig.options.signing == "resign":  # it is turned away before anything is judged, in S3's own words
        expected = {"status": 403, "code": "SignatureDoesNotMatch"}
        return faults if answers[1] == expected else [f"{answers[1]} instead of {expected}"]
    if answers[0] != answers[1]:
        faults.append(f"direct {answers[0]}, through {answers[1]}")
    records = gate.records_after(gate.denials, before)
    if [r.get("auth") for r in records] != ["rejected"]:
        faults.append(f"records say auth={[r.get('auth') for r in records]}, expected one 'rejected'")
    return faults


def ways_and_shadows(rig, client_class):
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
