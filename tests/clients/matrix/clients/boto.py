"""boto3, as most Python programs use S3."""

import io
import threading
import urllib.parse

import boto3
import botocore.config
import botocore.exceptions
from boto3.s3.transfer import TransferConfig

from .. import samples, wire
from .base import Client, digest

TIMES = {"connect_timeout": 10, "read_timeout": 40}
# What boto3 reads to make a client takes it longer than most cases take, and a session keeps it.
SESSION = boto3.session.Session()
MAKING = threading.Lock()  # both sides of a case make theirs, and a session is for one thread at a time


class Boto(Client):
    name = "boto3"
    odd_keys = samples.ODD_KEYS

    def __init__(self, target, **config):
        super().__init__(target)
        config["s3"] = {"addressing_style": "virtual" if target.virtual else "path"} | config.get("s3", {})
        with MAKING:
            self.s3 = SESSION.client(
                "s3",
                endpoint_url=target.url,
                aws_access_key_id=target.creds.access,
                aws_secret_access_key=target.creds.secret,
                region_name=target.creds.region,
                verify=str(target.certificate) if target.secure else None,
                config=botocore.config.Config(**TIMES, **config),
            )

    def close(self):
        self.s3.close()

    def call(self, operation, **parameters):
        """The answer without its metadata, or the error as boto3 shows it."""
        parameters.setdefault("Bucket", self.target.bucket)
        try:
            answer = getattr(self.s3, operation)(**parameters)
        except botocore.exceptions.ClientError as error:
            meta = error.response["ResponseMetadata"]
            found = {k: v for k, v in error.response["Error"].items() if not k.endswith("Id")}
            return {"error": found, "status": meta["HTTPStatusCode"], "retries": meta.get("RetryAttempts")}
        except botocore.exceptions.BotoCoreError as error:
            return {"failed": type(error).__name__, "text": str(error)}
        meta = answer.pop("ResponseMetadata")
        if "Body" in answer:
            answer["Body"] = digest(answer["Body"].read())
        return {"answer": plain(answer), "status": meta["HTTPStatusCode"], "retries": meta.get("RetryAttempts")}

    def put(self, key, data, meta=None, kind=None, bucket=None):
        more = {"Metadata": meta} if meta else {}
        more |= {"ContentType": kind} if kind else {}
        return self.call("put_object", Key=key, Body=data, Bucket=bucket or self.target.bucket, **more)

    def put_big(self, key, data):
        # Not every store takes parts over HTTPS; how many of them are under way
        # when the first is refused is a matter of luck, so there they go one by one.
        threads = not self.target.secure
        config = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20, use_threads=threads)
        try:
            self.s3.upload_fileobj(io.BytesIO(data), self.target.bucket, key, Config=config)
        except (boto3.exceptions.Boto3Error, botocore.exceptions.ClientError) as error:
            return {"failed": str(error)}
        return {"uploaded": True}

    def get(self, key, span=None):
        more = {"Range": f"bytes={span[0]}-{span[1]}"} if span else {}
        return self.call("get_object", Key=key, **more)

    def head(self, key):
        return self.call("head_object", Key=key)

    def list(self, prefix):
        return self.call("list_objects_v2", Prefix=prefix)

    def delete(self, key):
        return self.call("delete_object", Key=key)

    def delete_many(self, keys):
        return self.call("delete_objects", Delete={"Objects": [{"Key": k} for k in keys]})


def plain(value):
    """Answers as plain data; times and ids are blanked by the comparison's scrubber or here."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value if isinstance(value, (int, float, bool, str, type(None))) else str(value)


def again(client, **config):
    """A second client for the same target with other settings."""
    return Boto(client.target, **config)


def put_stream(client, key, data):
    """A file-like body: boto3 sends `Expect: 100-continue`, and over HTTPS a trailer."""
    return client.call("put_object", Key=key, Body=io.BytesIO(data))


def presigned(client, key, data, version):
    other = again(client, signature_version=version)
    url = other.s3.generate_presigned_url("put_object", {"Bucket": client.target.bucket, "Key": key})
    other.close()
    parts = urllib.parse.urlsplit(url)
    headers = [("Host", parts.netloc), ("Content-Length", str(len(data)))]
    with wire.Wire(client.target.port) as connection:
        connection.send_what_goes(wire.render("PUT", f"{parts.path}?{parts.query}", headers) + data)
        answer = connection.answer()
    return {"status": answer.status, "code": answer.code(), "presign": sorted(urllib.parse.parse_qs(parts.query))}


def form(client, key, data, version):
    """A browser's form whose policy boto3 signs."""
    other = again(client, signature_version=version)
    conditions = [["content-length-range", 1, 30 << 20], {"x-amz-meta-colour": "blue"}]
    made = other.s3.generate_presigned_post(
        client.target.bucket, key, Fields={"x-amz-meta-colour": "blue"}, Conditions=conditions
    )
    other.close()
    mark = "made-up-boundary"
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in made["fields"].items()]
    parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n')
    body = "".join(parts).encode() + data + f"\r\n--{mark}--\r\n".encode()
    url = urllib.parse.urlsplit(made["url"])
    headers = [("Host", url.netloc), ("Content-Type", f"multipart/form-data; boundary={mark}")]
    headers.append(("Content-Length", str(len(body))))
    with wire.Wire(client.target.port) as connection:
        connection.send_what_goes(wire.render("POST", url.path or "/", headers) + body)
        answer = connection.answer()
    return {"status": answer.status, "code": answer.code(), "fields": sorted(made["fields"])}


