"""Scores are written for people and for programs; the command shows them."""

import json

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from narrator_ray.cli import app
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.evaluation.summary import ITEMS, summary_rows, to_json, to_markdown, write
from tests.evaluation.mugs import write_output

OUTCOMES = [
    Score("cider_d", "standard", 0.333, {"a_0": 0.2, "a_1": 0.466}, num_left_out=1),
    Score("word_length", "standard", 0.5, {"a_0": 1.0, "a_1": 0.0}, variant="rate", chance=1 / 3),
    Score("info_sim", "released", float("nan"), {"a_0": float("nan")}),
    NoScore("meteor", "standard", "there is no Java"),
]
ROWS = [
    {
        "video_id": name,
        "video": f"{name}.mp4",
        "language": "zh",
        "product": {"name": "杯子", "knowledge": ["保温"]},
        "clips": [[0, 3], [3, 6]],
        "narrations": ["红色的杯子真好看。", "保温两个小时。"],
    }
    for name in ("red", "green")
]


def test_rows_say_metric_definition_and_value_in_the_papers_scale():
    """Or why there is none."""
    assert summary_rows(OUTCOMES) == [
        ("cider_d", "standard", "33.3", "", "points", "2", "1"),
        ("word_length (rate)", "standard", "50.0", "33.3", "percent", "2", "0"),
        ("info_sim", "released", "nan", "", "points", "1", "0"),
        ("meteor", "standard", "–", "", "there is no Java", "", ""),
    ]
    assert to_markdown(OUTCOMES).splitlines()[2] == "| cider_d | standard | 33.3 |  | points | 2 | 1 |"


def test_json_holds_values_reasons_and_no_nan():
    """What is no number is null."""
    content = json.loads(json.dumps(to_json(OUTCOMES), allow_nan=False))
    assert [score["value"] for score in content["scores"]] == [pytest.approx(33.3), 50.0, None]
    assert content["not_scored"] == [{"metric": "meteor", "definition": "standard", "reason": "there is no Java"}]


def test_prompts_of_judges_are_printed():
    """Once each, below the table."""
    details = {"model": "m", "prompt": "Rate it.\nFrom 0 to 3."}
    asked = [Score(f"judge_{name}", "standard", 2.346, {"a": 2.346}, details=details) for name in ("relevance", "gm")]
    lines = to_markdown(asked).splitlines()
    assert lines[2] == "| judge_relevance | standard | 2.35 |  | of 3 | 1 | 0 |"
    assert lines[4:] == ["", "Asked of m:", "", "    Rate it.", "    From 0 to 3."]


def test_files_are_written(tmp_path):
    """The items as plain Parquet."""
    written = write(OUTCOMES, str(tmp_path / "new"))
    names = ("evaluation.json", "evaluation.md", "items.parquet")
    assert written == [str(tmp_path / "new" / name) for name in names]
    items = pq.read_table(written[2])
    assert items.schema.equals(ITEMS)
    assert items.num_rows == 5


def test_the_command_shows_scores_and_what_was_not_judged(tmp_path, write_manifest):
    """One line a metric and definition; videos of one side only are counted."""
    arguments = [
        "--references",
        write_manifest(ROWS),
        "--metrics",
        "cider_d,repetition",
        "--out",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(app, ["evaluate", write_output(tmp_path), *arguments])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[:2] for line in lines[1:5]] == [
        ["cider_d", "released"],
        ["cider_d", "standard"],
        ["repetition", "released"],
        ["repetition", "standard"],
    ]
    assert "1 videos; 1 of the references without narrations, 1 narrated without references" in result.stdout
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["scores"]
