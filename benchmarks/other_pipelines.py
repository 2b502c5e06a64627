"""Other ways to narrate films, for benchmarks: a plain loop, the released scripts' way, and clip-video-encode."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from pipeline_work import ENCODE, NARRATE, Done, Work, planned, stages_here
from released_files import Film, has_ffmpeg, prepare_released
from released_schedule import ReleasedSchedule

from narrator_ray.demo.storyboard import FPS
from narrator_ray.model.context import prepare_context
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.vision_encoder import load_vision_encoder
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.pipeline import Resolved
from narrator_ray.runs.work import WorkItem

LOOP_FILMS, RELEASED_FILMS = 6, 3


def run_loop(work: Work) -> Done:
    """Some films, one after the other, each through all stages."""
    shared, items = work.output("loop"), work.items()[:LOOP_FILMS]
    runs = {stage.name: stage.callable_class(**stage.arguments) for stage in stages_here(shared)}
    by_stage = dict.fromkeys(runs, 0.0)
    for item in items:
        table = planned((item,))
        for name, run in runs.items():
            started = time.perf_counter()
            table = run(table)
            by_stage[name] += time.perf_counter() - started
    done = Done.of(shared, items, by_stage)
    print(f"\nloop: {len(items)} films one by one in {done.seconds:.1f} s\n  {done}", flush=True)
    return done


def run_released(work: Work) -> Done | None:
    """Files between all steps, then one clip after the other; narration of some films, and all by its rate.

    The bare stages must have run: their results say which clips there are and how much was written of each.
    """
    if not has_ffmpeg():
        print("\nreleased: skipped, ffmpeg is not installed (apt-get install ffmpeg)")
        return None
    shared, items = work.output("bare"), work.items()
    clips = [shared.store.get_features(shared.fingerprints.encoder, item.features_key).clips for item in items]
    films = [Film(Path(item.video.uri), its_clips) for item, its_clips in zip(items, clips, strict=True)]
    steps = prepare_released(films, load_vision_encoder(shared.model), work.folder / "jpegs")
    print("\nreleased: files between all steps, one clip after the other")
    for name, seconds in steps.items():
        print(f"  {name:<29}{seconds:>7.1f} s", flush=True)
    vision_s, clip_s = sum(steps.values()), released_clip_s(shared, items[:RELEASED_FILMS])
    narration_s = clip_s * sum(len(its_clips) for its_clips in clips)
    done = Done.of(shared, items, {ENCODE: vision_s, NARRATE: narration_s})
    print(f"  {f'narration, by {RELEASED_FILMS} films':<29}{narration_s:>7.1f} s\n  {done}", flush=True)
    return done


def released_clip_s(shared: Resolved, items: tuple[WorkItem, ...]) -> float:
    """Seconds a clip of the released narration, in the precision of ours."""
    schedule = ReleasedSchedule(VideoNarrator.load(shared.model.path, **shared.preset.load.keywords("cpu")))
    known = [told(shared, item) for item in items]
    started = time.perf_counter()
    for job, texts in known:
        schedule.narrate(job, texts)
    return (time.perf_counter() - started) / schedule.work.clips


def told(shared: Resolved, item: WorkItem) -> tuple[NarrationJob, list[ClipResult]]:
    """A film's job, and what was written of it."""
    features = shared.store.get_features(shared.fingerprints.encoder, item.features_key)
    written = shared.store.get_narration(item.narration_key).narrations
    job = NarrationJob(
        job_id=item.narration_key,
        product=item.video.product,
        language=item.video.language,
        clips=features.clips,
        contexts=prepare_context(features, shared.config.model),
        storyline=None,
        windows=tuple((clip.min_words, clip.max_words) for clip in written),
        seed=0,
    )
    texts = [
        ClipResult(job.job_id, clip.clip_index, clip.script_labels, clip.label_source, clip.text, clip.num_words, 0)
        for clip in written
    ]
    return job, texts


def run_clip_video_encode(python: Path, work: Work) -> None:
    """Encoding only, with an interpreter that has it."""
    films = [item.video.uri for item in work.items()]
    script = Path(__file__).with_name("run_clip_video_encode.py")
    out = work.folder / "clip-video-encode"
    out.mkdir()
    command = [str(python), str(script), str(round(FPS)), str(out), *films]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    seconds = json.loads(finished.stdout.splitlines()[-1])["seconds"]
    print(f"\nclip-video-encode: {len(films)} films read and encoded, nothing narrated, in {seconds:.1f} s", flush=True)
