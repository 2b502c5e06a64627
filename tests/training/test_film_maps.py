"""Films as an image tower sees them: the very pictures that narration sees, at a fraction of their price."""

from pathlib import Path

import numpy as np
import pytest
import torch

from narrator_ray.demo.film import draw_video
from narrator_ray.demo.films import Film, training_films
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.model.vision_encoder import load_vision_encoder
from narrator_ray.training.film_maps import FPS, FilmMaps, pictures_of, see_film
from narrator_ray.video.frames import frame_times_s, sample_frames
from narrator_ray.video.probe import probe_video


@pytest.fixture(scope="module")
def film() -> Film:
    """One with two or three short clips."""
    return next(
        film for film in training_films("train", range(50)) if len(film.clips) > 1 and film.clips[-1].end_s < 12
    )


def test_pictures_are_those_of_the_whole_film(film, tmp_path: Path):
    """But for the codec, whose neighbouring pictures are others."""
    draw_video(tmp_path / "film.mp4", film.storyboard)
    expected = sample_frames(tmp_path / "film.mp4", probe_video(tmp_path / "film.mp4"), film.clips, FPS, 96)
    found = pictures_of(film, [frame_times_s(clip, FPS) for clip in film.clips], 96)
    assert found.shape == expected.frames_TCHW.shape
    differences = np.abs(found.astype(int) - expected.frames_TCHW)
    assert differences.mean(axis=(1, 2, 3)).max() < 4
    moved = np.abs(found[1:].astype(int) - expected.frames_TCHW[:-1]).mean()
    assert moved > 3 * differences.mean()


def test_maps_are_the_encoders_and_are_kept(film, tmp_path: Path):
    """What the encoder's Q-Former makes of kept maps is what the encoder makes of the pictures."""
    encoder = load_vision_encoder(prepare_model(find_preset("tiny-random")))
    see_film(film, encoder).save(tmp_path / "film.safetensors")
    maps = FilmMaps.load(tmp_path / "film.safetensors")
    times_s = [frame_times_s(clip, FPS) for clip in film.clips]
    assert maps.time_s_T.tolist() == [time for some in times_s for time in some]
    assert maps.clip_index_T.tolist() == [index for index, some in enumerate(times_s) for _ in some]
    pictures = torch.from_numpy(pictures_of(film, times_s, encoder.image_size_px))
    (expected,) = encoder.feature_maps(pictures)
    torch.testing.assert_close(maps.maps_TCHW[0].float(), expected, rtol=1e-2, atol=1e-2)
    assert [file.name for file in tmp_path.iterdir()] == ["film.safetensors"]
