#!/usr/bin/env python3
"""Makes tests/vectors/forms.txt with botocore's own signing of browser forms.

    python3 -m venv /tmp/forms-venv
    /tmp/forms-venv/bin/pip install boto3
    /tmp/forms-venv/bin/python tests/vectors/make_forms.py > tests/vectors/forms.txt

Each line: a JSON object with the keys, the moment and region of signing, the bucket, and the fields
of the form in order. The keys are those of AWS's examples.
"""
import datetime
import json
import sys

import botocore.auth
import botocore.session
import botocore.signers
from botocore.config import Config

NOW = datetime.datetime(2026, 3, 14, 15, 9, 26)
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLE//////////token+with/signs=="
FIELDS = {
    "acl": "public-read",
    "Content-Type": "image/jpeg",
    "success_action_status": "201",
    "x-amz-meta-note": "\u00e9t\u00e9 \"quoted\" \\ back",
}
CONDITIONS = [
    {"acl": "public-read"},
    ["starts-with", "$Content-Type", "image/"],
    ["eq", "$success_action_status", "201"],
    {"x-amz-meta-note": FIELDS["x-amz-meta-note"]},
    ["content-length-range", 1, 10485760],
]


def form(version, region, token, key, fields, conditions):
    for module in (botocore.auth, botocore.signers):
        module.get_current_datetime = lambda *_: NOW
    client = botocore.session.get_session().create_client(
        "s3", region, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET,
        aws_session_token=token, config=Config(signature_version=version),
    )
    post = client.generate_presigned_post("photos", key, fields, conditions, ExpiresIn=600)
    print(json.dumps({
        "version": {"s3": "v2", "s3v4": "v4"}[version], "access_key": ACCESS_KEY, "secret": SECRET,
        "token": token, "region": region, "now": NOW.isoformat() + "Z", "bucket": "photos",
        "fields": list(post["fields"].items()),
    }))


def main():
    print("# Made by tests/vectors/make_forms.py; do not edit.")
    for version in ("s3v4", "s3"):
        for token in (None, TOKEN):
            form(version, "us-east-1", token, "one.jpg", None, None)
            form(version, "eu-west-1", token, "user/${filename}", FIELDS, CONDITIONS)


if __name__ == "__main__":
    sys.exit(main())
