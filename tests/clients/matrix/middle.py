"""What stands between client and store: the gate, or, as a control, nothing,
nginx or HAProxy.  A control shows that the comparison is steady (nothing) and
that it can fail (the two proxies, each of which has a known fault)."""

import json
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

from . import proc, samples, stores
from .names import DOMAIN


def toml(value):
    return json.dumps(str(value))


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1 and localhost; returns (certificate, key)."""
    certificate, key = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
    command = [proc.tool("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"]
    alternatives = f"subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:{DOMAIN},DNS:*.{DOMAIN}"
    command += ["-addext", alternatives]
    command += ["-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return certificate, key


class Gate:
    """One gate process with a configuration of its own."""

    #: Lines of TOML for each list, beside what makes it a block list.
    list_options = ()
    #: Whether it signs requests anew, with the store's keys: clients have others.
    signs_anew = False
    #: Whether clients put the bucket into the host.
    knows_domain = False

    def __init__(self, binary, folder, name, mode, upstream_port, lists, tls=None):
        self.dir = pathlib.Path(folder, name)
        self.dir.mkdir()
        self.name = name
        self.taps = []  # on the ways in, all of whose uploads it must have recorded
        self.port, self.admin_port = proc.free_ports(2)
        self.audit = self.dir / "audit.jsonl"
        self.denials = self.dir / "denials.jsonl"
        config = self.dir / "gate.toml"
        config.write_text(self._config(mode, upstream_port, lists, tls))
        self.child = proc.Child(name, [binary, "run", "--config", config], self.dir / "gate.out")
        self._wait_ready()

    def _config(self, mode, upstream_port, lists, tls):
        lines = ["[listener]", f'address = "127.0.0.1:{self.port}"']
        if tls:
            lines += [f"tls_certificate = {toml(tls[0])}", f"tls_key = {toml(tls[1])}"]
        lines += ["[upstream]", f'endpoint = "http://127.0.0.1:{upstream_port}"']
        lines += self._signing() if self.signs_anew else []
        for name, source, form, kind in lists:
            lines += ["[[list]]", f"name = {toml(name)}", f"source = {toml(source)}", f"format = {toml(form)}"]
            lines += [f"hash = {toml(kind)}"] if kind else []
            lines += ['polarity = "block"', f"mode = {toml(mode)}", *self.list_options]
        lines += ["[[bucket]]", 'match = "*"', f"mode = {toml(mode)}"]
        lines += ["[audit]", f"path = {toml(self.audit)}", f"denials_path = {toml(self.denials)}"]
        lines += ["[admin]", f"socket = {toml(self.dir / 'admin.sock')}"]
        lines += [f'address = "127.0.0.1:{self.admin_port}"']
        lines += ["[state]", f"directory = {toml(self.dir / 'state')}"]
        lines += ["[inspect]", f"domains = {toml(DOMAIN)}"] if self.knows_domain else []
        return "\n".join(lines) + "\n"

    def _signing(self):
        path = self.dir / "credentials.toml"
        path.touch(mode=0o600)
        client, store = stores.CLIENT, stores.CREDS
        lines = ["[[client]]", f"access_key = {toml(client.access)}", f"secret = {toml(client.secret)}"]
        lines += ['identity = "store"', "[[identity]]", 'name = "store"']
        lines += [f"access_key = {toml(store.access)}", f"secret = {toml(store.secret)}"]
        path.write_text("\n".join(lines) + "\n")
        return ['signing = "resign"', f"credentials = {toml(path)}", f"region = {toml(store.region)}"]

    def _wait_ready(self, patience_s=30):
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if not self.child.alive():
                raise RuntimeError(f"the gate ended: {self.child.tail()}")
            if self.admin("/readyz")[0] == 200:
                return
            time.sleep(0.05)
        raise RuntimeError(f"the gate is not ready: {self.admin('/readyz')} {self.child.tail()}")

    def admin(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def records(self, path):
        """Complete lines only: the last one may be in the making."""
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]

    def records_after(self, path, count, patience_s=5):
        """The records beyond the first `count`, as soon as there is one."""
        deadline = time.monotonic() + patience_s
        while True:
            found = self.records(path)[count:]
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    def panics(self):
        """The metric that must stay 0, or None if the gate does not show it."""
        for line in self.admin("/metrics")[1].splitlines():
            if line.startswith("s3bouncer_panics"):
                return float(line.split()[-1])
        return None

    def stop(self):
        return self.child.stop()


class Middle:
    """Ports of the three ways in: plain, TLS (None: plain only) and shadow."""

    def __init__(self, port, tls_port=None, shadow_port=None, gates=(), stop=lambda: None, creds=stores.CREDS):
        self.port = port
        self.creds = creds
        self.tls_port = tls_port
        self.shadow_port = shadow_port
        self.gates = list(gates)
        self.stop = stop


def start_gate(options, folder, upstream_port, tls):
    lists = samples.list_sources(folder, options.photo_bytes)
    sort = type("Chosen", (Gate,), {
        "signs_anew": options.signing == "resign",
        "knows_domain": options.style == "virtual",
    })
    gates = []
    try:
        for name, mode, pair in [("enforce", "enforce", None), ("tls", "enforce", tls), ("shadow", "shadow", None)]:
            gates.append(sort(options.gate, folder, name, mode, upstream_port, lists, pair))
    except BaseException:
        for gate in gates:
            gate.stop()
        raise
    enforce, secure, shadow = gates
    creds = stores.CLIENT if options.signing == "resign" else stores.CREDS
    return Middle(enforce.port, secure.port, shadow.port, gates, creds=creds)


def start_nothing(_options, _folder, upstream_port, _tls):
    return Middle(upstream_port)


NGINX = """\
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1;
      proxy_set_header Host $http_host; proxy_set_header Connection ""; proxy_request_buffering off;
      proxy_pass_header Server; }} }}
}}
"""

HAPROXY = """\
global
  maxconn 256
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:{port}
  option accept-invalid-http-request
  default_backend b
backend b
  server s 127.0.0.1:{upstream}
"""


def start_proxy(program, text, arguments):
    def start(_options, folder, upstream_port, _tls):
        (port,) = proc.free_ports(1)
        config = pathlib.Path(folder, f"{program}.conf")
        config.write_text(text.format(dir=folder, port=port, upstream=upstream_port))
        child = proc.Child(program, [proc.tool(program), *arguments, config], pathlib.Path(folder, "proxy.out"))
        proc.wait_port(port, child)
        return Middle(port, stop=child.stop)

    return start


STARTERS = {
    "gate": start_gate,
    "nothing": start_nothing,
    "nginx": start_proxy("nginx", NGINX, ["-c"]),
    "haproxy": start_proxy("haproxy", HAPROXY, ["-f"]),
}
