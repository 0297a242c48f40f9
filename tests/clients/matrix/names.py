"""Leads the clients' name of the store, and all below it, to this machine: the
system knows no names with a wildcard.

Imported by the matrix itself, and by Python programs that it starts, which find
it as `sitecustomize` in a folder of its own (`folder`).
"""

import pathlib
import socket

DOMAIN = "store.test"


def is_ours(host):
    host = host.decode() if isinstance(host, bytes) else str(host)
    return host == DOMAIN or host.endswith("." + DOMAIN)


def lead_home():
    """Has this process find 127.0.0.1 under our names."""
    known = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        return known("127.0.0.1" if host and is_ours(host) else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def folder(where):
    """A folder for PYTHONPATH in which a Python program finds this file first of all."""
    made = pathlib.Path(where, "names")
    made.mkdir(exist_ok=True)
    (made / "sitecustomize.py").write_text(pathlib.Path(__file__).read_text() + "\n\nlead_home()\n")
    return str(made)
