"""What faiss needs for the near search of benches/near.rs, on the same hashes.

    pip install faiss-cpu numpy
    NEAR_PEER_PYTHON=python3 cargo bench --bench near

The structure is the one that ThreatExchange's package ships for PDQ: IndexBinaryMultiHash with 16
tables of 16 bits, searched with one flipped bit, which makes it exact up to a radius of 31.

Arguments: a file of hashes and one of queries, 32 bytes each. One thread, as the bench itself.
"""

import sys
import time

import faiss
import numpy

RADIUS = 31
ROUNDS = 3


def main():
    faiss.omp_set_num_threads(1)
    hashes, queries = (numpy.fromfile(path, dtype=numpy.uint8).reshape(-1, 32) for path in sys.argv[1:3])
    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    index.nflip = 1
    start = time.thread_time()
    index.add(hashes)
    print(f"faiss {faiss.__version__}: {len(hashes)} entries, built in {time.thread_time() - start:.1f} s of CPU")
    rounds, found = [], 0
    for _ in range(ROUNDS):
        start, cpu = time.perf_counter(), time.thread_time()
        # range_search finds what is nearer than the radius that it is given.
        limits, _, _ = index.range_search(queries, RADIUS + 1)
        rounds.append((time.thread_time() - cpu, time.perf_counter() - start))
        found = int(limits[-1])
    cpu, clock = (sorted(times)[ROUNDS // 2] * 1000 / len(queries) for times in zip(*rounds))
    print(f"faiss: radius {RADIUS}: {cpu:.3f} ms of CPU, {clock:.3f} ms by the clock a query; found {found}")


main()
