"""A program that trains on a cluster of its own, on two nodes of which one is killed with all its processes.

    python -m tests.integration.training_ground OUT

The head has no CPUs, the two nodes have one each: a worker on either. When steps were taken that no checkpoint has yet,
a node is killed, and another one comes: at once where two workers must train, where one may, when it has taken steps
alone. Prints, for each training, where workers began anew, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

from ray.cluster_utils import Cluster
from ray.train.v2._internal.constants import WORKER_GROUP_START_TIMEOUT_S_ENV_VAR

from narrator_ray.config import Config, load_config
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.runs.work import Fingerprints
from narrator_ray.stages import train_narrator
from narrator_ray.stages.training_worker import TrainingJob
from narrator_ray.training.board import TrainingSnapshot
from narrator_ray.training.examples import sample_of
from narrator_ray.training.folder import TrainingFolder
from narrator_ray.training.samples import SampleStore
from narrator_ray.training.training_set import TrainingSet, VideoSamples
from tests.integration.chaos_ground import own_cluster, raylet_of
from tests.integration.ground import kill_node, wait_for
from tests.training.videos import make_example, make_video

PRESET = "tiny-random"
NUM_VIDEOS = 4
INTERVAL_STEPS = 2
KILLED_AFTER_STEPS = 5
LOOK_FOR_ROOM_S = 5.0
"""And not a minute; Ray's own view of its nodes is up to 20 s old besides."""
START_TIMEOUT_S = 10
"""How long Ray waits for the room that a node left which is no more, before it counts nodes again."""
PATIENCE_S = 240.0
COMMON = (
    "training.learning_rate=0.003",
    "training.warmup_fraction=0",
    "training.lora_rank=4",
    "training.lora_dropout=0",
    "training.max_tokens=500",
    "training.batch_tokens=500",
    "training.validation_fraction=0",
    f"training.checkpoint_every_steps={INTERVAL_STEPS}",
    "training.num_workers=2",
)
TRAININGS = {
    "fixed": ("training.epochs=3", "training.engine=deepspeed", "training.zero_stage=2"),
    "elastic": ("training.epochs=8", "training.engine=torch", "training.min_workers=1"),
}
"""Six steps an epoch. A checkpoint takes Ray two seconds at least, so that the second training is not over before its
other worker is back."""


def settings_of(name: str) -> Config:
    """Of one training."""
    return load_config(None, PRESET, [*COMMON, *TRAININGS[name]])


def folder_of(out: str, name: str) -> TrainingFolder:
    """Its files."""
    return TrainingFolder(ResultStore.open(out).storage, name)


def fix_samples(out: str) -> None:
    """Make the samples of all trainings."""
    tokenizer = VideoNarrator.load(prepare_model(find_preset(PRESET)).path).tokenizer
    videos = []
    for number in range(NUM_VIDEOS):
        example = make_example(tokenizer, make_video(number))
        samples = [sample_of(example, index) for index in range(len(example.clips))]
        SampleStore(ResultStore.open(out).storage).put(f"video-{number}", samples)
        lengths = tuple(len(sample.input_ids) for sample in samples)
        videos.append(VideoSamples(example.video_id, f"video-{number}", lengths))
    for name in TRAININGS:
        folder_of(out, name).fix(TrainingSet(tuple(videos), (), (), ()))


def train_through_a_death(cluster: Cluster, doomed: int, out: str, name: str) -> tuple[list[tuple[int, int]], int]:
    """Train to the end.

    Returns:
        For every time that workers began anew, the steps that were taken before and those they began after; and the
        raylet of the node that came.
    """
    config, folder = settings_of(name), folder_of(out, name)
    chosen, fingerprints = folder.training_set(), Fingerprints("", "", "")
    assert chosen is not None
    job = TrainingJob(find_preset(PRESET), config, ResultStore.open(out), fingerprints, folder, chosen, "cpu")
    seen = [TrainingSnapshot()]
    with ThreadPoolExecutor(1) as other:  # nodes can be added in the main thread only
        training = other.submit(train_narrator.fetch_trained, job, seen.append, Path(out) / f"trained-{name}")

        def wait_for_steps(least: int, num_workers: int) -> None:
            """Until so many workers have taken as many steps, or nobody takes any more."""

            def is_seen() -> bool:
                done = seen[-1].done
                return done is not None and done.step + 1 >= least and done.num_workers == num_workers

            wait_for(lambda: training.done() or is_seen(), f"{least} steps by {num_workers} in {name}", PATIENCE_S)

        wait_for_steps(KILLED_AFTER_STEPS, num_workers=2)
        kill_node(doomed)
        if config.training.min_workers:
            wait_for_steps(1, num_workers=1)
        came = raylet_of(cluster.add_node(num_cpus=1))
        training.result()
    restarts = [
        (before.done.step + 1 if before.done else 0, after.began_at)
        for before, after in pairwise(seen)
        if after.num_starts > before.num_starts > 0
    ]
    return restarts, came


def main(out: str) -> None:
    """Every training, on the same cluster."""
    os.environ[WORKER_GROUP_START_TIMEOUT_S_ENV_VAR] = str(START_TIMEOUT_S)
    train_narrator.LOOK_FOR_ROOM_S = LOOK_FOR_ROOM_S
    answers, sys.stdout = sys.stdout, sys.stderr
    restarts = {}
    with own_cluster(num_cpus=0) as cluster:
        doomed = [raylet_of(cluster.add_node(num_cpus=1)) for _ in range(2)][-1]
        for name in TRAININGS:
            restarts[name], doomed = train_through_a_death(cluster, doomed, out, name)
    print(json.dumps(restarts), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
