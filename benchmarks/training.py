"""Training on Ray Train, by DeepSpeed and by PyTorch alone, with one worker and with two, beside a plain loop.

Run: python benchmarks/training.py [--films 6] [--set training.zero_stage=1]  (or make bench-training)

All train preset nano's LoRA, projector and position embedding on the same packed storefront films, one or two a batch,
in the same order; two workers share the batches and the cores. The plain loop is what one writes without any of it: its
batches lie in memory, it takes no checkpoint and keeps no curve. Visual tokens are drawn at random: what is seen
changes no time. Every way warms up with its first step, which is not counted.

MFU: floating point operations that a step cannot do without, by the second, as a share of what a product of two large
matrices reaches in the same precision on the same cores. Frozen weights count twice, LoRA and attention three times.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from narrator_ray.config import Config, load_config
from narrator_ray.demo.films import Film, training_films
from narrator_ray.model.mixed_precision import is_worthwhile
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.narration.prompt import prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.outputs.store import ResultStore
from narrator_ray.runs.work import Fingerprints
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.batches import TensorBatch, summed_loss
from narrator_ray.training.engine import BETAS, EPSILON
from narrator_ray.training.examples import IGNORED, Sample, example_of
from narrator_ray.training.folder import TrainingFolder
from narrator_ray.training.learner import Learner
from narrator_ray.training.order import BatchOrder
from narrator_ray.training.packing import packs
from narrator_ray.training.samples import SampleStore
from narrator_ray.training.training_set import TrainingSet, VideoSamples
from narrator_ray.video.frames import frame_times_s

WAYS = (("torch", 1), ("torch", 2), ("deepspeed", 1), ("deepspeed", 2))
LEAST_CLIPS = 4
SETTINGS = (
    "training.epochs=1",
    "training.learning_rate=1.0e-4",
    "training.warmup_fraction=0",
    "training.lora_dropout=0",
    "training.max_tokens=1600",
    "training.batch_tokens=1600",
    "training.gradient_checkpointing=false",
    "training.validation_fraction=0",
    "training.checkpoint_every_steps=1000000",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step as it was taken: tokens through the model, seconds, and seconds of these spent waiting for samples."""

    num_tokens: int
    took_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class Work:
    """What all ways are given.

    Attributes:
        config: The settings.
        model: Preset nano.
        videos: Packed samples of every film.
        store: The same on disk.
    """

    config: Config
    model: ModelDirectory
    videos: Sequence[Sequence[Sample]]
    store: ResultStore

    @property
    def samples(self) -> list[Sample]:
        """Of all films."""
        return [sample for video in self.videos for sample in video]

    @property
    def training_set(self) -> TrainingSet:
        """Where they lie."""
        rows = [
            VideoSamples(key, key, tuple(len(sample.input_ids) for sample in video))
            for key, video in ((f"film-{place}", video) for place, video in enumerate(self.videos))
        ]
        return TrainingSet(tuple(rows), (), (), ())


def main() -> None:
    """Print the table; the last lines are what the ways cost beside the plain loop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--films", type=int, default=6)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    precision = "bf16" if is_worthwhile() else "fp32"
    config = load_config(None, "nano", [*SETTINGS, f"training.precision={precision}", *options.set])
    model = prepare_model(find_preset("nano"))
    with tempfile.TemporaryDirectory() as folder:
        work = prepared(config, model, options.films, Path(folder))
        plain, limits = measure_plain_loop(work)
        ratios = {}
        for engine, workers in WAYS:
            steps = timed_steps(lambda it=engine, number=workers: on_ray_train(work, it, number))
            ratios[engine, workers] = row(engine, workers, *steps, limits) / plain
    for (engine, workers), ratio in ratios.items():
        print(f"{engine}, workers {workers}: {ratio:.2f} of the plain loop")


def measure_plain_loop(work: Work) -> tuple[float, float]:
    """Print the heading and the first line; tokens a second, and the seconds a token takes at the machine's limit."""
    settings = work.config.training
    learner = Learner(work.model, settings)
    batches = batches_of(work, learner)
    limit, needed = matrix_flops(settings.precision), flops_per_token(learner, batches)
    mean = np.mean([batch.num_tokens for batch in batches])
    print(f"{len(batches)} batches of {mean:.0f} tokens, {settings.precision}; {needed / 1e9:.2f} GFLOP a token;")
    print(f"the machine multiplies {limit / 1e9:.0f} GFLOP/s\n")
    titles = f"{'steps':>7}{'tokens/s':>10}{'MFU':>7}{'waited':>8}{'beside, s':>11}"
    print(f"{'way':<12}{'workers':>8}{titles}", flush=True)
    return row("plain loop", 1, *timed_steps(lambda: plain_loop(learner, batches)), needed / limit), needed / limit


def prepared(config: Config, model: ModelDirectory, num_films: int, folder: Path) -> Work:
    """Films with as many clips as a story needs, in tokens, in memory and on disk."""
    from narrator_ray.model.language_model import load_tokenizer

    tokens = StoryTokens.of(load_tokenizer(model.llm_path), prompt_form("en"), "en")
    long_ones = (film for film in training_films("train", range(1000)) if len(film.clips) >= LEAST_CLIPS)
    videos = []
    for place, film in enumerate(islice(long_ones, num_films)):
        video, features = film.to_video(f"film-{place}", "film.mp4"), random_features(film, model, place)
        example = example_of(video, features, tokens, config.model, config.length, config.training.max_tokens)
        videos.append(packs(example, config.training.batch_tokens))
    store = ResultStore.open(str(folder / "out"))
    for place, samples in enumerate(videos):
        SampleStore(store.storage).put(f"film-{place}", samples)
    return Work(config, model, videos, store)


