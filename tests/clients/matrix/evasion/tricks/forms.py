"""Rows 2 and 8: browser forms, whose file is one part among others."""

import base64

from ... import sign, wire
from .. import corpus, signing
from ..coding import packed
from ..trick import DENIED, EITHER, FORM, HIT, REFUSED, SAME, Family
from .framings import Chunks

KEY = "form.jpg"
SEP = "boundary-of-a-browser"
GOOD = corpus.FILLING[:3000]

# Odd forms may be refused as malformed; the plain ones must be read.
forms = Family("forms", 2, answers=FORM, record=None, twin=EITHER)
plain = {"answers": DENIED, "record": HIT, "twin": SAME}


class Form:
    """A form in the making: parts as bytes, in the order in which they are written."""

    def __init__(self, way, more=(), key=KEY, sep=SEP):
        self.way = way
        self.sep = sep
        self.fields = [self.field(n, v) for n, v in signing.form_fields(way, key, more)]

    def part(self, head, body, end="\r\n"):
        lines = end.join([f"--{self.sep}", *head, "", ""])
        return lines.encode() + body + end.encode()

    def field(self, name, value, end="\r\n"):
        return self.part([f'Content-Disposition: form-data; name="{name}"'], value.encode(), end)

    def file(self, body, name='"file"', filename="one.jpg", more=(), end="\r\n"):
        head = f'Content-Disposition: form-data; name={name}; filename="{filename}"'
        return self.part([head, "Content-Type: image/jpeg", *more], body, end)

    def last(self):
        return f"--{self.sep}--\r\n".encode()

    def whole(self, *parts):
        return b"".join([*self.fields, *parts, self.last()])


def post(way, body, kind=f"multipart/form-data; boundary={SEP}", path=None, headers=()):
    """Unsigned but for the policy in the form, as browsers send it."""
    always = [("Host", way.host), ("Content-Length", str(len(body)))]
    always += [("Content-Type", kind)] if kind else []
    return way.send(wire.render("POST", path or f"/{way.bucket}", [*always, *headers]) + body, "POST")


def by(make, **how):
    """`make(Form, data)` gives the body."""
    how_post = {k: how.pop(k) for k in ("kind", "headers") if k in how}
    return lambda way, data: post(way, make(Form(way, **how), data), **how_post)


# ---- where the file stands ----------------------------------------------------------------

forms.add("a file", by(lambda f, d: f.whole(f.file(d))), **plain)
forms.add("a file of text", by(lambda f, d: f.whole(f.file(d))), sample="noise", **plain)
# s3s-fs answers 400 now and then to a large form, depending on how it is cut on its way.
forms.add("a large file", by(lambda f, d: f.whole(f.file(d))), sample="large", **{**plain, "twin": None})
forms.add(
    "a file with no name of its own",
    by(lambda f, d: f.whole(f.part(['Content-Disposition: form-data; name="file"'], d))),
    **plain,
)
forms.add("its name in the key", by(lambda f, d: f.whole(f.file(d, filename="a b.jpg")), key="up/${filename}"), **plain)
forms.add(
    "no type of its own",
    by(lambda f, d: f.whole(f.part(['Content-Disposition: form-data; name="file"; filename="x"'], d))),
    **plain,
)
forms.add(
    "many fields before it",
    by(lambda f, d: f.whole(f.file(d)), more=[(f"x-amz-meta-{n}", "x" * 50) for n in range(20)]),
    **plain,
)
forms.add("a field behind it", by(lambda f, d: f.whole(f.file(d), f.field("submit", "Upload"))), **plain)
forms.add("a file of another name before it", by(lambda f, d: f.whole(f.file(GOOD, '"other"'), f.file(d))))
forms.add("a file of another name behind it", by(lambda f, d: f.whole(f.file(GOOD), f.file(d, '"other"'))))
forms.add("two files, the good one first", by(lambda f, d: f.whole(f.file(GOOD), f.file(d))), answers=FORM, record=None)
forms.add("two files, the good one last", by(lambda f, d: f.whole(f.file(d), f.file(GOOD))), answers=FORM, record=None)
forms.add("a field in the file's place", by(lambda f, d: f.whole(f.field("file", ""), f.file(d))))
forms.add(
    "in a field for many keys",
    by(lambda f, d: f.whole(f.file(d)), more=[("x-minio-fanout-list", '{"key": "a.jpg"}\n{"key": "b.jpg"}\n')]),
    row=8,
    **plain,
)


