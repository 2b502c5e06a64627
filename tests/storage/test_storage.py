"""Storage: whole objects or none, wherever they lie and whoever is killed."""

from __future__ import annotations

import errno
import fcntl
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import StorageError
from narrator_ray.storage.filesystems import filesystem_of
from narrator_ray.storage.storage import Storage

RACE = """
import sys
from narrator_ray.storage.storage import Storage
storage, name = Storage.open(sys.argv[1]), sys.argv[2]
sys.stdin.readline()
won = [storage.write_if_absent(f"race/{number}", name.encode() * 50_000) for number in range(50)]
print(sum(won))
"""
DEATH = """
import os, signal, sys
from narrator_ray.storage.storage import Storage
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
getattr(Storage.open(sys.argv[1]), sys.argv[2])("a/object", b"half" * 1000)
"""

LIFE = """
import os, sys
from narrator_ray.storage.storage import Storage
def wait(handle):
    print("written", flush=True)
    sys.stdin.readline()
os.fsync = wait
Storage.open(sys.argv[1]).write("a/alive", b"whole")
"""


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """An empty storage of each kind."""
    if request.param == "local":
        return Storage.open(str(tmp_path / "out"))
    return Storage.open(request.getfixturevalue("s3_root"))


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Permissions do not bind root: act as nobody where the tests run as root."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_objects_are_written_and_read(storage: Storage) -> None:
    """What is written is read, under its key, and overwritten by a later write."""
    assert not storage.exists("runs/latest.json")
    storage.write("runs/latest.json", b"1")
    storage.write("runs/latest.json", "2 杯".encode())
    assert storage.exists("runs/latest.json")
    assert storage.read("runs/latest.json").decode() == "2 杯"
    assert not storage.exists("runs")


def test_the_first_complete_write_wins(storage: Storage) -> None:
    """A second writer is told that it was late and changes nothing."""
    assert storage.write_if_absent("a/b", b"first")
    assert not storage.write_if_absent("a/b", b"second")
    assert storage.read("a/b") == b"first"


def test_keys_lists_what_is_below_a_folder(storage: Storage) -> None:
    """Listing gives keys relative to the root, of whole folders only, without litter of writers."""
    for key in ("x/b/2", "x/a/1", "x/a/d/3", "xy/4", "top"):
        storage.write(key, b"")
    assert sorted(storage.keys("x")) == ["x/a/1", "x/a/d/3", "x/b/2"]
    assert sorted(storage.keys()) == ["top", "x/a/1", "x/a/d/3", "x/b/2", "xy/4"]
    assert list(storage.keys("nothing/here")) == []


def test_entries_say_size_and_age(storage: Storage) -> None:
    """A listing tells how large objects are and when they were written."""
    before = time.time()
    storage.write("x/a", b"12345")
    (entry,) = storage.entries("x")
    assert (entry.key, entry.num_bytes) == ("x/a", 5)
    assert abs(entry.modified_at_s - before) < 3600


def test_objects_are_written_from_files_and_read_in_pieces(storage: Storage, tmp_path: Path) -> None:
    """A file becomes an object, in place of an earlier one, and can be opened."""
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    storage.write("a/b", b"earlier")
    storage.write_file("a/b", source)
    with storage.opened("a/b") as file:
        file.seek(4)
        assert file.read(3) == b"456"
    assert list(storage.keys("a")) == ["a/b"]
    with pytest.raises(StorageError, match="not found"), storage.opened("a/none"):
        pass


def test_objects_are_removed(storage: Storage) -> None:
    """What is named is gone, the rest stays, and what was gone already is no error."""
    for key in ("a/1", "a/2", "a/3"):
        storage.write(key, b"")
    storage.delete(["a/1", "a/3"])
    assert list(storage.keys()) == ["a/2"]
    storage.delete(["a/1"])


def test_it_travels_to_other_processes(storage: Storage) -> None:
    """A pickled storage reads what the first one wrote."""
    storage.write("a", b"1")
    again = pickle.loads(pickle.dumps(storage))
    assert again == storage
    assert again.read("a") == b"1"
    assert repr(again) == f"Storage({storage.uri!r})"


def test_probing_leaves_nothing(storage: Storage) -> None:
    """check_writable passes on a writable place and leaves no object."""
    storage.check_writable()
    assert list(storage.keys()) == []


