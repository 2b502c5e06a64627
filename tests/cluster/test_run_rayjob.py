"""What the CronJob starts, against a server that answers as the Kubernetes API does."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cluster.run_rayjob import PATTERN_LABEL, RayJobs, run_pattern

PREFIX = "/apis/ray.io/v1/namespaces/shop/rayjobs"
PATTERN = {
    "apiVersion": "ray.io/v1",
    "kind": "RayJob",
    "metadata": {"name": "night", "uid": "1", "resourceVersion": "7"},
    "spec": {"suspend": True, "entrypoint": "python jobs/nightly.py"},
    "status": {"jobDeploymentStatus": "Suspended"},
}
RUNNING = {"jobDeploymentStatus": "Running", "jobStatus": "RUNNING"}
DONE = {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}
FAILED = {"jobDeploymentStatus": "Failed", "jobStatus": "FAILED", "message": "exit code 3"}


class Api(ThreadingHTTPServer):
    """RayJobs of one namespace.

    Args:
        states: What a run goes through, one at every look; None is an answer that breaks off.
        runs: Those that are there.
    """

    def __init__(self, states: list[dict | None], runs: tuple[dict, ...] = ()) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.states, self.runs, self.created = states, list(runs), []

    @property
    def jobs(self) -> RayJobs:
        """Seen by a client."""
        return RayJobs(f"http://127.0.0.1:{self.server_port}", "shop", "token-7", None)


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def answer(self, body: dict) -> None:
        """JSON, if the caller may ask."""
        assert self.headers["Authorization"] == "Bearer token-7"
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        """The pattern, a list of runs, or the state of one."""
        if self.path == f"{PREFIX}/night":
            self.answer(PATTERN)
        elif self.path.startswith(f"{PREFIX}?"):
            assert self.path.endswith(f"labelSelector={PATTERN_LABEL}%3Dnight")
            self.answer({"items": self.server.runs})
        else:
            assert self.path == f"{PREFIX}/night-x7"
            state = self.server.states.pop(0)
            if state is not None:
                self.answer({"metadata": {"name": "night-x7"}, "status": state})

    def do_POST(self) -> None:
        """A new run."""
        job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.created.append(job)
        self.answer(job | {"metadata": {"name": "night-x7"}})


@pytest.fixture
def api():
    """Makes servers, and ends them."""
    made = []

    def make(*arguments: object) -> Api:
        made.append(Api(*arguments))
        threading.Thread(target=made[-1].serve_forever, daemon=True).start()
        return made[-1]

    yield make
    for server in made:
        server.shutdown()
        server.server_close()


def test_a_run_has_a_name_of_its_own_and_is_waited_for(api, capsys):
    """Made of the pattern's spec, not suspended, with nothing of its identity; every change of state is said once."""
    server = api([{}, RUNNING, RUNNING, None, DONE])
    assert run_pattern(server.jobs, "night", 0.0) == 0
    [job] = server.created
    assert job["metadata"] == {"generateName": "night-", "labels": {PATTERN_LABEL: "night"}}
    assert job["spec"] == {"suspend": False, "entrypoint": "python jobs/nightly.py"}
    assert "status" not in job
    said = capsys.readouterr().out.replace("night-x7: ", "").splitlines()
    assert said == ["created", "waiting", "Running RUNNING", "Complete SUCCEEDED"]


def test_a_run_that_fails_is_told(api, capsys):
    """With what the operator says of it."""
    assert run_pattern(api([RUNNING, FAILED]).jobs, "night", 0.0) == 1
    assert "exit code 3" in capsys.readouterr().out


@pytest.mark.parametrize("status", [RUNNING, {}])
def test_nothing_is_begun_while_a_run_is_not_over(api, status):
    """However it was started; one that is over is in nobody's way."""
    old = {"metadata": {"name": "night-old"}, "status": DONE}
    server = api([], (old, {"metadata": {"name": "night-by-hand"}, "status": status}))
    assert run_pattern(server.jobs, "night", 0.0) == 2
    assert not server.created
