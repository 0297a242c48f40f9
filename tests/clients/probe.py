#!/usr/bin/env python3
"""Runs `s3bouncer probe` against real stores and checks what is known of them,
that two runs agree, and that a baseline which says otherwise is noticed.

    python3 tests/clients/probe.py --store rgw,rclone,s3s --gate target/release/s3bouncer

Prints a line for each check and closes with `N passed, N failed`; exits 1 if
any check failed or a component is missing.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from matrix import proc, stores

BUCKET = "probe-by-tests"
PATIENCE_S = 300

# What every store does: the gate's tail guard rests on it.
EVERYWHERE = {
    "complete/identity": "whole",
    "complete/signed-chunks": "whole",
    "abort/identity/*": "none",
    "abort/http-chunked/*": "none",
    "abort/*/in-chunk/*": "none",
    "abort/*/after-chunk/*": "none",
    "overwrite/*": "old",
    "part/*": "none",
    "expect/taken": "whole",
    "expect/refused": "none",
    "early-answer": "none",
    "idle/body": "none",
}

# What came of cases, by pattern.  A word is the object; a number is the answer's status.
FACTS = {
    "rgw": {
        "complete/http-chunked": 411,
        "complete/*-trailer": 400,
        "abort/signed-chunks/last-*": "whole",
        "abort/signed-chunks/data-end/*": "whole",
        "abort/signed-chunks/payload-byte/*": "none",
        "gap/signed-chunks/no-last-chunk": "whole",
        "gap/signed-chunks/only-two-chunks": 400,
        "declared-smaller/signed-chunks": "short",
        "declared-larger/signed-chunks": 400,
        "if-none-match": 412,
        "other-host": 200,
        "expect/refused": {"continued": False, "connection": "open", "next_status": 200},
        "early-answer": {"status": 403, "connection": "open", "next_status": 200},
    },
    "rclone": {
        "complete/http-chunked": 411,
        "complete/signed-trailer": "other",
        "complete/unsigned-trailer": "whole",
        "abort/signed-chunks/last-*": "whole",
        "abort/unsigned-trailer/trailer/*": "whole",
        "abort/unsigned-trailer/payload-byte/*": "none",
        "gap/signed-chunks/no-last-chunk": "whole",
        "gap/signed-chunks/only-two-chunks": 400,
        "declared-smaller/signed-chunks": "short",
        "if-none-match": "whole",
        "expect/refused": {"continued": False, "announced_close": True, "connection": "silent"},
        "early-answer": {"status": 403, "connection": "closed"},
    },
    "s3s": {
        "complete/http-chunked": 411,
        "complete/*-trailer*": "whole",
        "abort/*": "none",
        "gap/signed-chunks/no-last-chunk": "whole",
        "gap/signed-chunks/only-two-chunks": "short",
        "declared-*": "whole",
        "if-none-match": 412,
        "expect/refused": {"continued": False, "connection": "closed"},
        "early-answer": {"status": 403, "connection": "closed"},
    },
    # Of version 2.5.0, from an earlier measurement with raw sockets.
    "garage": {
        "complete/http-chunked": "whole",
        "complete/unsigned-trailer": "whole",
        "abort/signed-chunks/last-byte/*": "whole",
        "abort/signed-chunks/last-chunk/*": "none",
        "abort/unsigned-trailer/trailer/*": "none",
        "gap/signed-chunks/no-last-chunk": 400,
        "gap/signed-chunks/only-two-chunks": 400,
        "expect/refused": {"continued": False, "connection": "closed"},
        "early-answer": 403,
    },
}


class Score:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def note(self, store, check, found):
        """`found` tells what is wrong, a line each."""
        self.passed += not found
        self.failed += bool(found)
        print(f"{'FAIL' if found else 'ok  '} {store:7} {check}", flush=True)
        for line in found[:6]:
            print(f"       {line}", flush=True)
        if len(found) > 6:
            print(f"       and {len(found) - 6} more", flush=True)


def arguments():
    release = proc.ROOT / "target" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="s3s,rclone,rgw", help=f"of {', '.join(stores.STARTERS)}")
    parser.add_argument("--gate", default=os.environ.get("S3BOUNCER_BIN", release / "s3bouncer"))
    parser.add_argument("--s3s", default=os.environ.get("S3BOUNCER_STORE", release / "examples" / "store"))
    return parser.parse_args()


def probe(options, store, *more):
    command = [options.gate, "probe", "--endpoint", f"http://127.0.0.1:{store.port}"]
    command += ["--bucket", BUCKET, "--region", store.creds.region, "--json", *more]
    keys = {"S3BOUNCER_PROBE_ACCESS_KEY": store.creds.access, "S3BOUNCER_PROBE_SECRET_KEY": store.creds.secret}
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **keys},
    )


def expect(done, status, words=""):
    """What is wrong with how a command ended."""
    found = [] if done.returncode == status else [f"exit {done.returncode}, not {status}"]
    if words not in done.stderr or (not words and done.stderr):
        found += [f"it says {done.stderr.strip()[-300:]!r}"]
    return found


def contradictions(cases, pattern, fact):
    """Where the outcomes of all cases that fit a pattern are not as it is known."""
    key = {str: "object", int: "status"}.get(type(fact))
    facts = {key: fact} if key else fact
    fitting = [case for case in cases if fnmatch.fnmatchcase(case["case"], pattern)]
    if not fitting:
        return ["no case has such a name"]
    return [
        f"{case['case']}: {name} is {case.get(name)}, not {value}"
        for case in fitting
        for name, value in facts.items()
        if case.get(name) != value
    ]


def check_store(options, name, store, folder, score):
    first = probe(options, store)
    score.note(name, "a first run", expect(first, 0))
    if first.returncode != 0:
        return
    document = json.loads(first.stdout)
    cases = document["cases"]
    wrong = [] if document["guard"] == "auto" else [f"guard {document['guard']}: {document['reasons']}"]
    score.note(name, "a tail is enough", wrong)
    for pattern, fact in {**EVERYWHERE, **FACTS[name]}.items():
        score.note(name, f"{pattern}: {fact}", contradictions(cases, pattern, fact))

    baseline = folder / "baseline.json"
    baseline.write_text(first.stdout)
    score.note(name, "a second run agrees", expect(probe(options, store, "--baseline", baseline), 0))
    for case in cases:
        if case["case"] == "abort/identity/in-chunk/rst":
            case["object"] = "short"
    baseline.write_text(json.dumps(document))
    differs = expect(
        probe(options, store, "--baseline", baseline),
        1,
        "differs: abort/identity/in-chunk/rst: object short -> none\n",
    )
    score.note(name, "a baseline that says otherwise is noticed", differs)


def run_store(options, name, score):
    with tempfile.TemporaryDirectory(prefix=f"s3bouncer-probe-{name}-") as folder:
        home, own = pathlib.Path(folder, "store"), pathlib.Path(folder, "own")
        home.mkdir()
        own.mkdir()
        try:
            store = stores.start(name, home, options)
        except Exception as error:  # noqa: BLE001 - a store that does not start fails the run, not the others
            score.note(name, "start", [f"{type(error).__name__}: {error}"])
            return
        try:
            check_store(options, name, store, own, score)
        except subprocess.TimeoutExpired:
            score.note(name, "end", [f"the probe took longer than {PATIENCE_S} s"])
        finally:
            store.stop()


def main():
    proc.guard_signals()
    options = arguments()
    score = Score()
    wanted = options.store.split(",")
    unknown = [name for name in wanted if name not in stores.STARTERS]
    if unknown:
        score.note("-", "start", [f"no store is called {', '.join(unknown)}"])
    elif not os.access(options.gate, os.X_OK):
        score.note("-", "start", [f"no program at {options.gate} (cargo build --release, or --gate PATH)"])
    else:
        for name in wanted:
            run_store(options, name, score)
    print(f"{score.passed} passed, {score.failed} failed")
    return 1 if score.failed or not score.passed else 0


if __name__ == "__main__":
    sys.exit(main())
