"""Ceph's S3 gateway for tests, with a cluster of one monitor and one store in memory. Started in about fifteen seconds.

Debian has it: ``apt-get install --no-install-recommends radosgw ceph-mon ceph-osd``.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from tests.s3_server import free_port, make_bucket, wait_until_open

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool")
CONFIGURATION = """
[global]
fsid = {cluster}
mon host = v1:127.0.0.1:{monitor_port}
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd objectstore = memstore
osd data = {folder}/osd
mon data = {folder}/mon
run dir = {folder}
admin socket = {folder}/$name.$pid.asok
log file = {folder}/$name.log
setuser match path = {folder}/none
ms bind msgr2 = false
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw data = {folder}/rgw
"""
_START_S = 60


def is_installed() -> bool:
    """Whether this machine has everything that it takes."""
    return all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def radosgw() -> Iterator[str]:
    """URL of a gateway with the bucket and the credentials of the tests."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="rgw-")))
        yield _Cluster(folder, running).start()


class _Cluster:
    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._running = running
        self._folder = folder
        self._settings = folder / "ceph.conf"
        self._cluster, self._monitor_port, self._port = str(uuid4()), free_port(), free_port()

    def start(self) -> str:
        places = {"monitor_port": self._monitor_port, "port": self._port, "folder": self._folder}
        self._settings.write_text(CONFIGURATION.format(cluster=self._cluster, **places))
        for name in ("mon", "osd", "rgw"):
            (self._folder / name).mkdir()
        self._start_monitor()
        self._start_store()
        gateway = self._serve("radosgw", "-n", "client.rgw")
        wait_until_open(self._port, gateway)
        user = ("user", "create", "--uid=test", "--display-name=test", "--access-key=test", "--secret-key=test")
        self._run("radosgw-admin", "-n", "client.rgw", *user)
        make_bucket(f"http://127.0.0.1:{self._port}")
        return f"http://127.0.0.1:{self._port}"

    def _start_monitor(self) -> None:
        monitors = str(self._folder / "monmap")
        address = f"v1:127.0.0.1:{self._monitor_port}"
        subprocess.run(
            ["monmaptool", "--create", "--fsid", self._cluster, "--addv", "a", address, monitors],
            check=True,
            capture_output=True,
        )
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors)
        wait_until_open(self._monitor_port, self._serve("ceph-mon", "-i", "a"))

    def _start_store(self) -> None:
        self._run("ceph-osd", "-i", "0", "--mkfs")
        self._run("ceph", "osd", "new", (self._folder / "osd" / "fsid").read_text().strip())
        self._serve("ceph-osd", "-i", "0")
        deadline = time.monotonic() + _START_S
        while "1 up" not in self._run("ceph", "osd", "stat"):
            assert time.monotonic() < deadline, "the store does not come up"
            time.sleep(0.2)

    def _run(self, program: str, *arguments: str) -> str:
        command = [program, "-c", str(self._settings), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=_START_S).stdout

    def _serve(self, program: str, *arguments: str) -> subprocess.Popen:
        command = [program, "-c", str(self._settings), "-f", *arguments]
        daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._running.callback(daemon.wait, 30)
        self._running.callback(daemon.kill)
        return daemon
