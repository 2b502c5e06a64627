"""Every metric gives its value or the reason why there is none, and the others go on."""

import pytest

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.errors import ConfigError
from narrator_ray.evaluation.narrated_clips import NarratedClip, read_narrated_clips
from narrator_ray.evaluation.run import TEXT_METRICS, checked_metrics, evaluate
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.evaluation.stories import join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics import extras
from narrator_ray.metrics.table import METRICS
from narrator_ray.records import Clip, KnowledgePoint, Product, Video
from tests.evaluation.mugs import LetterCounts, stories
from tests.metrics.golden import GOLDEN, SHARED, TOLERANCE, needs_golden, recorded

CHEAP = tuple(name for name in TEXT_METRICS if name != "meteor")


def characters(text: str) -> list[int]:
    """A tokenizer that any hand can compute."""
    return [ord(character) for character in text]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """All metrics but METEOR of the two mugs, by name, definition and variant."""
    directory = tmp_path_factory.mktemp("mugs")
    tools = Tools(tokenizer=characters, sentence_model=LetterCounts())
    found = evaluate(stories(directory), CHEAP, tools)
    assert all(isinstance(outcome, Score) for outcome in found), found
    return {(outcome.metric, outcome.definition, outcome.variant): outcome for outcome in found}


def test_every_metric_has_its_definitions_in_the_order_of_the_table(outcomes):
    """One score each, word length one per policy."""
    names = [name for name, _, _ in outcomes]
    assert sorted(set(names), key=names.index) == [name for name in METRICS if name in CHEAP]
    for name in CHEAP:
        assert {definition for metric, definition, _ in outcomes if metric == name} == METRICS[name].definitions


def test_standard_scores_what_released_leaves_out(outcomes):
    """Two of the four clips have a text too short or none."""
    released, standard = outcomes["bleu_1", "released", ""], outcomes["bleu_1", "standard", ""]
    assert (released.num_left_out, list(released.items)) == (2, ["red_0", "red_2"])
    assert (standard.num_left_out, len(standard.items)) == (0, 4)
    assert standard.items["red_0"] == pytest.approx(1)
    assert [standard.items[key] for key in ("blue_0", "blue_1")] == pytest.approx([0, 0], abs=1e-6)


def test_lengths_are_judged_under_every_policy_with_windows(outcomes):
    """Within three characters of the reference: all but the clip without narration. There are no explicit windows."""
    assert [variant for name, _, variant in outcomes if name == "word_length"] == ["reference", "rate"]
    reference = outcomes["word_length", "standard", "reference"]
    assert reference.items == {"red_0": 1, "red_2": 1, "blue_0": 1, "blue_1": 0}


def test_labels_are_judged_as_sets(outcomes):
    """Two of four are exact; one too many, and one that is no label."""
    assert outcomes["label_exact", "standard", ""].value == 0.5
    labels = outcomes["label_f1", "standard", ""].details["labels"]
    assert labels["call_to_action"] == {"clips": 1, "precision": 0, "recall": 0, "f1": 0}


def test_repetition_is_of_stories(outcomes):
    """The second red clip repeats two of its three words; the blue mug has one narration with words at most."""
    standard = outcomes["repetition", "standard", ""]
    assert standard.items == {"red": pytest.approx(2 / 3)}
    assert standard.num_left_out == 1


def test_released_info_sim_lacks_the_last_clip(outcomes):
    """Of the clips with narration the file's last is scored, as a clip without one follows."""
    assert list(outcomes["info_sim", "released", ""].items) == ["red_0", "red_2", "blue_0"]
    assert outcomes["info_sim", "standard", ""].items["blue_1"] == 0


def test_what_is_missing_is_said_and_the_others_go_on(tmp_path, monkeypatch):
    """No Java, no tokenizer, no sentence model."""
    monkeypatch.setattr(extras, "has_java", lambda: False)
    found = evaluate(stories(tmp_path), ("meteor", "info_sim", "cider_d"), Tools())
    reasons = {(item.metric, item.definition): item.reason for item in found if isinstance(item, NoScore)}
    assert "Java" in reasons["meteor", "standard"]
    assert "--tokenizer" in reasons["meteor", "released"]
    assert "--tokenizer" in reasons["cider_d", "released"]
    assert "--sentence-model" in reasons["info_sim", "standard"]
    assert [item.metric for item in found if isinstance(item, Score)] == ["cider_d"]


def test_english_has_the_standard_definitions_only():
    """The released code knows Chinese only."""
    product = Product("Red mug", (KnowledgePoint("effect", "keeps coffee warm"),))
    references = ("The red mug looks lovely.", "It keeps your coffee warm.")
    video = Video("mug", "mug.mp4", product, "en", (Clip(0, 3), Clip(3, 6)), narrations=references)
    narrated = [NarratedClip("mug", place, text, None) for place, text in enumerate(references)]
    found = evaluate(join(narrated, [video]).stories, ("bleu_4", "repetition", "label_exact", "spoken_fit"), Tools())
    values = {(item.metric, item.definition): item.value for item in found if isinstance(item, Score)}
    assert values["bleu_4", "standard"] == pytest.approx(1)
    assert values["repetition", "standard"] == 0
    assert values["spoken_fit", "standard"] == 1
    reasons = {(item.metric, item.definition): item.reason for item in found if isinstance(item, NoScore)}
    assert reasons["bleu_4", "released"] == "the released code knows Chinese only"
    assert "no clip has labels" in reasons["label_exact", "standard"]


def test_metrics_are_checked_by_name():
    """The nearest is named."""
    assert checked_metrics([]) == tuple(name for name in METRICS if name in TEXT_METRICS)
    assert checked_metrics(["repetition", "cider_d"]) == ("cider_d", "repetition")
    with pytest.raises(ConfigError, match="did you mean bleu_1"):
        checked_metrics(["bleu1"])


@needs_golden
def test_the_recorded_output_scores_what_the_released_code_printed():
    """From output.json and the data set's file to the numbers, one way through."""
    from sentencepiece import SentencePieceProcessor

    encode = SentencePieceProcessor(model_file=str(SHARED / "golden" / "tokenizer_ch" / "tokenizer.model")).encode
    videos = import_esyncvidstory(str(GOLDEN / "all_video_data.json"), "films", on_missing="unchecked").videos
    tools = Tools(encode, GOLDEN / "bert_tiny", str(SHARED / "data" / "words.txt"))
    found = evaluate(join(read_narrated_clips(str(GOLDEN / "output.json")), videos).stories, CHEAP, tools)
    values = {item.metric: item.value for item in found if isinstance(item, Score) and item.definition == "released"}
    captions = recorded("expected_caption.json.gz")["scores"]
    assert values == pytest.approx(
        {
            **{f"bleu_{n}": captions[f"bleu_{n}"] for n in range(1, 5)},
            "cider_d": captions["cider"],
            "info_sim": recorded("expected_info_sim.json.gz")["mean"],
            "info_diverse": recorded("expected_info_diverse.json.gz")["mean_per_time"],
            "repetition": recorded("expected_intra_repeat.json.gz")["mean"],
        },
        abs=TOLERANCE,
    )
