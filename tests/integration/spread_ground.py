"""A program that narrates on a cluster of its own whose head has no CPUs, and to which a node comes in the middle.

    python -m tests.integration.spread_ground MANIFEST OUT NOTES

Every stage leaves an empty file STAGE@NODE in NOTES. Decoders wait until all nodes have decoded, the one that comes
later included: there is more to decode than the others have CPUs for. Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ray

from narrator_ray import pipeline
from narrator_ray.config import load_config
from narrator_ray.pipeline import narrate_catalog
from narrator_ray.stages.decode_video import DecodeVideo
from narrator_ray.stages.encode_features import EncodeFeatures
from narrator_ray.stages.narrate_clips import NarrateClips
from tests.integration.chaos_ground import own_cluster

NODE_CPUS = 2
NUM_NODES = 3
PATIENCE_S = 100.0


class Noted:
    """Leaves a note of where it works.

    Attributes:
        notes: Folder of the notes.
    """

    notes = Path()

    def __call__(self, batch: Any) -> Any:
        """What the stage makes of it."""
        node = ray.get_runtime_context().get_node_id()
        (self.notes / f"{type(self).__name__}@{node}").touch()
        return super().__call__(batch)


class Decoder(Noted, DecodeVideo):
    """Decodes when every node has begun to."""

    def __call__(self, batch: Any) -> Any:
        """Frames, once all are at it, or after a while."""
        decoded, deadline = super().__call__(batch), time.monotonic() + PATIENCE_S
        while len(list(self.notes.glob("Decoder@*"))) < NUM_NODES and time.monotonic() < deadline:
            time.sleep(0.05)
        return decoded


class Encoder(Noted, EncodeFeatures):
    """Encodes."""


class Narrator(Noted, NarrateClips):
    """Narrates."""


def main(manifest: str, out: str, notes: str) -> None:
    """A run; a node joins when the first video is being decoded."""
    for stage, name in ((Decoder, "DecodeVideo"), (Encoder, "EncodeFeatures"), (Narrator, "NarrateClips")):
        setattr(pipeline, name, type(stage.__name__, (stage,), {"notes": Path(notes)}))
    answers, sys.stdout = sys.stdout, sys.stderr
    with own_cluster(num_cpus=0) as cluster, ThreadPoolExecutor(1) as other:
        nodes = [cluster.add_node(num_cpus=NODE_CPUS) for _ in range(NUM_NODES - 1)]
        config = load_config(None, "tiny-random", ["run.videos_per_task=1"])
        run = other.submit(narrate_catalog, manifest, out, config)  # nodes can be added in the main thread only
        while not run.done() and not list(Path(notes).glob("Decoder@*")):
            time.sleep(0.1)
        nodes.append(cluster.add_node(num_cpus=NODE_CPUS))
        summary = run.result()
        told = {"head": cluster.head_node.node_id, "nodes": [node.node_id for node in nodes]}
        print(json.dumps({**told, "num_narrated": summary.num_narrated}), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
