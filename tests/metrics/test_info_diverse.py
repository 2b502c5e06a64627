"""InfoDiverse: facts told per second, one word a fact."""

import numpy as np
import pytest

from narrator_ray.errors import MetricError
from narrator_ray.metrics.info_diverse import (
    StoryWords,
    released_info_diverse,
    released_told,
    released_words,
    standard_info_diverse,
    standard_told,
    standard_words,
)
from narrator_ray.metrics.knowledge import released_points
from narrator_ray.metrics.words import TaggedWord
from tests.metrics.embedded import vectors
from tests.metrics.golden import TOLERANCE, needs_golden, recorded, stories, tagger, videos


def tagged(*words: str) -> list[TaggedWord]:
    """Words whose tags do not matter."""
    return [TaggedWord(word, "n") for word in words]


def turned(*degrees: float) -> np.ndarray:
    """Vectors of length 1 at those angles: within 25 degrees of each other one tells the other."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_released_words_are_different_ones_and_stand_ins():
    """A narration that brings no new word counts as a word itself, even an empty one."""
    words = released_words(["面霜很好", "面霜", ""], [tagged("面霜", "很", "好用"), tagged("面霜"), []])
    assert words == StoryWords(("面霜", "好用", "面霜", ""), 3)


def test_standard_words_are_different_ones():
    """And nothing else."""
    words = standard_words([tagged("面霜", "很", "好用"), tagged("面霜"), []])
    assert words == StoryWords(("面霜", "好用"), 3)


def test_a_word_tells_one_fact():
    """Two points beside one word: the first is told."""
    points, words = turned(0, 5), turned(2)
    assert released_told(points, words) == [0]
    assert len(standard_told(points, words)) == 1


def test_released_loses_a_point_whose_word_is_taken():
    """Both points are closest to the first word; the second would tell the second point as well."""
    points, words = turned(0, 4), turned(2, 20)
    assert released_told(points, words) == [0]
    assert standard_told(points, words) == [0, 1]


def test_standard_gives_words_away_again():
    """The first point takes the only word of the second, and then moves on to its other one."""
    points, words = turned(20, 0), turned(10, 40)
    assert standard_told(points, words) == [0, 1]


def test_distant_words_tell_nothing():
    """A cosine of 0.9 itself is not enough."""
    assert released_told(turned(0), turned(30, 90)) == standard_told(turned(0), turned(30, 90)) == []


def test_facts_are_counted_per_second():
    """Released only over clips with a narration; it fails where there are no words at all."""
    assert released_info_diverse(3, 20, 12) == standard_info_diverse(3, 12) == 0.25
    assert released_info_diverse(0, 20, 0) == 0
    for num_told, num_words, told_s in ((0, 0, 10), (1, 5, 0)):
        with pytest.raises(MetricError, match="the code fails"):
            released_info_diverse(num_told, num_words, told_s)


@needs_golden
def test_scores_are_those_of_the_released_code():
    """Per video, with the points that were covered, and on average."""
    expected = recorded("expected_info_diverse.json.gz")
    narrated = {video_id: story for video_id, story in stories().items() if story}
    assert [item["video"] for item in expected["per_video"]] == list(narrated)
    scores = []
    for item in expected["per_video"]:
        story = narrated[item["video"]]
        words = released_words(list(story.values()), [tagger(True).tag(text) for text in story.values()])
        assert list(words.texts) == item["vid_words"]
        points = released_points(videos()[item["video"]].product)[1:]
        told = released_told(vectors(points), vectors(words.texts))
        assert [points[place] for place in told] == item["covered"]
        times = [clip["time"] for clip in recorded("all_video_data.json")[f"{item['video']}.mp4"]["frames"]]
        told_s = sum(abs(times[number][1] - times[number][0]) for number in story)
        scores.append(released_info_diverse(len(told), words.num_words, told_s))
        assert scores[-1] == pytest.approx(item["per_time"], abs=TOLERANCE)
    assert np.mean(scores) == pytest.approx(expected["mean_per_time"], abs=TOLERANCE)


@needs_golden
def test_a_story_of_single_characters_fails_as_in_the_released_code():
    """There a division by zero."""
    assert "ZeroDivisionError" in recorded("expected_edge_cases.json")["info_diverse_only_single_chars"]["error"]
    words = released_words(["好"], [tagged("好")])
    with pytest.raises(MetricError):
        released_info_diverse(0, words.num_words, 5)
