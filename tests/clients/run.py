#!/usr/bin/env python3
"""Runs real S3 clients against real stores, directly and through the gate, and
compares: "same as direct" is what counts, because stores differ.

    python3 tests/clients/run.py --store rgw,rclone,s3s --gate target/release/s3bouncer
    python3 tests/clients/run.py --store rgw --signing resign        # the gate signs anew
    python3 tests/clients/run.py --store rgw --style virtual         # buckets in the host
    python3 tests/clients/run.py --store rclone --through nothing    # control: must pass
    python3 tests/clients/run.py --store rclone --through nginx      # control: must fail

Prints a line for each case and closes with `N passed, N failed`; exits 1 if
any case failed or a component is missing.
"""

import argparse
import os
import sys
import time

from matrix import proc, stores

try:
    from matrix import cases, closing, compare, faults, listed, middle, names, samples
    from matrix.clients import CLIENTS
    from matrix.rig import Rig
except ModuleNotFoundError as error:
    proc.lacking(error)


class Score:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def note(self, store, client, case, found, since):
        took = time.monotonic() - since
        self.passed += not found
        self.failed += bool(found)
        print(f"{'FAIL' if found else 'ok  '} {store:7} {client:8} {case} ({took:.1f} s)", flush=True)
        for line in found[:6]:
            print(f"       {line}", flush=True)
        if len(found) > 6:
            print(f"       and {len(found) - 6} more differences", flush=True)


def arguments():
    release = proc.ROOT / "target" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="s3s,rclone,rgw", help=f"of {', '.join(stores.STARTERS)}")
    parser.add_argument("--gate", default=os.environ.get("S3BOUNCER_BIN", release / "s3bouncer"))
    parser.add_argument("--s3s", default=os.environ.get("S3BOUNCER_STORE", release / "examples" / "store"))
    parser.add_argument("--through", default="gate", choices=middle.STARTERS)
    parser.add_argument("--signing", default="pass", choices=["pass", "resign"])
    parser.add_argument("--style", default="path", choices=["path", "virtual"])
    parser.add_argument("--client", help="only these, by name, comma-separated")
    parser.add_argument("--only", help="only cases whose name contains this")
    parser.add_argument("--photo", default=os.environ.get("S3BOUNCER_PHOTO"), help="the listed sample photo")
    return parser.parse_args()


def selected(options, name):
    return not options.only or options.only in name


def run_client(options, rig, client, score):
    for name, act in cases.of(client).items():
        if selected(options, name):
            since = time.monotonic()
            found = compare.attempt(compare.run_both, rig, client, name, act)
            score.note(rig.store.name, client.name, name, found, since)
    if options.through != "gate":
        return
    for name, act in listed.ways_and_shadows(rig, client):
        if selected(options, name):
            since = time.monotonic()
            score.note(rig.store.name, client.name, name, compare.attempt(act), since)


def run_faults(options, rig, score):
    for name, act in faults.CASES.items():
        if selected(options, name):
            since = time.monotonic()
            score.note(rig.store.name, "faults", name, compare.attempt(act, rig), since)


def close_gates(rig, score):
    for gate in rig.middle.gates:
        for name, act in closing.cases(gate):
            since = time.monotonic()
            score.note(rig.store.name, gate.name, name, compare.attempt(act, gate), since)


def run_store(options, name, chosen, score):
    since = time.monotonic()
    try:
        rig = Rig(options, name)
    except Exception as error:  # noqa: BLE001 - a store that does not start fails the run, not the others
        score.note(name, "-", "start", [f"{type(error).__name__}: {error}"], since)
        return
    try:
        for client in chosen:
            run_client(options, rig, client, score)
        run_faults(options, rig, score)
        close_gates(rig, score)
    finally:
        rig.stop()


def main():
    proc.guard_signals()
    options = arguments()
    score = Score()
    names.lead_home()
    chosen = options.client.split(",") if options.client else list(CLIENTS)
    wanted = options.store.split(",")
    try:
        options.photo_bytes = samples.photo(options.photo)
        if options.through == "gate" and not os.access(options.gate, os.X_OK):
            raise proc.Missing(f"no gate at {options.gate} (cargo build --release, or --gate PATH)")
        unknown = [n for n in chosen if n not in CLIENTS] + [n for n in wanted if n not in stores.STARTERS]
        if unknown:
            raise proc.Missing(f"no client or store is called {', '.join(unknown)}")
    except proc.Missing as error:
        score.note("-", "-", "start", [f"missing: {error}"], time.monotonic())
        wanted = []
    for store in wanted:
        clients = [CLIENTS[name] for name in chosen if options.style == "path" or CLIENTS[name].virtual]
        run_store(options, store, clients, score)
    if "garage" not in wanted:
        print("note: Garage was not asked for; it runs where GARAGE_BIN is set (--store garage)")
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
