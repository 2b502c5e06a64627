"""What is learnt is fixed when a training begins, and products are held out whole."""

import pytest

from narrator_ray.config import Config, TrainingSettings
from narrator_ray.errors import ConfigError, RejectReason
from narrator_ray.records import Product, Rejection
from narrator_ray.runs.work import Fingerprints, WorkItem
from narrator_ray.storage.storage import Storage
from narrator_ray.training.folder import TrainingFolder, training_name
from narrator_ray.training.training_set import TrainingSet, VideoSamples, is_held_out, places
from tests.training.videos import make_video

REJECTED = Rejection("c", "/c.mp4", "build_samples", RejectReason.NO_REFERENCE, "no text")
PRINTS = Fingerprints("encoder", "narrator", "3")


def make_work(number: int, product: str) -> WorkItem:
    """A video of a product."""
    return WorkItem(make_video(number, product=Product(product)), "v", "f", f"n{number}", True, False)


def test_a_share_of_the_products_is_held_out():
    """About as many as asked for, all videos of a product alike, others with another seed."""
    settings = TrainingSettings(validation_fraction=0.2)
    held = [name for name in map(str, range(1000)) if is_held_out(make_work(1, name), settings)]
    assert 150 < len(held) < 250
    assert all(is_held_out(make_work(2, name), settings) for name in held)
    other = settings.model_copy(update={"seed": 1})
    assert held != [name for name in map(str, range(1000)) if is_held_out(make_work(1, name), other)]
    assert not is_held_out(make_work(1, held[0]), TrainingSettings(validation_fraction=0))


def test_the_set_is_fixed_by_who_comes_first(tmp_path):
    """It comes back as it was, and a second one does not replace it."""
    folder = TrainingFolder(Storage.open(str(tmp_path)), "tiny-1")
    assert folder.training_set() is None
    first = TrainingSet(
        (VideoSamples("a", "k1", (5, 6)),), (VideoSamples("b", "k2", (7,)),), (make_work(1, "x"),), (REJECTED,)
    )
    assert folder.fix(first) == first
    assert folder.fix(TrainingSet(first.learnt, (), (), ())) == first
    assert folder.training_set() == first
    assert (first.num_videos, first.reasons) == (3, {"no_reference": 1})
    assert places(first.learnt) == ([("k1", 0), ("k1", 1)], [5, 6])


def test_nothing_to_learn_is_said():
    """With the reasons."""
    with pytest.raises(ConfigError, match="1 no_reference"):
        TrainingSet((), (), (), (REJECTED,)).check()


@pytest.mark.parametrize(
    ("change", "is_other"),
    [
        ({"training": {"learning_rate": 1e-3}}, True),
        ({"training": {"zero_stage": 3}}, True),
        ({"training": {"validation_fraction": 0.5}}, True),
        ({"frames": {"fps": 2}}, True),
        ({"training": {"num_workers": 4, "checkpoint_every_steps": 7, "keep": "best"}}, False),
        ({"training": {"num_workers": 4, "min_workers": 2, "engine": "torch"}}, False),
        ({"run": {"videos_per_task": 9}}, False),
    ],
)
def test_a_training_is_named_by_what_it_learns(change, is_other):
    """So that the same command takes it up, with as many workers or others."""
    name = training_name("tiny", "catalog", Config(), PRINTS)
    assert (training_name("tiny", "catalog", Config.model_validate(change), PRINTS) != name) == is_other
    assert training_name("tiny", "other", Config(), PRINTS) != name
