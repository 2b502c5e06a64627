"""Whole films: rows of a catalogue with their truth, and pictures without encoding."""

import json

import numpy as np

from narrator_ray.demo.film import draw_shot
from narrator_ray.demo.films import draw_frames, make_film, retold, training_films
from narrator_ray.demo.storyboard import FPS
from narrator_ray.records import Video
from narrator_ray.video.frames import frame_times_s


def test_a_film_is_a_row_of_a_catalogue(split_films):
    """With a clip, a label set and a reference for every shot; its truth survives JSON."""
    film = split_films["test"][0]
    video = film.to_video("film-1", "film-1.mp4")
    assert Video.from_json(json.loads(json.dumps(video.to_json()))) == video
    assert video.clips and video.storyline and video.narrations
    assert len(video.clips) == len(video.storyline) == len(video.narrations) == len(film.storyboard.shots)
    assert video.extra["truth"]["split"] == "test"
    assert [clip["narration"] for clip in video.extra["truth"]["clips"]] == list(video.narrations)


def test_pictures_are_drawn_where_narration_looks():
    """One a second, of the right clip, the very picture that the film has at that moment."""
    film = make_film(1)
    times_s = [frame_times_s(clip, 1.0) for clip in film.clips]
    frames = list(draw_frames(film, times_s))
    expected = [(index, time) for index, its_times_s in enumerate(times_s) for time in its_times_s]
    assert [(frame.clip_index, frame.time_s) for frame in frames] == expected
    last = frames[-1]
    at = int((last.time_s - film.clips[-1].start_s) * FPS)
    (picture,) = draw_shot(film.storyboard.shots[-1], [at])
    assert np.array_equal(last.picture, picture)


def test_films_for_training_vary(split_films):
    """One to eight clips, short and long; no two films alike in product or text."""
    films = split_films["train"]
    assert {len(film.clips) for film in films} >= {1, 3, 4, 5, 6, 7}
    assert max(clip.duration_s for film in films for clip in film.clips) > 9
    assert min(clip.duration_s for film in films for clip in film.clips) < 3
    assert len({film.product.name for film in films}) == len(films)
    assert len({film.product.kind.name for film in films}) > 30


def test_films_are_made_up_as_they_are_asked_for():
    """A range of any length costs nothing until it is gone through."""
    films = training_films("train", range(10**9))
    assert next(films).storyboard.seed == 0


def test_a_film_can_be_told_anew(split_films):
    """The same shots, another product of the same form and split, another script, the same every time."""
    film = split_films["train"][3]
    other = retold(film, 12_345)
    assert other == retold(film, 12_345)
    assert other.storyboard.shots == film.storyboard.shots
    assert other.product.kind.form == film.product.kind.form
    assert other.product.name != film.product.name
    assert [shot.narration for shot in other.script] != [shot.narration for shot in film.script]