def test_a_missing_object_is_named(storage: Storage) -> None:
    """Reading what is not there says what was looked for, in full."""
    with pytest.raises(StorageError) as caught:
        storage.read("runs/none.json")
    assert str(caught.value) == f"{storage.path_of('runs/none.json')}: cannot read: not found"


@pytest.mark.parametrize("key", ["", "/a", "a//b", "../a", "a/./b", "a/", "a/.tmp-1", "a\0"])
def test_keys_that_lead_elsewhere(storage: Storage, key: str) -> None:
    """Only plain relative paths are keys."""
    with pytest.raises(StorageError, match="not a key"):
        storage.write(key, b"")


def test_threads_agree_on_one_writer(storage: Storage) -> None:
    """Of many writers of one key at once exactly one is told that it wrote, and its object is there."""
    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda n: storage.write_if_absent("a/b", b"%d" % n * 10_000), range(8)))
    assert won.count(True) == 1
    assert storage.read("a/b") == b"%d" % won.index(True) * 10_000


def test_processes_agree_on_one_writer(tmp_path: Path) -> None:
    """Two processes that race for fifty keys win each exactly once between them; every object is one writer's."""
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, tmp_path, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for name in "ab"
    ]
    for racer in racers:
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    won = [int(racer.communicate()[0]) for racer in racers]
    storage = Storage.open(str(tmp_path))
    objects = [storage.read(key) for key in storage.keys("race")]
    assert sum(won) == len(objects) == 50
    assert set(objects) <= {b"a" * 50_000, b"b" * 50_000}
    assert sum(data[:1] == b"a" for data in objects) == won[0]


@pytest.mark.parametrize("write", ["write", "write_if_absent"])
def test_a_killed_writer_leaves_nothing_to_see(tmp_path: Path, write: str) -> None:
    """A writer killed before its object is complete leaves a file that no reader sees and no later writer minds."""
    dead = subprocess.run([sys.executable, "-c", DEATH, tmp_path, write], check=False)
    storage = Storage.open(str(tmp_path))
    assert dead.returncode == -signal.SIGKILL
    assert [path.name.startswith(".tmp-") for path in (tmp_path / "a").iterdir()] == [True]
    assert list(storage.keys()) == []
    assert not storage.exists("a/object")
    assert storage.write_if_absent("a/object", b"whole")
    assert list(storage.keys()) == ["a/object"]