@forms.trick("the policy behind the file")
def policy_last(way, data):
    form = Form(way)
    return post(way, b"".join([form.fields[0], form.file(data), *form.fields[1:], form.last()]))


NAMES = {
    "in capitals": '"FILE"',
    "with a capital": '"File"',
    "with no quotes": "file",
    "with a blank": '" file"',
    "with a backslash": '"fi\\le"',
}
NAMES |= {
    "in single quotes": "'file'",
    "in two spellings": '"other"; name="file"',
    "in RFC 5987's": "\"other\"; name*=UTF-8''file",
}
NAMES |= {"with an escape": '"fil%65"', "with a semicolon": '"file;x"', "with a NUL": '"file\0"'}
for word, name in NAMES.items():
    forms.add(f"a field's name {word}", by(lambda f, d, n=name: f.whole(f.file(d, n))))

HEADS = {
    "in lower case": lambda f, d: f.part(['content-disposition: form-data; name="file"; filename="x"'], d),
    "in capitals": lambda f, d: f.part(['CONTENT-DISPOSITION: FORM-DATA; NAME="file"; FILENAME="x"'], d),
    "with no blanks": lambda f, d: f.part(['Content-Disposition:form-data;name="file";filename="x"'], d),
    "with the file's name first": lambda f, d: f.part(['Content-Disposition: form-data; filename="x"; name="file"'], d),
    "folded": lambda f, d: f.part(["Content-Disposition: form-data;", ' name="file"; filename="x"'], d),
    "twice": lambda f, d: f.part(
        ['Content-Disposition: form-data; name="x"', 'Content-Disposition: form-data; name="file"; filename="x"'], d
    ),
    "as an attachment": lambda f, d: f.part(['Content-Disposition: attachment; name="file"; filename="x"'], d),
    "behind a long line": lambda f, d: f.part(
        ["X-Long: " + "x" * 9000, 'Content-Disposition: form-data; name="file"; filename="x"'], d
    ),
    "with a boundary in the name": lambda f, d: f.part(
        [f'Content-Disposition: form-data; name="file"; filename="--{SEP}"'], d
    ),
}
for word, make in HEADS.items():
    forms.add(f"a part's head {word}", by(lambda f, d, m=make: f.whole(m(f, d))))

# ---- encodings within -----------------------------------------------------------------------


@forms.trick("base64 in transit", answers=None)
def in_base64(way, data):
    """Some libraries undo it, stores of objects do not."""
    form = Form(way)
    return post(way, form.whole(form.file(base64.encodebytes(data), more=["Content-Transfer-Encoding: base64"])))


@forms.trick("a nested multipart")
def nested(way, data):
    inner = b"--in\r\nContent-Disposition: file; filename=x\r\n\r\n" + data + b"\r\n--in--\r\n"
    head = ['Content-Disposition: form-data; name="file"', "Content-Type: multipart/mixed; boundary=in"]
    form = Form(way)
    return post(way, form.whole(form.part(head, inner)))


@forms.trick("a packed file", row=5, twin=SAME)
def packed_file(way, data):
    form = Form(way, more=[("Content-Encoding", "gzip")])
    return post(way, form.whole(form.file(packed("gzip", data))))


@forms.trick("a picture behind junk", row=10, twin=SAME)
def behind_junk(way, data):
    form = Form(way)
    return post(way, form.whole(form.file(GOOD + data)))


# ---- boundaries -----------------------------------------------------------------------------------

KINDS = {
    "in quotes": f'multipart/form-data; boundary="{SEP}"',
    "in capitals": f"Multipart/Form-Data; Boundary={SEP}",
    "twice, the right one first": f"multipart/form-data; boundary={SEP}; boundary=other",
    "twice, the right one last": f"multipart/form-data; boundary=other; boundary={SEP}",
    "with more behind it": f"multipart/form-data; boundary={SEP}; charset=utf-8",
    "behind another parameter": f"multipart/form-data; charset=utf-8; boundary={SEP}",
    "with a comma behind it": f"multipart/form-data; boundary={SEP}, x",
    "of another multipart": f"multipart/mixed; boundary={SEP}",
    "with no name": "multipart/form-data",
    "in quotes, one missing": f'multipart/form-data; boundary="{SEP}',
}
for word, kind in KINDS.items():
    forms.add(f"the boundary {word}", by(lambda f, d: f.whole(f.file(d)), kind=kind))
