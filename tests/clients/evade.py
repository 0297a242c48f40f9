#!/usr/bin/env python3
"""Tries every known trick to get a listed body past the gate, against real
stores, and looks into the stores afterwards (see matrix/evasion).

    python3 tests/clients/evade.py --store rgw,rclone,s3s --gate target/release/s3bouncer
    python3 tests/clients/evade.py --store rclone --only multipart
    python3 tests/clients/evade.py --store rclone --through nothing   # control: each trick by itself

The control proves that the tricks are tricks: without a gate the sample must
arrive in the form that matrix/evasion/direct.tsv names for that store.  With
`--record` it writes that file instead.

Prints a line for each trick and closes with `N passed, N failed`; exits 1 if
any failed or a component is missing.
"""

import argparse
import os
import sys
import time

from matrix import proc, stores

try:
    from matrix import closing, compare
    from matrix.evasion import known, trial
    from matrix.evasion.arena import Arena
    from matrix.evasion.tricks import CORPUS
    from run import Score
except ModuleNotFoundError as error:
    proc.lacking(error)


def arguments():
    release = proc.ROOT / "target" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="s3s,rclone,rgw", help=f"of {', '.join(stores.STARTERS)}")
    parser.add_argument("--gate", default=os.environ.get("S3BOUNCER_BIN", release / "s3bouncer"))
    parser.add_argument("--s3s", default=os.environ.get("S3BOUNCER_STORE", release / "examples" / "store"))
    parser.add_argument("--through", default="gate", choices=["gate", "nothing"])
    parser.add_argument("--signing", default="pass", choices=["pass", "resign"])
    parser.add_argument("--only", help="only tricks whose name contains this")
    parser.add_argument("--record", action="store_true", help="with --through nothing: write direct.tsv")
    return parser.parse_args()


def run_trick(options, arena, trick, table):
    """Faults of one trick at one store; what it comes to without a gate goes into `table`."""
    if options.through == "nothing":
        form = trial.control(arena, trick)
        faults = []
    else:
        form, faults = trial.attempt(arena, trick)
        if options.signing == "resign":
            faults = [f for f in faults if not known.is_due_to_signing(trick.name, f)]
    table[trick.name, arena.store.name] = form
    return faults if options.record else faults + known.faults(trick.name, arena.store.name, form)


def run_store(options, name, tricks, score, table):
    since = time.monotonic()
    try:
        arena = Arena(options, name)
    except Exception as error:  # noqa: BLE001 - a store that does not start fails the run, not the others
        score.note(name, "-", "start", [f"{type(error).__name__}: {error}"], since)
        return
    try:
        for trick in tricks:
            if trick.concerns(name):
                since = time.monotonic()
                found = compare.attempt(run_trick, options, arena, trick, table)
                score.note(name, f"row {trick.row}", trick.name, found, since)
        for gate in arena.gates.values():
            for case, act in closing.cases(gate):
                since = time.monotonic()
                score.note(name, gate.name, case, compare.attempt(act, gate), since)
    finally:
        arena.stop()


def main():
    proc.guard_signals()
    options = arguments()
    score, table = Score(), {}
    wanted = options.store.split(",")
    tricks = [t for t in CORPUS if not options.only or options.only in t.name]
    try:
        if options.through == "gate" and not os.access(options.gate, os.X_OK):
            raise proc.Missing(f"no gate at {options.gate} (cargo build --release, or --gate PATH)")
        unknown = [n for n in wanted if n not in stores.STARTERS]
        if unknown:
            raise proc.Missing(f"no store is called {', '.join(unknown)}")
    except proc.Missing as error:
        score.note("-", "-", "start", [f"missing: {error}"], time.monotonic())
        wanted = []
    for store in wanted:
        run_store(options, store, tricks, score, table)
    if options.through == "nothing":
        print(known.shown(tricks, wanted, table))
    if options.record:
        known.write(CORPUS, table)
    for trick in [t for t in tricks if t.open and options.through == "gate"]:
        print(f"open: {trick.name}: {trick.open}")
    if "garage" not in wanted:
        print("note: Garage was not asked for; it runs where GARAGE_BIN is set (--store garage)")
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
