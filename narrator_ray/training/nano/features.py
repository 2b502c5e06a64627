"""What the Q-Former makes of films whose feature maps lie in the work directory."""

from __future__ import annotations

import torch

from narrator_ray.demo.films import Film
from narrator_ray.demo.splits import Split
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.qformer import FrameQFormer
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.film_maps import FPS, FilmMaps
from narrator_ray.training.nano.settings import FilmSettings
from narrator_ray.training.nano.work import maps_path, replace_bytes

_FRAMES_AT_ONCE = 64


def kept_features(
    settings: FilmSettings, split: Split, seed: int, film: Film, model: ModelDirectory, qformer: FrameQFormer
) -> VideoFeatures:
    """A film's features, computed once for a model."""
    fingerprint = model.spec.fingerprints.encoder
    path = settings.work / "features" / fingerprint[:16] / split / f"{seed:05d}.arrow"
    if not path.is_file():
        features = features_of(film, FilmMaps.load(maps_path(settings, split, seed)), qformer, fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(path, features.to_arrow())
    return VideoFeatures.from_arrow(path.read_bytes())


def features_of(film: Film, maps: FilmMaps, qformer: FrameQFormer, fingerprint: str = "") -> VideoFeatures:
    """A film's features, as they would come out of the store."""
    with torch.inference_mode():
        batches = zip(*(torch.split(layer.float(), _FRAMES_AT_ONCE) for layer in maps.maps_TCHW), strict=True)
        tokens_TQD = torch.cat([qformer(batch) for batch in batches]).half().numpy()
    return VideoFeatures(
        clips=film.clips,
        clip_index_T=maps.clip_index_T,
        time_s_T=maps.time_s_T,
        tokens_TQD=tokens_TQD,
        thumbnails_jpeg=(b"",) * len(tokens_TQD),
        duration_s=film.clips[-1].end_s,
        fps=FPS,
        decoder="none",
        encoder_fingerprint=fingerprint,
        source_version="",
    )
