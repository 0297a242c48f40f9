#!/usr/bin/env python3
"""Uploads transformed photographs with boto3 through a gate that lists their originals,
and compares what is refused with what the accuracy report says is found.

    cargo run --release --example accuracy -- CACHE/work --distances CACHE/distances.tsv
    python3 tests/accuracy/through_gate.py CACHE/work CACHE/distances.tsv --photos 10 \\
        --gate target/release/s3bouncer --s3s target/release/examples/store

The gate has a list of PDQ hashes in enforce mode, with variants that refuse.  Every file
within 31 bits of its original must be refused with 403 and must not be in the store; every
other must arrive unchanged.  Prints the files for which that is not so and closes with
`N passed, N failed`; exits 1 if any failed or a component is missing.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

from matrix import middle, proc, stores

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError
except ModuleNotFoundError as error:
    proc.lacking(error)

#: Bits up to which a picture is the listed one: the default of `near_distance`.
NEAR = 31
#: Uploads at a time.
THREADS = 4


class Gate(middle.Gate):
    list_options = (f"near_distance = {NEAR}", 'near_variants = "trim+pad"', 'near_variants_deny = "on"')


def arguments():
    release = proc.ROOT / "target" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path, help="what transform.py made")
    parser.add_argument("distances", type=pathlib.Path, help="what the report wrote with --distances")
    parser.add_argument("--photos", type=int, default=10, help="originals that are listed")
    parser.add_argument("--store", default="s3s", choices=stores.STARTERS)
    parser.add_argument("--gate", default=os.environ.get("S3BOUNCER_BIN", release / "s3bouncer"))
    parser.add_argument("--s3s", default=os.environ.get("S3BOUNCER_STORE", release / "examples" / "store"))
    return parser.parse_args()


def rows(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        yield line.split("\t")


def chosen(options):
    """The listed originals, evenly among those that the report took, and the files made of them."""
    distance = {file: bits for file, _, bits, *_ in rows(options.distances)}
    made = collections.defaultdict(list)
    for original, transformation, file in rows(options.work / "manifest.tsv"):
        if file in distance:
            made[original].append((transformation, file, distance[file]))
    names = sorted(made)
    step = max(1, len(names) // options.photos)
    names = names[::step][: options.photos]
    return names, [case for name in names for case in made[name]]


def hashes(options, names):
    """The PDQ hash of each original, as the product itself prints it."""
    command = [options.gate, "hash", "--json", *(options.work / name for name in names)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    return [json.loads(line)["image"]["pdq"] for line in printed.splitlines()]


def client(port, creds):
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=creds.region,
        aws_access_key_id=creds.access,
        aws_secret_access_key=creds.secret,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def arrived(store, key):
    try:
        return store.get_object(Bucket="photos", Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise


def fault_of(options, gate, store, case):
    """What is wrong with one upload, or None."""
    transformation, file, bits = case
    body = (options.work / file).read_bytes()
    try:
        gate.put_object(Bucket="photos", Key=file, Body=body)
        status = 200
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    found = bits != "-" and int(bits) <= NEAR
    stored = arrived(store, file)
    expected = (403, None) if found else (200, body)
    if (status, stored) == expected:
        return None
    what = "nothing" if stored is None else "the file" if stored == body else "another body"
    return f"{transformation}: {file}: {bits} bits by the report, status {status}, {what} in the store"


def upload(options, gate, store, cases):
    """Faults, in the order in which they were met."""
    left, faults = list(cases), []

    def work():
        through, behind = client(gate.port, store.creds), client(store.port, store.creds)
        while True:
            try:
                case = left.pop()
            except IndexError:
                return
            try:
                fault = fault_of(options, through, behind, case)
            except Exception as error:  # noqa: BLE001 - an upload that could not be made has failed
                fault = f"{case[0]}: {case[1]}: {type(error).__name__}: {error}"
            if fault:
                faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults


def run(options, folder):
    names, cases = chosen(options)
    source = folder / "listed.txt"
    source.write_text("".join(f"{pdq}\n" for pdq in hashes(options, names)))
    (folder / "store").mkdir()
    store = stores.start(options.store, folder / "store", options)
    gate = None
    try:
        client(store.port, store.creds).create_bucket(Bucket="photos")
        gate = Gate(options.gate, folder, "near", "enforce", store.port, [("photos", source, "plain", "pdq")])
        since = time.monotonic()
        faults = upload(options, gate, store, cases)
        print(f"{len(names)} photographs listed, {len(cases)} files uploaded in {time.monotonic() - since:.0f} s")
        return len(cases), faults + ([f"{gate.panics()} panics"] if gate.panics() else [])
    finally:
        if gate:
            gate.stop()
        store.stop()


def main():
    proc.guard_signals()
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="s3near-") as folder:
        try:
            count, faults = run(options, pathlib.Path(folder))
        except proc.Missing as error:
            count, faults = 1, [f"missing: {error}"]
    for fault in faults:
        print(f"FAIL {fault}")
    failed = min(len(faults), count)
    print(f"{count - failed} passed, {failed} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
