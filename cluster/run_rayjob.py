"""Runs a suspended RayJob under a name of its own and ends as it ends: what the nightly CronJob starts.

    python cluster/run_rayjob.py narrator-nightly

The RayJob of that name is never run itself: it is the pattern, and everything that changes it (kustomize, kubectl edit)
holds from the next night on. While a run of it is not over, no other is begun. Exit codes: 0 it succeeded; 1 it failed;
2 a run is under way, or the API refused. Uses nothing but Python's own library and the pod's service account.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PATTERN_LABEL = "narrator-ray/pattern"
OVER = frozenset({"Complete", "Failed"})
POLL_S = 15.0
MAX_SILENCE_S = 600.0
"""How long the API may be away before the wait is given up; the run itself goes on."""

Json = dict[str, Any]


@dataclass(frozen=True)
class RayJobs:
    """The RayJobs of one namespace.

    Attributes:
        address: Of the API server.
        namespace: Where they are.
        token: Of the service account.
        trust: How the server is known; None for a server without TLS.
    """

    address: str
    namespace: str
    token: str
    trust: ssl.SSLContext | None

    @classmethod
    def of_this_pod(cls) -> RayJobs:
        """As the pod's service account sees them."""
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        name, token = ((ACCOUNT / file).read_text(encoding="utf-8").strip() for file in ("namespace", "token"))
        return cls(f"https://{host}:{port}", name, token, ssl.create_default_context(cafile=ACCOUNT / "ca.crt"))

    def get(self, name: str) -> Json:
        """One of them."""
        return self._ask("GET", f"/{name}")

    def runs_of(self, pattern: str) -> list[Json]:
        """Those that were made from a pattern."""
        items: list[Json] = self._ask("GET", f"?labelSelector={PATTERN_LABEL}%3D{pattern}")["items"]
        return items

    def create(self, job: Json) -> Json:
        """Make one; the answer has its name."""
        return self._ask("POST", "", job)

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        url = f"{self.address}/apis/ray.io/v1/namespaces/{self.namespace}/rayjobs{path}"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
            found: Json = json.load(answer)
            return found


def run_of(pattern: Json) -> Json:
    """A new run of a pattern: named by the server, not suspended."""
    name = pattern["metadata"]["name"]
    return {
        "apiVersion": pattern["apiVersion"],
        "kind": pattern["kind"],
        "metadata": {"generateName": f"{name}-", "labels": {PATTERN_LABEL: name}},
        "spec": pattern["spec"] | {"suspend": False},
    }


def is_over(job: Json) -> bool:
    """Whether nothing is to come of it any more."""
    return job.get("status", {}).get("jobDeploymentStatus") in OVER


def states_of(jobs: RayJobs, name: str, poll_s: float) -> Iterator[Json]:
    """A run again and again until it is over. An API server that is away for a while is waited for."""
    heard_s = time.monotonic()
    while True:
        try:
            job = jobs.get(name)
        except OSError:
            if time.monotonic() - heard_s > MAX_SILENCE_S:
                raise
        else:
            heard_s = time.monotonic()
            yield job
            if is_over(job):
                return
        time.sleep(poll_s)


def run_pattern(jobs: RayJobs, pattern: str, poll_s: float = POLL_S) -> int:
    """Run it once; the exit code."""
    under_way = [job["metadata"]["name"] for job in jobs.runs_of(pattern) if not is_over(job)]
    if under_way:
        print(f"{under_way[0]} is not over: nothing was begun")
        return 2
    name = jobs.create(run_of(jobs.get(pattern)))["metadata"]["name"]
    print(f"{name}: created", flush=True)
    said, status = "", {}
    for job in states_of(jobs, name, poll_s):
        status = job.get("status", {})
        line = f"{name}: {status.get('jobDeploymentStatus', 'waiting')} {status.get('jobStatus', '')}".strip()
        if line != said:
            print(said := line, flush=True)
    if status.get("message"):
        print(f"{name}: {status['message']}")
    return 0 if status.get("jobStatus") == "SUCCEEDED" else 1


def main() -> None:
    """Run the pattern that is named on the command line."""
    try:
        sys.exit(run_pattern(RayJobs.of_this_pod(), sys.argv[1]))
    except urllib.error.HTTPError as error:
        print(f"{error.url}: {error.code} {error.reason}: {error.read().decode(errors='replace')}")
        sys.exit(2)


if __name__ == "__main__":
    main()
