"""Which tokens of a storefront sample count in the loss where most plain words are left out."""

import numpy as np
import pytest

from narrator_ray.demo.films import retold, training_films
from narrator_ray.training.examples import IGNORED
from narrator_ray.training.nano.emphasis import emphasised, telling_pattern
from narrator_ray.training.packing import pack
from tests.training.videos import make_example

SMALLEST_SHARE = 1e-9


@pytest.fixture(scope="module")
def film():
    """One that names all there is to name."""
    return max(
        (retold(next(iter(training_films("train", [7]))), seed) for seed in range(20)),
        key=lambda film: sum(len(shot.mentions) + len(shot.facts) for shot in film.script),
    )


@pytest.fixture(scope="module")
def sample(film, narrator):
    """The film's clips in one sequence."""
    return pack(make_example(narrator.tokenizer, film.to_video("film", "film.mp4")))


def counted(sample, narrator):
    """The text of the tokens that count."""
    return narrator.tokenizer.decode(sample.labels[sample.labels != IGNORED])


def test_words_that_tell_something_always_count(film, sample, narrator):
    """Whatever is seen, and every fact, is still there when nothing else is; the rest is gone."""
    told = emphasised(sample, telling_pattern(film), narrator.tokenizer, SMALLEST_SHARE, 0)
    text = counted(told, narrator).lower()
    facts = [fact for shot in film.script for fact in shot.facts]
    assert len(facts) > 2
    assert all(fact.lower() in text for fact in facts)
    matches = [match[0] for shot in film.script for match in telling_pattern(film).finditer(shot.narration.lower())]
    assert len(matches) > len(film.script)
    assert all(match in text for match in matches)
    assert 0 < told.num_supervised < 0.8 * sample.num_supervised
    assert all(label in text for label in ("call to action", "product"))


def test_other_words_are_drawn_by_lot(film, sample, narrator):
    """More of them with a higher share, all with 1; another seed draws others, the same seed the same."""
    counts = [
        emphasised(sample, telling_pattern(film), narrator.tokenizer, share, 0).num_supervised
        for share in (0.2, 0.6, 1.0)
    ]
    assert counts[0] < counts[1] < counts[2] == sample.num_supervised
    first, again, other = (
        emphasised(sample, telling_pattern(film), narrator.tokenizer, 0.5, seed).labels for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nothing_but_the_loss_changes(film, sample, narrator):
    """The same tokens at the same places; what had no loss has none, and what counts is what stood there."""
    told = emphasised(sample, telling_pattern(film), narrator.tokenizer, 0.5, 0)
    assert np.array_equal(told.input_ids, sample.input_ids)
    is_counted = told.labels != IGNORED
    assert np.array_equal(told.labels[is_counted], sample.labels[is_counted])