def unsigned_payload(client, key, data):
    other = again(client, s3={"payload_signing_enabled": False})
    out = put_stream(other, key, data)
    other.close()
    return out


def refused_then_next(client):
    """One connection: an upload to a missing bucket, refused on its head, then a listing."""
    other = again(client, max_pool_connections=1)
    out = []
    for _ in range(3):
        out.append(
            other.call("put_object", Key="k", Body=io.BytesIO(samples.MIDDLE), Bucket=client.target.missing_bucket)
        )
        out.append(other.list(""))
        out.append(put_stream(other, "after", samples.SMALL))
    other.close()
    return out


def copy(client):
    client.target.seed("source", samples.SMALL)
    source = {"Bucket": client.target.bucket, "Key": "source"}
    return client.call("copy_object", Key="copied", CopySource=source)


def sub_resources(client):
    client.target.seed("tagged", samples.SMALL)
    tags = {"TagSet": [{"Key": "colour", "Value": "blue"}]}
    return [
        client.call("put_object_tagging", Key="tagged", Tagging=tags),
        client.call("get_object_tagging", Key="tagged"),
        client.call("get_bucket_location"),
        client.call("get_bucket_versioning"),
        client.call("get_object_acl", Key="tagged"),
    ]


def conditional(client):
    client.target.seed("cond", samples.SMALL)
    tag = client.head("cond").get("answer", {}).get("ETag", "")
    return [
        client.call("get_object", Key="cond", IfNoneMatch=tag),
        client.call("get_object", Key="cond", IfMatch='"00000000000000000000000000000000"'),
        client.call("get_object", Key="cond", Range="bytes=99999999-"),
    ]


def abort_multipart(client):
    made = client.s3.create_multipart_upload(Bucket=client.target.bucket, Key="never")
    part = client.call("upload_part", Key="never", UploadId=made["UploadId"], PartNumber=1, Body=samples.MIDDLE)
    return [part, client.call("abort_multipart_upload", Key="never", UploadId=made["UploadId"])]


def many_on_one_connection(client):
    other = again(client, max_pool_connections=1)
    out = [other.put(f"many/{n}", samples.SMALL) for n in range(40)]
    out.append(other.list("many/"))
    other.close()
    return out


Boto.EXTRA = {
    "put-stream": lambda c: put_stream(c, "stream", samples.MIDDLE),
    "presigned-v4": lambda c: presigned(c, "pre4", samples.MIDDLE, "s3v4"),
    # Small, as a store without SigV2 may refuse and close while the body comes.
    "presigned-v2": lambda c: presigned(c, "pre2", samples.SMALL, None),
    "form-v4": lambda c: form(c, "form4", samples.MIDDLE, "s3v4"),
    "form-v2": lambda c: form(c, "form2", samples.SMALL, "s3"),
    "form-missing-bucket": lambda c: form(
        Boto(c.target._replace(bucket=c.target.missing_bucket)), "k", samples.SMALL, "s3v4"
    ),
    "unsigned-payload": lambda c: unsigned_payload(c, "unsigned", samples.MIDDLE),
    "checksum-sha256": lambda c: c.call(
        "put_object", Key="checked", Body=samples.MIDDLE, ChecksumAlgorithm="SHA256"
    ),
    "expect-refused-then-next": refused_then_next,
    "copy": copy,
    "sub-resources": sub_resources,
    "conditional": conditional,
    "abort-multipart": abort_multipart,
    "one-connection": many_on_one_connection,
    "tls:trailer-stream": lambda c: put_stream(c, "stream", samples.MIDDLE),
    "tls:trailer-zero": lambda c: put_stream(c, "zero", b""),
    "tls:trailer-small": lambda c: c.put("small", samples.SMALL),
    "tls:multipart": lambda c: c.put_big("big", samples.BIG),
    "tls:expect-refused-then-next": refused_then_next,
}

Boto.LISTED = {
    "stream": put_stream,
    "presigned-v4": lambda c, key, data: presigned(c, key, data, "s3v4"),
    "presigned-v2": lambda c, key, data: presigned(c, key, data, None),
    "unsigned-payload": unsigned_payload,
    "tls:trailer-stream": put_stream,
    "tls:trailer": lambda c, key, data: c.put(key, data),
}
