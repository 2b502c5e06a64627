"""Records: plain values that survive JSON and refuse nonsense."""

import json

import pytest

from narrator_ray.errors import RejectReason
from narrator_ray.records import (
    Clip,
    KnowledgePoint,
    NarratedVideo,
    Narration,
    Product,
    Rejection,
    ScriptLabel,
    Video,
    parse_label,
)

MUG = Product("Sunny mug", (KnowledgePoint("effect", "keeps warm"), KnowledgePoint("price", "9 dollars")))


def through_json(value):
    """What a reader of the stored JSON gets."""
    return json.loads(json.dumps(value, ensure_ascii=False))


def test_a_video_survives_json_with_every_field_set():
    """Nothing of a manifest row is lost on its way through the graph."""
    video = Video(
        "v1",
        "/videos/v1.mp4",
        MUG,
        "en",
        clips=(Clip(0.0, 2.5), Clip(2.5, 4.0)),
        storyline=((ScriptLabel.SORE_POINT, ScriptLabel.PRODUCT_EFFECT), None),
        narrations=("One.", "Two."),
        word_ranges=((3, 9), (1, 4)),
        adapter="brand",
        extra={"sku": [1, {"a": None}]},
    )
    assert Video.from_json(through_json(video.to_json())) == video


def test_a_video_survives_json_with_only_what_is_required():
    """Optional fields stay absent."""
    video = Video("v1", "s3://bucket/v1.mp4", Product("杯子"), "zh")
    assert Video.from_json(through_json(video.to_json())) == video


def test_knowledge_is_grouped_by_category_in_order_of_appearance():
    """Points of one category stand together in the prompt."""
    points = [KnowledgePoint("a", "1"), KnowledgePoint("b", "2"), KnowledgePoint("a", "3")]
    assert list(Product("p", tuple(points)).by_category().items()) == [("a", ["1", "3"]), ("b", ["2"])]


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (float("nan"), 1.0)])
def test_a_clip_without_length_is_refused(start_s, end_s):
    """A clip is half-open and never empty."""
    with pytest.raises(ValueError, match="start_s"):
        Clip(start_s, end_s)


def test_a_result_survives_json():
    """The stored narration object holds everything the report shows."""
    narration = Narration(
        0,
        Clip(0.0, 2.0),
        (ScriptLabel.CALL_TO_ACTION,),
        "generated",
        "Buy one now.",
        3,
        2,
        8,
        2,
        (0.5,),
        0.9,
        (0.5, 1.5),
        ((ScriptLabel.CALL_TO_ACTION, 0.75), (ScriptLabel.OTHERS, 0.25)),
    )
    result = NarratedVideo("v", "k", "f", "/v.mp4", MUG, "en", (narration,), "pyav", 2.0, "nano", ("a note",))
    assert NarratedVideo.from_json(through_json(result.to_json())) == result


@pytest.mark.parametrize(("num_words", "is_in_window"), [(1, False), (2, True), (8, True), (9, False)])
def test_both_ends_of_a_window_belong_to_it(num_words, is_in_window):
    """A narration of exactly the lowest or highest length is inside."""
    narration = Narration(0, Clip(0, 2), (ScriptLabel.OTHERS,), "predefined", "x", num_words, 2, 8, 2, ())
    assert narration.is_in_window is is_in_window


@pytest.mark.parametrize(("spoken_s", "is_in_window"), [(0.9, False), (1.0, True), (2.0, True), (2.1, False)])
def test_a_window_in_seconds_decides_where_there_is_one(spoken_s, is_in_window):
    """Whatever the words."""
    clip = Clip(0, 2)
    narration = Narration(0, clip, (ScriptLabel.OTHERS,), "predefined", "x", 99, 2, 8, 2, (), spoken_s, (1.0, 2.0))
    assert narration.is_in_window is is_in_window


def test_a_rejection_survives_json():
    """Rejections travel with the rows and are published."""
    rejection = Rejection("v", "/v.mp4", "split_clips", RejectReason.VIDEO_EMPTY, "the file has no bytes")
    assert Rejection.from_json(through_json(rejection.to_json())) == rejection


@pytest.mark.parametrize("label", list(ScriptLabel))
def test_a_label_is_found_by_its_identifier_and_both_names(label):
    """Catalogues in both languages and tables of our own are understood."""
    names = (str(label), label.name_in("zh"), f" {label.name_in('en').upper()} ")
    assert {parse_label(name) for name in names} == {label}


def test_an_unknown_label_is_none():
    """The reader of a manifest says so, with the nearest name."""
    assert parse_label("product placement") is None


def test_the_first_clips_of_a_row_take_along_what_belongs_to_them():
    """What is given once a clip is cut with the clips; a row without clips, or with no more, stays as it is."""
    clips = (Clip(0.0, 1.0), Clip(1.0, 2.0))
    row = Video(
        "mug",
        "/v.mp4",
        Product("Mug"),
        "en",
        clips,
        narrations=("a", "b"),
        word_ranges=((1, 2), (3, 4)),
        storyline=None,
    )
    first = row.with_first_clips(1)
    assert (first.clips, first.narrations, first.word_ranges, first.storyline) == (clips[:1], ("a",), ((1, 2),), None)
    assert row.with_first_clips(2) is row
    found = Video("mug", "/v.mp4", Product("Mug"), "en")
    assert found.with_first_clips(1) is found