def random_features(film: Film, model: ModelDirectory, seed: int) -> VideoFeatures:
    """Query tokens of as many frames as the film would have."""
    times_s = [frame_times_s(clip, 1.0) for clip in film.clips]
    clip_index = [index for index, its_times_s in enumerate(times_s) for _ in its_times_s]
    shape = (len(clip_index), model.spec.vision.num_queries, model.spec.vision.dim)
    tokens_TQD = np.random.default_rng(seed).standard_normal(shape) / 16
    return VideoFeatures(
        clips=film.clips,
        clip_index_T=np.array(clip_index, np.int32),
        time_s_T=np.concatenate(times_s),
        tokens_TQD=tokens_TQD.astype(np.float16),
        thumbnails_jpeg=(b"",) * len(clip_index),
        duration_s=film.clips[-1].end_s,
        fps=1.0,
        decoder="none",
        encoder_fingerprint="",
        source_version="",
    )


def batches_of(work: Work, learner: Learner) -> list[TensorBatch]:
    """All batches in their order."""
    settings, samples = work.config.training, work.samples
    order = BatchOrder([len(sample.input_ids) for sample in samples], settings.batch_tokens, settings.seed)
    pad = learner.narrator.tokenizer.pad_token_id
    return [TensorBatch.of([samples[index] for index in batch], pad) for batch in order.epoch(0)]


def plain_loop(learner: Learner, batches: Sequence[TensorBatch]) -> list[Step]:
    """The loop of a script: forward, backward, clip, step."""
    weights = list(learner.trained.values())
    optimizer = torch.optim.AdamW(weights, lr=1e-4, betas=BETAS, eps=EPSILON, weight_decay=0.0)
    learner.narrator.train()
    steps = []
    for batch in batches:
        started_s = time.perf_counter()
        loss = summed_loss(learner.narrator, batch) / batch.num_supervised
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        steps.append(Step(batch.num_tokens, time.perf_counter() - started_s, 0.0))
    return steps


def on_ray_train(work: Work, engine: str, num_workers: int) -> list[Step]:
    """The same by workers of Ray Train, as ``narrator-ray train`` starts them."""
    os.environ.setdefault("RAY_worker_niceness", "0")  # 15 by default: beside other load, the plain loop would get more
    from narrator_ray.stages.session import ray_session
    from narrator_ray.stages.train_narrator import fetch_trained
    from narrator_ray.stages.training_worker import TrainingJob

    settings = work.config.training.model_copy(update={"engine": engine, "num_workers": num_workers})
    config = work.config.model_copy(update={"training": settings})
    folder = TrainingFolder(work.store.storage, f"{engine}-{num_workers}")
    spec = work.model.spec.fingerprints
    made = Fingerprints(spec.encoder, spec.narrator, "")
    preset = find_preset("nano")
    with ray_session(), tempfile.TemporaryDirectory() as target:
        job = TrainingJob(preset, config, work.store, made, folder, work.training_set, "cpu")
        fetch_trained(job, lambda snapshot: None, Path(target) / "model")
    rows = folder.curves().of_kind("step")
    return [Step(one["num_tokens"], one["took_s"], one["waited_s"]) for one in rows]


def timed_steps(way: Callable[[], list[Step]]) -> tuple[list[Step], float]:
    """The steps of a way, and its seconds beside them."""
    started_s = time.perf_counter()
    steps = way()
    return steps, time.perf_counter() - started_s - sum(step.took_s for step in steps)


def row(name: str, workers: int, steps: Sequence[Step], beside_s: float, seconds_per_token: float) -> float:
    """Print one way; gives its tokens a second."""
    counted = steps[1:]
    took_s = sum(step.took_s for step in counted)
    rate = sum(step.num_tokens for step in counted) / took_s
    waited = sum(step.waited_s for step in counted) / took_s
    values = f"{rate:>10.0f}{rate * seconds_per_token:>7.0%}{waited:>8.1%}{beside_s:>11.1f}"
    print(f"{name:<12}{workers:>8}{len(steps):>7}{values}", flush=True)
    return rate


def flops_per_token(learner: Learner, batches: Sequence[TensorBatch]) -> float:
    """Operations of forward and backward that no way can do without, by token."""
    layers = {name: weight for name, weight in learner.narrator.llm.named_parameters() if ".layers." in name}
    lora = sum(weight.numel() for name, weight in layers.items() if ".lora_" in name)
    frozen = sum(weight.numel() for name, weight in layers.items() if ".lora_" not in name and weight.ndim == 2)
    config = learner.narrator.llm.config
    needed = 0.0
    for batch in batches:
        rows, length = batch.input_ids.shape
        columns = int((batch.labels[:, 1:] != IGNORED).any(dim=0).sum())
        needed += (4 * frozen + 6 * lora) * rows * length + 4 * config.vocab_size * config.hidden_size * rows * columns
        needed += 3 * 4 * config.hidden_size * config.num_hidden_layers * rows * length**2
    return needed / sum(batch.num_tokens for batch in batches)


def matrix_flops(precision: str, size: int = 2048, repeats: int = 10) -> float:
    """Operations a second of a product of two large matrices, the best of some."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
    took_s = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        left @ right
        took_s.append(time.perf_counter() - started_s)
    return 2.0 * size**3 / min(took_s)


if __name__ == "__main__":
    main()
