"""An evaluation on Ray gives the numbers of one in this process, however it is spread out."""

import pytest

from narrator_ray.errors import ModelLoadError
from narrator_ray.evaluation.run import evaluate
from narrator_ray.evaluation.scores import Score
from narrator_ray.evaluation.tools import Tools
from tests.evaluation.told import METRICS, assert_same, seven_stories, tiny_tools

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """Seven stories with films."""
    return seven_stories(tmp_path_factory.mktemp("films"))


def test_numbers_do_not_depend_on_how_they_are_computed(local_ray, stories, tmp_path):
    """Parts of two stories and one model, parts of three and two models: all as in this process."""
    from narrator_ray.stages.evaluate import Parallelism, evaluate_on_ray

    tools = tiny_tools(tmp_path)
    here = evaluate(stories, METRICS, tools)
    assert {item.metric for item in here if isinstance(item, Score)} == set(METRICS)
    done = []
    for spread in (Parallelism(2, 1), Parallelism(3, 2)):
        assert_same(evaluate_on_ray(stories, METRICS, tools, spread, done.append), here)
    assert done[-1] == 7


def test_what_is_missing_is_said_and_a_broken_model_stops(local_ray, stories, tmp_path):
    """As in this process; Ray adds nothing to the message."""
    from narrator_ray.stages.evaluate import evaluate_on_ray

    metrics = ("cider_d", "info_sim", "emscore")
    assert evaluate_on_ray(stories, metrics, Tools()) == evaluate(stories, metrics, Tools())
    with pytest.raises(ModelLoadError, match="not a text encoder"):
        evaluate_on_ray(stories, ("info_sim",), Tools(sentence_model=tmp_path))
