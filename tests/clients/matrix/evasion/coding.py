"""Content codings, done as clients do them and undone as browsers do."""

import gzip
import zlib

import brotli
import zstandard

READ_MAX = 256 << 20  # bytes that one body may unfold to
STEP = 1024  # bytes that are decoded at a time: a fault costs no more than what comes of these


def packed(name, data):
    """`data` under a content coding, as a client packs it."""
    if name in ("gzip", "x-gzip"):
        return gzip.compress(data, mtime=0)
    if name == "deflate":
        return zlib.compress(data)
    if name == "raw-deflate":
        engine = zlib.compressobj(wbits=-15)
        return engine.compress(data) + engine.flush()
    if name == "br":
        return brotli.compress(data, quality=5)
    if name == "zstd":
        return zstandard.ZstdCompressor().compress(data)
    raise ValueError(name)


def undo(name, body):
    """One coding undone as tolerantly as browsers do it; None if it can't be."""
    try:
        if name in ("gzip", "x-gzip"):
            return inflate(body, 31)
        if name == "deflate":
            return inflate(body, 15) or inflate(body, -15)
        if name == "br":
            return brotli.decompress(body)
        if name == "zstd":
            return zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True).read(READ_MAX)
    except (brotli.error, zstandard.ZstdError):
        pass
    return None


def inflate(body, window):
    """All streams one behind the other; what a damaged one gives before its fault is kept."""
    out = []
    while body:
        engine = zlib.decompressobj(window)
        at = 0
        try:
            while at < len(body) and not engine.eof:
                out.append(engine.decompress(body[at : at + STEP]))
                at += STEP
        except zlib.error:
            break
        body = engine.unused_data + body[at:] if engine.eof else b""
    return b"".join(out) or None
