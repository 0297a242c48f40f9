"""Runs a case on both sides and says how they differ."""

import concurrent.futures

from . import cases, outcome, proc


def run_side(rig, side, client_class, name, act):
    """One side's outcome, with its exchanges for the check of what was forwarded."""
    secure = name.startswith("tls:") or name == "own-tls"
    target = rig.target(side, secure, own_tls=name == "own-tls")
    for tap in side.taps():
        tap.begin()
    client = client_class(target)
    try:
        said = act(client)
    finally:
        client.close()
    exchanges = [e for tap in side.taps() for e in tap.take()]
    hosts = {e.request.get("host") or "" for e in exchanges}
    if target.virtual and exchanges and not any(host.endswith("." + target.host) for host in hosts):
        raise RuntimeError(f"no bucket in the hosts {hosts}: this tests nothing")
    state = rig.judge.state(target.bucket)
    scrub = rig.scrub(target, outcome.volatile_etags(state))
    result = {
        "client": scrub.value(said),
        "wire": outcome.wire(exchanges, scrub),
        "stored": outcome.stored(state, scrub),
    }
    return result, exchanges


def run_both(rig, client_class, name, act):
    """Differences between the direct run and the one through the middle; [] is a pass."""
    rig.behind.begin()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        sides = [pool.submit(run_side, rig, side, client_class, name, act) for side in (rig.direct, rig.beside)]
        (direct, _), (through, received) = [future.result() for future in sides]
    if cases.must_store(rig.store.name, client_class.name, name) and not direct["stored"]:
        return [f"nothing is stored even directly: {outcome.brief(direct['client'])}"]
    if name == "own-tls":  # not recorded on the way in, so only what came of it is compared
        direct["wire"] = through["wire"] = None
        return outcome.differences(direct, through)
    if rig.options.signing == "resign" and name in cases.ANSWERED_BY_SIGNING_GATE:
        reached = [f"it reached the store: {e.method} {e.target}" for e in rig.behind.take(patience_s=0.2)]
        return outcome.mismatch_faults(through) + reached
    if rig.options.signing == "resign" and name in cases.SIGNED_AS_V2 and not direct["stored"]:
        if through["stored"]:
            return []
        if name == "presigned-v2":  # forms are nothing that every store takes, whoever signs
            return [f"nothing is stored: {outcome.brief(through['client'])}"]
    if rig.options.signing == "resign" and (client_class.name, name) in cases.FALLS_BACK_TO_V2:
        return outcome.differences(direct["stored"], through["stored"], "stored")
    if name.startswith("cut-"):  # what a client hears that is gone already is no promise; what is stored is
        return outcome.differences(direct["stored"], through["stored"], "stored")
    if name == "delete-many":
        direct, through = outcome.without_order(direct), outcome.without_order(through)
    if name.endswith("expect-refused-then-next") or (client_class.name, name) in cases.TRIED_AGAIN_BY_LUCK:
        direct, through = outcome.without_luck(direct), outcome.without_luck(through)
    faults = outcome.differences(direct, through)
    if rig.options.signing == "resign":
        return faults + outcome.forwarding_faults(received, rig.behind.take(), outcome.as_meant)
    return faults + outcome.forwarding_faults(received, rig.behind.take())


def attempt(act, *arguments):
    """A case that breaks is a failed case, not the end of the run; a missing component is both."""
    try:
        return act(*arguments)
    except proc.Missing as error:
        return [f"missing: {error}"]
    except Exception as error:  # noqa: BLE001 - whatever a client library may raise
        return [f"{type(error).__name__}: {error}"]
