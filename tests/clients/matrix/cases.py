"""The cases that every client runs: names and what is done with a bound client."""

from . import samples

KEYS = ["dir/one", "dir/two words", "dir/sub/three", "other"]


def get(client):
    client.target.seed("obj", samples.MIDDLE, [("Content-Type", "text/x-test"), ("x-amz-meta-colour", "blue")])
    return client.get("obj")


def get_range(client):
    client.target.seed("obj", samples.MIDDLE)
    return client.get("obj", (1000, 4999))


def head(client):
    client.target.seed("obj", samples.MIDDLE, [("x-amz-meta-colour", "blue")])
    return client.head("obj")


def listing(client):
    for key in KEYS:
        client.target.seed(key, samples.SMALL)
    return [client.list("dir/"), client.list("nothing/")]


def delete(client):
    client.target.seed("obj", samples.SMALL)
    return client.delete("obj")


def delete_many(client):
    for key in KEYS:
        client.target.seed(key, samples.SMALL)
    return client.delete_many(KEYS[:3])


def overwrite(client):
    client.target.seed("over", samples.OLD)
    return client.put("over", samples.SMALL)


def metadata(client):
    meta = {"colour": "blue", "shape": "quite round"}
    return client.put("meta", samples.SMALL, meta=meta, kind="text/x-test")


def odd_keys(client):
    out = {}
    for key in client.odd_keys:
        out[key] = []
        for act in (lambda: client.put(key, samples.SMALL), lambda: client.get(key), lambda: client.head(key)):
            out[key].append(act())
            # A store that refuses a key may be closing the connection just now.
            client.close()
    return out


def wrong_secret(client):
    other = type(client)(client.target._replace(creds=client.target.creds.wrong()))
    try:
        return other.put("k", samples.SMALL)
    finally:
        other.close()


COMMON = {
    "put-small": lambda c: c.put("small", samples.SMALL),
    "put-zero": lambda c: c.put("zero", b""),
    "put-middle": lambda c: c.put("middle", samples.MIDDLE),
    "metadata": metadata,
    "overwrite": overwrite,
    "multipart": lambda c: c.put_big("big", samples.BIG),
    "get": get,
    "get-range": get_range,
    "head": head,
    "list": listing,
    "delete": delete,
    "delete-many": delete_many,
    "odd-keys": odd_keys,
    "no-such-key": lambda c: [c.get("absent"), c.head("absent")],
    "no-such-bucket": lambda c: c.put("k", samples.SMALL, bucket=c.target.missing_bucket),
    "wrong-secret": wrong_secret,
    # The client's own TLS speaks to the listener itself; all other `tls:` cases
    # are recorded on their way.
    "own-tls": lambda c: [c.put("small", samples.SMALL), c.put("zero", b""), c.get("small")],
}

# "Same as direct" could hold because nothing works at all, so these must leave
# an object in every store, and those in the stores that take trailers.
STORES_SOMETHING = {"put-small", "put-zero", "put-middle", "metadata", "overwrite", "multipart"}
STORES_SOMETHING |= {"put-stream", "presigned-v4", "presigned", "unsigned-payload", "expect", "expect-signed"}
STORES_SOMETHING |= {"signed-chunks", "one-connection", "keep-alive", "odd-keys"}
TRAILER_STORES = {"s3s", "garage"}
TRAILERS = {"tls:trailer-stream", "tls:trailer-zero", "tls:trailer-small", "tls:stream-in-chunks", "unsigned-trailer"}


# What a gate that signs anew says itself: in words of its own, and before the store hears of it.
ANSWERED_BY_SIGNING_GATE = {"wrong-secret", "expect-wrong-secret", "wrong-chunk-signature"}


# Some stores take no SigV2; signed anew, it is SigV4.
SIGNED_AS_V2 = {"presigned-v2", "form-v2"}
# Tries SigV2 where a store refuses a key, and so hears another error from some.
FALLS_BACK_TO_V2 = {("s3cmd", "odd-keys")}


# RGW refuses without reading the body. Of one in twenty such uploads rclone makes a second attempt,
# directly too.
TRIED_AGAIN_BY_LUCK = {("rclone", "no-such-bucket")}


# rclone's answer to its Complete is none to the SDK for Rust, with a gate or without.
NEVER_WORKS = {("rclone", "rust", "multipart")}


def must_store(store_name, client_name, case):
    if (store_name, client_name, case) in NEVER_WORKS:
        return False
    return case in STORES_SOMETHING or (case in TRAILERS and store_name in TRAILER_STORES)


PLAIN_ONLY = {"raw"}  # raw sockets here speak no TLS


def of(client):
    """All cases of a client class, by name."""
    common = {name: act for name, act in COMMON.items() if name not in client.lacks}
    if client.name in PLAIN_ONLY:
        del common["own-tls"]
    return {**common, **client.EXTRA}
