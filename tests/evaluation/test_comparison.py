"""Systems on the same stories: values, intervals, significance, groups, examples; as table, Markdown, JSON and page."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from narrator_ray.cli import app
from narrator_ray.errors import ConfigError, MetricError
from narrator_ray.evaluation.comparison import compare
from narrator_ray.evaluation.narrated_clips import NarratedClip, read_named
from narrator_ray.evaluation.paper import checked_rows, paper_value
from narrator_ray.evaluation.resampling import Resampling
from narrator_ray.evaluation.scores import Score
from narrator_ray.evaluation.tools import Tools
from narrator_ray.outputs.comparison_page import render_comparison
from narrator_ray.outputs.comparison_tables import to_json, to_markdown
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video
from tests.outputs.samples import HOSTILE_TEXTS

LABELS = (ScriptLabel.SORE_POINT, ScriptLabel.PRODUCT_EFFECT, ScriptLabel.CALL_TO_ACTION)
REFERENCES = ("Is your coffee cold again by nine?", "This red mug keeps it hot all day long.", "Get the red mug today.")
VIDEOS = tuple(
    Video(
        f"mug-{number}",
        "mug.mp4",
        Product(f"Red mug {number}", (KnowledgePoint("effect", "keeps coffee hot"),)),
        "en",
        (Clip(0, 3), Clip(3, 6), Clip(6, 9)),
        storyline=tuple((label,) for label in LABELS),
        narrations=tuple(f"{text} Number {number}." for text in REFERENCES),
    )
    for number in range(24)
)
METRICS = ("bleu_1", "cider_d", "label_f1", "repetition")


def narrated(rng: np.random.Generator, kept: float, last_kept: float | None = None) -> list[NarratedClip]:
    """References of which each word, and each label, is kept with some probability; the last clip's with another."""
    clips = []
    for video in VIDEOS:
        for place, text in enumerate(video.narrations):
            share = last_kept if last_kept is not None and place == 2 else kept
            words = [word if rng.random() < share else "stuff" for word in text.split()]
            label = LABELS[place] if rng.random() < share else ScriptLabel.OTHERS
            clips.append(NarratedClip(video.video_id, place, " ".join(words), (label,)))
    return clips


@pytest.fixture(scope="module")
def found():
    """A good system, one as good, and one that is worse and worst in the last clip."""
    rng = np.random.default_rng(0)
    systems = {"good": narrated(rng, 0.8), "alike": narrated(rng, 0.8), "worse": narrated(rng, 0.6, 0.2)}
    return compare(systems, VIDEOS, METRICS, Tools(), Resampling(400))


def test_what_is_worse_is_found_and_what_is_not_is_not(found):
    """By every metric that compares with references; intervals hold the value."""
    assert [metric.name for metric in found.metrics] == list(METRICS)
    for metric in found.metrics[:3]:
        _, alike, worse = metric.values
        assert not alike.is_significant
        assert worse.is_significant and not metric.is_better(worse)
        assert worse.difference_high < 0
        assert all(value.low <= value.value <= value.high for value in metric.values)


def test_a_corpus_metric_is_resampled_as_one(found):
    """BLEU-1 of all clips is not the mean of the clips'; its parts by label are BLEU of those clips."""
    bleu = found.metrics[0]
    assert [group.num_clips for group in bleu.labels] == [24, 24, 24]
    assert {group.name for group in bleu.labels} == {label.name_in("en") for label in LABELS}
    good, _, worse = zip(*(group.values for group in bleu.positions), strict=True)
    assert min(good) > 60
    assert worse[2] < min(worse[:2]) - 20


def test_stories_have_no_groups(found):
    """Repetition is of whole stories."""
    assert found.metrics[3].labels == found.metrics[3].positions == ()


def test_examples_are_the_worst_and_best_clips(found):
    """By CIDEr-D; where one loses, it is by its own texts."""
    assert found.examples_by == "CIDEr-D, standard"
    lists = dict(found.examples)
    worst, best = lists["Worst over all systems"], lists["Best over all systems"]
    assert sum(worst[0].scores) < sum(best[0].scores)
    loses = lists["worse loses most to good"]
    assert all(example.scores[2] < example.scores[0] for example in loses)
    assert loses[0].scores[2] - loses[0].scores[0] <= loses[-1].scores[2] - loses[-1].scores[0]
    assert loses[0].texts[2].count("stuff") > loses[0].texts[0].count("stuff")


