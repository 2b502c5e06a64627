"""Whether narrations can be spoken while their clips last, measured by espeak-ng.

Run: python benchmarks/speech.py  (or make bench-speech; needs espeak-ng)

Films of the storefront are narrated twice by preset nano, with windows in words (policy `rate`) and in spoken time
(policy `speech`), and every narration is spoken. Says how far the estimate of spoken time is off, for narrations and
for the storefront's own scripts, which the estimate was not fitted to, and how many narrations fit their clips.
"""

from __future__ import annotations

import io
import shutil
import statistics
import subprocess
import sys
import wave
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from storefront_jobs import storefront_jobs

from narrator_ray.config import DecodingSettings, LengthSettings
from narrator_ray.demo.products import make_product
from narrator_ray.demo.script import write_script
from narrator_ray.demo.storyboard import make_storyboard
from narrator_ray.model.nano import build_nano
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.vision_encoder import load_vision_encoder
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import spoken_windows_for, windows_for
from narrator_ray.narration.speech import TICK_S
from narrator_ray.narration.spoken_text import spoken_ticks
from narrator_ray.records import Video

NUM_FILMS, NUM_SCRIPTS, LANES = 16, 40, 16
QUIET = 200
"""Samples of 16 bits below this are silence."""


def spoken_s(text: str) -> float:
    """Seconds from the first to the last sound of a text, as espeak-ng says it at its default pace."""
    command = ["espeak-ng", "-v", "en", "--stdout"]
    sound = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout  # noqa: S603
    with wave.open(io.BytesIO(sound)) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
        rate = recording.getframerate()
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET)
    return float(loud[-1] - loud[0]) / rate if len(loud) else 0.0


def print_error(name: str, texts: Sequence[str]) -> None:
    """How far the estimate is off, relative to what is measured."""
    errors = [spoken_ticks(text, "en") * TICK_S / spoken_s(text) - 1 for text in texts]
    print(
        f"{name}: {len(texts)} texts, estimate off by {statistics.mean(errors):+.1%} ± {statistics.stdev(errors):.1%}"
    )


def print_fit(policy: str, jobs: Sequence[NarrationJob], results: Sequence[ClipResult]) -> None:
    """How many narrations are over before their clips are, and how much of the clips they fill."""
    clips = {(job.job_id, index): clip for job in jobs for index, clip in enumerate(job.clips)}
    filled = [spoken_s(result.text) / clips[result.job_id, result.clip_index].duration_s for result in results]
    fits, half = (sum(test) / len(filled) for test in ([f <= 1 for f in filled], [0.5 <= f <= 1 for f in filled]))
    print(f"{policy}: {len(results)} narrations, {fits:.1%} fit, {half:.1%} fit and fill half; ", end="")
    print(f"median {statistics.median(filled):.0%} of the clip")


def with_windows(job: NarrationJob, settings: LengthSettings) -> NarrationJob:
    """The job under another length policy."""
    windows = windows_for(Video(job.job_id, "none", job.product, "en", job.clips), job.clips, settings)
    return replace(job, windows=windows, spoken_windows=spoken_windows_for("en", job.clips, settings))


def main() -> None:
    """Narrate under both policies and speak."""
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is not installed: install it (apt install espeak-ng) and run this again")
    torch.set_num_threads(2)
    scripts = []
    for seed in range(NUM_SCRIPTS):
        storyboard = make_storyboard(seed)
        script = write_script(storyboard, make_product(seed, storyboard.form))
        scripts += [scripted.narration for scripted in script]
    print_error("scripts", scripts)

    model = build_nano()
    jobs = storefront_jobs(load_vision_encoder(model), [5 + seed % 5 for seed in range(NUM_FILMS)])
    narrator = VideoNarrator.load(model.path)
    for policy in ("rate", "speech"):
        settings = LengthSettings.model_validate({"policy": policy})
        told = [with_windows(job, settings) for job in jobs]
        engine = NarrationEngine(narrator, DecodingSettings(), LANES)
        results = [event for event in engine.narrate(told) if isinstance(event, ClipResult)]
        print_fit(policy, told, results)
        print_error(f"narrations of {policy}", [result.text for result in results])
        for result in results[:8]:
            print(f"    {result.text}")


if __name__ == "__main__":
    main()
