"""Narration jobs of storefront films, drawn and encoded on the spot, for benchmarks."""

from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
from PIL import Image, ImageOps

from narrator_ray.config import LengthSettings, ModelSettings
from narrator_ray.demo.film import draw_shot
from narrator_ray.demo.products import make_product
from narrator_ray.demo.storyboard import FPS, Shot, make_storyboard
from narrator_ray.model.context import prepare_context
from narrator_ray.model.vision_encoder import VisionEncoder
from narrator_ray.narration.job import NarrationJob
from narrator_ray.narration.length import windows_for
from narrator_ray.records import Clip, Video
from narrator_ray.schema import VideoFeatures

_MOST_SHOTS = 6


def storefront_jobs(encoder: VisionEncoder, num_clips: list[int]) -> list[NarrationJob]:
    """One job for each number of clips, sampled at one frame a second."""
    return [storefront_job(encoder, seed, count) for seed, count in enumerate(num_clips)]


def storefront_job(encoder: VisionEncoder, seed: int, num_clips: int) -> NarrationJob:
    """A film of one product; beyond six clips it goes on with further films of it."""
    first = make_storyboard(seed)
    shots: list[Shot] = []
    while len(shots) < num_clips:
        count = min(_MOST_SHOTS, num_clips - len(shots))
        shots += make_storyboard(seed + 1000 * len(shots), form=first.form, colour=first.colour, num_shots=count).shots
    product = make_product(seed, first.form).to_product()
    clips = tuple(Clip(a, b) for a, b in pairwise(accumulate((shot.num_frames / FPS for shot in shots), initial=0.0)))
    settings = ModelSettings()
    video = Video(f"video-{seed}", "none", product, "en", clips)
    return NarrationJob(
        job_id=video.video_id,
        product=product,
        language="en",
        clips=clips,
        contexts=prepare_context(_features(encoder, shots, clips), settings),
        storyline=None,
        windows=windows_for(video, clips, LengthSettings()),
        seed=seed,
    )


def _features(encoder: VisionEncoder, shots: list[Shot], clips: tuple[Clip, ...]) -> VideoFeatures:
    pictures, owners = [], []
    for index, shot in enumerate(shots):
        seen = list(draw_shot(shot))[:: int(FPS)]
        side = (encoder.image_size_px, encoder.image_size_px)
        pictures += [np.asarray(ImageOps.fit(Image.fromarray(picture), side)) for picture in seen]
        owners += [index] * len(seen)
    return VideoFeatures(
        clips=clips,
        clip_index_T=np.array(owners, np.int32),
        time_s_T=np.arange(len(owners)) + 0.5,
        tokens_TQD=encoder.encode(np.stack(pictures).transpose(0, 3, 1, 2)),
        thumbnails_jpeg=(b"",) * len(owners),
        duration_s=clips[-1].end_s,
        fps=1.0,
        decoder="none",
        encoder_fingerprint=encoder.fingerprint,
        source_version="",
    )