forms.add("no type", by(lambda f, d: f.whole(f.file(d)), kind=None))
forms.add(
    "two types",
    by(lambda f, d: f.whole(f.file(d)), headers=[("Content-Type", "multipart/form-data; boundary=other")]),
)
forms.add("something before the first boundary", by(lambda f, d: b"a preamble\r\n" + f.whole(f.file(d))))
forms.add("a line end before the first boundary", by(lambda f, d: b"\r\n" + f.whole(f.file(d))))
forms.add("the sample before the first boundary", by(lambda f, d: d + b"\r\n" + f.whole(f.file(GOOD))), answers=None)
forms.add("the sample behind the end", by(lambda f, d: f.whole(f.file(GOOD)) + d), answers=None)
forms.add("another form behind the end", by(lambda f, d: f.whole(f.file(GOOD)) + f.whole(f.file(d))), answers=None)
forms.add("no end", by(lambda f, d: f.whole(f.file(d))[: -len(f.last())]))
forms.add("no last line end", by(lambda f, d: f.whole(f.file(d))[:-2]))
forms.add("half an end", by(lambda f, d: f.whole(f.file(d))[:-4]))
forms.add(
    "blanks behind a boundary",
    by(lambda f, d: f.whole(f.file(d)).replace(SEP.encode() + b"\r\n", SEP.encode() + b" \t\r\n")),
)
forms.add(
    "LF for CRLF",
    by(lambda f, d: b"".join(p.replace(b"\r\n", b"\n") for p in f.fields) + f.file(d, end="\n") + f.last()),
)
forms.add("LF before the last boundary", by(lambda f, d: b"".join(f.fields) + f.file(d)[:-2] + b"\n" + f.last()))
forms.add(
    "CR for CRLF",
    by(lambda f, d: b"".join(p.replace(b"\r\n", b"\r") for p in f.fields) + f.file(d, end="\r") + f.last()),
)
forms.add("a boundary in the file", by(lambda f, d: f.whole(f.file(f"--{SEP}\r\n".encode() + d))))
forms.add("nearly a boundary in the file", by(lambda f, d: f.whole(f.file(f"\r\n--{SEP[:-1]}\r\n".encode() + d))))
forms.add("a boundary and more in the file", by(lambda f, d: f.whole(f.file(f"\r\n--{SEP}more\r\n".encode() + d))))
forms.add("an end and more in the file", by(lambda f, d: f.whole(f.file(GOOD + f"\r\n--{SEP}--more\r\n".encode() + d))))

# ---- the request ------------------------------------------------------------------------------------


@forms.trick("to a key")
def to_key(way, data):
    """Newer Ceph takes forms there too."""
    form = Form(way)
    return post(way, form.whole(form.file(data)), path=way.path(KEY))


@forms.trick("signed in the head", **plain)
def signed(way, data):
    """rclone takes forms from those only who sign the request itself."""
    kind = [("Content-Type", f"multipart/form-data; boundary={SEP}")]
    form = Form(way)
    body = b"".join([form.field("key", KEY), form.file(data), form.last()])
    return way.ask("POST", f"/{way.bucket}", headers=kind, body=body)


@forms.trick("a query beside")
def with_query(way, data):
    form = Form(way)
    return post(way, form.whole(form.file(data)), path=f"/{way.bucket}?x&delete")


@forms.trick("a framing", twin=REFUSED, row=3)
def framed(way, data):
    form = Form(way)
    body = form.whole(form.file(data))
    headers = [("x-amz-content-sha256", sign.UNSIGNED_TRAILER), ("x-amz-decoded-content-length", str(len(body)))]
    chunks = Chunks(sign.UNSIGNED_TRAILER, None)
    return post(way, chunks.chunk(body) + chunks.last(body), headers=headers)


@forms.trick("by PUT")
def by_put(way, data):
    form = Form(way)
    return way.put(KEY, form.whole(form.file(data)), [("Content-Type", f"multipart/form-data; boundary={SEP}")])


FAMILIES = [forms]
