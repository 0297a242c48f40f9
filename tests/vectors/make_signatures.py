#!/usr/bin/env python3
"""Makes tests/vectors/signatures.txt with botocore, a signer that owes nothing to this project.

    python3 -m venv /tmp/botocore-venv
    /tmp/botocore-venv/bin/pip install boto3==1.44.8
    /tmp/botocore-venv/bin/python tests/vectors/make_signatures.py > tests/vectors/signatures.txt

Each request is a line with its name, the request line, its headers, and an empty line.  All are made
at 2013-05-24T00:00:00Z with the credentials of the AWS documentation; those whose name ends in
`token` with a session token besides.
"""
import datetime
import sys
from unittest import mock

import boto3
from botocore.config import Config

NOW = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoEXAMPLE//token+with/what=base64=="
ENDPOINT = "http://s3.example:9000"

KEYS = [
    "photo.jpg", "a b", "a+b", "a=b&c", "a%2Fb", "//a//b/", "./a/../b", "französisch/été/写真", "!'()*~;:@,$",
    "%zz", "a?b#c", "\u0001", "a%20b",
]
METADATA = {"plain": "x", "spaces": "two  words ", "sign": "a=b; c=d"}


class Sent(Exception):
    """A request on its way to no store."""

    def __init__(self, request):
        super().__init__()
        self.request = request


def stop(request, **_):
    raise Sent(request)


def client(version, style, token=None):
    config = Config(
        signature_version=version, s3={"addressing_style": style}, retries={"max_attempts": 1},
        request_checksum_calculation="when_required",
    )
    return boto3.client(
        "s3", endpoint_url=ENDPOINT, region_name="eu-west-1", aws_access_key_id=KEY,
        aws_secret_access_key=SECRET, aws_session_token=token, config=config,
    )


def calls(key):
    return [
        ("put_object", dict(Bucket="bucket", Key=key, Body=b"bytes", Metadata=METADATA, ContentType="image/jpeg")),
        ("get_object", dict(Bucket="bucket", Key=key)),
    ]


OTHERS = [
    ("list_buckets", dict()),
    ("list_objects_v2", dict(Bucket="bucket", Prefix="a b/+é", Delimiter="/")),
    ("get_bucket_location", dict(Bucket="bucket")),
    ("create_multipart_upload", dict(Bucket="bucket", Key="k")),
    ("upload_part", dict(Bucket="bucket", Key="k", UploadId="u+/=", PartNumber=7, Body=b"bytes")),
    ("copy_object", dict(Bucket="bucket", Key="k", CopySource="bucket/other key")),
    ("get_object", dict(Bucket="bucket", Key="k", ResponseContentType="text/plain; charset=utf-8", VersionId="7+")),
    ("delete_objects", dict(Bucket="bucket", Delete=dict(Objects=[dict(Key="k")]))),
    ("put_object_tagging", dict(Bucket="bucket", Key="k", Tagging=dict(TagSet=[dict(Key="a", Value="b")]))),
]

PRESIGNED = [
    ("get_object", dict(Bucket="bucket", Key="a b+ü=%2F")),
    ("get_object", dict(Bucket="bucket", Key="k", ResponseContentDisposition='attachment; filename="a b+c"')),
    ("put_object", dict(Bucket="bucket", Key="k", ACL="private", Metadata={"plain": "a b", "more": "c+d"})),
    ("upload_part", dict(Bucket="bucket", Key="k", UploadId="u+/=", PartNumber=7)),
    ("put_object", dict(Bucket="bucket", Key="k", ContentType="image/jpeg")),
]

# What the two versions sign besides x-amz-*, and where they say so; the rest differs between runs.
SIGNED = ("authorization", "content-md5", "content-type", "date")
PLACES = [("path", None), ("virtual", None), ("path", TOKEN)]


def show(name, method, url, headers):
    host, slash, target = url.split("://", 1)[1].partition("/")
    print(f"= {name}\n{method} {slash}{target}\nhost: {host}")
    for header, value in sorted((name.lower(), value) for name, value in headers):
        if header.startswith("x-amz-") or header in SIGNED:
            value = value.decode() if isinstance(value, bytes) else value
            print(f"{header}: {value}")
    print()


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    print("# Made by tests/vectors/make_signatures.py; do not edit.\n")
    for version, label in (("s3v4", "v4"), ("s3", "v2")):
        for style, token in PLACES:
            suffix = f"{style}{' token' if token else ''}"
            s3 = client(version, style, token)
            signed = {}
            s3.meta.events.register_first("before-send.s3", stop)
            keep = lambda request, **_: signed.update(headers=request.headers)
            s3.meta.events.register_last("before-sign.s3", keep)
            for call, arguments in [c for key in KEYS if not token for c in calls(key)] + OTHERS:
                try:
                    getattr(s3, call)(**arguments)
                except Sent as sent:
                    request = sent.request
                show(f"{label} header {call} {suffix}", request.method, request.url, request.headers.items())
            for call, arguments in PRESIGNED:
                url = s3.generate_presigned_url(call, Params=arguments, ExpiresIn=600)
                method = "GET" if call.startswith("get") else "PUT"
                # SigV4 leaves these to whoever uses the URL, SigV2 puts all but the type into it.
                sent = ("content-type", "x-amz-") if label == "v4" else ("content-type",)
                headers = [(n, v) for n, v in signed["headers"].items() if n.lower().startswith(sent)]
                show(f"{label} query {call} {suffix}", method, url, headers)


if __name__ == "__main__":
    stamp = NOW.timestamp()
    with mock.patch("botocore.auth.get_current_datetime", lambda **_: NOW.replace(tzinfo=None)), \
            mock.patch("botocore.auth.time.time", lambda: stamp), \
            mock.patch("botocore.auth.formatdate", lambda **_: "Fri, 24 May 2013 00:00:00 GMT"):
        sys.exit(main())
