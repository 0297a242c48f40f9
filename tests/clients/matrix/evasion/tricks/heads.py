"""Rows 1 and 2: what the head says.  Names and types that lie, sub-resources that
a store doesn't know, half of a part's address, other spellings of a bucket."""

from .. import signing
from ..trick import DENIED, EITHER, METHOD, REFUSED, UNCLEAR, Family, hit
from ... import sign, wire

KEY = "pictures/one.jpg"

# ---- row 1: labels -------------------------------------------------------------------

labels = Family("labels", 1, record=hit("exact"))

labels.add("a plain upload", lambda w, d: w.put(KEY, d, [("Content-Type", "image/jpeg")]))
labels.add("no type, no extension", lambda w, d: w.put("one", d))
labels.add("a text by name and type", lambda w, d: w.put("notes.txt", d, [("Content-Type", "text/plain")]))
labels.add("the type of a form", lambda w, d: w.put(KEY, d, [("Content-Type", "multipart/form-data; boundary=x")]))
labels.add("two types in one", lambda w, d: w.put(KEY, d, [("Content-Type", "text/html, image/jpeg")]))
labels.add("a folder by name", lambda w, d: w.put("folder/", d))
labels.add("an odd name", lambda w, d: w.put("a//b/%2e%2e/\u00fc ~(1)", d))
labels.add("a text", lambda w, d: w.put("notes.txt", d), sample="noise")
labels.add("a picture of another kind", lambda w, d: w.put("one.txt", d), sample="png")
labels.add("a large body", lambda w, d: w.put("large.bin", d), sample="large")
for kind in ("md5", "sha1", "sha256"):
    labels.add(f"listed by {kind} alone", lambda w, d: w.put("listed", d), sample=f"noise-{kind}")


@labels.trick("over an innocent object")
def overwritten(way, data):
    way.must(way.put(KEY, b"an innocent text"))
    return way.put(KEY, data)


# ---- row 2: routes ---------------------------------------------------------------------

routes = Family("routes", 2, record=hit("exact"))

# A store that doesn't know a sub-resource, or not with PUT, stores the body.
SUBRESOURCES = ["x", "x-id=PutObject", "tagging", "tagging&x", "acl", "acl&x", "torrent", "legal-hold", "retention"]
SUBRESOURCES += ["encryption", "attributes", "select&select-type=2", "restore", "policy", "website", "delete"]
SUBRESOURCES += [
    "uploads",
    "versionId=null",
    "versions",
    "list-type=2",
    "renameObject",
    "%74agging",
    "response-content-type=x",
]
for query in SUBRESOURCES:
    routes.add(f"PUT ?{query}", lambda w, d, q=query: w.put(KEY, d, query=q))
for query in ("partNumber=1", "uploadId=made-up", "partNumber=1&uploadId=", "partNumber=x&uploadId=made-up"):
    half = {"answers": UNCLEAR, "record": None, "twin": REFUSED}
    routes.add(f"PUT ?{query}", lambda w, d, q=query: w.put(KEY, d, query=q), **half)
for query in ("partnumber=1&uploadid=made-up", "partNumber=1&partNumber=2&uploadId=u", "x;partNumber=1;uploadId=u"):
    routes.add(f"PUT ?{query}", lambda w, d, q=query: w.put(KEY, d, query=q), **half)

# Copies whose source is no address: to some stores no copies at all.
for value in ("nowhere", "", "?"):
    how = {"answers": DENIED | UNCLEAR, "record": None, "twin": EITHER}
    routes.add(f"copy source {value!r}", lambda w, d, v=value: w.put(KEY, d, [("x-amz-copy-source", v)]), **how)
routes.add("copy source in the query", lambda w, d: w.put(KEY, d, query="x-amz-copy-source=nowhere"), **how)

for method in ("put", "Put", "PUTX"):
    other = {"answers": METHOD, "record": None, "twin": REFUSED}
    routes.add(f"method {method}", lambda w, d, m=method: w.ask(m, w.path(KEY), body=d), **other)


