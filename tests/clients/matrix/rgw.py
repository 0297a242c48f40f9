"""A Ceph RADOS Gateway for a test: one monitor, one memory-backed OSD and one
radosgw on loopback.  No root service, no cluster authentication; everything
lives in one temporary folder and ends by process id."""

import pathlib
import subprocess
import time
import uuid

from . import proc

TOOLS = ["ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool"]
STORE_BYTES = 4 << 30

CONF = """\
[global]
fsid = {fsid}
mon_initial_members = a
mon_host = [v2:127.0.0.1:{mon_port}/0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
# Without cluster authentication radosgw never connects in its default, secure
# messenger mode: it needs keys that do not exist here.
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
ms_client_mode = crc
ms_cluster_mode = crc
ms_service_mode = crc
run_dir = {dir}
admin_socket = {dir}/$name.asok
log_file = {dir}/$name.log
mon_cluster_log_file = {dir}/cluster.log
crash_dir = {dir}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
[mon.a]
# A monitor ends by itself where 95 % of the disk is in use, whoever uses it.
mon_data_avail_crit = 1
mon_data_avail_warn = 2
mon_data = {dir}/mon
[osd]
osd_data = {dir}/osd
osd_objectstore = memstore
osd_max_object_name_len = 1024
memstore_device_bytes = {bytes}
osd_class_load_list = *
osd_class_default_list = *
[client.rgw]
rgw_data = {dir}/rgw
rgw_frontends = beast endpoint=127.0.0.1:{port}
{dns_name}
# The memory store keeps deleted data until the collector has run.
rgw_gc_obj_min_wait = 20
rgw_gc_processor_period = 20
rgw_gc_processor_max_time = 20
"""


class Cluster:
    """`start` brings it up, `stop` ends every process that `start` began.  Without a
    `domain` the path names the bucket, whatever the host."""

    def __init__(self, folder, port, mon_port, creds, domain=None):
        self.dir = pathlib.Path(folder)
        self.port = port
        self.mon_port = mon_port
        self.creds = creds
        self.domain = domain
        self.conf = self.dir / "ceph.conf"
        self.children = []

    def start(self):
        for tool in TOOLS:
            proc.tool(tool)
        for name in ("mon", "osd", "rgw"):
            (self.dir / name).mkdir()
        fsid = str(uuid.uuid4())
        self.conf.write_text(
            CONF.format(
                fsid=fsid,
                dir=self.dir,
                port=self.port,
                mon_port=self.mon_port,
                bytes=STORE_BYTES,
                # Under a domain the host names the bucket, and so does any other name that is no address.
                dns_name=f"rgw_dns_name = {self.domain}" if self.domain else "",
            )
        )
        self._start_mon(fsid)
        self._start_osd()
        self._start_gateway()

    def stop(self):
        for child in reversed(self.children):
            child.stop()

    def _once(self, *command, timeout=120):
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command[:6]))}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def _ceph(self, *words):
        return self._once("ceph", "-c", self.conf, "--connect-timeout", "20", *words)

    def _spawn(self, name, *command):
        child = proc.Child(name, [*command, "-f"], self.dir / f"{name}.out")
        self.children.append(child)
        return child

    def _start_mon(self, fsid):
        monmap = self.dir / "monmap"
        address = f"[v2:127.0.0.1:{self.mon_port}]"
        self._once("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, monmap)
        self._once("ceph-mon", "-c", self.conf, "--mkfs", "-i", "a", "--monmap", monmap)
        self._spawn("mon", "ceph-mon", "-c", self.conf, "-i", "a")
        self._until("a monitor quorum", lambda: bool(self._ceph("quorum_status")))

    def _start_osd(self):
        osd_id = str(uuid.uuid4())
        self._ceph("osd", "new", osd_id)
        self._once("ceph-osd", "-c", self.conf, "-i", "0", "--mkfs", "--osd-uuid", osd_id)
        self._spawn("osd", "ceph-osd", "-c", self.conf, "-i", "0")
        self._until("the OSD", lambda: "1 up" in self._ceph("osd", "stat"))

    def _start_gateway(self):
        child = self._spawn("rgw", "radosgw", "-c", self.conf, "-n", "client.rgw")
        proc.wait_port(self.port, child, 180)
        user = ["user", "create", "--uid", "matrix", "--display-name", "Matrix", "--max-buckets", "0"]
        keys = ["--access-key", self.creds.access, "--secret", self.creds.secret]
        self._once("radosgw-admin", "-c", self.conf, "-n", "client.rgw", *user, *keys)

    def _until(self, what, ready, patience_s=180):
        deadline = time.monotonic() + patience_s
        while True:
            try:
                if ready():
                    return
            except (RuntimeError, subprocess.TimeoutExpired):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} did not come up in {patience_s} s")
            time.sleep(0.25)
