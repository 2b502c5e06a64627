"""The endpoint on Ray Serve: streams, clients that leave, replicas that die, and what its processes load."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.ground import wait_for
from tests.serve_app.ground import PRODUCT
from tests.video_files import write_video

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]
BOUNDARY = "frontier"


@pytest.fixture(scope="module")
def port(local_ray: None) -> Iterator[int]:
    """Where the application is served, with the tiny random model."""
    from ray import serve

    from serve_app.app import build
    from serve_app.settings import ServeSettings

    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    serve.start(http_options={"host": "127.0.0.1", "port": number})
    settings = {
        "preset": "tiny-random",
        "decoders": 1,
        "drain_timeout_s": 60.0,
        "health_period_s": 1.0,
        "job_silence_s": 3.0,
    }
    small = {name: {"num_cpus": 0.1} for name in ("ingress", "encoder", "narrator")}
    serve.run(build(ServeSettings.model_validate(settings | small)))
    yield number
    serve.shutdown()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six seconds of three scenes."""
    return write_video(tmp_path_factory.mktemp("film") / "film.mp4").read_bytes()


LONG = {"clips": json.dumps([[n / 2, (n + 1) / 2] for n in range(12)]), "windows": json.dumps([[30, 30]] * 12)}
"""What takes a while to narrate."""


OPEN: list[HTTPConnection | HTTPResponse] = []
"""What a test has not closed itself."""


@pytest.fixture(autouse=True)
def _closed_afterwards() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def ask(
    port: int, video: bytes, accept: str = "application/json", path: str = "/v1/narrations", **fields: str
) -> tuple[HTTPConnection, HTTPResponse]:
    """Send a video; the answer as it begins."""
    texts = [(name, "", text.encode()) for name, text in ({"product": PRODUCT} | fields).items()]
    parts = [*texts, ("video", '; filename="film.mp4"', video)]
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        for name, file, content in parts
    )
    connection = HTTPConnection("localhost", port, timeout=60)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Accept": accept}
    connection.request("POST", path, body + f"--{BOUNDARY}--\r\n".encode(), headers)
    answer = connection.getresponse()
    OPEN.extend((answer, connection))
    return connection, answer


