"""The stages of an evaluation, taken part by part, give the numbers of an evaluation in one go."""

import pyarrow as pa
import pytest

from narrator_ray.evaluation.run import assessments, evaluate, in_order
from narrator_ray.stages.judge_stories import PARTS, DecodeStories, MarkStories, SurveyStories, parts_of, results_of
from tests.evaluation.told import METRICS, assert_same, seven_stories, tiny_tools


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """Seven stories with films."""
    return seven_stories(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """Tiny random networks."""
    return tiny_tools(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def at_once(stories, tools):
    """Everything in one go."""
    return evaluate(stories, METRICS, tools)


@pytest.mark.parametrize("stories_per_part", [1, 3, 7])
def test_numbers_do_not_depend_on_the_parts(stories, tools, at_once, stories_per_part):
    """Surveyed, decoded and marked in parts that are finished in another order."""
    parts = list(parts_of(stories, stories_per_part))
    asked = dict(enumerate(assessments(stories, METRICS)))
    survey = SurveyStories({place: item for place, item in asked.items() if item.is_surveyed}, tools)
    surveys = [dict(results_of(survey(part))) for part in parts]
    merged = {number: found for some in surveys for number, found in some.items()}
    known = {
        place: item.merge([merged[number][place] for number in sorted(merged)])
        for place, item in asked.items()
        if item.is_surveyed
    }
    texts = MarkStories({place: item for place, item in asked.items() if item.scorer.place == "task"}, known, tools)
    models = MarkStories({place: item for place, item in asked.items() if item.scorer.place == "actor"}, known, tools)
    decode = DecodeStories(tools)
    found: dict[int, dict] = {}
    for part in reversed(parts):
        done = models(decode(texts(part)))
        assert done.schema == PARTS
        assert done["frames"].null_count == done.num_rows  # pictures do not travel further
        found |= dict(results_of(done))
    outcomes = [
        outcome
        for place, item in asked.items()
        for outcome in item.finish([found[number][place] for number in sorted(found)])
    ]
    assert_same(in_order(outcomes, METRICS), at_once)


def test_parts_hold_every_story_once(stories):
    """The last one is smaller."""
    table = pa.concat_tables(parts_of(stories, 3))
    assert table["part"].to_pylist() == [0, 1, 2]
