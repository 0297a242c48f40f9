"""The clients, by name."""

from .awscli import AwsCli
from .boto import Boto
from .curl import Curl
from .minio_py import Minio
from .node import Node
from .raw import Raw
from .rclone import Rclone
from .rust import Rust
from .s3cmd import S3cmd

CLIENTS = {c.name: c for c in (Raw, Boto, Minio, Curl, AwsCli, Rclone, S3cmd, Node, Rust)}
