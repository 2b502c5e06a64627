"""What an image tower sees of the storefront's films, kept on disk: a file for every film, made once.

A film is drawn only where it is looked at. These pictures go through the film's codec and the project's own decoder, as
a film of one picture a second, so that they are what narration sees. Knows no Q-Former: that is what learns from them.

Shapes: T frames, C channels, H and W of a feature map.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from narrator_ray.demo.film import encode_pictures
from narrator_ray.demo.films import Film, draw_frames
from narrator_ray.model.vision_encoder import OpenClipQFormerEncoder
from narrator_ray.records import Clip
from narrator_ray.video.frames import frame_times_s, sample_frames
from narrator_ray.video.probe import probe_video

FPS = 1
"""Frames a second that are looked at, as narration does by default."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmMaps:
    """A film as the tower sees it.

    Attributes:
        clip_index_T: int32 [T], the clip of each frame.
        time_s_T: float64 [T], when each frame is seen.
        maps_TCHW: float16 [T, C, H, W], one for every feature layer.
    """

    clip_index_T: npt.NDArray[np.int32]
    time_s_T: npt.NDArray[np.float64]
    maps_TCHW: tuple[Tensor, ...]

    def save(self, path: Path) -> None:
        """Write them, whole or not at all."""
        tensors = {f"maps.{layer}": one.contiguous() for layer, one in enumerate(self.maps_TCHW)}
        tensors |= {"clip_index": torch.from_numpy(self.clip_index_T), "time_s": torch.from_numpy(self.time_s_T)}
        aside = path.with_name(f".{path.name}.part")
        save_file(tensors, aside)
        aside.replace(path)

    @classmethod
    def load(cls, path: Path) -> FilmMaps:
        """Read what :meth:`save` wrote."""
        tensors = load_file(path)
        maps = tuple(tensors[f"maps.{layer}"] for layer in range(len(tensors) - 2))
        return cls(tensors["clip_index"].numpy(), tensors["time_s"].numpy(), maps)


def see_film(film: Film, encoder: OpenClipQFormerEncoder, batch_frames: int = 4) -> FilmMaps:
    """Draw the frames of a film that narration would look at, and look at them.

    Args:
        film: The film.
        encoder: Whose tower looks.
        batch_frames: Frames that the tower is given at once.
    """
    times_s = [frame_times_s(clip, FPS) for clip in film.clips]
    clip_index = [index for index, its_times_s in enumerate(times_s) for _ in its_times_s]
    frames_TCHW = torch.from_numpy(pictures_of(film, times_s, encoder.image_size_px))
    with torch.inference_mode():
        batches = [encoder.feature_maps(batch) for batch in torch.split(frames_TCHW, batch_frames)]
    return FilmMaps(
        clip_index_T=np.array(clip_index, np.int32),
        time_s_T=np.concatenate(times_s),
        maps_TCHW=tuple(torch.cat(layer).half() for layer in zip(*batches, strict=True)),
    )


def pictures_of(film: Film, times_s: Sequence[Sequence[float]], image_size_px: int) -> npt.NDArray[np.uint8]:
    """The frames of a film at some moments of each clip, uint8 [T, 3, S, S], as they come out of the decoder."""
    seen = list(draw_frames(film, times_s))
    begins = [place == 0 or seen[place - 1].clip_index != frame.clip_index for place, frame in enumerate(seen)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "glimpses.mp4"
        encode_pictures(path, zip(begins, (frame.picture for frame in seen), strict=True), FPS)
        sampled = sample_frames(path, probe_video(path), [Clip(0.0, len(seen) / FPS)], FPS, image_size_px)
    return sampled.frames_TCHW
