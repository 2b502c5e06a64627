"""A sheet that tells nothing, and what raters gave put together."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrator_ray.cli import app
from narrator_ray.errors import ConfigError, MetricError, SchemaError
from narrator_ray.evaluation.narrated_clips import NarratedClip, read_videos
from narrator_ray.evaluation.rating_sheet import make_sheet
from narrator_ray.evaluation.ratings import agreements, rate_systems, read_ratings
from narrator_ray.evaluation.resampling import Resampling
from narrator_ray.outputs.rating_page import SCALES, render_sheet
from narrator_ray.outputs.tables import narrations_table, to_parquet_bytes
from narrator_ray.records import Clip, Product, Video
from tests.outputs.samples import HOSTILE_TEXTS, narrated_video, row_of

VIDEOS = [
    Video(f"mug-{number}", f"/nowhere/mug-{number}.mp4", Product(f"Mug {number}"), "en", (Clip(0, 2), Clip(2, 5)))
    for number in range(6)
]


def told(system: str) -> list[NarratedClip]:
    """Two clips a video; the text tells the test, not the rater, who wrote it."""
    return [NarratedClip(v.video_id, place, f"Line {place} by {system}.", None) for v in VIDEOS for place in (0, 1)]


SYSTEMS = {"alpha-model": told("one"), "beta-model": told("two")}


def saved(directory, name: str, sheet: str, marks: dict) -> Path:
    """A file as the page saves it."""
    content = {"format": "narrator-ray.ratings/1", "sheet": sheet, "rater": name, "ratings": marks}
    file = directory / f"{name}.json"
    file.write_text(json.dumps(content))
    return file


def same(mark: int) -> dict[str, int]:
    """One mark on all scales."""
    return dict.fromkeys(SCALES, mark)


def test_the_sheet_names_no_system_and_shows_every_story():
    """Both systems' stories of a video follow each other, now one first and now the other."""
    sheet, key = make_sheet(SYSTEMS, VIDEOS)
    page = render_sheet(sheet)
    assert "alpha-model" not in page and "beta-model" not in page and "mug-3.mp4" in page
    assert len(sheet.stories) == 12
    first = [key["items"][story.item]["system"] for story in sheet.stories[::2]]
    assert set(first) == set(SYSTEMS)
    for one, other in zip(sheet.stories[::2], sheet.stories[1::2], strict=True):
        assert one.video == other.video
        assert {key["items"][story.item]["system"] for story in (one, other)} == set(SYSTEMS)
    order = [key["items"][story.item]["video_id"] for story in sheet.stories[::2]]
    assert order != sorted(order)


def test_the_key_says_whose_text_is_which():
    """By the texts."""
    sheet, key = make_sheet(SYSTEMS, VIDEOS, 4, seed=3)
    writer = {"alpha-model": "one", "beta-model": "two"}
    assert len(sheet.videos) == 4
    for story in sheet.stories:
        who = key["items"][story.item]
        assert story.lines[0][1] == f"Line 0 by {writer[who['system']]}."
        assert sheet.videos[story.video].name == f"Mug {who['video_id'][-1]}"
    assert make_sheet(SYSTEMS, VIDEOS, 4, seed=3)[1] == key
    assert make_sheet(SYSTEMS, VIDEOS, 4, seed=4)[1] != key


def test_only_videos_of_all_systems_are_rated():
    """None in common is an error."""
    some = [clip for clip in SYSTEMS["alpha-model"] if clip.video_id in ("mug-1", "mug-2")]
    assert len(make_sheet({"some": some, "all": SYSTEMS["beta-model"]}, VIDEOS)[0].videos) == 2
    with pytest.raises(MetricError, match="no video in common"):
        make_sheet({"some": some, "none": SYSTEMS["beta-model"][-1:]}, VIDEOS)


def test_nothing_hostile_ends_the_data():
    """Names and texts stay inside their block."""
    video = Video("v", "/v.mp4", Product(HOSTILE_TEXTS[1]), "en", (Clip(0, 2),))
    sheet, _ = make_sheet({"s": [NarratedClip("v", 0, HOSTILE_TEXTS[1], None)]}, [video])
    assert render_sheet(sheet).count("</script>") == 2


