"""A program that owns a Ray with a job server, and a client of it that does what it is told to.

Reads one JSON command a line and answers each with one line. Ends with its input.

    {"do": "submit", "entrypoint": …, "working_dir": …, "submission_id": …}  -> {"id": …} or {"error": …}
    {"do": "info", "id": …}  -> {"status": …, "exit_code": …, "logs": …}
    {"do": "stop", "id": …}  -> {}
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

os.environ["RAY_JOB_STOP_WAIT_TIME_S"] = "60"  # what a busy machine may need to end in order; cluster/ sets it, too
os.environ["RAY_DASHBOARD_STARTUP_TIMEOUT_S"] = "300"  # the job server is part of it

from ray._common.utils import reset_ray_address
from ray._private.utils import write_ray_address
from ray.cluster_utils import Cluster
from ray.job_submission import JobSubmissionClient

from tests.s3_server import free_port


def submit(client: JobSubmissionClient, entrypoint: str, working_dir: str, submission_id: str) -> dict[str, Any]:
    """The id of the new job, or why there is none."""
    runtime_env = {"working_dir": working_dir}
    try:
        job_id = client.submit_job(entrypoint=entrypoint, submission_id=submission_id, runtime_env=runtime_env)
    except RuntimeError as error:
        return {"error": str(error)}
    return {"id": job_id}


def info(client: JobSubmissionClient, job_id: str) -> dict[str, Any]:
    """How a job is."""
    found = client.get_job_info(job_id)
    logs = client.get_job_logs(job_id)
    return {"status": str(found.status), "exit_code": found.driver_exit_code, "logs": logs, "message": found.message}


def obey(client: JobSubmissionClient, do: str, **command: str) -> dict[str, Any]:
    """Do what a command says; its answer."""
    if do == "submit":
        return submit(client, **command)
    if do == "stop":
        client.stop_job(command["id"])
        return {}
    return info(client, command["id"])


def start_ray(folder: str) -> Cluster:
    """A node with a job server. Its ports are given, so that the node does not wait for its agents to choose them."""
    names = ("dashboard_port", "dashboard_agent_listen_port", "metrics_agent_port", "metrics_export_port")
    ports = {name: free_port() for name in (*names, "runtime_env_agent_port")}
    head = {"num_cpus": 2, "include_dashboard": True, "object_store_memory": 300_000_000, "temp_dir": folder, **ports}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    reset_ray_address()  # other programs on this machine are not to find it
    write_ray_address(cluster.address, folder)  # but its jobs are: else they take any Ray of this machine for theirs
    return cluster


def main() -> None:
    """Obey until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory(prefix="jobs-", dir="/tmp") as folder:
        cluster = start_ray(folder)
        try:
            address = f"http://{cluster.webui_url}"
            client = JobSubmissionClient(address)
            print(json.dumps({"address": address, "raylet": os.getpid()}), file=answers, flush=True)
            for line in sys.stdin:
                print(json.dumps(obey(client, **json.loads(line))), file=answers, flush=True)
        finally:
            for node in cluster.list_all_nodes():
                node.kill_all_processes(check_alive=False, allow_graceful=False)


if __name__ == "__main__":
    main()