def test_what_killed_writers_left_is_removed(tmp_path: Path) -> None:
    """In the folders that are named and in the root itself; not what is being written now, nor what others left."""
    subprocess.run([sys.executable, "-c", DEATH, tmp_path, "write"], check=False)
    (dead,) = (tmp_path / "a").iterdir()
    (tmp_path / "elsewhere").mkdir()
    kept = [tmp_path / "a" / ".tmp-notes", tmp_path / "elsewhere" / dead.name]
    for copy in (*kept, tmp_path / dead.name):
        shutil.copy(dead, copy)
    command = [sys.executable, "-c", LIFE, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        Storage.open(str(tmp_path)).remove_abandoned(["a", "b"])
        writer.communicate("\n")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {*kept, tmp_path / "a" / "alive"}
    assert (tmp_path / "a" / "alive").read_bytes() == b"whole"


def test_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what has lain there for a day is taken for abandoned; writing goes on as ever."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOTSUP, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    storage = Storage.open(str(tmp_path))
    storage.write("a", b"whole")
    young, old = (tmp_path / f".tmp-{number:016x}" for number in range(2))
    for path in (young, old):
        path.touch()
    os.utime(old, times=(time.time() - 100_000,) * 2)
    storage.remove_abandoned([])
    assert {path.name for path in tmp_path.iterdir()} == {"a", young.name}


def test_a_new_file_that_was_taken_for_abandoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that was looked at before it had its lock takes another file."""
    lock, taken = fcntl.flock, list[int]()

    def late(descriptor: int, operation: int) -> None:
        if not taken:
            (only,) = tmp_path.iterdir()
            only.unlink()
        taken.append(descriptor)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    Storage.open(str(tmp_path)).write("a", b"whole")
    assert len(taken) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_modes_follow_the_umask(tmp_path: Path) -> None:
    """Results are readable by whom the umask allows, not by their writer only."""
    before = os.umask(0o027)
    try:
        Storage.open(str(tmp_path)).write("a", b"")
        Storage.open(str(tmp_path)).write_if_absent("b", b"")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"] == [0o640, 0o640]


def test_file_systems_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hard links are refused the first write still wins."""

    def refuse(source: object, target: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    storage = Storage.open(str(tmp_path))
    assert storage.write_if_absent("a", b"first")
    assert not storage.write_if_absent("a", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths and file URIs are one place, made absolute; objects on S3 have URIs and no local path."""
    monkeypatch.chdir(tmp_path)
    assert Storage.open("out dir").uri == Storage.open(f"file://{tmp_path}/out%20dir").uri == f"{tmp_path}/out dir"
    assert Storage.open("out").local_path("a/b") == tmp_path / "out" / "a" / "b"
    assert Storage.open("out").path_of("a/b") == Storage.open("out").path_of("a/b/") == f"{tmp_path}/out/a/b"
    remote = Storage.open("S3://bucket/out//")
    assert remote.uri == "s3://bucket/out"
    assert (remote.path_of("a"), remote.local_path("a")) == ("s3://bucket/out/a", None)


@pytest.mark.parametrize("uri", ["", "http://host/out", "ftp://host/out", "s3://", "file://host/out"])
def test_places_that_are_none(uri: str) -> None:
    """What cannot be written to is refused at once, without any contact."""
    with pytest.raises(StorageError):
        Storage.open(uri)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    """A file where a folder must be, and a folder where an object must be, are explained."""
    (tmp_path / "out").write_text("")
    with pytest.raises(StorageError, match="out: cannot write: a file stands where a folder is needed"):
        Storage.open(str(tmp_path / "out")).check_writable()
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        Storage.open(str(tmp_path / "out" / "deeper")).check_writable()
    (tmp_path / "folder").mkdir()
    for write in (Storage.write, Storage.write_if_absent):
        with pytest.raises(StorageError, match="folder: cannot write: a f"):
            write(Storage.open(str(tmp_path)), "folder", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "out"]


def test_places_one_may_not_write_or_list(tmp_path: Path) -> None:
    """Missing permissions show in the probe and in listings, not as an empty place."""
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a").chmod(0)
    (tmp_path / "out").chmod(0o555)
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    storage = Storage.open(str(tmp_path / "out"))
    with as_ordinary_user():
        with pytest.raises(StorageError, match="cannot write: permission denied"):
            storage.check_writable()
        with pytest.raises(StorageError, match="cannot list: permission denied"):
            list(storage.keys())


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up is said as such and leaves no litter."""

    def refuse(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="a: cannot write: the disk is full: free some space"):
        Storage.open(str(tmp_path)).write("a", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_bucket(s3_bucket: str) -> None:
    """A bucket that does not exist is said by the probe."""
    with pytest.raises(StorageError, match=r"s3://no-such-bucket/out: cannot write: the bucket does not exist"):
        Storage.open("s3://no-such-bucket/out").check_writable()


@pytest.fixture
def fresh_connections() -> Iterator[None]:
    """Connections that are made anew, and are not used after the test: the environment differs meanwhile."""
    cached = type(filesystem_of("s3", DEFAULT_STORAGE))
    cached.clear_instance_cache()
    yield
    cached.clear_instance_cache()


@pytest.mark.usefixtures("fresh_connections")
def test_missing_credentials(s3_root: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without credentials the probe names the variables to set."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(StorageError, match="no S3 credentials found: set AWS_ACCESS_KEY_ID"):
        Storage.open(s3_root).check_writable()


@pytest.mark.usefixtures("fresh_connections")
def test_a_malformed_endpoint(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said as such."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:9000")
    with pytest.raises(StorageError, match="Invalid endpoint: localhost:9000: check AWS_ENDPOINT_URL"):
        Storage.open(s3_root).check_writable()


def test_an_endpoint_where_nobody_answers(s3_root: str) -> None:
    """The error says what was tried, how often, and what to do. The settings count before the environment."""
    nowhere = StorageSettings(endpoint_url="http://127.0.0.1:1", max_attempts=2)
    with pytest.raises(StorageError, match=r"cannot write: .*127\.0\.0\.1:1.*given up after 2 attempts: check the net"):
        Storage.open(s3_root, nowhere).check_writable()