def test_only_stories_that_all_tell_are_compared():
    """The others are counted; none in common is an error."""
    clips = narrated(np.random.default_rng(0), 0.9)
    some = [clip for clip in clips if clip.video_id != "mug-3"]
    found = compare({"all": clips, "some": some}, VIDEOS, ("repetition",), Tools(), Resampling(100))
    assert (found.num_stories, found.num_clips, found.num_left_out) == (23, 69, 1)
    ones, others = [clip for clip in clips if clip.video_id == "mug-1"], [clips[-1]]
    with pytest.raises(MetricError, match="no video in common"):
        compare({"one": ones, "other": others}, VIDEOS, ("repetition",), Tools(), Resampling(100))


def test_a_system_without_a_value_says_why(found):
    """And is not compared."""
    silent = [replace(clip, labels=None) for clip in narrated(np.random.default_rng(0), 0.9)]
    systems = {"silent": silent, "told": narrated(np.random.default_rng(1), 0.9)}
    metric = compare(systems, VIDEOS, ("label_exact",), Tools(), Resampling(100)).metrics[0]
    assert metric.values[0] is None
    assert metric.values[1].p_value is None
    assert metric.reason.startswith("silent: no clip has labels")


def test_markdown_and_json_say_it_all(found):
    """A line per metric; better or worse only where it is significant."""
    lines = to_markdown(found).splitlines()
    row = next(line for line in lines if line.startswith("| bleu_1"))
    assert row.count("|") == 11
    assert "worse |" in row and "better" not in row
    assert "## By script label" in lines and "## By clip of the story" in lines
    content = json.loads(json.dumps(to_json(found), allow_nan=False))
    assert content["systems"] == ["good", "alike", "worse"]
    assert content["metrics"][0]["values"][2]["p_value"] < 0.05


def test_nothing_hostile_gets_into_the_page():
    """Names and texts are escaped, and there is no script at all."""
    clips = [NarratedClip("mug-1", place, text, None) for place, text in enumerate(HOSTILE_TEXTS[:3])]
    found = compare({"<script>x</script>": clips, "b": clips}, VIDEOS, ("cider_d",), Tools(), Resampling(100))
    page = render_comparison(found)
    assert page.count("<script") == 0
    assert "&lt;script&gt;x&lt;/script&gt;" in page


def test_rows_of_the_paper_stand_beside_what_means_the_same():
    """Released definitions and the paper's own length policy, nothing else."""
    rows = checked_rows(["videonarrator", "all"])
    assert rows[0] == "videonarrator" and len(rows) == 12
    with pytest.raises(ConfigError, match="did you mean vtimellm"):
        checked_rows(["vtimelm"])
    scores = [
        Score("cider_d", "released", 0.3, {}),
        Score("cider_d", "standard", 0.3, {}),
        Score("word_length", "standard", 0.9, {}, variant="reference"),
        Score("word_length", "standard", 0.9, {}, variant="rate"),
        Score("label_exact", "standard", 0.9, {}),
    ]
    assert [paper_value("videonarrator", score) for score in scores] == [33.3, None, 98.1, None, None]


def test_systems_have_names():
    """Different ones, and two or more to compare."""
    with pytest.raises(ConfigError, match="two or more"):
        compare({"alone": []}, VIDEOS, ("repetition",), Tools(), Resampling(100))
    with pytest.raises(ConfigError, match=r"called 'output\.json'"):
        read_named(["one/output.json", "two/output.json"])


def test_the_command_writes_page_markdown_and_json(tmp_path, write_manifest):
    """And shows the table."""
    for name, kept in (("good", 0.9), ("worse", 0.4)):
        clips = narrated(np.random.default_rng(0), kept)
        output = {f"{clip.video_id}_{clip.clip_index}": {"0.1": clip.text} for clip in clips}
        (tmp_path / f"{name}.json").write_text(json.dumps(output))
    catalog = write_manifest([video.to_json() for video in VIDEOS])
    systems = [f"good={tmp_path / 'good.json'}", f"worse={tmp_path / 'worse.json'}"]
    options = ["--metrics", "cider_d,bleu_4", "--resamples", "100", "--examples-by", "cider_d", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["compare", *systems, "--references", catalog, *options])
    assert result.exit_code == 0, result.output
    assert "worse" in result.stdout and "24 stories, 72 clips; 0 stories not told by all" in result.stdout
    assert {path.name for path in tmp_path.glob("comparison.*")} == {
        "comparison.html",
        "comparison.md",
        "comparison.json",
    }
