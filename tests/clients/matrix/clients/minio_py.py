"""minio-py: signs the payload over HTTP and leaves it unsigned over HTTPS."""

import io

import minio
import minio.deleteobjects
import minio.error
import urllib3

from .. import samples
from .base import Client, digest


class Minio(Client):
    name = "minio"
    odd_keys = samples.ODD_KEYS

    def __init__(self, target):
        super().__init__(target)
        trust = {"cert_reqs": "CERT_REQUIRED", "ca_certs": str(target.certificate)} if target.secure else {}
        self.pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=10, read=40), retries=False, **trust)
        self.client = minio.Minio(
            target.host,
            access_key=target.creds.access,
            secret_key=target.creds.secret,
            region=target.creds.region,
            secure=target.secure,
            http_client=self.pool,
        )
        if target.virtual:
            self.client.enable_virtual_style_endpoint()

    def close(self):
        self.pool.clear()

    def attempt(self, act):
        try:
            return act()
        except minio.error.S3Error as error:
            return {"error": error.code, "text": error.message, "status": error.response.status}
        except (urllib3.exceptions.HTTPError, minio.error.MinioException, ValueError) as error:
            return {"failed": type(error).__name__, "text": str(error)}

    def put(self, key, data, meta=None, kind=None, bucket=None):
        more = {"metadata": meta} if meta else {}
        more |= {"content_type": kind} if kind else {}
        where = bucket or self.target.bucket

        def act():
            made = self.client.put_object(where, key, io.BytesIO(data), len(data), **more)
            return {"etag": made.etag, "key": made.object_name}

        return self.attempt(act)

    def put_big(self, key, data):
        def act():
            made = self.client.put_object(
                self.target.bucket, key, io.BytesIO(data), -1, part_size=8 << 20, num_parallel_uploads=3
            )
            return {"etag": made.etag}

        return self.attempt(act)

    def get(self, key, span=None):
        more = {"offset": span[0], "length": span[1] - span[0] + 1} if span else {}

        def act():
            answer = self.client.get_object(self.target.bucket, key, **more)
            try:
                return {"status": answer.status, **digest(answer.read())}
            finally:
                answer.close()

        return self.attempt(act)

    def head(self, key):
        def act():
            found = self.client.stat_object(self.target.bucket, key)
            return {"bytes": found.size, "etag": found.etag, "kind": found.content_type}

        return self.attempt(act)

    def list(self, prefix):
        def act():
            found = self.client.list_objects(self.target.bucket, prefix=prefix, recursive=True)
            return [[item.object_name, item.size, item.etag] for item in found]

        return self.attempt(act)

    def delete(self, key):
        return self.attempt(lambda: self.client.remove_object(self.target.bucket, key))

    def delete_many(self, keys):
        objects = [minio.deleteobjects.DeleteObject(key) for key in keys]
        return self.attempt(lambda: [str(e) for e in self.client.remove_objects(self.target.bucket, objects)])


def presigned(client, key, data):
    url = client.client.presigned_put_object(client.target.bucket, key)

    def act():
        answer = client.pool.request("PUT", url, body=data)
        return {"status": answer.status, "text": answer.data.decode("utf-8", "replace")}

    return client.attempt(act)


Minio.EXTRA = {
    "presigned": lambda c: presigned(c, "presigned", samples.MIDDLE),
    "tls:unsigned-payload": lambda c: c.put("unsigned", samples.MIDDLE),
}
Minio.LISTED = {"presigned": presigned, "tls:unsigned-payload": lambda c, key, data: c.put(key, data)}