@routes.trick("POST of the bytes", twin=EITHER)
def posted(way, data):
    return way.ask("POST", way.path(KEY), headers=[("Content-Type", "image/jpeg")], body=data)


@routes.trick("POST for PUT")
def overridden(way, data):
    return way.ask("POST", way.path(KEY), headers=[("X-HTTP-Method-Override", "PUT")], body=data)


@routes.trick("GET with a body", answers=UNCLEAR, record=None, twin=EITHER)
def got(way, data):
    return way.ask("GET", way.path(KEY), headers=[("X-HTTP-Method-Override", "PUT")], body=data)


@routes.trick("no signature", twin=EITHER)
def unsigned(way, data):
    head = wire.render("PUT", way.path(KEY), [("Host", way.host), ("Content-Length", str(len(data)))])
    return way.send(head + data)


def target(path):
    """The same request, its bucket addressed in another spelling."""

    def act(way, data):
        return way.ask("PUT", path.format(bucket=way.bucket), body=data)

    return act


two = {"answers": DENIED | UNCLEAR, "record": None, "twin": EITHER}
routes.add("an escaped slash", target("/{bucket}%2Fone.jpg"), **two)
routes.add("two slashes first", target("//{bucket}/one.jpg"), **two)
routes.add("out of another bucket", target("/other/../{bucket}/one.jpg"), **two)
routes.add("escaped dots", target("/other/%2E%2E/{bucket}/one.jpg"), **two)
routes.add("a bad escape", target("/{bucket}/one%zz.jpg"), **two)
routes.add("a lone percent sign", target("/{bucket}/one%"), **two)


@routes.trick("a whole URL as target", **two)
def absolute(way, data):
    head, _ = way.head("PUT", way.path(KEY), headers=[("Content-Length", str(len(data)))])
    return way.send(head.replace(b"PUT /", f"PUT http://{way.host}/".encode(), 1) + data)


@routes.trick("HTTP/1.0")
def old(way, data):
    head, _ = way.head("PUT", way.path(KEY), headers=[("Content-Length", str(len(data)))])
    return way.send(head.replace(b"HTTP/1.1", b"HTTP/1.0", 1) + data)


@routes.trick("the bucket in the host name")
def virtual_host(way, data):
    host = f"{way.bucket}.s3.garage.localhost"  # what the Garage of this test answers to
    path = f"/of-{way.bucket}"  # other stores may take it for a bucket, and make it
    headers = [("Content-Length", str(len(data)))]
    head, _ = wire.signed_head(way.creds, "PUT", path, "", headers, sign.UNSIGNED, host)
    return way.send(head + data)


# ---- row 2: signatures -----------------------------------------------------------------

signatures = Family("signatures", 2, record=hit("exact"))


def with_query(make):
    def act(way, data):
        path = way.path(KEY)
        head = wire.render(
            "PUT", f"{path}?{make(way, 'PUT', path)}", [("Host", way.host), ("Content-Length", str(len(data)))]
        )
        return way.send(head + data)

    return act


signatures.add("presigned", with_query(signing.presigned))
signatures.add("presigned, version 2", with_query(signing.presigned_2))


@signatures.trick("version 2")
def version_2(way, data):
    path = way.path(KEY)
    headers = [("Host", way.host), ("Content-Length", str(len(data))), *signing.header_2(way, "PUT", path)]
    return way.send(wire.render("PUT", path, headers) + data)


@signatures.trick("signed twice", answers=DENIED | UNCLEAR, record=None, twin=EITHER)
def twice(way, data):
    path = way.path(KEY)
    head, _ = way.head("PUT", path, headers=[("Content-Length", str(len(data)))])
    query = signing.presigned(way, "PUT", path)
    return way.send(head.replace(b" HTTP/1.1", f"?{query} HTTP/1.1".encode(), 1) + data)


FAMILIES = [labels, routes, signatures]
