"""A program that narrates on a cluster whose machines come when they are needed and go when they are not.

    python -m tests.integration.autoscaled_ground MANIFEST OUT NOTES

Ray's own autoscaler starts and ends the machines; its provider's are processes here. The head holds no work, the group
of CPU machines and the group of GPU machines begin at zero. Models say that they are on a GPU and are on the CPU. Every
stage leaves an empty file STAGE@GPUS in NOTES. Prints what came of it, and how many machines there were, as JSON.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import ray
from ray._common.utils import reset_ray_address

from narrator_ray import pipeline
from narrator_ray.config import load_config
from narrator_ray.pipeline import Listeners, narrate_catalog
from narrator_ray.stages.decode_video import DecodeVideo
from narrator_ray.stages.encode_features import EncodeFeatures
from narrator_ray.stages.narrate_clips import NarrateClips

HEAD = "ray.head.default"
GROUPS = {"decoders": {"CPU": 2}, "gpus": {"CPU": 2, "GPU": 1}}
"""Machines of each group, of which there may be one."""
IDLE_MINUTES = 0.1
PATIENCE_S = 90.0
_HEAD_ID = "f" * 51 + "00000"
_NO_COMMANDS = (
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
    "cluster_synced_files",
)
"""What would be run on real machines, and files for them."""


class Noted:
    """Leaves a note of the GPUs that the machine it works on has.

    Attributes:
        notes: Folder of the notes.
    """

    notes = Path()

    def __init__(self, **arguments: Any) -> None:
        if "device" in arguments:
            assert arguments["device"] == "cuda"
            arguments["device"] = "cpu"
        super().__init__(**arguments)

    def __call__(self, batch: Any) -> Any:
        """What the stage makes of it."""
        here = ray.get_runtime_context().get_node_id()
        [node] = [node for node in ray.nodes() if node["NodeID"] == here]
        (self.notes / f"{type(self).__name__}@{node['Resources'].get('GPU', 0):.0f}").touch()
        return super().__call__(batch)


class Decoder(Noted, DecodeVideo):
    """Decodes."""


class Encoder(Noted, EncodeFeatures):
    """Encodes, on a machine with a GPU."""


class Narrator(Noted, NarrateClips):
    """Narrates, likewise."""


@contextmanager
def autoscaled_cluster() -> Iterator[None]:
    """A head with the autoscaler, connected to; all its processes end with the block."""
    host = ray.util.get_node_ip_address()
    with socket.create_server((host, 0)) as free:
        port = free.getsockname()[1]
    groups = {
        name: {"resources": resources, "node_config": {}, "min_workers": 0, "max_workers": 1}
        for name, resources in GROUPS.items()
    }
    settings = {
        "cluster_name": "autoscaled",
        "max_workers": len(groups),
        "idle_timeout_minutes": IDLE_MINUTES,
        "file_mounts": {},
        **{name: [] for name in _NO_COMMANDS},
        "provider": {
            "type": "external",  # by its type's own name Ray looks for a file that its package lacks
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": f"{host}:{port}",
            "launch_multiple": True,
            "head_node_id": _HEAD_ID,
        },
        "head_node_type": HEAD,
        "available_node_types": groups
        | {HEAD: {"resources": {"CPU": 0}, "node_config": {}, "min_workers": 0, "max_workers": 0}},
    }
    environment = {
        "RAY_FAKE_CLUSTER": "1",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": _HEAD_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": _HEAD_ID,
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "autoscaling.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=0"]
        command += [f"--port={port}", f"--autoscaling-config={file}", f"--temp-dir={folder}/ray"]
        command += ["--include-dashboard=false", "--object-store-memory=200000000"]
        with subprocess.Popen(command, env=os.environ | environment, stdout=sys.stderr) as head:
            try:
                _wait_for(head, host, port)
                with ray.init(f"{host}:{port}", logging_level="ERROR", log_to_driver=False):
                    yield
            finally:
                whole = [*psutil.Process(head.pid).children(recursive=True), psutil.Process(head.pid)]
                for process in whole:
                    process.kill()
                psutil.wait_procs(whole)
                reset_ray_address()  # or the next program on this machine looks for it


def _wait_for(head: subprocess.Popen[bytes], host: str, port: int) -> None:
    """Until it answers.

    Raises:
        TimeoutError: It does not, or has ended.
    """
    deadline = time.monotonic() + PATIENCE_S
    while head.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((host, port)).close()
        except ConnectionError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("the head does not answer")


def num_machines() -> int:
    """Machines that are alive, but for the head."""
    return sum(node["Alive"] for node in ray.nodes()) - 1


def main(manifest: str, out: str, notes: str) -> None:
    """A run, and the quiet after it."""
    for stage, name in ((Decoder, "DecodeVideo"), (Encoder, "EncodeFeatures"), (Narrator, "NarrateClips")):
        setattr(pipeline, name, type(stage.__name__, (stage,), {"notes": Path(notes)}))
    answers, sys.stdout = sys.stdout, sys.stderr
    with autoscaled_cluster():
        before, seen = num_machines(), [0]
        config = load_config(None, "tiny-random", ["run.videos_per_task=1", "model.device=cuda"])
        listeners = Listeners(on_progress=lambda snapshot: seen.append(num_machines()))
        summary = narrate_catalog(manifest, out, config, listeners=listeners)
        deadline = time.monotonic() + PATIENCE_S
        while num_machines() and time.monotonic() < deadline:
            time.sleep(0.5)
        told = {"before": before, "most": max(seen), "after": num_machines(), "num_narrated": summary.num_narrated}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