def test_means_geometric_mean_and_agreement(tmp_path):
    """Three videos, two raters: the second gives one mark less where that is possible."""
    sheet, key = make_sheet(SYSTEMS, VIDEOS, 3)
    key_file = tmp_path / "key.json"
    key_file.write_text(json.dumps(key))
    good = {item for item, who in key["items"].items() if who["system"] == "alpha-model"}
    three = dict(zip(SCALES, (3, 2, 1), strict=True))
    one = {item: three if item in good else same(1) for item in key["items"]}
    other = {item: {scale: mark - 1 for scale, mark in marks.items()} for item, marks in one.items()}
    files = [saved(tmp_path, "ada", sheet.sheet, one), saved(tmp_path, "bo", sheet.sheet, other)]
    ratings, items = read_ratings(files, key_file)
    best, worst = rate_systems(ratings, items, Resampling(100))
    assert (best.system, best.num_marks) == ("alpha-model", 6)
    assert best.means == {"relevance": 2.5, "attractiveness": 1.5, "coherence": 0.5}
    assert best.geometric_mean == pytest.approx((2.5 * 1.5 * 0.5) ** (1 / 3))
    assert best.low == pytest.approx(best.high)  # every video was rated alike
    assert worst.means["relevance"] == 0.5
    of_scale = {one.scale: one for one in agreements(ratings)}
    assert of_scale["relevance"].pearson == pytest.approx(1)
    assert of_scale["relevance"].alpha_interval < 1
    assert of_scale["coherence"].pearson is None


def test_stories_marked_in_part_do_not_count(tmp_path):
    """A rater who marked one scale of one story has not rated it."""
    sheet, key = make_sheet(SYSTEMS, VIDEOS, 2)
    key_file = tmp_path / "key.json"
    key_file.write_text(json.dumps(key))
    first, second, *_ = key["items"]
    file = saved(tmp_path, "ada", sheet.sheet, {first: same(2), second: {"relevance": 2}})
    rated = rate_systems(*read_ratings([file], key_file), Resampling(100))
    assert [(one.system, one.num_marks) for one in rated] == [(key["items"][first]["system"], 1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sheet": "other"}, "belongs to sheet other"),
        ({"format": "x"}, "expected a file of the format"),
        ({"ratings": {"nobody": {}}}, "does not know the item"),
        ({"ratings": []}, "expected marks by item"),
        ({"ratings": None}, "expected marks by item"),
    ],
)
def test_other_files_are_refused(tmp_path, change, message):
    """By name, with what is wrong."""
    sheet, key = make_sheet(SYSTEMS, VIDEOS, 2)
    (tmp_path / "key.json").write_text(json.dumps(key))
    file = tmp_path / "ada.json"
    saved(tmp_path, "ada", sheet.sheet, {})
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(SchemaError, match=rf"ada\.json: .*{message}"):
        read_ratings([file], tmp_path / "key.json")


def test_marks_are_whole_numbers_from_0_to_3_and_raters_are_one_each(tmp_path):
    """Neither 4 nor two files of one name."""
    sheet, key = make_sheet(SYSTEMS, VIDEOS, 2)
    (tmp_path / "key.json").write_text(json.dumps(key))
    item = next(iter(key["items"]))
    file = saved(tmp_path, "ada", sheet.sheet, {item: same(4)})
    with pytest.raises(SchemaError, match="expected 0 to 3, got 4"):
        read_ratings([file], tmp_path / "key.json")
    file = saved(tmp_path, "ada", sheet.sheet, {item: same(3)})
    with pytest.raises(SchemaError, match="another file already"):
        read_ratings([file, file], tmp_path / "key.json")


def test_the_command_makes_a_sheet_of_a_table_and_collects(tmp_path):
    """Where videos lie is in the table; from sheet to means, one way through."""
    results = [narrated_video("a", ("One.", "Two.")), narrated_video("b", ("Three.",))]
    table = narrations_table([(row_of(item), item) for item in results], "f00d")
    (tmp_path / "narrations.parquet").write_bytes(to_parquet_bytes(table))
    assert [len(video.clips) for video in read_videos(str(tmp_path / "narrations.parquet"))] == [2, 1]
    out, source = tmp_path / "sheet.html", f"ours={tmp_path / 'narrations.parquet'}"
    result = CliRunner().invoke(app, ["rate", source, "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "2 stories of 2 videos" in result.stdout
    key = json.loads((tmp_path / "sheet.key.json").read_text())
    files = [str(saved(tmp_path, name, key["sheet"], dict.fromkeys(key["items"], same(2)))) for name in ("ada", "bo")]
    options = ["--collect", "--key", str(tmp_path / "sheet.key.json"), "--out", str(tmp_path / "rated.json")]
    result = CliRunner().invoke(app, ["rate", *files, *options])
    assert result.exit_code == 0, result.output
    assert "2 raters, 2 stories" in result.stdout
    assert json.loads((tmp_path / "rated.json").read_text())["systems"][0]["geometric_mean"] == pytest.approx(2)


def test_a_released_file_does_not_say_where_videos_lie():
    """The catalogue does."""
    with pytest.raises(ConfigError, match="--references"):
        read_videos("ours=out/output.json")
