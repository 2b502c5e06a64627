"""A node of a training is killed with all its processes: by as many workers on other nodes, or by fewer, it goes on."""

from itertools import groupby

import pytest

from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.training.curves import Curves
from narrator_ray.training.learner import Learner
from narrator_ray.training.loop import TrainingLoop
from narrator_ray.training.samples import SampleStore, StoredSamples
from narrator_ray.training.training_set import places
from tests.integration.ground import told_by
from tests.integration.training_ground import (
    INTERVAL_STEPS,
    KILLED_AFTER_STEPS,
    PRESET,
    TRAININGS,
    fix_samples,
    folder_of,
    settings_of,
)

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(720)]


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> str:
    """Of all trainings."""
    return str(tmp_path_factory.mktemp("nodes"))


@pytest.fixture(scope="module")
def restarts(out) -> dict[str, list[tuple[int, int]]]:
    """The trainings, each through the death of a node: steps before and after every time that workers began anew."""
    fix_samples(out)
    return told_by("training_ground", out, patience_s=700)


def undisturbed(out: str, name: str) -> Curves:
    """The same training by one process that nobody disturbs."""
    recipe, folder = settings_of(name).training, folder_of(out, name)
    learnt, lengths = places(folder.training_set().learnt)
    samples = StoredSamples(SampleStore(folder.storage), learnt)
    learner, curves = Learner(prepare_model(find_preset(PRESET)), recipe), Curves()
    for report in TrainingLoop(learner, samples, recipe, lengths=lengths).run():
        curves.add_step(report, 1.0)
    return curves


@pytest.mark.parametrize("name", TRAININGS)
def test_the_steps_are_those_of_an_undisturbed_training(restarts, out, name):
    """Each once, in order, with the same samples and the same loss, whoever took it."""
    steps, expected = folder_of(out, name).curves().of_kind("step"), undisturbed(out, name).of_kind("step")
    for exact in ("step", "epoch", "num_supervised", "learning_rate"):
        assert [row[exact] for row in steps] == [row[exact] for row in expected]
    assert [row["loss"] for row in steps] == pytest.approx([row["loss"] for row in expected], rel=1e-3)
    assert steps[-1]["loss"] < 0.9 * steps[0]["loss"]


@pytest.mark.parametrize(("name", "num_restarts"), [("fixed", 1), ("elastic", 2)])
def test_one_interval_is_lost_at_most(restarts, name, num_restarts):
    """With the node, and when a worker is added; there were steps to lose, and a checkpoint to go on from."""
    assert len(restarts[name]) == num_restarts
    for taken, began_at in restarts[name]:
        assert 0 < began_at <= taken <= began_at + INTERVAL_STEPS
    assert restarts[name][0][0] >= KILLED_AFTER_STEPS


def test_one_worker_goes_on_where_two_stopped_and_another_joins_it(restarts, out):
    """A fixed number of workers stays what it is."""
    taken = {
        name: [
            count for count, _ in groupby(row["num_workers"] for row in folder_of(out, name).curves().of_kind("step"))
        ]
        for name in TRAININGS
    }
    assert taken == {"fixed": [2], "elastic": [2, 1, 2]}