def events_of(answer: HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Events of a stream as they arrive."""
    name = ""
    for line in answer:
        text = line.decode().rstrip("\n")
        if text.startswith("event: "):
            name = text.removeprefix("event: ")
        elif text.startswith("data: "):
            yield name, json.loads(text.removeprefix("data: "))


def process_of(deployment: str) -> psutil.Process:
    """The process of a deployment's only replica."""

    def look() -> psutil.Process | None:
        for process in psutil.process_iter():
            try:
                if f"ServeReplica:default:{deployment}" in " ".join(process.cmdline()):
                    return process
            except psutil.Error:
                continue
        return None

    return wait_for(look, f"the replica of {deployment}")


def num_at_work() -> int:
    """Narrations that the narrator is at."""
    from ray import serve

    return serve.get_deployment_handle("narrator", "default").num_at_work.remote().result(timeout_s=60)


def test_a_video_is_narrated_over_serve(port: int, film: bytes) -> None:
    """In one piece and as a stream, with the same result."""
    _, answer = ask(port, film)
    assert answer.status == 200, answer.read()
    whole = json.loads(answer.read())
    _, answer = ask(port, film, "text/event-stream")
    events = list(events_of(answer))
    assert [name for name, _ in events[:3]] == ["accepted", "clips", "frames"]
    done = events[-1][1]
    assert done | {"id": ""} == whole | {"id": ""}
    assert len(done["narrations"]) == 3


def test_events_come_while_others_are_written(port: int, film: bytes) -> None:
    """Serve passes them on one by one: while the first is here, the narrator is still at work."""
    _, answer = ask(port, film, "text/event-stream", **LONG)
    events = events_of(answer)
    assert next(data for name, data in events if name == "narration")["clip_index"] == 0
    assert num_at_work() == 1
    assert [name for name, _ in events][-1] == "done"


def test_who_leaves_frees_a_lane(port: int, film: bytes) -> None:
    """The narrator stops long before the video would have ended."""
    connection, answer = ask(port, film, "text/event-stream", **LONG)
    assert next(name for name, _ in events_of(answer) if name == "narration")
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    wait_for(lambda: num_at_work() == 0, "the narrator to stop")
    _, answer = ask(port, film)
    assert answer.status == 200


def test_a_narrator_that_dies_costs_no_narration(port: int, film: bytes) -> None:
    """Another tells the video anew, and nothing twice; readiness says when it is there."""
    _, answer = ask(port, film, "text/event-stream", **LONG)
    events = events_of(answer)
    told = [next(data for name, data in events if name == "narration")]
    process_of("narrator").send_signal(signal.SIGKILL)
    rest = list(events)
    told += [data for name, data in rest if name == "narration"]
    assert rest[-1][0] == "done", rest[-1]
    assert [data["clip_index"] for data in told] == list(range(12))
    assert rest[-1][1]["narrations"] == told


def test_a_job_survives_the_death_of_who_works_on_it(port: int, film: bytes) -> None:
    """The ingress is killed in the middle; the next one takes the job up and does it to the end."""
    _, answer = ask(port, film, path="/v1/jobs", **LONG)
    job = json.loads(answer.read())
    assert answer.status == 202, job

    def state() -> dict[str, Any]:
        with closing(HTTPConnection("localhost", port, timeout=60)) as connection:
            connection.request("GET", f"/v1/jobs/{job['id']}")
            with connection.getresponse() as answer:
                return json.loads(answer.read()) if answer.status == 200 else {}

    wait_for(lambda: state().get("num_told"), "the first clip")
    process_of("ingress").send_signal(signal.SIGKILL)
    done = wait_for(lambda: (now := state()).get("status") in ("done", "failed") and now, "the job's end")
    assert (done["status"], done["num_told"]) == ("done", 12), done


def test_an_ingress_that_dies_ends_its_streams(port: int, film: bytes) -> None:
    """With an error that says to ask again; whoever does is answered."""
    _, answer = ask(port, film, "text/event-stream", **LONG)
    events = events_of(answer)
    assert next(name for name, _ in events if name == "narration")
    process_of("ingress").send_signal(signal.SIGKILL)
    name, problem = list(events)[-1]
    assert (name, problem["code"], problem["status"]) == ("error", "unavailable", 503)
    wait_for(lambda: ask(port, film)[1].status == 200, "an answer")


def test_the_ingress_loads_no_torch(port: int) -> None:
    """It is there to take uploads, and should be small; the narrator, for comparison, has it."""
    loaded = {
        name: "libtorch" in Path(f"/proc/{process_of(name).pid}/maps").read_text() for name in ("ingress", "narrator")
    }
    assert loaded == {"ingress": False, "narrator": True}


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_commands_of_the_readme_run(port: int, film: bytes, tmp_path: Path) -> None:
    """With curl, on a film of that name."""
    (tmp_path / "film.mp4").write_bytes(film)
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = next(found for found in re.findall(r"```bash\n(.*?)```", text, re.DOTALL) if "v1/narrations" in found)
    commands = block.strip().splitlines()
    assert len(commands) >= 4
    for command in commands:
        shown = subprocess.run(
            ["bash", "-c", command.replace("localhost:8000", f"localhost:{port}") + " --silent --show-error --fail"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ,
        )
        assert shown.returncode == 0, f"{command}\n{shown.stderr}"
        assert re.search(r'^\{"|^WEBVTT|^event: done', shown.stdout, re.MULTILINE), shown.stdout


def test_the_program_of_the_readme_runs(port: int, film: bytes, tmp_path: Path) -> None:
    """It prints a line for each clip."""
    (tmp_path / "film.mp4").write_bytes(film)
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    program = next(found for found in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "v1/narrations" in found)
    shown = subprocess.run(
        [sys.executable, "-c", program.replace("localhost:8000", f"localhost:{port}")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert len(re.findall(r"^\d\.\d-\d\.\d s: \S", shown.stdout, re.MULTILINE)) == 3, shown.stdout


def test_a_replica_that_is_told_to_stop_finishes_its_streams(port: int, film: bytes) -> None:
    """The last test of this application: it is taken down while a video is being narrated."""
    from ray import serve

    _, answer = ask(port, film, "text/event-stream", **LONG)
    events = events_of(answer)
    assert next(name for name, _ in events if name == "narration")
    serve.delete("default", _blocking=False)
    assert [name for name, _ in events][-1] == "done"
