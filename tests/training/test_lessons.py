"""What a round of nano's narration stage teaches: which films, by which scripts, over which pictures."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from narrator_ray.demo.films import training_films
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.model.qformer import load_qformer
from narrator_ray.training.film_maps import FilmMaps
from narrator_ray.training.nano.features import kept_features
from narrator_ray.training.nano.lessons import has_long_shot, lessons_of, num_told, patched_maps, tellings
from narrator_ray.training.nano.settings import NanoSettings, RoundSettings
from narrator_ray.training.nano.work import maps_path
from narrator_ray.video.frames import frame_times_s


def test_films_with_long_shots_are_told_more_often():
    """Each time by another script for the same pictures; all others once; and again otherwise in another round."""
    this = RoundSettings.model_validate({"films": 12, "candidates": 2, "long_tellings": 3, "learning_rate": 1e-3})
    told = list(tellings(this, 4))
    films = list(training_films("train", range(12)))
    is_long = [has_long_shot(film) for film in films]
    assert 0 < sum(is_long) < 12
    assert [seed for seed, _, _ in told] == [seed for seed in range(12) for _ in range(3 if is_long[seed] else 1)]
    assert all(film.clips == films[seed].clips for seed, film, _ in told)
    assert len({film.script for _, film, _ in told}) == len({lot for _, _, lot in told}) == len(told)
    assert {film.script for _, film, _ in tellings(this, 5)}.isdisjoint(film.script for _, film, _ in told)


def test_of_new_scripts_the_one_that_tells_most_is_taken():
    """More candidates never tell less, and somewhere more; what tells most depends on what facts count."""

    def round_of(candidates, fact_weight):
        return RoundSettings(films=6, candidates=candidates, fact_weight=fact_weight, learning_rate=1e-3)

    told = {
        (candidates, weight): [film for _, film, _ in tellings(round_of(candidates, weight), 1)]
        for candidates in (1, 6)
        for weight in (0, 4)
    }
    for weight in (0, 4):
        few, many = ([num_told(film, weight) for film in told[candidates, weight]] for candidates in (1, 6))
        assert all(more >= less for less, more in zip(few, many, strict=True)) and sum(many) > sum(few)
    for sign, weight in ((1, 0), (-1, 100)):
        sights, facts = (sum(num_told(film, weight) for film in told[6, chosen]) for chosen in (0, 4))
        assert sign * sights > sign * facts


def maps_of(film, value):
    """Maps of a film that hold one value, at 4x4 and 2x2 places."""
    times_s = [frame_times_s(clip, 1) for clip in film.clips]
    clip_index = [index for index, some in enumerate(times_s) for _ in some]
    maps = tuple(torch.full((len(clip_index), 3, side, side), value).half() for side in (4, 2))
    return FilmMaps(np.array(clip_index, np.int32), np.concatenate(times_s), maps)


def test_patches_of_another_film_stand_where_they_are_throughout_a_clip():
    """In all layers at the same places of the picture, in other clips at others; neither film alone is left."""
    own, other = training_films("train", [0, 1])
    patched = patched_maps(maps_of(own, 1.0), maps_of(other, 2.0), 0)
    fine, coarse = (layer[:, 0] for layer in patched.maps_TCHW)
    assert torch.equal(fine, coarse.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert set(coarse.unique().tolist()) == {1.0, 2.0}
    clips = [coarse[patched.clip_index_T == clip] for clip in range(len(own.clips))]
    assert all(torch.equal(frame, frames[0]) for frames in clips for frame in frames)
    assert len({tuple(frames[0].flatten().tolist()) for frames in clips}) > 1
    assert np.array_equal(patched.time_s_T, maps_of(own, 1.0).time_s_T)


@pytest.fixture(scope="module")
def model():
    """A tiny one."""
    return prepare_model(find_preset("tiny-random"))


@pytest.fixture
def settings(model, tmp_path):
    """A second round with other goods; every film's maps hold a value of its own."""
    rounds = [{"films": 1, "learning_rate": 1e-3}, {"films": 1, "other_films": 4, "learning_rate": 1e-3}]
    settings = NanoSettings.model_validate(
        {"work": tmp_path, "weights": tmp_path / "weights", "films": {"train": 4}, "rounds": rounds}
    )
    (grid,) = load_qformer(model.qformer_path).grids
    side = math.isqrt(len(grid.position_NE))
    maps_path(settings, "train", 0).parent.mkdir(parents=True)
    for seed, film in enumerate(training_films("train", range(4))):
        maps = maps_of(film, float(seed))
        shape = (len(maps.clip_index_T), grid.linear.in_features, side, side)
        replace(maps, maps_TCHW=(torch.full(shape, float(seed)).half(),)).save(maps_path(settings, "train", seed))
    return settings


def test_other_goods_come_after_the_storefronts_over_its_pictures(settings, model):
    """As many as are asked for, with what they tell; over a film's own pictures or over those of two films."""
    qformer = load_qformer(model.qformer_path)
    first, *others = lessons_of(settings, 1, model, qformer)
    assert len(others) == 4 and len(list(lessons_of(settings, 0, model, qformer))) == 1
    films = list(training_films("train", range(4)))
    own = [kept_features(settings, "train", seed, film, model, qformer) for seed, film in enumerate(films)]
    assert np.array_equal(first.features.tokens_TQD, own[0].tokens_TQD)
    is_own = [
        np.array_equal(lesson.features.tokens_TQD, one.tokens_TQD) for lesson, one in zip(others, own, strict=True)
    ]
    assert 0 < sum(is_own) < 4
    for lesson, film in zip(others, films, strict=True):
        assert lesson.video.clips == lesson.features.clips == film.clips
        assert lesson.pattern is None
    assert len({lesson.lot for lesson in (first, *others)}) == 5
